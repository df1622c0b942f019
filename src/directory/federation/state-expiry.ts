// Ends what runs out in the federation's state, at its time. Knows when, and
// not what.
import { DeadlineTimer } from '../deadline-timer.ts'
import { STALL_MS } from './constants.ts'
import type { FederationState } from './federation-state.ts'
import type { RosterEffect } from './roster-effect.ts'

export interface StateExpiryInit {
  readonly state: FederationState
  readonly now: () => number
  apply(effects: readonly RosterEffect[]): void
}

export class StateExpiry {
  readonly #init: StateExpiryInit
  readonly #timer: DeadlineTimer
  #isRunning = false
  #dueAtMs = Infinity

  constructor(init: StateExpiryInit) {
    this.#init = init
    this.#timer = new DeadlineTimer(init.now, () => this.#expire())
  }

  start(): void {
    this.#isRunning = true
    this.changed()
  }

  stop(): void {
    this.#isRunning = false
    this.#timer.stop()
  }

  /** The state has changed, and with it what runs out next. */
  changed(): void {
    if (!this.#isRunning) return
    this.#dueAtMs = this.#init.state.nextDeadline()
    this.#timer.dueAt(this.#dueAtMs)
  }

  /** If this process itself stood still, it first hears what was said meanwhile. */
  #expire(): number {
    const { state, now, apply } = this.#init
    const nowMs = now()
    if (nowMs - this.#dueAtMs > STALL_MS) this.#dueAtMs = nowMs + STALL_MS
    else {
      apply(state.expire(nowMs))
      this.#dueAtMs = state.nextDeadline()
    }
    return this.#dueAtMs
  }
}
