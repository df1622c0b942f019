// Whether a directory takes what a client announces: its pace, its proof, its
// network, and that nothing newer is known. Answers refusals; changes no roster.
import { equals } from 'uint8arrays/equals'
import { OTHER_NETWORK_RETRY_MS, RETRY_BOUNDS_MS } from '../redial-delay.ts'
import type { DirectorySession } from './directory-session.ts'
import { BadRecordError, compareRecords, openRecord } from '../../presence/index.ts'
import type { Roster, VerifiedRecord } from '../../presence/index.ts'

interface AnnounceAdmissionInit {
  readonly roster: Roster
  readonly network: string
  readonly now: () => number
  readonly log: (message: string, ...details: unknown[]) => void
}

export class AnnounceAdmission {
  readonly #init: AnnounceAdmissionInit

  constructor(init: AnnounceAdmissionInit) {
    this.#init = init
  }

  /**
   * @returns the record, of the client at the other end of the session and the newest known; undefined when the
   *   client was refused
   * @throws PresenceProtocolError when the client goes on in spite of many refusals
   */
  async admit(
    session: DirectorySession,
    type: 'announce' | 'withdraw',
    envelope: Uint8Array,
    signal: AbortSignal
  ): Promise<VerifiedRecord | undefined> {
    const { roster, network, now } = this.#init
    const waitMs = session.rates.announce.takeOne(now())
    if (waitMs > 0) {
      session.refuse('too-fast', waitMs)
      return undefined
    }
    const record = await this.#open(session, envelope, signal)
    if (record === undefined || record.record.withdrawn !== (type === 'withdraw')) {
      session.refuse('bad-record', RETRY_BOUNDS_MS.max)
      return undefined
    }
    if (record.record.network !== network) {
      session.refuse('other-network', OTHER_NETWORK_RETRY_MS)
      return undefined
    }
    const newest = roster.newest(record.record.peer.toString())
    if (newest !== undefined && compareRecords(record, newest) < 0) {
      session.refuse('stale', 0, newest.envelope)
      return undefined
    }
    return record
  }

  async #open(
    session: DirectorySession,
    envelope: Uint8Array,
    signal: AbortSignal
  ): Promise<VerifiedRecord | undefined> {
    const expectedPeer = session.connection.remotePeer
    // A renewal is the same bytes again, which were found to be good: nothing of the cost of a directory at rest is larger.
    const held = this.#init.roster.newest(expectedPeer.toString())
    if (held !== undefined && equals(held.envelope, envelope)) return held
    try {
      return await openRecord(envelope, { expectedPeer, signal })
    } catch (error) {
      if (!(error instanceof BadRecordError)) throw error
      this.#init.log('refused a record from %p - %e', expectedPeer, error)
      return undefined
    }
  }
}
