// How long a test waits for an event that may still come. On a machine at rest all of them come within a second or two;
// beside other work they take as much longer as that work takes. Only a test that fails waits for so long.

import { availableParallelism, loadavg } from 'node:os'

/** For one event, on a machine at rest; {@link Patience} waits as much longer as the machine is busy. */
export const eventualMs = 90_000
/** For a whole test, which waits for some. What it waits for has its own patience: this ends one that hangs. */
export const testMs = 600_000

/** For a libp2p node that a test connects with: libp2p's own limits of five and ten seconds would measure the machine. */
export const patientConnections = {
  dialTimeout: eventualMs,
  addressDialTimeout: eventualMs,
  inboundUpgradeTimeout: eventualMs,
  inboundStreamProtocolNegotiationTimeout: eventualMs,
  outboundStreamProtocolNegotiationTimeout: eventualMs
}

/** So often the time is counted. */
const tickMs = 1_000
/** News make it wait anew until it has waited for so many times its time: what prints for ever fails too. */
const timesAnew = 2
/** Whatever the load: a test that hangs ends with what was missing, and not by its own limit alone. */
const longestMs = 0.9 * testMs
/** Loaded before any test fakes them. */
const { setInterval: every, clearInterval: stop } = globalThis
const { hrtime } = process
const nowMs = (): number => Number(hrtime.bigint() / 1_000_000n)

/**
 * How long a test waits, counted in what a process gets done, and not in seconds: where ten processes are ready to run
 * on each core, ten seconds count as one; and a time in which this process itself stood still counts as one tick.
 *
 * @example
 * const patience = new Patience(eventualMs)
 * try {
 *   while (!isThere()) if (patience.isOver) throw new Error('it did not come'); else await turn()
 * } finally {
 *   patience.end()
 * }
 */
export class Patience {
  readonly #timeoutMs: number
  readonly #onOver: () => void
  readonly #timer: NodeJS.Timeout
  readonly #latestMs = nowMs() + longestMs
  #countedAtMs = nowMs()
  #waitedMs = 0
  #freshSinceMs = 0
  #isOver = false

  /**
   * @param timeoutMs as on a machine at rest
   * @param onOver called once, unless it has been ended before
   */
  constructor(timeoutMs: number, onOver: () => void = () => undefined) {
    this.#timeoutMs = timeoutMs
    this.#onOver = onOver
    this.#timer = every(() => this.#count(), Math.min(tickMs, timeoutMs))
  }

  get isOver(): boolean {
    return this.#isOver
  }

  /** Something has happened, even if it is not yet what is waited for. */
  renew(): void {
    if (this.#waitedMs < timesAnew * this.#timeoutMs) this.#freshSinceMs = this.#waitedMs
  }

  end(): void {
    stop(this.#timer)
  }

  #count(): void {
    const now = nowMs()
    this.#waitedMs += Math.min(tickMs, now - this.#countedAtMs) / processesPerCore()
    this.#countedAtMs = now
    if (this.#waitedMs - this.#freshSinceMs < this.#timeoutMs && now < this.#latestMs) return
    this.end()
    this.#isOver = true
    this.#onOver()
  }
}

/** At least 1; where the system does not say, 1. */
function processesPerCore(): number {
  const [lastMinute = 0] = loadavg()
  return Math.max(1, lastMinute / availableParallelism())
}
