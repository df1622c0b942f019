import { getEventListeners } from 'node:events'
import { expect, test, vi } from 'vitest'
import { abortAfter, onAbort } from '../../src/lib/index.ts'

test('the abort of a signal is heard once', () => {
  const controller = new AbortController()
  const act = vi.fn<() => void>()
  onAbort(controller.signal, act)
  expect(act).not.toHaveBeenCalled()
  controller.abort()
  expect(act).toHaveBeenCalledOnce()
})

test('an abort that came before is heard now', () => {
  const act = vi.fn<() => void>()
  onAbort(AbortSignal.abort(), act)()
  expect(act).toHaveBeenCalledOnce()
})

test('a wait that is over leaves no listener behind, and hears nothing', () => {
  const controller = new AbortController()
  const act = vi.fn<() => void>()
  const unlisten = onAbort(controller.signal, act)
  unlisten()
  expect(getEventListeners(controller.signal, 'abort')).toEqual([])
  controller.abort()
  unlisten()
  expect(act).not.toHaveBeenCalled()
})

test('without a signal nothing is heard', () => {
  const act = vi.fn<() => void>()
  onAbort(undefined, act)()
  expect(act).not.toHaveBeenCalled()
})

test.each([999.999_999_9, 0.1, 0, -1.5])(
  'a time that was computed, such as %d ms, may be a fraction, or over',
  (ms) => {
    expect(abortAfter(ms).aborted).toBe(false)
  }
)
