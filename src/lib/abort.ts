// Listening to a signal that may live longer than the wait: the listener goes with the wait. To wait for a promise or
// the signal, whichever comes first, is `orAborted` of src/wire.

/**
 * Calls `act` once: when the signal aborts, or now when it has.
 *
 * @returns what ends the listening; called afterwards it does nothing
 * @example
 * const unlisten = onAbort(signal, resolve)
 * await promise
 * unlisten()
 */
export function onAbort(signal: AbortSignal | undefined, act: () => void): () => void {
  if (signal?.aborted === true) act()
  else signal?.addEventListener('abort', act, { once: true })
  return () => signal?.removeEventListener('abort', act)
}

/**
 * `AbortSignal.timeout` for a time that was computed: that one throws when milliseconds are a fraction or below 0, as
 * what is left of a time may be.
 *
 * @param timeoutMs rounded up to whole milliseconds; below 0 as 0
 */
export function abortAfter(timeoutMs: number): AbortSignal {
  return AbortSignal.timeout(Math.max(0, Math.ceil(timeoutMs)))
}
