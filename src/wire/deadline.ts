/**
 * Waits that end: by a deadline that names its stage, or by a signal. They end
 * even when the work ignores its signal; they do not know what the work is.
 */

import { raceSignal } from 'race-signal'
import { onAbort } from '../lib/index.ts'
import { DeadlineError, toError } from './errors.ts'
import type { Stage } from './errors.ts'

/** Opening a stream: libp2p's own limit for negotiating a protocol. */
export const NEGOTIATE_TIMEOUT_MS = 10_000

/**
 * Runs `run` with a signal that aborts after `timeoutMs` or when `signal` does.
 *
 * @param timeoutMs - milliseconds, counted from this call
 * @throws {DeadlineError} when the time is up
 * @throws the reason of `signal`, as an Error, when that aborts first
 * @throws whatever `run` rejects with
 *
 * @example
 * const connection = await withDeadline('dial', 10_000, signal, (signal) => node.dial(address, { signal }))
 */
export async function withDeadline<T>(
  stage: Stage,
  timeoutMs: number,
  signal: AbortSignal | undefined,
  run: (signal: AbortSignal) => Promise<T>
): Promise<T> {
  if (signal?.aborted === true) {
    throw toError(signal.reason)
  }
  const controller = new AbortController()
  const { promise: cutOff, reject } = Promise.withResolvers<never>()
  // Unhandled when `run` throws before it returns a promise.
  cutOff.catch(() => undefined)
  const giveUp = (error: Error): void => {
    // The wait is rejected first, so that it tells of the deadline and not of how `run` takes the abort.
    reject(error)
    controller.abort(error)
  }
  const timer = setTimeout(() => giveUp(new DeadlineError(stage, timeoutMs)), timeoutMs)
  const unlisten = onAbort(signal, () => giveUp(toError(signal?.reason)))
  try {
    return await Promise.race([cutOff, run(controller.signal)])
  } finally {
    clearTimeout(timer)
    unlisten()
  }
}

/**
 * `promise`, or the reason of `signal` if that comes first. Leaves nothing behind on the signal.
 *
 * @throws the reason of `signal`, as an Error
 */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  return raceSignal(promise, signal, { translateError: ({ reason }) => toError(reason) })
}
