// Tells a connected Parley from another chat program, and from a directory: by the
// record probe first, then by whether the peer runs identify, and under which agent
// name. An identify that fails is not an absent one: py-libp2p with an RSA key serves
// one that js-libp2p can't read.
import type { Identify } from '@libp2p/identify'
import type { Connection, PeerStore } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { chatProtocolId, type PeerKind } from '../../chat-protocol/index.ts'
import { DIRECTORY_PROTOCOL } from '../../directory/index.ts'

/** identify answers in one round trip; a peer that does not answer in time counts as running it. */
export const IDENTIFY_TIMEOUT_MS = 5_000

type RecordVerdict = 'parley' | 'foreign' | 'undecided'

export interface PeerKindInit {
  readonly probe: (connection: Connection, options: { signal: AbortSignal }) => Promise<RecordVerdict>
  readonly identify: Pick<Identify, 'identify'>
}

export async function peerKindOf(
  connection: Connection,
  init: PeerKindInit,
  options: { signal: AbortSignal }
): Promise<PeerKind> {
  const verdict = await init.probe(connection, options)
  if (verdict !== 'foreign') return { kind: verdict }
  return { kind: 'foreign', agent: await agentOf(connection, init.identify, options.signal) }
}

/** @returns its agent name, empty when that can't be read, undefined when it runs no identify */
async function agentOf(
  connection: Connection,
  identify: Pick<Identify, 'identify'>,
  signal: AbortSignal
): Promise<string | undefined> {
  try {
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(IDENTIFY_TIMEOUT_MS)])
    const result = await identify.identify(connection, { signal: deadline })
    return result.agentVersion ?? ''
  } catch (error) {
    signal.throwIfAborted()
    return error instanceof Error && error.name === 'UnsupportedProtocolError' ? undefined : ''
  }
}

/** Whether identify, or a stream that was open, has shown that the peer is a directory and does not chat. */
export async function isDirectory(peerStore: Pick<PeerStore, 'get'>, peer: string): Promise<boolean> {
  const known = await peerStore.get(peerIdFromString(peer)).catch(() => undefined)
  const protocols = known?.protocols ?? []
  return protocols.includes(DIRECTORY_PROTOCOL) && !protocols.includes(chatProtocolId)
}
