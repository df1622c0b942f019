// Statements, heartbeats and records for tests of the pure state, which checks
// no signature: they are made without any, so that thousands cost nothing.
import type { Logger, PeerId } from '@libp2p/interface'
import type { VerifiedHeartbeat, VerifiedStatement } from '../../../src/directory/statement.ts'
import type { VerifiedRecord } from '../../../src/presence/index.ts'
import { presence } from '../../presence/records.ts'

export function record(peer: PeerId, seq: bigint, withdrawn = false): VerifiedRecord {
  const payload = Buffer.from(`${peer.toString()} ${seq} ${withdrawn}`)
  return { record: { ...presence, peer, seq, withdrawn }, envelope: payload, payload }
}

export interface Word {
  readonly epoch?: bigint
  readonly counter: bigint
  readonly seq?: bigint
  readonly attached?: boolean
}

/** @returns a statement of a directory, with its record where it attaches */
export function word(
  directory: PeerId,
  peer: PeerId,
  over: Word
): { statement: VerifiedStatement; record?: VerifiedRecord } {
  const { epoch = 1n, counter, seq = 1n, attached = true } = over
  const statement = { directory, network: 'test', epoch, counter, peer, seq, attached }
  const sealed = { statement, envelope: Buffer.from(`${directory.toString()} ${epoch} ${counter}`) }
  return attached ? { statement: sealed, record: record(peer, seq) } : { statement: sealed }
}

export interface Beat {
  readonly epoch?: bigint
  readonly beat: bigint
  readonly counter?: bigint
  readonly digest?: Uint8Array
  readonly count?: number
}

/** @returns a heartbeat of a directory that has said nothing, unless told otherwise */
export function beat(directory: PeerId, over: Beat): VerifiedHeartbeat {
  const { epoch = 1n, counter = 0n, digest = new Uint8Array(32), count = 0 } = over
  const heartbeat = { directory, network: 'test', epoch, counter, beat: over.beat, digest, count }
  return { heartbeat, envelope: Buffer.from(`beat of ${directory.toString()} ${epoch} ${over.beat}`) }
}

const nothing = (): void => undefined

/** A log that nobody reads. */
export const silent: Logger = Object.assign(() => undefined, {
  enabled: false,
  error: nothing,
  trace: Object.assign(() => undefined, { enabled: false }),
  newScope: () => silent
})
