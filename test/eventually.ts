/**
 * Waits for what a test expects to happen. The test fails when it does not happen at all: how long it takes depends on
 * what else the machine does, and is for the benchmarks to measure.
 */
import { vi } from 'vitest'
import { eventualMs, Patience } from './patience.ts'

/** Short against everything that is waited for. */
const intervalMs = 5
/** Loaded before any test fakes it. */
const { setTimeout: later } = globalThis

/**
 * @param expectation throws until it is met; looks again and again, under fake timers with the clock advanced
 * @returns what the expectation returned when it was met
 */
export async function eventually<T>(expectation: () => T | Promise<T>): Promise<T> {
  const patience = new Patience(eventualMs)
  try {
    for (;;) {
      try {
        return await expectation()
      } catch (error) {
        if (patience.isOver) throw error
      }
      await turn()
      if (vi.isFakeTimers()) vi.advanceTimersByTime(intervalMs)
    }
  } finally {
    patience.end()
  }
}

/** Waits until the condition holds. What it throws fails the test at once. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  const patience = new Patience(eventualMs)
  try {
    while (!condition()) {
      if (patience.isOver) throw new Error(`it did not happen: ${what}`)
      await turn()
      if (vi.isFakeTimers()) vi.advanceTimersByTime(intervalMs)
    }
  } finally {
    patience.end()
  }
}

async function turn(): Promise<void> {
  await new Promise<void>((resolve) => void later(resolve, intervalMs))
}
