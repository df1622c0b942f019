import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { RECEIPT_DUE_MS, Unanswered } from '../../../src/node/messaging/unanswered.ts'

let silent: string[]
let unanswered: Unanswered

beforeEach(() => {
  vi.useFakeTimers()
  silent = []
  unanswered = new Unanswered((peer) => silent.push(peer))
})

afterEach(() => {
  unanswered.stop()
  vi.useRealTimers()
})

test('a message that brings no receipt for a while is told once, however many follow it', () => {
  for (let sent = 0; sent < 100; sent++) unanswered.sent('anna')
  vi.advanceTimersByTime(RECEIPT_DUE_MS - 1)
  expect(silent).toEqual([])
  vi.advanceTimersByTime(60_000)
  expect(silent).toEqual(['anna'])
})

test('a receipt ends that, of this peer alone', () => {
  unanswered.sent('anna')
  unanswered.sent('berta')
  unanswered.answered('anna')
  vi.advanceTimersByTime(60_000)
  expect(silent).toEqual(['berta'])
  unanswered.sent('anna')
  vi.advanceTimersByTime(60_000)
  expect(silent).toEqual(['berta', 'anna'])
})

test('a stop leaves no timer', () => {
  unanswered.sent('anna')
  unanswered.stop()
  expect(vi.getTimerCount()).toBe(0)
})
