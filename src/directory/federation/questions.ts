// Which questions about directories are under way, with whom, and whose answers
// may still come. Pure: the time goes in. Knows neither frames nor statements.
import { ASK_LONGEST_MS, ASK_TIMEOUT_MS, MAX_DIRECTORY_ATTACHMENTS, MAX_DIRECTORY_DETACHED } from './constants.ts'
import type { Wanted } from './federation-state.ts'

export interface Question<S> {
  readonly wanted: Wanted
  /** Who was asked. */
  readonly session: S
  /** Of the statements that were answered. */
  readonly counters: Set<bigint>
}

interface Asked<S> extends Question<S> {
  readonly askedAtMs: number
  size: number
}

export class Questions<S extends { readonly isHandling?: boolean }> {
  /** By directory: one about each at a time. */
  readonly #current = new Map<string, Asked<S>>()
  /** By directory: all whose answers have not ended, those included that were given up. */
  readonly #open = new WeakMap<S, Map<string, Asked<S>>>()
  /** When the last page of each came, or the last question went out. */
  readonly #heardAtMs = new WeakMap<S, number>()

  /** Whether a question about the directory is under way; `isFirstHand`: with somebody else than itself. */
  isUnderWay(directory: string, session: S, isFirstHand: boolean): boolean {
    const current = this.#current.get(directory)
    return current !== undefined && (current.session === session || !isFirstHand)
  }

  asked(wanted: Wanted, session: S, nowMs: number): void {
    const asked: Asked<S> = { wanted, session, counters: new Set(), askedAtMs: nowMs, size: 0 }
    this.#current.set(wanted.directory, asked)
    const open = this.#open.get(session) ?? new Map<string, Asked<S>>()
    open.set(wanted.directory, asked)
    this.#open.set(session, open)
    this.#heardAtMs.set(session, nowMs)
  }

  /** What was asked of this one about the directory, unless it has answered to the end. */
  of(directory: string, session: S): Question<S> | undefined {
    return this.#open.get(session)?.get(directory)
  }

  /**
   * A page of its answer has come, or was taken in. Answers come one after the other: the others wait for their turn.
   *
   * @param updates in the page
   * @returns false when an answer is longer than any can be
   */
  answered({ wanted, session }: Question<S>, updates: number, nowMs: number): boolean {
    this.#heardAtMs.set(session, nowMs)
    const asked = this.#open.get(session)?.get(wanted.directory)
    if (asked === undefined) return true
    asked.size += updates
    return asked.size <= 2 * (MAX_DIRECTORY_ATTACHMENTS + MAX_DIRECTORY_DETACHED)
  }

  /** The answer has ended. */
  ended(question: Question<S>): void {
    const { wanted, session } = question
    this.#open.get(session)?.delete(wanted.directory)
    if (this.#current.get(wanted.directory)?.session === session) this.#current.delete(wanted.directory)
  }

  /**
   * Gives up what was asked of those who are gone, silent, or too slow: another may be asked. A directory that is asked
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
