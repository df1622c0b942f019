// Waits until everybody sees what is true, and goes on to. Being right for a
// moment is not enough: what a directory still believes of a dead one ends
// seconds after, and would be wrong only then.
import { setTimeout as sleep } from 'node:timers/promises'
import { differences, type Difference } from './compare.ts'
import type { Town } from './town.ts'

export interface Quiet {
  /** From the moment that counts to the one at which all became right, and stayed so. */
  readonly tookMs: number
  /** None when all is right. */
  readonly differences: readonly Difference[]
}

/** Directories answer five questions a second on one connection. */
const lookEveryMs = 250
/** Right at once after each other for so long. */
const steadyForMs = 1_000

/**
 * @param init.sinceMs the moment that counts, by `performance.now()`
 * @param init.withinMs wrong after this is wrong
 * @param init.watchForMs right before this may become wrong again
 */
export async function untilQuiet(
  town: Town,
  init: { readonly sinceMs: number; readonly withinMs: number; readonly watchForMs: number }
): Promise<Quiet> {
  let rightAtMs: number | undefined
  let before = new Set<string>()
  for (;;) {
    const lookedAtMs = performance.now()
    const found = differences(await town.look())
    const nowMs = performance.now()
    const texts = new Set(found.map(({ text }) => text))
    for (const text of texts) if (!before.has(text)) town.chronicle.write('town', `wrong: ${text}`)
    for (const text of before) if (!texts.has(text)) town.chronicle.write('town', `no longer: ${text}`)
    before = texts
    if (found.length > 0) {
      rightAtMs = undefined
      if (lookedAtMs - init.sinceMs > init.withinMs) return { tookMs: nowMs - init.sinceMs, differences: found }
    } else {
      rightAtMs ??= nowMs
      if (rightAtMs - init.sinceMs > init.withinMs) {
        return { tookMs: rightAtMs - init.sinceMs, differences: [{ who: 'town', text: 'right, but too late' }] }
      }
      const isSteady = nowMs - rightAtMs >= steadyForMs && nowMs - init.sinceMs >= init.watchForMs
      if (isSteady) {
        const tookMs = rightAtMs - init.sinceMs
        town.chronicle.write('town', `all is right since ${Math.round(tookMs)} ms after the last disturbance`)
        return { tookMs, differences: [] }
      }
    }
    await sleep(lookEveryMs)
  }
}
