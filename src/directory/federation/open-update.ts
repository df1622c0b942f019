// Opens what another directory brings: the statement, and the record that it
// speaks of, which must belong together. Knows signatures and networks; what
// became of either here before, the state knows.
import type { PeerId } from '@libp2p/interface'
import { openRecord } from '../presence-record.ts'
import type { VerifiedRecord } from '../presence-record.ts'
import { BadStatementError } from './errors.ts'
import type { WireUpdate } from './federation-frames.ts'
import { openStatement } from './statement.ts'
import type { VerifiedStatement } from './statement.ts'

export interface OpenUpdateInit {
  /** Anything of another network is refused. */
  readonly network: string
  /** The newest record that is known of a peer: the same bytes need not be verified twice. */
  readonly newest?: (peer: string) => VerifiedRecord | undefined
  /** The peer ID of a directory that is known already: thousands of its statements can share it. */
  readonly author?: (directory: string) => PeerId | undefined
  readonly signal?: AbortSignal
}

export interface OpenedUpdate {
  readonly statement: VerifiedStatement
  /** With every statement that attaches, and with no other. */
  readonly record?: VerifiedRecord
  readonly forMs: number
}

/**
 * @throws BadStatementError when the statement, or the record beside it, is not what it must be
 * @throws BadRecordError when the record proves nothing
 */
export async function openUpdate(update: WireUpdate, init: OpenUpdateInit): Promise<OpenedUpdate> {
  const options = init.signal === undefined ? {} : { signal: init.signal }
  const statement = await openStatement(update.statement, options)
  const { directory, peer, seq, network, attached } = statement.statement
  if (network !== init.network) throw new BadStatementError('bad-network', 'the statement is of another network')
  if (!attached) return { statement, forMs: update.forMs }
  if (update.record === undefined) throw new BadStatementError('other-record', 'the statement came without its record')
  const newest = init.newest?.(peer.toString())
  const isKnown = newest !== undefined && Buffer.compare(newest.envelope, update.record) === 0
  const record = isKnown ? newest : await openRecord(update.record, { expectedPeer: peer, ...options })
  if (record.record.network !== network) throw new BadStatementError('bad-network', 'the record is of another network')
  if (record.record.seq !== seq || record.record.withdrawn) {
    throw new BadStatementError(
      'other-record',
      `the statement speaks of the record ${seq}, and came with ${record.record.seq}${record.record.withdrawn ? ', a withdrawal' : ''}`
    )
  }
  const shared = { directory: init.author?.(directory.toString()) ?? directory, network: init.network }
  return {
    statement: { ...statement, statement: { ...statement.statement, ...shared, peer: record.record.peer } },
    record,
    forMs: update.forMs
  }
}
