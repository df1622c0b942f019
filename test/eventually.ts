/**
 * Waits for what a test expects to happen. The test fails when it does not happen at all: how long it takes depends on
 * what else the machine does, and is for the benchmarks to measure.
 */
import { vi } from 'vitest'
import { eventualMs } from './patience.ts'

/** Short against everything that is waited for. */
const intervalMs = 5

/**
 * @param expectation throws until it is met; looks again and again, under fake timers with the clock advanced
 * @returns what the expectation returned when it was met
 */
export async function eventually<T>(expectation: () => T | Promise<T>): Promise<T> {
  return vi.waitFor(expectation, { timeout: eventualMs, interval: intervalMs })
}

/** Waits until the condition holds. What it throws fails the test at once. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  try {
    await vi.waitUntil(condition, { timeout: eventualMs, interval: intervalMs })
  } catch (error) {
    throw new Error(`while waiting for: ${what}`, { cause: error })
  }
}
