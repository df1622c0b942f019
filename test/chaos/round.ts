// One round: several disturbances at moments that nobody chose, one beside the
// other, and then quiet, in which everybody has to see what is true.
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '../kill/seeded-random.ts'
import { anyDisturbance, comeBack, type Disturbance } from './disturbances.ts'
import { untilQuiet, type Quiet } from './quiet.ts'
import type { Town } from './town.ts'

const fewest = 3
const most = 8
/** They begin within this: most of them overlap. */
const beginWithinMs = 2_000
/** From the last disturbance, or its repair. */
const equalWithinMs = 15_000
/** What a directory believes of one that died, or was restarted, ends by then. */
const watchForMs = 5_000
/** Draws for one place in the round: what it would take may be taken. */
const mostDraws = 20

/** @returns what happened, in words, and how it ended */
export async function playRound(town: Town, random: SeededRandom): Promise<{ told: string; quiet: Quiet }> {
  const plan = planRound(town, random)
  const told = plan.map(({ what }) => what).join('; ')
  town.chronicle.write('town', `round: ${told}`)
  await Promise.all(
    plan.map(async ({ afterMs, run }) => {
      await sleep(afterMs)
      await run()
    })
  )
  const quiet = await untilQuiet(town, { sinceMs: town.disturbedAtMs, withinMs: equalWithinMs, watchForMs })
  return { told, quiet }
}

function planRound(town: Town, random: SeededRandom): readonly (Disturbance & { readonly afterMs: number })[] {
  const taken = new Set<string>()
  const plan: Disturbance[] = []
  const take = (disturbance: Disturbance): boolean => {
    if (disturbance.holds.some((name) => taken.has(name))) return false
    for (const name of disturbance.holds) taken.add(name)
    plan.push(disturbance)
    return true
  }
  for (const household of town.households) {
    for (const client of household.away) if (random.isOne(2)) take(comeBack(town, household, client))
  }
  const count = fewest + Math.floor(random.upTo(most - fewest + 1))
  for (let place = 0; place < count; place++) {
    for (let draw = 0; draw < mostDraws; draw++) if (take(anyDisturbance(town, random))) break
  }
  return plan.map((disturbance) => ({ ...disturbance, afterMs: random.upTo(beginWithinMs) }))
}
