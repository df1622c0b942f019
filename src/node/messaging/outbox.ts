// What a peer's session is given next: when the store is read, what of it is sent,
// when to pause, and what is sent again. Pure: events and the time go in, effects
// come out. It knows no store, session, timer or promise, asks for one thing at a
// time, and takes the answer as an event; the deliveries carry it out.
import type { ChatMessage, Dialect } from '../../chat-protocol/index.ts'
import type { OutboxEntry } from '../../storage/index.ts'

/** Messages are read from the outbox and given to a session in batches of this many. */
export const OUTBOX_BATCH = 256

/**
 * Characters of messages that were stored a moment ago and wait for a slow session: these are given to it without being
 * read from the store again, and those beyond are read when it is their turn.
 */
export const OUTBOX_AT_HAND_LENGTH = 1_048_576

/** And no more messages than this, however short: each takes some 250 bytes beside its text. */
export const OUTBOX_AT_HAND_MESSAGES = 16_384

/** A store that can't be read or written now is asked again after this: it may have room then. */
export const STORE_RETRY_MS = 5_000

export type OutboxEvent =
  /** A session with the peer is open. The one before it, if there was one, has ended. */
  | { readonly kind: 'open'; readonly dialect: Dialect }
  /** It has ended, or takes nothing more. */
  | { readonly kind: 'close' }
  /** These are new in the store, one directly after the other. */
  | { readonly kind: 'stored'; readonly entries: readonly OutboxEntry[] }
  /** There is something new in the store. */
  | { readonly kind: 'news' }
  /** Something in the store is not what it was: it was cancelled, deleted, or has another number. */
  | { readonly kind: 'changed' }
  /** The peer wants later what it refused; `isOfAll`: it would refuse what follows, too. */
  | { readonly kind: 'postpone'; readonly retryAfterMs: number; readonly isOfAll: boolean }
  /** The time has come that {@link OutboxLogic.deadlineMs} named. */
  | { readonly kind: 'timeout' }
  | OutboxAnswer

/** What became of the effect before it. */
export type OutboxAnswer =
  | { readonly kind: 'read'; readonly entries: readonly OutboxEntry[] }
  /** It is noted, or the disk has refused to: what goes out without a note costs a new log. */
  | { readonly kind: 'noted' }
  | { readonly kind: 'sent' }
  /** The session has ended first, or has failed. */
  | { readonly kind: 'unsent' }
  | { readonly kind: 'settled' }
  /** The store has failed to read or to settle. */
  | { readonly kind: 'store-failed' }

export type OutboxEffect =
  /** Read at most {@link OUTBOX_BATCH} messages without a final receipt, from the first one on or after a position. */
  | { readonly kind: 'read'; readonly after: number | undefined }
  /** Note that these are about to be sent. */
  | { readonly kind: 'note'; readonly messages: readonly ChatMessage[] }
  /** Give these to the session that is open. */
  | { readonly kind: 'send'; readonly messages: readonly ChatMessage[] }
  /** A plain dialect has taken these, which it will never confirm. */
  | { readonly kind: 'settle'; readonly ids: readonly string[] }

export class OutboxLogic {
  /** Of the session that is open. */
  #dialect: Dialect | undefined
  /** What was asked for and has no answer yet. */
  #asked: OutboxEffect['kind'] | undefined
  /** What is being read is not what is wanted any more. */
  #isStale = false
  /** Another session has opened since that was asked. */
  #isReopened = false
  /** The outbox position up to which the session was given everything; undefined: begin at the beginning. */
  #givenUpTo: number | undefined
  /** What was read and was not given to the session yet. */
  #batch: readonly OutboxEntry[] = []
  #isNoted = false
  /** What follows directly on the batch, as it was stored: it need not be read again. */
  #next: OutboxEntry[] = []
  /** The length of its texts. */
  #nextLength = 0
  /** The store may hold something behind these two. */
  #isBehind = false
  /** What a plain dialect is being given. */
  #plain: string | undefined
  /** What it has taken, which is not on the disk yet. */
  #unsettled: readonly string[] = []
  /** When all is sent again, as the peer has refused some of it. */
  #againAtMs: number | undefined
  /** The peer takes nothing before that. */
  #isPaused = false
  /** When a store that has failed is asked again. */
  #storeAtMs: number | undefined

  /** When `timeout` is to come; undefined: never. */
  get deadlineMs(): number | undefined {
    if (this.#againAtMs === undefined) return this.#storeAtMs
    return this.#storeAtMs === undefined ? this.#againAtMs : Math.min(this.#againAtMs, this.#storeAtMs)
  }

  /** There is no session, and nothing to remember for the next one. */
  get isIdle(): boolean {
    return this.#dialect === undefined && this.#asked === undefined && this.#unsettled.length === 0
  }

  /** @returns what is to be done now: at most one thing, and nothing while an answer is awaited */
  step(event: OutboxEvent, nowMs: number): readonly OutboxEffect[] {
    switch (event.kind) {
      case 'open':
        this.#isReopened = true
        this.#begin(event.dialect)
        break
      case 'close':
        this.#begin(undefined)
        break
      case 'stored':
        this.#stored(event.entries)
        break
      case 'news':
        this.#isBehind = true
        break
      case 'changed':
        this.#readAnew()
        break
      case 'postpone':
        if (this.#dialect === undefined) break
        this.#isPaused = event.isOfAll
        this.#againAtMs = nowMs + event.retryAfterMs
        break
      case 'timeout':
        this.#timeout(nowMs)
        break
      default:
        this.#answered(event, nowMs)
    }
    const effect = this.#ask()
    if (effect === undefined) return []
    this.#asked = effect.kind
    this.#isReopened = false
    return [effect]
  }

  #begin(dialect: Dialect | undefined): void {
    this.#dialect = dialect
    this.#againAtMs = undefined
    this.#isPaused = false
    this.#storeAtMs = undefined
    this.#beginAgain()
  }

  #beginAgain(): void {
    this.#givenUpTo = undefined
    this.#readAnew()
  }

  /** What was read, or is being read, is read again. */
  #readAnew(): void {
    this.#isStale = true
    this.#batch = []
    this.#isNoted = false
    this.#dropNext()
  }

  #dropNext(): void {
    this.#isBehind = true
    this.#next = []
    this.#nextLength = 0
  }

  #stored(entries: readonly OutboxEntry[]): void {
    const [first] = entries
    if (first === undefined) return
    const last = this.#next.at(-1)?.position ?? this.#batch.at(-1)?.position ?? this.#givenUpTo
    const length = entries.reduce((sum, { message }) => sum + message.text.length, this.#nextLength)
    const isRoom = length <= OUTBOX_AT_HAND_LENGTH && this.#next.length + entries.length <= OUTBOX_AT_HAND_MESSAGES
    // What does not fit, or does not follow, is read from the store when all before it has been sent.
    if (last !== undefined && first.position === last + 1 && isRoom) {
      this.#next.push(...entries)
      this.#nextLength = length
    } else this.#isBehind = true
  }

  #timeout(nowMs: number): void {
    if (this.#storeAtMs !== undefined && this.#storeAtMs <= nowMs) this.#storeAtMs = undefined
    if (this.#againAtMs === undefined || this.#againAtMs > nowMs) return
    this.#againAtMs = undefined
    this.#isPaused = false
    this.#beginAgain()
  }

  #answered(answer: OutboxAnswer, nowMs: number): void {
    this.#asked = undefined
    switch (answer.kind) {
      case 'read':
        if (this.#isStale || answer.entries.length === 0) break
        this.#batch = answer.entries
        // There may be more, and what was stored meanwhile may be among these.
        this.#dropNext()
        break
      case 'noted':
        this.#isNoted = this.#batch.length > 0
        break
      case 'sent':
        if (this.#plain !== undefined) this.#unsettled = [this.#plain]
        this.#plain = undefined
        break
      case 'unsent':
        this.#plain = undefined
        // A session that has ended takes nothing more: the next one is given everything again.
        if (!this.#isReopened) this.#begin(undefined)
        break
      case 'settled':
        this.#unsettled = []
        break
      case 'store-failed':
        this.#beginAgain()
        this.#storeAtMs = nowMs + STORE_RETRY_MS
        break
    }
  }

  #ask(): OutboxEffect | undefined {
    if (this.#asked !== undefined || this.#storeAtMs !== undefined) return undefined
    // A plain dialect can't tell a message that comes twice: each is on the disk as sent before the next one goes.
    if (this.#unsettled.length > 0) return { kind: 'settle', ids: this.#unsettled }
    if (this.#dialect === undefined || this.#isPaused) return undefined
    if (this.#batch.length === 0) {
      this.#batch = this.#next
      this.#next = []
      this.#nextLength = 0
    }
    if (this.#batch.length === 0) return this.#read()
    if (this.#dialect !== 'parley') return this.#sendOne()
    const messages = this.#batch.map(({ message }) => message)
    if (!this.#isNoted) return { kind: 'note', messages }
    this.#give(this.#batch.length)
    return { kind: 'send', messages }
  }

  #read(): OutboxEffect | undefined {
    if (!this.#isBehind) return undefined
    this.#isBehind = false
    this.#isStale = false
    return { kind: 'read', after: this.#givenUpTo }
  }

  #sendOne(): OutboxEffect | undefined {
    const [entry] = this.#batch
    if (entry === undefined) return undefined
    this.#give(1)
    this.#plain = entry.message.id
    return { kind: 'send', messages: [entry.message] }
  }

  #give(count: number): void {
    this.#givenUpTo = this.#batch[count - 1]?.position
    this.#batch = this.#batch.slice(count)
    this.#isNoted = false
  }
}
