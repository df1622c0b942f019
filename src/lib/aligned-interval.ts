// For what looks around regularly: calls back at whole multiples of its period, counted
// from one moment for all of the process. What has the same period, or a multiple of
// it, is then woken once and not once each, since waking a process that rests takes more
// than most looks do. It keeps no process alive.

/**
 * The first call comes after a part of the period. Calls that are missed, because the process was busy or stopped, are
 * not made up for.
 *
 * @param periodMs a multiple of a second, so that looks of different periods coincide
 * @returns what ends it
 */
export function alignedInterval(callback: () => void, periodMs: number): () => void {
  let nextAtMs = 0
  let timer: ReturnType<typeof setTimeout> | undefined
  const arm = (): void => {
    const nowMs = performance.now()
    // A timer may fire a little early: never twice for one multiple.
    nextAtMs = Math.max(nextAtMs + periodMs, (Math.floor(nowMs / periodMs) + 1) * periodMs)
    timer = setTimeout(fire, Math.ceil(nextAtMs - nowMs))
    keepAliveNoLonger(timer)
  }
  const fire = (): void => {
    arm()
    callback()
  }
  arm()
  return () => clearTimeout(timer)
}

/** @param timer a number in a browser, where it keeps nothing alive */
function keepAliveNoLonger(timer: unknown): void {
  if (typeof timer === 'object' && timer !== null && 'unref' in timer && typeof timer.unref === 'function')
    timer.unref()
}
