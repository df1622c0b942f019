// Probes: the datagrams by which two peers find a way through their routers. 20 bytes:
// 4 of the kind, 16 of the receiver's token. It knows no sockets, nor when which is sent.
import { timingSafeEqual } from 'node:crypto'
import { TOKEN_BYTES } from './direct-frames.ts'

/** All of them are as long, so that an answer is no longer than what it answers. */
export const PROBE_BYTES = 20

export type ProbeKind =
  /** Looks whether it gets through. */
  | 'probe'
  /** A probe has come from there. */
  | 'answer'
  /** By the asking side: the path is this one. */
  | 'nominate'
  /** By the answering side: it has taken this path. */
  | 'confirm'

/** None begins as STUN does (two zero bits), or as a packet of UDX (0xFF). */
const kindTexts: Readonly<Record<ProbeKind, string>> = {
  probe: 'PPRB',
  answer: 'PANS',
  nominate: 'PNOM',
  confirm: 'PCNF'
}

const KIND_BYTES = 4
const kinds = new Map(Object.entries(kindTexts).map(([kind, text]) => [text, kind as ProbeKind]))

/** @param token of its receiver */
export function encodeProbe(kind: ProbeKind, token: Uint8Array): Uint8Array {
  const bytes = Buffer.allocUnsafe(PROBE_BYTES)
  bytes.write(kindTexts[kind], 'latin1')
  bytes.set(token, KIND_BYTES)
  return bytes
}

/** @returns undefined for any other datagram, and for a probe with another token than the reader's own */
export function decodeProbe(bytes: Uint8Array, token: Uint8Array): ProbeKind | undefined {
  if (bytes.byteLength !== PROBE_BYTES || token.byteLength !== TOKEN_BYTES) return undefined
  if (!timingSafeEqual(bytes.subarray(KIND_BYTES), token)) return undefined
  return kinds.get(Buffer.from(bytes.buffer, bytes.byteOffset, KIND_BYTES).toString('latin1'))
}
