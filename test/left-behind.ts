// Files of unit tests share a process, and with it clocks and environment. One that leaves them changed fails, and not
// the file after it.
import { afterAll, beforeAll, expect, vi } from 'vitest'

const environment = (): NodeJS.ProcessEnv => ({ ...process.env })
const clocks = (): readonly unknown[] => [performance.now, Date, Date.now, Math.random, setTimeout, setImmediate]

let before: readonly [NodeJS.ProcessEnv, readonly unknown[]]

beforeAll(() => {
  before = [environment(), clocks()]
})

afterAll(() => {
  expect(vi.isFakeTimers(), 'the timers are fake still').toBe(false)
  expect([environment(), clocks()], 'left behind by this file').toEqual(before)
})
