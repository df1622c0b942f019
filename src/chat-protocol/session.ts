/**
 * The session with one peer, as pure logic: which of its streams are good, which one this side sends on, when the
 * session begins and ends, how much is sent ahead of the receipts, and what a receipt or a refusal is about. Events and
 * the time in, effects out; no stream, no timer, no promise. Both sides run the same rules on the same two facts (who
 * opened a stream, which peer ID is smaller), so they agree without asking each other. It resends nothing: what has no
 * receipt goes out again when the next session opens, or this one resumes on another stream.
 */
import { DeadlineError, elected } from '../wire/index.ts'
import type { Opener } from '../wire/index.ts'
import { SessionClosedError } from './application.ts'
import type { Dialect } from './dialect.ts'
import type { SizedMessage } from './frame-codec.ts'
import { ChatError } from './frames.ts'
import type { OutgoingFrame, ReceiptState, RefuseReason, SeqRange } from './frames.ts'
import { FIRST_UNCONFIRMED_BYTES, MAX_UNCONFIRMED_BYTES, MAX_UNCONFIRMED_MESSAGES, SendWindow } from './send-window.ts'
import type { WindowLimits } from './send-window.ts'

/**
 * Without a receipt or a refusal for so long, while one is owed, the session is cut and the messages go out again in
 * the next one. Longer than the 15 s in which a dead connection is noticed, so what is cut is a live peer that answers
 * nothing; a slow disk or link answers some of what it was sent in that time.
 */
const RECEIPT_TIMEOUT_MS = 60_000

/** The peer's newer stream took the place of this one. */
export class StreamReplacedError extends ChatError {
  override readonly name = 'StreamReplacedError'
  constructor() {
    super('The peer opened a newer chat stream, which takes the place of this one')
  }
}

/** A stream whose dialect is settled and, in Parley, on which both Hellos have been exchanged. */
export interface SessionStream {
  /** Counts up: a later stream has a higher number. */
  readonly id: number
  readonly openedBy: Opener
  readonly dialect: Dialect
}

export type SessionEvent =
  /** A stream was opened and is not ready yet: if the one in use is lost meanwhile, the session waits for this one. */
  | { readonly kind: 'begun'; readonly id: number }
  | { readonly kind: 'ready'; readonly stream: SessionStream }
  /** Something that must arrive was sent on this stream. */
  | { readonly kind: 'used'; readonly id: number }
  | { readonly kind: 'ended'; readonly id: number; readonly why: Error | undefined }
  /** The layer above has messages for the peer. It does so only while a session is open. */
  | { readonly kind: 'send'; readonly batch: number; readonly messages: readonly SizedMessage[] }
  /** The layer above no longer waits for what it gave: what is not with a stream yet stays here. */
  | { readonly kind: 'withdraw'; readonly batch: number }
  /** A stream has taken all of what a `write` gave to it. */
  | { readonly kind: 'written'; readonly write: number }
  | { readonly kind: 'unwritten'; readonly write: number; readonly why: Error }
  | Extract<OutgoingFrame, { kind: 'receipt' | 'refuse' }>
  /** The time has come that {@link SessionLogic.deadlineMs} named. */
  | { readonly kind: 'timeout' }

export type SessionEffect =
  /** A session begins: what has no receipt is sent again. */
  | { readonly kind: 'open'; readonly dialect: Dialect }
  /** The session goes on on another stream, with nothing given and nothing unconfirmed: that is sent again. */
  | { readonly kind: 'resume' }
  | { readonly kind: 'close'; readonly why: Error | undefined }
  /** The stream is of no use any more: abort it; the session goes on. */
  | { readonly kind: 'drop'; readonly id: number }
  /** Give these to the stream, in their order, and answer with `written` or `unwritten`. In a plain dialect it is one. */
  | { readonly kind: 'write'; readonly write: number; readonly id: number; readonly messages: readonly SizedMessage[] }
  /** All messages of the batch are with a stream. */
  | { readonly kind: 'sent'; readonly batch: number }
  | { readonly kind: 'unsent'; readonly batch: number; readonly why: Error }
  /** The peer has these. The ids may be unknown: held messages are confirmed twice. */
  | { readonly kind: 'receipted'; readonly ids: readonly string[]; readonly state: ReceiptState }
  /** The peer did not take these, which were sent in this session. */
  | {
      readonly kind: 'refused'
      readonly ids: readonly string[]
      readonly reason: RefuseReason
      readonly retryAfterMs: number
    }
  /** The peer answers nothing: abort the stream. */
  | { readonly kind: 'cut'; readonly id: number; readonly why: Error }

interface Kept extends SessionStream {
  used: boolean
}

/** The streams are not what they were. */
interface Change {
  /** Something that the other side never got may have been on one that is gone. */
  readonly isLoss: boolean
  readonly why: Error | undefined
  /** A newer stream takes the place of an older one, or is about to: a session goes on. */
  readonly resumes: boolean
}

interface Batch {
  readonly id: number
  readonly messages: readonly SizedMessage[]
  /** The index of the first message that was not given to a stream. */
  next: number
}

export class SessionLogic {
  readonly #preferred: Opener
  readonly #limits: WindowLimits
  #streams: readonly Kept[] = []
  #dialect: Dialect | undefined
  #sendOn: Kept | undefined
  /** Streams that were opened during this session and are not ready. */
  readonly #begun = new Set<number>()
  /** The last stream was lost, and the session waits for one of `#begun`. What it is told meanwhile is on no stream. */
  #waiting: { readonly why: Error | undefined } | undefined
  /** What was given to this session, oldest first. */
  #batches: Batch[] = []
  #window: SendWindow
  /** The stream that took the last message. */
  #messagesOn: number | undefined
  /** What a stream is about to take: nothing else is given to a stream meanwhile. */
  #writing: { readonly write: number; readonly batch: Batch } | undefined
  #writes = 0
  /** Runs while something is unconfirmed, from the last answer on. */
  #deadlineMs: number | undefined

  /** @param preferred the side whose Parley streams go before the other's */
  constructor(
    preferred: Opener,
    limits: WindowLimits = {
      maxMessages: MAX_UNCONFIRMED_MESSAGES,
      maxBytes: MAX_UNCONFIRMED_BYTES,
      firstBytes: FIRST_UNCONFIRMED_BYTES
    }
  ) {
    this.#preferred = preferred
    this.#limits = limits
    this.#window = new SendWindow(limits)
  }

  /** The stream to send on. `undefined` when there is no session, or it waits for a stream that was begun. */
  get sendOn(): number | undefined {
    return this.#sendOn?.id
  }

  /** When `timeout` is to come; undefined: never. */
  get deadlineMs(): number | undefined {
    return this.#deadlineMs
  }

  step(event: SessionEvent, nowMs: number): SessionEffect[] {
    switch (event.kind) {
      case 'begun':
        if (this.#sendOn !== undefined) this.#begun.add(event.id)
        return []
      case 'ready':
        return [...this.#ready(event.stream), ...this.#send(nowMs)]
      case 'used':
        for (const stream of this.#streams) if (stream.id === event.id) stream.used = true
        return []
      case 'ended':
        return [...this.#lost(event.id, event.why), ...this.#send(nowMs)]
      case 'send':
        if (event.messages.length === 0) return [{ kind: 'sent', batch: event.batch }]
        this.#batches.push({ id: event.batch, messages: event.messages, next: 0 })
        return this.#send(nowMs)
      case 'withdraw':
        this.#batches = this.#batches.filter((batch) => batch.id !== event.batch)
        return this.#send(nowMs)
      case 'written':
        if (this.#writing?.write !== event.write) return []
        this.#writing = undefined
        return this.#send(nowMs)
      case 'unwritten':
        return this.#unwritten(event.write, event.why, nowMs)
      case 'receipt': {
        if (this.#dialect === undefined) return []
        const ids = this.#settle(event.ids, event.ranges, nowMs)
        const sends = this.#send(nowMs)
        return ids.length === 0 ? sends : [...sends, { kind: 'receipted', ids, state: event.state }]
      }
      case 'refuse': {
        // Nothing else can be refused.
        const ids = [...new Set(event.ids)].filter((id) => this.#window.has(id))
        if (ids.length === 0) return []
        this.#settle(ids, [], nowMs)
        const { reason, retryAfterMs } = event
        return [...this.#send(nowMs), { kind: 'refused', ids, reason, retryAfterMs }]
      }
      case 'timeout':
        return this.#timeout(nowMs)
    }
  }

  #ready(stream: SessionStream): SessionEffect[] {
    // Parley is never left for a plain dialect, and overrides one that was taken for granted.
    if (stream.dialect !== 'parley' && this.#dialect === 'parley') {
      return [{ kind: 'drop', id: stream.id }, ...this.#lost(stream.id, undefined)]
    }
    // The same stream comes again when it was taken for a plain one and then said Hello.
    const others = this.#streams.filter((old) => old.id !== stream.id)
    const replaced = others.filter((old) => replaces(stream, old))
    this.#streams = [...others.filter((old) => !replaced.includes(old)), { ...stream, used: false }]
    const isLoss = this.#waiting !== undefined || replaced.some((old) => mayHaveLost(old, undefined))
    this.#waiting = undefined
    this.#begun.delete(stream.id)
    const drops = replaced.map(({ id }): SessionEffect => ({ kind: 'drop', id }))
    return [...drops, ...this.#choose({ isLoss, why: undefined, resumes: true })]
  }

  #lost(id: number, why: Error | undefined): SessionEffect[] {
    if (this.#begun.delete(id)) {
      const waiting = this.#waiting
      if (waiting === undefined || this.#begun.size > 0) return []
      this.#waiting = undefined
      return this.#choose({ isLoss: true, why: waiting.why, resumes: false })
    }
    const lost = this.#streams.find((stream) => stream.id === id)
    if (lost === undefined) return []
    this.#streams = this.#streams.filter((stream) => stream !== lost)
    if (this.#begun.size > 0 && lost.dialect === 'parley' && this.#streams.length === 0) {
      this.#waiting = { why }
      this.#sendOn = undefined
      return []
    }
    return this.#choose({ isLoss: mayHaveLost(lost, why), why, resumes: this.#begun.size > 0 })
  }

  /** Chooses the stream to send on, and says what that means for the session. */
  #choose({ isLoss, why, resumes }: Change): SessionEffect[] {
    const before = this.#dialect
    this.#sendOn = this.#elected()
    this.#dialect = this.#sendOn?.dialect
    if (this.#dialect === undefined) this.#begun.clear()
    if (!isLoss && before === this.#dialect) return []
    if (resumes && before === 'parley' && this.#dialect === 'parley') return [...this.#end(why), { kind: 'resume' }]
    const effects: SessionEffect[] = []
    if (before !== undefined) effects.push(...this.#end(why), { kind: 'close', why })
    if (this.#dialect !== undefined) effects.push({ kind: 'open', dialect: this.#dialect })
    return effects
  }

  /**
   * Parley: the one opened by the smaller peer ID, or else the other. Plain: an answer goes where the question came
   * from, so the newest stream that the peer opened, or else our own.
   */
  #elected(): Kept | undefined {
    const parley = this.#streams.filter((stream) => stream.dialect === 'parley')
    if (parley.length > 0) return elected(parley, this.#preferred)
    const newestFirst = this.#streams.toSorted((a, b) => b.id - a.id)
    return elected(newestFirst, 'them')
  }

  /** The next session begins with nothing given and nothing unconfirmed. */
  #end(why: Error | undefined): SessionEffect[] {
    const closed = new SessionClosedError(why === undefined ? {} : { cause: why })
    const unsent = this.#batches.map(({ id }): SessionEffect => ({ kind: 'unsent', batch: id, why: closed }))
    this.#batches = []
    this.#window = new SendWindow(this.#limits)
    this.#messagesOn = undefined
    this.#writing = undefined
    this.#deadlineMs = undefined
    return unsent
  }

  /** Gives as much to a stream as there is room for: it leaves together, in one write. */
  #send(nowMs: number): SessionEffect[] {
    const effects: SessionEffect[] = []
    while (this.#writing === undefined) {
      const [batch] = this.#batches
      if (batch === undefined) break
      if (batch.next === batch.messages.length) {
        this.#batches.shift()
        effects.push({ kind: 'sent', batch: batch.id })
        continue
      }
      const stream = this.#sendOn
      if (stream === undefined) break
      const messages = stream.dialect === 'parley' ? this.#withinWindow(batch, stream, nowMs) : onlyNext(batch)
      if (messages.length === 0) break
      stream.used = true
      batch.next += messages.length
      this.#writing = { write: ++this.#writes, batch }
      effects.push({ kind: 'write', write: this.#writes, id: stream.id, messages })
    }
    return effects
  }

  /**
   * What is under way on another stream has no order with what is sent on this one: after a change of streams, as when
   * both sides open one at once, that is answered first.
   */
  #withinWindow(batch: Batch, stream: Kept, nowMs: number): readonly SizedMessage[] {
    const isSame = this.#messagesOn === undefined || this.#messagesOn === stream.id
    if (!isSame && this.#window.size > 0) return []
    let end = batch.next
    for (; end < batch.messages.length; end++) {
      const sized = batch.messages[end]
      if (sized === undefined || !this.#window.hasRoom(sized.sizeBytes)) break
      this.#window.add(sized.frame.message, sized.sizeBytes)
    }
    if (end === batch.next) return []
    this.#messagesOn = stream.id
    this.#deadlineMs ??= nowMs + RECEIPT_TIMEOUT_MS
    return batch.next === 0 && end === batch.messages.length ? batch.messages : batch.messages.slice(batch.next, end)
  }

  #unwritten(write: number, why: Error, nowMs: number): SessionEffect[] {
    if (this.#writing?.write !== write) return []
    const { batch } = this.#writing
    this.#writing = undefined
    const isAwaited = this.#batches.includes(batch)
    this.#batches = this.#batches.filter((other) => other !== batch)
    const sends = this.#send(nowMs)
    return isAwaited ? [{ kind: 'unsent', batch: batch.id, why }, ...sends] : sends
  }

  /** Takes confirmed or refused messages out of the window; returns the ids that the ranges stand for, and `ids`. */
  #settle(ids: readonly string[], ranges: readonly SeqRange[], nowMs: number): string[] {
    this.#window.settle(ids)
    const settled = this.#window.settleRanges(ranges)
    for (const id of ids) settled.push(id)
    this.#deadlineMs = this.#window.size === 0 ? undefined : nowMs + RECEIPT_TIMEOUT_MS
    return settled
  }

  #timeout(nowMs: number): SessionEffect[] {
    if (this.#deadlineMs === undefined || nowMs < this.#deadlineMs || this.#messagesOn === undefined) return []
    this.#deadlineMs = undefined
    return [{ kind: 'cut', id: this.#messagesOn, why: new DeadlineError('receipt', RECEIPT_TIMEOUT_MS) }]
  }
}

/** A plain dialect confirms nothing: what its stream has not taken is the only thing that is known not to be under way. */
function onlyNext(batch: Batch): readonly SizedMessage[] {
  return batch.messages.slice(batch.next, batch.next + 1)
}

/**
 * May something that the other side never got have been on this stream? In Parley whatever has no receipt; in a plain
 * dialect what was being written, which an end without a failure has let out.
 */
function mayHaveLost({ dialect, used }: Kept, why: Error | undefined): boolean {
  return used && (dialect === 'parley' || why !== undefined)
}

function replaces(stream: SessionStream, old: Kept): boolean {
  return stream.dialect === 'parley' && (old.dialect !== 'parley' || old.openedBy === stream.openedBy)
}
