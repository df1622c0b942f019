// One round: several disturbances at moments that nobody chose, one beside the
// other, and then quiet, in which all have to see what is true.
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '../kill/seeded-random.ts'
import { anyDisturbance, comeBack, type Disturbance } from './disturbances.ts'
import { untilQuiet, type Quiet, type QuietInit } from './quiet.ts'
import type { Cluster } from './cluster.ts'

const fewest = 3
const most = 8
/** They begin within this: most of them overlap. */
const beginWithinMs = 2_000
/** From the last disturbance, or its repair, on a machine at rest. */
const equalAtRestMs = 15_000
/** What a directory believes of one that died, or was restarted, ends by then. */
const watchForMs = 5_000
/** Draws for one place in the round: what it would take may be taken. */
const mostDraws = 20

/** @returns what happened, in words, and how it ended */
export async function playRound(
  cluster: Cluster,
  random: SeededRandom,
  { isTimed }: Pick<QuietInit, 'isTimed'>
): Promise<{ told: string; quiet: Quiet }> {
  const plan = planRound(cluster, random)
  const told = plan.map(({ what }) => what).join('; ')
  cluster.log.write('cluster', `round: ${told}`)
  await Promise.all(
    plan.map(async ({ afterMs, run }) => {
      await sleep(afterMs)
      await run()
    })
  )
  const sinceMs = cluster.disturbedAtMs
  const quiet = await untilQuiet(cluster, { sinceMs, atRestMs: equalAtRestMs, watchForMs, isTimed })
  return { told, quiet }
}

function planRound(cluster: Cluster, random: SeededRandom): readonly (Disturbance & { readonly afterMs: number })[] {
  const taken = new Set<string>()
  const plan: Disturbance[] = []
  const take = (disturbance: Disturbance): boolean => {
    if (disturbance.holds.some((name) => taken.has(name))) return false
    for (const name of disturbance.holds) taken.add(name)
    plan.push(disturbance)
    return true
  }
  for (const clientHost of cluster.clientHosts) {
    for (const client of clientHost.away) if (random.isOne(2)) take(comeBack(cluster, clientHost, client))
  }
  const count = fewest + Math.floor(random.upTo(most - fewest + 1))
  for (let place = 0; place < count; place++) {
    for (let draw = 0; draw < mostDraws; draw++) if (take(anyDisturbance(cluster, random))) break
  }
  return plan.map((disturbance) => ({ ...disturbance, afterMs: random.upTo(beginWithinMs) }))
}
