// What a node does with its history beside talking: it looks for damage once,
// takes up what waits to be sent, and clears away what is too old, again and
// again. What can't be done is told, and never ends the node.
import { uptime } from 'node:os'
import { ClockJumps } from '../../lib/index.ts'
import type { Config } from '../config/config.ts'
import type { Conversations } from './conversations.ts'
import type { OwnStore } from '../profile/own-store.ts'
import { retireTypedLines } from '../profile/typed-lines.ts'
import { REQUEST_EXPIRY_MS } from './requests.ts'

/** How often messages that are too old to wait, or to be kept, are looked for. */
export const HOUSEKEEPING_MS = 60_000

/**
 * After the start nothing is given up or deleted for its age for so long: a machine that was just switched on may have
 * a clock that is years ahead, until the network corrects it.
 */
export const CLOCK_SETTLES_MS = 600_000

/** Limits of less than this are for trials and hold from the start. */
export const SHORT_LIMIT_MS = 24 * 60 * 60 * 1_000

export interface HousekeepingInit {
  readonly conversations: Pick<Conversations, 'resume' | 'keepHouse'>
  readonly own: OwnStore
  /** The profile's folder, where what was typed is kept too; empty for a profile that nothing keeps. */
  readonly folder: string
  readonly settings: Pick<Config['settings'], 'giveUp' | 'keep'>
  /** What is older than `keep` has been deleted. */
  readonly onExpired?: (beforeMs: number) => void
  readonly notice: (notice: { readonly code: 'history' | 'fault'; readonly text: string }) => void
  /** The clock of the machine, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number
  /** A clock that nobody sets and that goes on in sleep, in milliseconds. Default: since the machine was started. */
  readonly uptimeMs?: () => number
}

export class Housekeeping {
  readonly #init: HousekeepingInit
  readonly #now: () => number
  readonly #uptimeMs: () => number
  readonly #clock: ClockJumps
  readonly #startedMs: number
  #timer: NodeJS.Timeout | undefined

  constructor(init: HousekeepingInit) {
    this.#init = init
    this.#now = init.now ?? Date.now
    this.#uptimeMs = init.uptimeMs ?? (() => uptime() * 1_000)
    this.#startedMs = this.#uptimeMs()
    this.#clock = new ClockJumps(this.#now(), this.#startedMs)
  }

  /** Resolves when what waits is looked for and what is too old is gone; the look for damage goes on by itself. */
  async start(): Promise<void> {
    await this.#resume()
    await this.#keepHouse()
    this.#timer = setInterval(() => void this.#keepHouse(), HOUSEKEEPING_MS)
    void this.#checkHistory()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  /** A bit that the disk has lost is found now, and not when somebody looks for the message. */
  async #checkHistory(): Promise<void> {
    const damage = await this.#init.own.check().catch((error: unknown) => String(error))
    if (damage !== undefined) this.#init.notice({ code: 'history', text: damage })
  }

  /** With a part of the history that can't be read the node still runs: the next opening mends it. */
  async #resume(): Promise<void> {
    try {
      await this.#init.conversations.resume()
    } catch (error) {
      this.#tellFault('what waits to be sent could not be looked for', error)
    }
  }

  async #keepHouse(): Promise<void> {
    const { giveUp, keep } = this.#init.settings
    const uptimeMs = this.#uptimeMs()
    const nowMs = this.#clock.withoutJumps(this.#now(), uptimeMs)
    // Whether the clock was right at the start nobody can say; a machine that was just switched on soon corrects it.
    const isSettled = uptimeMs - this.#startedMs >= CLOCK_SETTLES_MS
    const limit = (ms: number): number => (isSettled || ms < SHORT_LIMIT_MS ? ms : Infinity)
    try {
      await this.#init.conversations.keepHouse({
        giveUpMs: limit(giveUp),
        keepMs: limit(keep),
        requestsMs: limit(REQUEST_EXPIRY_MS),
        nowMs
      })
      const keepMs = limit(keep)
      if (keepMs === Infinity) return
      if (this.#init.folder !== '') await retireTypedLines(this.#init.folder, nowMs - keepMs)
      this.#init.onExpired?.(nowMs - keepMs)
    } catch (error) {
      this.#tellFault('old messages could not be cleared away', error)
    }
  }

  #tellFault(what: string, error: unknown): void {
    this.#init.notice({ code: 'fault', text: `${what}: ${error instanceof Error ? error.message : String(error)}` })
  }
}
