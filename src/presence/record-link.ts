// The exchange of records with one peer: the open record streams, the last record, and
// which streams are superfluous. It decides; it sends nothing and sets no timers.
import { elected, TokenBucket } from '../wire/index.ts'
import type { Opener } from '../wire/index.ts'
import type { PeerId } from '@libp2p/interface'
import { RECORD_RATE } from './record-stream.ts'
import { compareRecords } from './presence-record.ts'
import type { VerifiedRecord } from './presence-record.ts'
import type { RecordStream } from './record-stream.ts'

/** What a record from the peer means. */
type Heard = 'news' | 'known' | 'farewell' | 'observer' | 'other-network'

type Standing =
  | { readonly is: 'unheard' | 'left' | 'of-other-network' }
  /** It only looks: it is on no roster, and gets our records. */
  | { readonly is: 'observer' }
  /** Its record was reported, and is valid as long as a stream is open. */
  | { readonly is: 'reported'; readonly verified: VerifiedRecord }
  /** Its record was reported, and is valid as long as it is connected; it is asked again within a lease. */
  | { readonly is: 'unkept' }

export class RecordLink {
  readonly peer: PeerId
  /** The rate of its records, over all its streams. */
  readonly rate: TokenBucket
  readonly streams = new Set<RecordStream>()
  /** It has one of the places for streams that stay open. */
  isKept = false
  failures = 0
  reopen: ReturnType<typeof setTimeout> | undefined
  #standing: Standing = { is: 'unheard' }

  constructor(peer: PeerId, nowMs: number) {
    this.peer = peer
    this.rate = new TokenBucket(RECORD_RATE, nowMs)
  }

  /** Whether to ask again while the peer stays connected: not if it has left, or is not for our roster. */
  get isWorthAsking(): boolean {
    const { is } = this.#standing
    return is === 'unheard' || is === 'reported' || is === 'unkept'
  }

  hear(verified: VerifiedRecord, network: string): Heard {
    this.failures = 0
    const { record } = verified
    if (record.network === '') {
      this.#standing = { is: record.withdrawn ? 'left' : 'observer' }
      return 'observer'
    }
    if (record.network !== network) {
      this.#standing = { is: 'of-other-network' }
      return 'other-network'
    }
    const standing = this.#standing
    if (standing.is === 'reported' && compareRecords(verified, standing.verified) <= 0) return 'known'
    if (!record.withdrawn) {
      this.#standing = { is: 'reported', verified }
      return 'news'
    }
    this.#standing = { is: 'left' }
    return standing.is === 'left' ? 'known' : 'farewell'
  }

  /** @returns whether the peer was reported, so that its end must be reported too */
  end(cause: 'lost' | 'unkept'): boolean {
    const { is } = this.#standing
    if (is !== 'reported' && !(is === 'unkept' && cause === 'lost')) return false
    this.#standing = { is: cause === 'unkept' ? 'unkept' : 'unheard' }
    return true
  }

  /**
   * The streams for this side to close. The first one that the smaller peer ID opened stays; each side closes the streams
   * that it opened, after records have gone both ways on them. A peer without a place keeps none.
   *
   * @param preferred the side whose stream stays
   */
  surplus(preferred: Opener): RecordStream[] {
    const exchanged = [...this.streams].filter((stream) => stream.exchanged)
    if (!this.isKept) return exchanged
    const kept = elected(exchanged, preferred)
    if (kept?.openedBy !== preferred) return [] // a stream of that side may still come
    return exchanged.filter((stream) => stream !== kept && stream.openedBy === 'us')
  }
}
