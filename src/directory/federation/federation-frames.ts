// What directories say to each other, as closed unions: the messages of the
// presence topic and the frames of /chat/federation/1.0.0. Knows bytes and their
// bounds, and neither what an envelope holds nor who may send it.
import { multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { MAX_ADDRESSES } from '../constants.ts'
import { decodePeerId, encodePeerId } from '../peer-id-bytes.ts'
import {
  DIGEST_BYTES,
  MAX_FELLOW_ADDRESS_BYTES,
  MAX_FELLOWS,
  MAX_KNOWN_DIRECTORIES,
  MAX_PAGE_UPDATES,
  MAX_PAGE_WITHDRAWALS
} from './constants.ts'
import { fellowRefusal } from './fellow-errors.ts'
import type { FellowRefusal } from './fellow-errors.ts'
import { FederationFrame as PbFrame, Gossip as PbGossip } from './pb/federation.ts'
import type { Update as PbUpdate } from './pb/federation.ts'

/** A statement and, where it attaches a peer, the record that it speaks of. */
export interface WireUpdate {
  readonly statement: Uint8Array
  readonly record?: Uint8Array
  /** For how long the peer has been attached. */
  readonly forMs: number
}

/** A message of the presence topic. */
export interface Gossip {
  readonly updates: readonly WireUpdate[]
  /** Records with which peers have left. */
  readonly withdrawals: readonly Uint8Array[]
  readonly heartbeat?: Uint8Array
}

/** What the sender has of one directory. Only the heartbeat is that directory's own word. */
export interface WireDigest {
  readonly directory: PeerId
  readonly epoch: bigint
  readonly counter: bigint
  readonly digest: Uint8Array
  readonly count: number
  readonly heartbeat?: Uint8Array
  readonly heardAgoMs: number
}

export interface WireFellow {
  readonly peer: PeerId
  readonly addresses: readonly Multiaddr[]
}

export type FederationFrame =
  | {
      readonly type: 'hello'
      readonly network: string
      readonly digests: readonly WireDigest[]
      readonly fellows: readonly WireFellow[]
    }
  | {
      readonly type: 'ask'
      readonly directory: PeerId
      /** Absent: the asker knows none, and wants everything. */
      readonly epoch?: bigint
      /** 0: everything. */
      readonly afterCounter: bigint
    }
  | { readonly type: 'ask-withdrawals' }
  | {
      readonly type: 'page'
      readonly directory: PeerId
      /** Of the statements; absent when the sender knows nothing of the directory. */
      readonly epoch?: bigint
      readonly updates: readonly WireUpdate[]
      readonly last: boolean
    }
  | { readonly type: 'page-withdrawals'; readonly withdrawals: readonly Uint8Array[]; readonly last: boolean }
  /** The last frame of its sender: the other is not joined, or not any more. */
  | { readonly type: 'refuse'; readonly reason: FellowRefusal; readonly retryAfterMs: number }

type UpdateLimits = { readonly updates: number; readonly withdrawals: number }
const pageLimits: UpdateLimits = { updates: MAX_PAGE_UPDATES, withdrawals: MAX_PAGE_WITHDRAWALS }

/** @throws on what is no protobuf or over a limit */
export function decodeGossip(bytes: Uint8Array): Gossip {
  const { updates, withdrawals, heartbeat } = PbGossip.decode(bytes, { limits: pageLimits })
  return { updates: updates.map(readUpdate), withdrawals, ...(heartbeat === undefined ? {} : { heartbeat }) }
}

export function encodeGossip({ updates, withdrawals, heartbeat }: Gossip): Uint8Array {
  return PbGossip.encode({
    updates: updates.map(writeUpdate),
    withdrawals: withdrawals.map(own),
    ...(heartbeat === undefined ? {} : { heartbeat: own(heartbeat) })
  })
}

/**
 * @returns undefined for a frame of a later version, or one that names something that is no peer ID
 * @throws on what is no protobuf or over a limit
 */
export function decodeFederationFrame(bytes: Uint8Array): FederationFrame | undefined {
  const { hello, ask, page, refuse } = PbFrame.decode(bytes, {
    limits: {
      // The sender itself stands beside all whom it knows.
      hello: { digests: MAX_KNOWN_DIRECTORIES + 1, fellows: MAX_FELLOWS, fellows$: { addresses: MAX_ADDRESSES } },
      page: pageLimits
    }
  })
  if (hello !== undefined) {
    return {
      type: 'hello',
      network: hello.network,
      digests: hello.digests.flatMap(readDigest),
      fellows: hello.fellows.flatMap(readFellow)
    }
  }
  if (ask !== undefined) {
    if (ask.withdrawals) return { type: 'ask-withdrawals' }
    const directory = decodePeerId(ask.directory)
    if (directory === undefined) return undefined
    return { type: 'ask', directory, ...epochOf(ask), afterCounter: ask.afterCounter }
  }
  if (page !== undefined) {
    const { updates, withdrawals, last } = page
    if (page.directory.byteLength === 0) return { type: 'page-withdrawals', withdrawals, last }
    const directory = decodePeerId(page.directory)
    if (directory === undefined) return undefined
    return { type: 'page', directory, ...epochOf(page), updates: updates.map(readUpdate), last }
  }
  if (refuse !== undefined) {
    return { type: 'refuse', reason: fellowRefusal(refuse.reason), retryAfterMs: refuse.retryAfterMs }
  }
  return undefined
}

/** The tag of a Hello, with which its frame begins. */
const HELLO_TAG = 0x0a

/** Whether the frame is a Hello, found out without decoding it: that costs more than any other frame. */
export function isHello(bytes: Uint8Array): boolean {
  return bytes[0] === HELLO_TAG
}

export function encodeFederationFrame(frame: FederationFrame): Uint8Array {
  switch (frame.type) {
    case 'hello': {
      const { network, digests, fellows } = frame
      return PbFrame.encode({
        hello: { network, digests: digests.map(writeDigest), fellows: fellows.map(writeFellow) }
      })
    }
    case 'ask': {
      const { directory, afterCounter } = frame
      const ask = { directory: encodePeerId(directory), ...epochOf(frame), afterCounter, withdrawals: false }
      return PbFrame.encode({ ask })
    }
    case 'ask-withdrawals':
      return PbFrame.encode({ ask: { directory: new Uint8Array(), afterCounter: 0n, withdrawals: true } })
    case 'page': {
      const { directory, updates, last } = frame
      const page = { directory: encodePeerId(directory), updates: updates.map(writeUpdate), withdrawals: [], last }
      return PbFrame.encode({ page: { ...page, ...epochOf(frame) } })
    }
    case 'page-withdrawals': {
      const { withdrawals, last } = frame
      const page = { directory: new Uint8Array(), updates: [], withdrawals: withdrawals.map(own), last }
      return PbFrame.encode({ page })
    }
    case 'refuse': {
      const { reason, retryAfterMs } = frame
      return PbFrame.encode({ refuse: { reason, retryAfterMs } })
    }
  }
}

function readUpdate({ statement, record, forMs }: PbUpdate): WireUpdate {
  return { statement, ...(record === undefined ? {} : { record }), forMs: fromWireMs(forMs) }
}

function writeUpdate({ statement, record, forMs }: WireUpdate): PbUpdate {
  return {
    statement: own(statement),
    ...(record === undefined ? {} : { record: own(record) }),
    forMs: toWireMs(forMs)
  }
}

/** A digest of something that is no directory, or no digest, is left out; it must not cost the Hello. */
function readDigest({ heardAgoMs, ...wire }: PbFrame.Digest): WireDigest[] {
  const directory = decodePeerId(wire.directory)
  if (directory === undefined || wire.digest.byteLength !== DIGEST_BYTES) return []
  return [{ ...wire, directory, heardAgoMs: fromWireMs(heardAgoMs) }]
}

function writeDigest({ directory, epoch, counter, digest, count, heartbeat, heardAgoMs }: WireDigest): PbFrame.Digest {
  return {
    directory: encodePeerId(directory),
    epoch,
    counter,
    digest: own(digest),
    count,
    ...(heartbeat === undefined ? {} : { heartbeat: own(heartbeat) }),
    heardAgoMs: toWireMs(heardAgoMs)
  }
}

function readFellow({ peer: bytes, addresses }: PbFrame.Fellow): WireFellow[] {
  const peer = decodePeerId(bytes)
  return peer === undefined ? [] : [{ peer, addresses: addresses.flatMap(readAddress) }]
}

function writeFellow({ peer, addresses }: WireFellow): PbFrame.Fellow {
  return { peer: encodePeerId(peer), addresses: addresses.map(({ bytes }) => own(bytes)) }
}

/** An address of a kind that this version does not know is left out, and one that is longer than any address. */
function readAddress(bytes: Uint8Array): Multiaddr[] {
  if (bytes.byteLength > MAX_FELLOW_ADDRESS_BYTES) return []
  try {
    const address = multiaddr(bytes.slice())
    return address.getComponents().length === 0 ? [] : [address]
  } catch {
    return []
  }
}

function epochOf({ epoch }: { readonly epoch?: bigint | undefined }): { epoch?: bigint } {
  return epoch === undefined ? {} : { epoch }
}

function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

function toWireMs(ms: number): bigint {
  return Number.isFinite(ms) ? BigInt(Math.max(0, Math.round(ms))) : BigInt(Number.MAX_SAFE_INTEGER)
}

function fromWireMs(ms: bigint): number {
  return ms > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(ms)
}
