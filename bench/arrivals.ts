/** Waiting until all clients of a benchmark were told of a change of the roster. */

import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchProcess } from './bench-process.ts'
import type { LoadAnswer, LoadOrder } from './directory-load.ts'

/** Between looks at who was told, and for how long. */
const pollMs = 100
const limitMs = 15_000

/** @returns when each client was told of a change, as soon as all have been, or after a while */
export async function arrivals(
  loads: readonly BenchProcess<LoadOrder, LoadAnswer>[],
  clients: number
): Promise<number[]> {
  const atMs: number[] = []
  for (const endMs = performance.now() + limitMs; atMs.length < clients && performance.now() < endMs;) {
    await sleep(pollMs)
    for (const load of loads) {
      const answer = await load.ask({ do: 'arrivals' })
      if (answer.done === 'arrivals') atMs.push(...answer.atMs)
    }
  }
  return atMs
}
