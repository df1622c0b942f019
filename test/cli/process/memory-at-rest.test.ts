import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { releaseMemoryAtRest } from '../../../src/cli/process/memory-at-rest.ts'

const mib = 1024 * 1024
let heapMib: number
let busyPart: number
let released: number
let end: () => void

beforeEach(() => {
  vi.useFakeTimers()
  ;[heapMib, busyPart, released] = [40, 1, 0]
  end = releaseMemoryAtRest({
    heapBytes: () => heapMib * mib,
    busyPart: () => busyPart,
    release: () => {
      released++
      heapMib = 16
    }
  })
})
afterEach(() => {
  end()
  vi.useRealTimers()
})

test('memory is released when the process rests, not while it is busy, and once', () => {
  vi.advanceTimersByTime(60_000)
  expect(released).toBe(0)
  busyPart = 0
  vi.advanceTimersByTime(60_000)
  expect(released).toBe(1)
})

test('it is released again when the heap has grown by a good part since', () => {
  busyPart = 0
  vi.advanceTimersByTime(60_000)
  heapMib = 20
  vi.advanceTimersByTime(60_000)
  expect(released).toBe(1)
  heapMib = 30
  vi.advanceTimersByTime(60_000)
  expect(released).toBe(2)
  end()
  heapMib = 100
  vi.advanceTimersByTime(60_000)
  expect(released).toBe(2)
})
