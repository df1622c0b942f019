// Notices about rooms that fill up: once in a while and not for each message,
// with who fills them and what the user can do. It counts nothing and decides
// nothing.
import { LruMap } from '../lib/index.ts'
import { TokenBucket } from '../wire/index.ts'
import { MAX_TOLD_QUOTAS, ROOM_NOTICE_AGAIN_MS } from './constants.ts'
import type { DiskView } from './disk-room.ts'
import type { RoomUse } from './request-room.ts'
import { sizeText } from './size.ts'

export type RoomNews =
  /** The room for requests is nearly full: the largest holder gives way. */
  | { readonly is: 'crowded'; readonly use: RoomUse }
  /** Requests were deleted after a month without an answer. */
  | { readonly is: 'expired'; readonly strangers: number }
  /** A contact has used its share of the disk. */
  | { readonly is: 'over quota'; readonly peer: string; readonly quotaBytes: number }
  /** The disk is nearly full. */
  | { readonly is: 'disk low'; readonly freeBytes: number; readonly floorBytes: number }

export interface RoomNoticesInit {
  readonly now: () => number
  readonly tell: (news: RoomNews) => void
}

export class RoomNotices {
  readonly #init: RoomNoticesInit
  readonly #crowded: TokenBucket
  readonly #low: TokenBucket
  /** When the last notice about each contact was. */
  readonly #overQuota = new LruMap<string, number>(MAX_TOLD_QUOTAS)

  constructor(init: RoomNoticesInit) {
    const once = { burst: 1, perSecond: 1000 / ROOM_NOTICE_AGAIN_MS }
    this.#init = init
    this.#crowded = new TokenBucket(once, init.now())
    this.#low = new TokenBucket(once, init.now())
  }

  crowded(use: RoomUse): void {
    if (this.#crowded.take(1, this.#init.now()) === 1) this.#init.tell({ is: 'crowded', use })
  }

  /** @param peer whose quota is used up; undefined when it is the disk that is nearly full */
  refused(peer: string | undefined, { quotaBytes, freeBytes, floorBytes }: DiskView): void {
    const { now, tell } = this.#init
    if (peer !== undefined) {
      if (this.#isNewsOf(peer)) tell({ is: 'over quota', peer, quotaBytes })
    } else if (freeBytes !== undefined && this.#low.take(1, now()) === 1) {
      tell({ is: 'disk low', freeBytes, floorBytes })
    }
  }

  #isNewsOf(peer: string): boolean {
    const nowMs = this.#init.now()
    const toldAtMs = this.#overQuota.get(peer)
    if (toldAtMs !== undefined && nowMs - toldAtMs < ROOM_NOTICE_AGAIN_MS) return false
    this.#overQuota.set(peer, nowMs)
    return true
  }
}

/** In words, with what to do. @param name what a peer is called */
export function roomNewsText(news: RoomNews, name: (peer: string) => string): string {
  switch (news.is) {
    case 'crowded': {
      const { messages, limit, strangers, largest } = news.use
      const from = largest === undefined ? '' : `, ${largest.messages} of them from ${largest.origin}`
      return (
        `the room for strangers' messages is nearly full: ${messages} of ${limit} messages, from ${strangers} strangers${from}. ` +
        'The oldest requests of the largest sender give way to new ones. /requests clear deletes all that wait'
      )
    }
    case 'expired': {
      const whose = news.strangers === 1 ? 'a stranger who' : `${news.strangers} strangers who`
      return `deleted the messages of ${whose} had waited for an answer for a month`
    }
    case 'over quota':
      return (
        `messages from ${name(news.peer)} are no longer stored: they take ${sizeText(news.quotaBytes)}, the limit for one ` +
        `contact on this disk. /forget ${name(news.peer)} deletes the conversation; --contact-quota sets the limit`
      )
    case 'disk low':
      return (
        `no messages are stored: the disk with the history has ${sizeText(news.freeBytes)} free, and ` +
        `${sizeText(news.floorBytes)} must stay free. Free some space; --min-free sets the limit`
      )
  }
}
