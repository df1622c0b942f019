// What the federation does to a roster: other directories attach and detach
// peers. Knows no directory's life and no statements.
import type { VerifiedRecord } from '../presence-record.ts'
import type { Roster, RosterChange } from '../roster.ts'

/** To be done in order. Never about the directory itself. */
export type RosterEffect =
  | { readonly kind: 'attach'; readonly directory: string; readonly record: VerifiedRecord; readonly sinceMs: number }
  | { readonly kind: 'detach'; readonly directory: string; readonly peer: string }

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
