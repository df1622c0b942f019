// Waiting for what directories and their clients find out about each other.
import { setTimeout as sleep } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import { expect } from 'vitest'

/** A disagreement lasts 6 s before it is judged; a busy machine is given more. */
export const judgedWithinMs = 30_000

/** Waits until the value is what it should be. */
export async function becomes<T>(value: () => T, expected: T, withinMs: number): Promise<void> {
  const endMs = Date.now() + withinMs
  while (!isDeepStrictEqual(value(), expected) && Date.now() < endMs) await sleep(20)
  expect(value()).toEqual(expected)
}
