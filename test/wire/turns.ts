/** Waiting for what is on its way in this process, by turns of the event loop and not by the clock. */

import type { Stream } from '@libp2p/interface'

const MAX_TURNS = 100_000
const STILL_TURNS = 20

/** Lets everything run that is ready. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** @throws when the condition does not come true. */
export async function until(condition: () => boolean): Promise<void> {
  for (let turns = 0; turns < MAX_TURNS; turns++) {
    if (condition()) {
      return
    }
    await turn()
  }
  throw new Error('The condition did not come true')
}

/** Waits until nothing more arrives at a stream that nobody reads. */
export async function untilStill(stream: Stream): Promise<void> {
  let seenBytes = -1
  for (let stillTurns = 0; stillTurns < STILL_TURNS; stillTurns++) {
    if (stream.readBufferLength !== seenBytes) {
      seenBytes = stream.readBufferLength
      stillTurns = 0
    }
    await turn()
  }
}
