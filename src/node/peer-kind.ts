// Tells a connected Parley from a foreign chat: by the record probe first, then
// by whether it runs identify, and under what name. An identify that fails is
// not an identify that is absent: py-libp2p with an RSA key serves one that
// js-libp2p can't read.
import type { Identify } from '@libp2p/identify'
import type { Connection } from '@libp2p/interface'
import type { PeerKind } from '../chat-protocol/index.ts'
import { IDENTIFY_TIMEOUT_MS } from './constants.ts'

export type RecordVerdict = 'parley' | 'foreign' | 'undecided'

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

/** @returns the name it goes by, empty when it can't be read, undefined when it runs no identify */
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
