// Waiting for what directories and their clients find out about each other: a disagreement is judged when it has lasted
// for some seconds.
import { expect } from 'vitest'
import { eventually } from '../eventually.ts'

/** Waits until the value is what it should be. */
export async function becomes<T>(value: () => T, expected: T): Promise<void> {
  await eventually(() => expect(value()).toEqual(expected))
}
