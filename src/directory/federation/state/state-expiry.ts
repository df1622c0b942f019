// When what directories state runs out, and how effects of the federation's state go
// into the roster.
import type { FederationState } from './federation-state.ts'
import type { RosterEffect } from './known-directory.ts'
import type { Roster, RosterChange } from '../../../presence/index.ts'

/** A deadline that comes so much too late tells that this process stood still: it listens before it calls others dead. */
export const STALL_MS = 1_000

/** Ends what runs out in the state of the federation, at its time. Pure. */
export class StateExpiry {
  readonly #state: FederationState
  #dueAtMs = Infinity
  /** After this process was suspended, nothing expires before then, however many changes come. */
  #listensUntilMs = -Infinity

  constructor(state: FederationState) {
    this.#state = state
  }

  /** @returns when to call `expire`. To be asked after every change of the state */
  nextDeadline(): number {
    this.#dueAtMs = Math.max(this.#state.nextDeadline(), this.#listensUntilMs)
    return this.#dueAtMs
  }

  /** If this process itself stood still, it first hears what was said meanwhile. */
  expire(nowMs: number): readonly RosterEffect[] {
    if (nowMs < this.#dueAtMs) return []
    if (nowMs - this.#dueAtMs <= STALL_MS) return this.#state.expire(nowMs)
    this.#listensUntilMs = nowMs + STALL_MS
    return []
  }
}

/**
 * @returns what changed. An attachment has no lease: it lasts until an effect, or the peer's withdrawal, ends it. The
 *   roster has room for all of them: `KnownDirectories` bounds them.
 */
export function applyEffects(roster: Roster, effects: readonly RosterEffect[], nowMs: number): RosterChange[] {
  return effects.flatMap((effect) => {
    const { directory: source } = effect
    if (effect.kind === 'detach') return roster.detach(effect.peer, source)
    const announced = roster.announce(effect.record, { source, nowMs, sinceMs: effect.sinceMs })
    return announced.outcome === 'full' ? [] : announced.changes
  })
}
