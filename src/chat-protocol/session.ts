/**
 * The session with one peer, as pure logic: which of its streams are good, which one this side sends on, and when
 * the session begins and ends. Events in, effects out; no stream, no timer, no frame. Both sides run the same rules
 * on the same two facts (who opened a stream, which peer ID is smaller), so they agree without asking each other.
 */
import type { Dialect } from './dialect.ts'

export type Opener = 'local' | 'remote'

/** A stream whose dialect is settled and, in Parley, on which both Hellos have been exchanged. */
export interface SessionStream {
  /** Counts up: a later stream has a higher number. */
  readonly id: number
  readonly opener: Opener
  readonly dialect: Dialect
}

export type SessionEvent =
  | { readonly kind: 'ready'; readonly stream: SessionStream }
  /** Something that must arrive was sent on this stream. */
  | { readonly kind: 'used'; readonly id: number }
  | { readonly kind: 'ended'; readonly id: number; readonly why: Error | undefined }

export type SessionEffect =
  /** A session begins: what has no receipt is sent again. */
  | { readonly kind: 'open'; readonly dialect: Dialect }
  | { readonly kind: 'close'; readonly why: Error | undefined }
  /** The stream is of no use any more: abort it, and tell nobody. */
  | { readonly kind: 'drop'; readonly id: number }

interface Kept extends SessionStream {
  readonly used: boolean
}

export class SessionLogic {
  readonly #parleyOpener: Opener
  #streams: readonly Kept[] = []
  #dialect: Dialect | undefined
  #sendOn: number | undefined

  /** @param localIsSmaller - of the two peer IDs, as text, this side's sorts first */
  constructor(options: { readonly localIsSmaller: boolean }) {
    this.#parleyOpener = options.localIsSmaller ? 'local' : 'remote'
  }

  /** The stream to send on. `undefined` exactly when there is no session. */
  get sendOn(): number | undefined {
    return this.#sendOn
  }

  handle(event: SessionEvent): SessionEffect[] {
    switch (event.kind) {
      case 'ready':
        return this.#ready(event.stream)
      case 'used':
        this.#streams = this.#streams.map((stream) => (stream.id === event.id ? { ...stream, used: true } : stream))
        return []
      case 'ended': {
        const lost = this.#streams.find((stream) => stream.id === event.id)
        if (lost === undefined) return []
        this.#streams = this.#streams.filter((stream) => stream !== lost)
        return this.#settle(isLoss(lost, event.why), event.why)
      }
    }
  }

  #ready(stream: SessionStream): SessionEffect[] {
    // Parley is never left for a plain dialect, and overrides one that was taken for granted.
    if (stream.dialect !== 'parley' && this.#dialect === 'parley') return [{ kind: 'drop', id: stream.id }]
    // The same stream comes again when it was taken for a plain one and then said Hello.
    const others = this.#streams.filter((old) => old.id !== stream.id)
    const replaced = others.filter((old) => replaces(stream, old))
    this.#streams = [...others.filter((old) => !replaced.includes(old)), { ...stream, used: false }]
    const effects = this.#settle(
      replaced.some((old) => isLoss(old, undefined)),
      undefined
    )
    return [...replaced.map(({ id }): SessionEffect => ({ kind: 'drop', id })), ...effects]
  }

  /** Chooses the stream to send on, and says what that means for the session. */
  #settle(somethingLost: boolean, why: Error | undefined): SessionEffect[] {
    const before = this.#dialect
    const choice = this.#choose()
    this.#sendOn = choice?.id
    this.#dialect = choice?.dialect
    if (!somethingLost && before === this.#dialect) return []
    const effects: SessionEffect[] = []
    if (before !== undefined) effects.push({ kind: 'close', why })
    if (choice !== undefined) effects.push({ kind: 'open', dialect: choice.dialect })
    return effects
  }

  /**
   * Parley: the one opened by the smaller peer ID, or else the other. Plain: an answer goes where the question came
   * from, so the newest stream that the peer opened, or else our own.
   */
  #choose(): Kept | undefined {
    const parley = this.#streams.filter((stream) => stream.dialect === 'parley')
    if (parley.length > 0) return parley.find((stream) => stream.opener === this.#parleyOpener) ?? parley[0]
    const newestFirst = this.#streams.toSorted((a, b) => b.id - a.id)
    return newestFirst.find((stream) => stream.opener === 'remote') ?? newestFirst[0]
  }
}

/**
 * May something that the other side never got have been on this stream? In Parley whatever has no receipt; in a plain
 * dialect what was being written, which an end without a failure has let out.
 */
function isLoss({ dialect, used }: Kept, why: Error | undefined): boolean {
  return used && (dialect === 'parley' || why !== undefined)
}

function replaces(stream: SessionStream, old: Kept): boolean {
  return stream.dialect === 'parley' && (old.dialect !== 'parley' || old.opener === stream.opener)
}
