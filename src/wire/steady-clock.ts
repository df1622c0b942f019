/**
 * The time for leases, rates and delays: it begins at the system's time and then goes on evenly, whatever is done to
 * the system's clock. It is no time to show or to store.
 */

/** @returns milliseconds, whole */
export function steadyNow(): number {
  return Math.round(performance.timeOrigin + performance.now())
}
