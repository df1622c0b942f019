// Files of unit tests share a process, and with it clocks, environment and timers. One that leaves them changed fails,
// and not the file after it.
import { afterAll, beforeAll, expect, vi } from 'vitest'
import { armedTimers, forgetTimers, watchTimers } from './armed-timers.ts'

watchTimers()

const environment = (): NodeJS.ProcessEnv => ({ ...process.env })
const clocks = (): readonly unknown[] => [performance.now, Date, Date.now, Math.random, setTimeout, setImmediate]

/** What is being closed when a file ends gets so many turns. */
const closingTurns = 4_000

let before: readonly [NodeJS.ProcessEnv, readonly unknown[]]

beforeAll(() => {
  before = [environment(), clocks()]
})

afterAll(async () => {
  expect(vi.isFakeTimers(), 'the timers are fake still').toBe(false)
  expect([environment(), clocks()], 'left behind by this file').toEqual(before)
  for (let turn = 0; turn < closingTurns && armedTimers().length > 0; turn++)
    await new Promise((resolve) => setTimeout(resolve, 5))
  const armed = armedTimers()
  forgetTimers()
  expect(armed, 'timers that this file has left armed').toEqual([])
})
