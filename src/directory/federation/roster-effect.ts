// What the federation does to a roster: other directories attach and detach
// peers. Knows no directory's life and no statements.
import type { VerifiedRecord } from '../presence-record.ts'
import type { Roster, RosterChange } from '../roster.ts'

/** To be done in order. Never about the directory itself. */
export type RosterEffect =
  | { readonly kind: 'attach'; readonly directory: string; readonly record: VerifiedRecord; readonly sinceMs: number }
  | { readonly kind: 'detach'; readonly directory: string; readonly peer: string }

type Attach = Extract<RosterEffect, { kind: 'attach' }>

/** Attachments for which a full roster had no room, by directory and peer, until they end or there is. */
export type LeftOut = Map<string, Attach>

/** @returns what changed. An attachment has no lease: it lasts until an effect, or the peer's withdrawal, ends it. */
export function applyEffects(
  roster: Roster,
  effects: readonly RosterEffect[],
  nowMs: number,
  leftOut: LeftOut = new Map()
): RosterChange[] {
  return effects.flatMap((effect) => {
    const { directory } = effect
    switch (effect.kind) {
      case 'attach': {
        const key = `${directory} ${effect.record.record.peer.toString()}`
        const changes = attach(roster, effect, nowMs)
        if (changes === undefined) leftOut.set(key, effect)
        else leftOut.delete(key)
        return changes ?? []
      }
      case 'detach':
        leftOut.delete(`${directory} ${effect.peer}`)
        return roster.detach(effect.peer, directory)
    }
  })
}

/** Takes in who was left out, as far as there is room now. @returns what changed */
export function letIn(roster: Roster, leftOut: LeftOut, nowMs: number): RosterChange[] {
  const changes: RosterChange[] = []
  for (const [key, effect] of leftOut) {
    const more = attach(roster, effect, nowMs)
    if (more === undefined) break
    leftOut.delete(key)
    changes.push(...more)
  }
  return changes
}

/** @returns undefined when there is no room */
function attach(roster: Roster, { directory: source, record, sinceMs }: Attach, nowMs: number) {
  const announced = roster.announce(record, { source, nowMs, sinceMs })
  return announced.outcome === 'full' ? undefined : announced.changes
}
