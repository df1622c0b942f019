/** Waiting for what is on its way in this process: for a condition, or until nothing moves any more. */
import { eventualMs, Patience } from '../patience.ts'

/** Turns with a timer in each, for connections in memory use timers of 0 and 1 ms. */
const STILL_TIMER_TURNS = 15

/** Lets everything run that is ready. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** @throws when the condition does not come true. */
export async function until(condition: () => boolean): Promise<void> {
  const patience = new Patience(eventualMs)
  try {
    while (!patience.isOver) {
      if (condition()) return
      await turn()
    }
  } finally {
    patience.end()
  }
  throw new Error('The condition did not come true')
}

/** Waits until a measure, such as the bytes held of a stream that nobody reads, changes no more. */
export async function untilStill(measure: () => number): Promise<void> {
  let seen = Number.NaN
  for (let stillTurns = 0; stillTurns < STILL_TIMER_TURNS; stillTurns++) {
    const now = measure()
    if (now !== seen) {
      seen = now
      stillTurns = 0
    }
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}
