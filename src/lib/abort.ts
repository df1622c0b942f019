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
