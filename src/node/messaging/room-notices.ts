// Notices about rooms that fill up, and about failures that each try meets again:
// once in a while and not for each message, with the peer that fills the room and
// what the user can do. It counts nothing and decides nothing.
import { MAX_TEXT_BYTES } from '../../chat-protocol/index.ts'
import { LruMap } from '../../lib/index.ts'
import { TokenBucket } from '../../wire/index.ts'
import { MAX_HELD_PER_STRANGER } from './request-room.ts'
import type { DiskView } from './disk-room.ts'
import type { RoomUse } from './request-room.ts'
import { sizeText } from '../config/setting-values.ts'

/** How soon a notice about a full room, or a contact over its quota, may repeat. */
export const ROOM_NOTICE_AGAIN_MS = 600_000

/** Notes to the user about lost messages whose sender can't be notified come at this pace; the rest are counted. */
export const UNKEPT_NOTICE_RATE = { burst: 5, perSecond: 0.1 } as const

/** Contacts over their quota that are remembered as told; beyond it the oldest may be told once more. */
export const MAX_TOLD_QUOTAS = 1_000

/** What was lost of a peer that can't be told so. */
export type UnkeptText =
  /** It was over the limit. */
  | { readonly why: 'too-long'; readonly sizeBytes: number }
  /** The peer had gone before there was room. */
  | { readonly why: 'no-room'; readonly texts: number }

export type RoomNews =
  /** The room for requests is nearly full: the largest holder gives way. */
  | { readonly is: 'crowded'; readonly use: RoomUse }
  /** Requests were deleted after a month without an answer. */
  | { readonly is: 'expired'; readonly strangers: number }
  /** A stranger in a plain dialect has more to say than is held, and is not read any further. */
  | { readonly is: 'waiting'; readonly peer: string }
  /** @param untold how many such losses were not told before this one, of any peer */
  | { readonly is: 'unkept'; readonly peer: string; readonly what: UnkeptText; readonly untold: number }
  /** A contact has used its share of the disk. */
  | { readonly is: 'over quota'; readonly peer: string; readonly quotaBytes: number }
  /** The disk is nearly full. */
  | { readonly is: 'disk low'; readonly freeBytes: number; readonly floorBytes: number }
  /** The disk has refused to store what came in. @param why in a sentence, with what to do */
  | { readonly is: 'disk full'; readonly why: string }

export interface RoomNoticesInit {
  readonly now: () => number
  readonly tell: (news: RoomNews) => void
}

export class RoomNotices {
  readonly #init: RoomNoticesInit
  readonly #crowded: TokenBucket
  readonly #low: TokenBucket
  readonly #full: TokenBucket
  /** When the last notice about each contact was. */
  readonly #overQuota = new LruMap<string, number>(MAX_TOLD_QUOTAS)
  /** The same of strangers who are not read any further. */
  readonly #held = new LruMap<string, number>(MAX_TOLD_QUOTAS)
  readonly #unkept: TokenBucket
  #untold = 0

  constructor(init: RoomNoticesInit) {
    const once = { burst: 1, perSecond: 1000 / ROOM_NOTICE_AGAIN_MS }
    this.#init = init
    this.#crowded = new TokenBucket(once, init.now())
    this.#unkept = new TokenBucket(UNKEPT_NOTICE_RATE, init.now())
    this.#low = new TokenBucket(once, init.now())
    this.#full = new TokenBucket(once, init.now())
  }

  crowded(use: RoomUse): void {
    if (this.#crowded.take(1, this.#init.now()) === 1) this.#init.tell({ is: 'crowded', use })
  }

  /** @param peer whose quota is used up; undefined when it is the disk that is nearly full */
  refused(peer: string | undefined, { quotaBytes, freeBytes, floorBytes }: DiskView): void {
    const { now, tell } = this.#init
    if (peer !== undefined) {
      if (this.#isNewsOf(peer, this.#overQuota)) tell({ is: 'over quota', peer, quotaBytes })
    } else if (freeBytes !== undefined && this.#low.take(1, now()) === 1) {
      tell({ is: 'disk low', freeBytes, floorBytes })
    }
  }

  /** @param why in a sentence, with what to do */
  full(why: string): void {
    if (this.#full.take(1, this.#init.now()) === 1) this.#init.tell({ is: 'disk full', why })
  }

  waits(peer: string): void {
    if (this.#isNewsOf(peer, this.#held)) this.#init.tell({ is: 'waiting', peer })
  }

  unkept(peer: string, what: UnkeptText): void {
    if (this.#unkept.take(1, this.#init.now()) === 0) {
      this.#untold++
      return
    }
    this.#init.tell({ is: 'unkept', peer, what, untold: this.#untold })
    this.#untold = 0
  }

  #isNewsOf(peer: string, told: LruMap<string, number>): boolean {
    const nowMs = this.#init.now()
    const toldAtMs = told.get(peer)
    if (toldAtMs !== undefined && nowMs - toldAtMs < ROOM_NOTICE_AGAIN_MS) return false
    told.set(peer, nowMs)
    return true
  }
}

function unkeptText(what: UnkeptText, who: string): string {
  switch (what.why) {
    case 'too-long':
      return `skipped a text of ${what.sizeBytes} bytes from ${who}: the limit is ${MAX_TEXT_BYTES}. Its program can't be told`
    case 'no-room': {
      const texts = what.texts === 1 ? 'a text' : `${what.texts} texts`
      return `${texts} from ${who} could not be kept: its program ended before there was room for more`
    }
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
    case 'waiting':
      return (
        `${name(news.peer)} has more to say than the ${MAX_HELD_PER_STRANGER} messages that are kept of a stranger: ` +
        'the rest waits over there until you accept it'
      )
    case 'unkept': {
      const more = news.untold === 0 ? '' : `; ${news.untold} more such losses were not told`
      return `${unkeptText(news.what, name(news.peer))}${more}`
    }
    case 'over quota':
      return (
        `messages from ${name(news.peer)} are no longer stored: they take ${sizeText(news.quotaBytes)}, the limit for one ` +
        `contact on this disk. /forget ${name(news.peer)} deletes the conversation; --contact-quota sets the limit`
      )
    case 'disk full':
      return `messages from others are not stored, and are sent again later. ${news.why}`
    case 'disk low':
      return (
        `no messages are stored: the disk with the history has ${sizeText(news.freeBytes)} free, and ` +
        `${sizeText(news.floorBytes)} must stay free. Free some space; --min-free sets the limit`
      )
  }
}

/** Failures that are remembered as reported; beyond it the oldest may be reported once more. */
const MAX_TOLD_FAULTS = 1_000

/** How soon the same failure of a conversation may be reported again: each try may meet it. */
export const FAULT_NOTICE_AGAIN_MS = 600_000

export interface FaultNoticesInit {
  readonly now: () => number
  readonly tell: (peer: string, error: unknown) => void
}

export class FaultNotices {
  readonly #init: FaultNoticesInit
  /** When each was reported last, by its peer and its words. */
  readonly #toldAtMs = new LruMap<string, number>(MAX_TOLD_FAULTS)

  constructor(init: FaultNoticesInit) {
    this.#init = init
  }

  fault(peer: string, error: unknown): void {
    const nowMs = this.#init.now()
    const what = `${peer} ${error instanceof Error ? error.message : String(error)}`
    const toldAtMs = this.#toldAtMs.get(what)
    if (toldAtMs !== undefined && Math.abs(nowMs - toldAtMs) < FAULT_NOTICE_AGAIN_MS) return
    this.#toldAtMs.set(what, nowMs)
    this.#init.tell(peer, error)
  }
}
