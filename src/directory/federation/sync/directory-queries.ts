// Which queries about directories are open, at which peers, and which answers may
// still come. Pure: the time goes in. Knows neither frames nor statements.
import type { Wanted } from '../state/federation-state.ts'
import { defaultLimits } from '../state/known-directories.ts'

/** A federation peer that was asked and sends no page of any answer for so long: the query is put to another. */
const ASK_TIMEOUT_MS = 3_000

/** … and one whose answer takes so long: five directories of 10,000 peers each take half of it. */
const ASK_LONGEST_MS = 60_000

interface DirectoryQuery<S> {
  readonly wanted: Wanted
  /** The peer that was asked. */
  readonly session: S
  /** Of the statements that were answered. */
  readonly counters: Set<bigint>
}

interface OpenQuery<S> extends DirectoryQuery<S> {
  readonly askedAtMs: number
  size: number
}

export class DirectoryQueries<S extends { readonly isHandling?: boolean }> {
  /** By directory: one about each at a time. */
  readonly #current = new Map<string, OpenQuery<S>>()
  /** By directory: all whose answers have not ended, those included that were given up. */
  readonly #open = new WeakMap<S, Map<string, OpenQuery<S>>>()
  /** When the last page of each came, or the last query went out. */
  readonly #heardAtMs = new WeakMap<S, number>()

  /** Whether a query about the directory is under way; `isFirstHand`: at another directory than itself. */
  isUnderWay(directory: string, session: S, isFirstHand: boolean): boolean {
    const current = this.#current.get(directory)
    return current !== undefined && (current.session === session || !isFirstHand)
  }

  asked(wanted: Wanted, session: S, nowMs: number): void {
    const asked: OpenQuery<S> = { wanted, session, counters: new Set(), askedAtMs: nowMs, size: 0 }
    this.#current.set(wanted.directory, asked)
    const open = this.#open.get(session) ?? new Map<string, OpenQuery<S>>()
    open.set(wanted.directory, asked)
    this.#open.set(session, open)
    this.#heardAtMs.set(session, nowMs)
  }

  /** The open query to this peer about the directory, unless its answer is complete. */
  of(directory: string, session: S): DirectoryQuery<S> | undefined {
    return this.#open.get(session)?.get(directory)
  }

  /**
   * A page of its answer has come, or was taken in. Answers come one after the other: the others wait for their turn.
   *
   * @param updates in the page
   * @returns false when an answer is longer than any can be
   */
  answered({ wanted, session }: DirectoryQuery<S>, updates: number, nowMs: number): boolean {
    this.#heardAtMs.set(session, nowMs)
    const asked = this.#open.get(session)?.get(wanted.directory)
    if (asked === undefined) return true
    asked.size += updates
    return asked.size <= 2 * (defaultLimits.maxAttachments + defaultLimits.maxDetached)
  }

  /** The answer has ended. */
  ended(query: DirectoryQuery<S>): void {
    const { wanted, session } = query
    this.#open.get(session)?.delete(wanted.directory)
    if (this.#current.get(wanted.directory)?.session === session) this.#current.delete(wanted.directory)
  }

  /**
   * Gives up queries at peers that are gone, silent, or too slow: another peer may be asked. A directory that is asked
   * about itself may take its time.
   */
  review(sessions: readonly S[], nowMs: number, isItself: (directory: string, session: S) => boolean): void {
    for (const [directory, { session, askedAtMs }] of this.#current) {
      const isSilent =
        session.isHandling !== true && nowMs - (this.#heardAtMs.get(session) ?? askedAtMs) > ASK_TIMEOUT_MS
      const isInTime = nowMs - askedAtMs <= ASK_LONGEST_MS || isItself(directory, session)
      if (!isSilent && isInTime && sessions.includes(session)) continue
      this.#current.delete(directory)
    }
  }
}
