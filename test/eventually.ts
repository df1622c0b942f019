/**
 * Waits for what a test expects to happen. The test fails when it does not happen at all: how long it takes depends on
 * what else the machine does, and is for the benchmarks to measure. So the patience is counted in the turns that this
 * process gets, which are as slow as the machine is busy, and not in seconds.
 */
import { vi } from 'vitest'
import { eventualMs } from './patience.ts'

/** Short against everything that is waited for. */
const intervalMs = 5
/** On a machine at rest, as many as {@link eventualMs} has. */
const patienceTurns = eventualMs / intervalMs
/** Loaded before any test fakes it. */
const { setTimeout: later } = globalThis

/**
 * @param expectation throws until it is met; looks again and again, under fake timers with the clock advanced
 * @returns what the expectation returned when it was met
 */
export async function eventually<T>(expectation: () => T | Promise<T>): Promise<T> {
  const patience = new Patience()
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
  const patience = new Patience()
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

/** Counts turns while a test waits, also while its expectation takes many of them. */
class Patience {
  #turns = 0
  #isEnded = false

  constructor() {
    void this.#count()
  }

  get isOver(): boolean {
    return this.#turns >= patienceTurns
  }

  end(): void {
    this.#isEnded = true
  }

  async #count(): Promise<void> {
    for (; !this.#isEnded; this.#turns++) await turn()
  }
}

async function turn(): Promise<void> {
  await new Promise<void>((resolve) => void later(resolve, intervalMs))
}
