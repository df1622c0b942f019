import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { DeadlineError, toError, withDeadline } from '../../src/wire/index.ts'

/** Work that never ends and takes no notice of its signal. */
const never = (): Promise<never> => new Promise(() => undefined)

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a deadline', () => {
  test('passes on what the work resolves or rejects with, and leaves no timer behind', async () => {
    await expect(withDeadline('dial', 1000, undefined, async () => 7)).resolves.toBe(7)
    const failure = new Error('refused')
    await expect(withDeadline('dial', 1000, undefined, () => Promise.reject(failure))).rejects.toBe(failure)
    expect(vi.getTimerCount()).toBe(0)
  })

  test('names its stage and its time, even when the work ignores the signal', async () => {
    const outcome = expect(withDeadline('receipt', 1000, undefined, never)).rejects.toMatchObject({
      name: 'DeadlineError',
      stage: 'receipt',
      timeoutMs: 1000
    })
    await vi.advanceTimersByTimeAsync(1000)
    await outcome
  })

  test('is the failure even when the work fails on the signal', async () => {
    const outcome = expect(
      withDeadline('dial', 1000, undefined, (signal) => {
        const { promise, reject } = Promise.withResolvers<never>()
        signal.addEventListener('abort', () => reject(new Error('my own words')))
        return promise
      })
    ).rejects.toBeInstanceOf(DeadlineError)
    await vi.advanceTimersByTimeAsync(1000)
    await outcome
  })

  test('ends with the reason of the signal that it was given, and takes its listener off', async () => {
    const controller = new AbortController()
    const remove = vi.spyOn(controller.signal, 'removeEventListener')
    const reason = new Error('the user left')
    const outcome = expect(withDeadline('dial', 1000, controller.signal, never)).rejects.toBe(reason)
    controller.abort(reason)
    await outcome
    expect(remove).toHaveBeenCalledOnce()
    expect(vi.getTimerCount()).toBe(0)
    await expect(withDeadline('dial', 1000, controller.signal, async () => 1)).rejects.toBe(reason)
  })
})

describe('whatever was thrown', () => {
  test('becomes an Error that keeps it', () => {
    const error = new Error('inside')
    expect(toError(error)).toBe(error)
    expect(toError(Object.assign(new Event('close'), { error }))).toBe(error)
    expect(toError(new Event('close')).message).toContain('close')
    expect(toError('text')).toMatchObject({ cause: 'text' })
  })
})
