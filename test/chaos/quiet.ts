// Waits until all directories and clients see what is true, and go on to. Being
// right for a moment is not enough: what a directory still believes of a dead one
// ends seconds after, and would be wrong only then.
import { setTimeout as sleep } from 'node:timers/promises'
import { differences, type Difference } from './compare.ts'
import { eventualMs } from '../patience.ts'
import type { Cluster } from './cluster.ts'

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

export interface QuietInit {
  /** The moment that counts, by `performance.now()`. */
  readonly sinceMs: number
  /** How long it takes at most on a machine at rest. */
  readonly atRestMs: number
  /** Right before this may become wrong again. */
  readonly watchForMs: number
  /** To be later than at rest is wrong. Without it only what is never right is: beside other work all takes longer. */
  readonly isTimed: boolean
}

export async function untilQuiet(cluster: Cluster, init: QuietInit): Promise<Quiet> {
  const withinMs = init.isTimed ? init.atRestMs : eventualMs
  let rightAtMs: number | undefined
  let before = new Set<string>()
  for (;;) {
    const lookedAtMs = performance.now()
    const found = differences(await cluster.look())
    const nowMs = performance.now()
    const texts = new Set(found.map(({ text }) => text))
    for (const text of texts) if (!before.has(text)) cluster.log.write('cluster', `wrong: ${text}`)
    for (const text of before) if (!texts.has(text)) cluster.log.write('cluster', `no longer: ${text}`)
    before = texts
    if (found.length > 0) {
      rightAtMs = undefined
      if (lookedAtMs - init.sinceMs > withinMs) return { tookMs: nowMs - init.sinceMs, differences: found }
    } else {
      rightAtMs ??= nowMs
      if (rightAtMs - init.sinceMs > withinMs) {
        return { tookMs: rightAtMs - init.sinceMs, differences: [{ who: 'cluster', text: 'right, but too late' }] }
      }
      const isSteady = nowMs - rightAtMs >= steadyForMs && nowMs - init.sinceMs >= init.watchForMs
      if (isSteady) {
        const tookMs = rightAtMs - init.sinceMs
        cluster.log.write('cluster', `all is right since ${Math.round(tookMs)} ms after the last disturbance`)
        return { tookMs, differences: [] }
      }
    }
    await sleep(lookEveryMs)
  }
}
