import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { Attention, KEY_COUNTS_MS } from '../../../src/cli/process/attention.ts'

let told: boolean[]
let attention: Attention
beforeEach(() => {
  vi.useFakeTimers()
  told = []
  attention = new Attention((isAttended) => told.push(isAttended))
})
afterEach(() => {
  attention.stop()
  vi.useRealTimers()
})

test('a face that was just opened is attended to, for as long as a key counts', () => {
  vi.advanceTimersByTime(KEY_COUNTS_MS - 1)
  expect(told).toEqual([])
  vi.advanceTimersByTime(1)
  expect(told).toEqual([false])
})

test('each key counts anew where the terminal says nothing of its focus', () => {
  vi.advanceTimersByTime(KEY_COUNTS_MS - 1)
  attention.typed()
  vi.advanceTimersByTime(KEY_COUNTS_MS - 1)
  expect(told).toEqual([])
  vi.advanceTimersByTime(1)
  attention.typed()
  expect(told).toEqual([false, true])
})

test('a terminal that has lost the focus is not attended to, whatever was typed before', () => {
  attention.typed()
  attention.focused(false)
  expect(told).toEqual([false])
  attention.focused(true)
  vi.advanceTimersByTime(10 * KEY_COUNTS_MS)
  expect(told).toEqual([false, true])
})

test('a face that shows notices on the desktop itself needs none of its node', () => {
  attention.focused(false)
  attention.notifiesItself = true
  vi.advanceTimersByTime(2 * KEY_COUNTS_MS)
  attention.notifiesItself = false
  expect(told).toEqual([false, true, false])
})
