// What is between this peer and one other: the record streams that are open,
// what was heard last, and which streams are one too many. Decides; sends
// nothing and sets no timers.
import { TokenBucket } from '../wire/index.ts'
import type { PeerId } from '@libp2p/interface'
import { RECORD_RATE } from './constants.ts'
import { compareRecords } from './presence-record.ts'
import type { VerifiedRecord } from './presence-record.ts'
import type { RecordStream } from './record-stream.ts'

/** What a record that came means. */
export type Heard = 'news' | 'known' | 'farewell' | 'observer' | 'other-network'

type Standing =
  | { readonly is: 'unheard' | 'left' | 'of-other-network' }
  /** It looks on: on no roster, and told of what we say for as long as it likes. */
  | { readonly is: 'observer' }
  /** Its record was told, and holds as long as a stream is open. */
  | { readonly is: 'told'; readonly verified: VerifiedRecord }
  /** Its record was told, and holds as long as it is connected; it is asked again within a lease. */
  | { readonly is: 'unkept' }

export class RecordLink {
  readonly peer: PeerId
  /** Of its records, over all its streams. */
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

  /** Whether to ask again while the peer stays connected: not one that has left, or says nothing for our roster. */
  get isWorthAsking(): boolean {
    const { is } = this.#standing
    return is === 'unheard' || is === 'told' || is === 'unkept'
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
    if (standing.is === 'told' && compareRecords(verified, standing.verified) <= 0) return 'known'
    if (!record.withdrawn) {
      this.#standing = { is: 'told', verified }
      return 'news'
    }
    this.#standing = { is: 'left' }
    return standing.is === 'left' ? 'known' : 'farewell'
  }

  /** @returns whether anybody was told of the peer and now has to be told of its end */
  end(cause: 'lost' | 'unkept'): boolean {
    const { is } = this.#standing
    if (is !== 'told' && !(is === 'unkept' && cause === 'lost')) return false
    this.#standing = { is: cause === 'unkept' ? 'unkept' : 'unheard' }
    return true
  }

  /**
   * The streams that this side is to close. The first one that the smaller peer
   * ID opened stays; each side closes what it opened itself, after records have
   * gone both ways on it. A peer without a place keeps none.
   *
   * @param opener who of the two has the smaller peer ID
   */
  surplus(opener: 'us' | 'them'): RecordStream[] {
    const exchanged = [...this.streams].filter((stream) => stream.exchanged)
    if (!this.isKept) return exchanged
    const kept = exchanged.find((stream) => stream.openedBy === opener)
    if (kept === undefined) return [] // the other side's stream may still come
    return exchanged.filter((stream) => stream !== kept && stream.openedBy === 'us')
  }
}
