// The invitations that this peer has made: who may still try which, how many tries each
// has left, and when each ends. Pure: times go in, and what has ended comes out. It
// knows neither words that were sent nor streams.
import type { Code } from './code.ts'

/** Long enough to read a code out and type it, short enough that a code which is found later is worth nothing. */
export const INVITATION_MS = 10 * 60_000

/** An invitation for many: a day by default, a week at most. */
export const MANY_INVITATION_MS = { default: 24 * 3_600_000, max: 7 * 24 * 3_600_000 } as const

/** People whom one invitation for many may let in: a large room. */
export const MAX_PLACES = 1_000

/** Failed tries that end an invitation for one. Each is one guess at 33 bits. */
export const MAX_FAILED_TRIES = 5

/** The same for one that is open for days, at 44 bits: so many mistype it. */
export const MAX_FAILED_TRIES_OF_MANY = 50

/** Of these, so many may come from one address class: a stranger alone can't end an invitation, and a slip is no lock-out. */
export const MAX_FAILED_TRIES_OF_CLASS = 3

/** An invitation that has ended is known for so long, to say why it does not work any more. */
export const ENDED_KNOWN_MS = 10 * 60_000

/** Open ones and ended ones that are still known. */
export const MAX_INVITATIONS = 16

/** Why a guest is not let try. */
export type TryRefusal =
  /** There is no such number, or not any more. */
  | 'unknown'
  | 'expired'
  | 'revoked'
  /** Whom it was for has come. */
  | 'used'
  /** Too many tries have failed. */
  | 'ended'
  /** Too many tries have failed from this address class; others may go on. */
  | 'too-many-tries'

/** Why an invitation has ended. */
type InvitationEnd = Exclude<TryRefusal, 'unknown' | 'too-many-tries'>

/** One invitation as its maker sees it. */
export interface Invitation {
  readonly code: Code
  /** How many people it lets in: 1, or those of an invitation for many, who do not become contacts. */
  readonly places: number
  readonly isForMany: boolean
  readonly expiresAtMs: number
  /** Peer IDs of those who have come. */
  readonly came: readonly string[]
  readonly failedTries: number
  /** Undefined while it is open. */
  readonly end: InvitationEnd | undefined
}

export class TooManyInvitationsError extends Error {
  override readonly name = 'TooManyInvitationsError'
  readonly limit = MAX_INVITATIONS

  constructor() {
    super(
      `${MAX_INVITATIONS} invitations are open, or ended less than ${ENDED_KNOWN_MS / 60_000} minutes ago: ` +
        'try again when one of them ended longer ago'
    )
  }
}

/** One try of one guest: it counts as failed from its beginning until it succeeds. */
export interface Try {
  readonly invitation: Invitation
  /** The guest has proven that it has the words. @returns `full` where others have taken all places meanwhile */
  succeeded(nowMs: number): 'came' | 'came again' | 'full'
  /** It has ended otherwise. */
  failed(nowMs: number): void
}

interface Entry {
  readonly code: Code
  readonly places: number
  readonly isForMany: boolean
  readonly expiresAtMs: number
  readonly came: Set<string>
  /** Failed tries, and those under way, by address class. */
  readonly tries: Map<string, number>
  underWay: number
  end: { readonly why: InvitationEnd; readonly atMs: number } | undefined
}

export class OpenInvitations {
  readonly #entries = new Map<number, Entry>()

  /** @throws TooManyInvitationsError */
  add(code: Code, options: { readonly places?: number; readonly expiresAtMs: number }): Invitation {
    if (this.#entries.size >= MAX_INVITATIONS) throw new TooManyInvitationsError()
    const { places, expiresAtMs } = options
    const entry: Entry = {
      code,
      places: places ?? 1,
      isForMany: places !== undefined,
      expiresAtMs,
      came: new Set(),
      tries: new Map(),
      underWay: 0,
      end: undefined
    }
    this.#entries.set(code.number, entry)
    return view(entry)
  }

  /** All that are known, the ended ones too. */
  all(): readonly Invitation[] {
    return [...this.#entries.values()].map(view)
  }

  get(number: number): Invitation | undefined {
    const entry = this.#entries.get(number)
    return entry === undefined ? undefined : view(entry)
  }

  /** @returns false for one that is not open */
  revoke(number: number, nowMs: number): boolean {
    const entry = this.#entries.get(number)
    if (entry === undefined || entry.end !== undefined) return false
    entry.end = { why: 'revoked', atMs: nowMs }
    return true
  }

  /** Whether a guest may try, without a try. */
  mayTry(number: number, guest: Guest, nowMs: number): 'yes' | TryRefusal {
    const entry = this.#entries.get(number)
    if (entry === undefined) return 'unknown'
    const isBack = entry.came.has(guest.peer) && nowMs < entry.expiresAtMs
    // One that has come, and whose answer may have been lost, may come again.
    if (isBack && (entry.end === undefined || entry.end.why === 'used')) return 'yes'
    if (entry.end !== undefined) return entry.end.why
    if (nowMs >= entry.expiresAtMs) return 'expired'
    if ((entry.tries.get(guest.addressClass) ?? 0) >= MAX_FAILED_TRIES_OF_CLASS) return 'too-many-tries'
    return triesOf(entry) < maxTries(entry) ? 'yes' : 'ended'
  }

  begin(number: number, guest: Guest, nowMs: number): Try | TryRefusal {
    const answer = this.mayTry(number, guest, nowMs)
    if (answer !== 'yes') return answer
    const entry = this.#entries.get(number)
    if (entry === undefined) return 'unknown'
    const { peer, addressClass } = guest
    let isOver = false
    count(entry, addressClass, 1)
    entry.underWay++
    const over = (): boolean => {
      if (isOver) return false
      isOver = true
      entry.underWay--
      return true
    }
    return {
      get invitation() {
        return view(entry)
      },
      succeeded: (atMs) => {
        if (!over()) return 'full'
        count(entry, addressClass, -1)
        if (entry.came.has(peer)) return 'came again'
        if (entry.end !== undefined || entry.came.size >= entry.places) return 'full'
        entry.came.add(peer)
        if (entry.came.size >= entry.places) entry.end = { why: 'used', atMs }
        return 'came'
      },
      failed: (atMs) => {
        if (!over()) return
        if (entry.underWay === 0 && triesOf(entry) >= maxTries(entry)) entry.end ??= { why: 'ended', atMs }
      }
    }
  }

  /** Ends those whose time is over, and forgets those that have ended long ago. @returns all that this changed */
  expire(nowMs: number): { readonly expired: readonly Invitation[]; readonly forgotten: readonly Invitation[] } {
    const expired: Invitation[] = []
    const forgotten: Invitation[] = []
    for (const [number, entry] of this.#entries) {
      if (entry.end === undefined && nowMs >= entry.expiresAtMs) {
        entry.end = { why: 'expired', atMs: nowMs }
        expired.push(view(entry))
      } else if (entry.end !== undefined && nowMs >= entry.end.atMs + ENDED_KNOWN_MS) {
        this.#entries.delete(number)
        forgotten.push(view(entry))
      }
    }
    return { expired, forgotten }
  }

  /** When {@link expire} has something to do next; Infinity when there is nothing. */
  nextDeadlineMs(): number {
    const deadlines = [...this.#entries.values()].map(({ end, expiresAtMs }) =>
      end === undefined ? expiresAtMs : end.atMs + ENDED_KNOWN_MS
    )
    return Math.min(Infinity, ...deadlines)
  }
}

export interface Guest {
  readonly peer: string
  readonly addressClass: string
}

function view({ code, places, isForMany, expiresAtMs, came, end, ...entry }: Entry): Invitation {
  const failedTries = triesOf(entry) - entry.underWay
  return { code, places, isForMany, expiresAtMs, came: [...came], failedTries, end: end?.why }
}

function count({ tries }: Entry, addressClass: string, change: 1 | -1): void {
  const now = (tries.get(addressClass) ?? 0) + change
  if (now === 0) tries.delete(addressClass)
  else tries.set(addressClass, now)
}

/** Failed, or under way. */
function triesOf({ tries }: Pick<Entry, 'tries'>): number {
  return [...tries.values()].reduce((sum, one) => sum + one, 0)
}

function maxTries({ isForMany }: Entry): number {
  return isForMany ? MAX_FAILED_TRIES_OF_MANY : MAX_FAILED_TRIES
}
