/**
 * One input at a time, and what must hold of each input: it throws only errors that are documented, it costs no more
 * CPU than it may, and nothing that listens fails later. It knows no fuzzer: the replay of a corpus uses it too. It
 * asks no clock what to do next, so that a seed gives the same inputs on every machine.
 */
import { Buffer } from 'node:buffer'
import { machineSlowness, millisecondsOfCpu } from '../cpu-time.ts'
import { DEFAULT_CPU_MS, type FuzzTarget } from './fuzz-target.ts'

/** A first run may meet the garbage collector or code that is not compiled yet: slow is what is slow each time. */
const timesMeasured = 3

/** Long enough that what a decoder does again for each byte stands out. */
const stretchedBytes = 256 * 1024

/**
 * A repetition may cost 8 µs for each byte. Honest decoders take below 0.2 and instrumented ones below 1; of bytes that are
 * each a frame of their own, they take 2.5 beside other work. What is done again for each byte takes minutes.
 */
const stretchedCpuMs = 2_000

export class TooSlowError extends Error {
  override readonly name = 'TooSlowError'
  constructor(cpuMs: number, limitMs: number, sizeBytes: number) {
    super(
      `an input of ${sizeBytes} bytes took ${cpuMs.toFixed(0)} ms of CPU, ${timesMeasured} times: ` +
        `the limit for this machine is ${limitMs.toFixed(0)}`
    )
  }
}

export class Trial {
  readonly #target: FuzzTarget
  readonly #limitMs: number
  readonly #slowness: () => number
  #late: unknown
  /** Inputs that were tried. */
  executions = 0

  /** @param slowness of the machine at this moment: by how much the limits grow */
  constructor(target: FuzzTarget, slowness: () => number = machineSlowness) {
    this.#target = target
    this.#slowness = slowness
    this.#limitMs = target.cpuMs ?? DEFAULT_CPU_MS
  }

  /** Keeps an error that came after its input was over: the next run throws it. */
  failLater(error: unknown): void {
    this.#late ??= error
  }

  run(given: Uint8Array): void | Promise<void> {
    this.executions++
    // The fuzzer's memory is used again; and a Buffer would not be what the decoders are given.
    const input = Uint8Array.from(given)
    if (this.#target.isAsync === true) return this.#runAsync(input)
    this.#measure(input, this.#limitMs)
    if (this.#isTimeToStretch(input)) this.#measure(stretched(input), stretchedCpuMs)
    this.#throwLate()
  }

  /** Tries the input in a long repetition. */
  async runStretched(input: Uint8Array): Promise<void> {
    if (this.#target.stretchEvery === undefined || input.byteLength < 2) return
    await this.#measureAsync(stretched(input), stretchedCpuMs)
    this.#throwLate()
  }

  async #runAsync(input: Uint8Array): Promise<void> {
    await this.#measureAsync(input, this.#limitMs)
    if (this.#isTimeToStretch(input)) await this.#measureAsync(stretched(input), stretchedCpuMs)
    this.#throwLate()
  }

  #isTimeToStretch(input: Uint8Array): boolean {
    const { stretchEvery } = this.#target
    return stretchEvery !== undefined && input.byteLength >= 2 && this.executions % stretchEvery === 0
  }

  #measure(input: Uint8Array, limitMs: number): void {
    for (let times = 1; ; times++) {
      const before = process.threadCpuUsage()
      void this.#target.run(input)
      if (this.#isCheapEnough(millisecondsOfCpu(before), limitMs, times, input)) return
    }
  }

  async #measureAsync(input: Uint8Array, limitMs: number): Promise<void> {
    for (let times = 1; ; times++) {
      const before = process.threadCpuUsage()
      await this.#target.run(input)
      if (this.#isCheapEnough(millisecondsOfCpu(before), limitMs, times, input)) return
    }
  }

  /**
   * Limits hold for a machine at rest; beside other work the same instructions take longer.
   *
   * @throws {TooSlowError} when it was the last of several times
   */
  #isCheapEnough(cpuMs: number, limitMs: number, times: number, input: Uint8Array): boolean {
    if (cpuMs <= limitMs) return true
    const limitHereMs = limitMs * this.#slowness()
    if (cpuMs <= limitHereMs) return true
    if (times >= timesMeasured) throw new TooSlowError(cpuMs, limitHereMs, input.byteLength)
    return false
  }

  #throwLate(): void {
    const late = this.#late
    this.#late = undefined
    if (late !== undefined) throw late instanceof Error ? late : new Error('something failed later', { cause: late })
  }
}

/** The first byte says how an input is meant, and is not repeated. */
function stretched(input: Uint8Array): Uint8Array {
  const repeated = Buffer.alloc(stretchedBytes, input.subarray(1))
  return new Uint8Array(Buffer.concat([input.subarray(0, 1), repeated]))
}
