/**
 * One input at a time, and what must hold of each whatever it reaches: it throws nothing that is not documented, it
 * costs no more CPU than it may, and nothing that listens fails later. Over all of them memory must not grow. It
 * knows no fuzzer: the replay of a corpus uses it too.
 */
import { Buffer } from 'node:buffer'
import { DEFAULT_CPU_MS, type FuzzTarget } from './fuzz-target.ts'

/** A first run may meet the garbage collector or code that is not compiled yet: slow is what is slow each time. */
const timesMeasured = 3

/** How often an input is tried in a long repetition: seldom enough to leave the time to the others. */
const stretchEveryMs = 500

/** Long enough that what a decoder does again for each byte stands out. */
const stretchedBytes = 256 * 1024

/** A repetition may cost 2 µs for each byte: honest decoders take below 0.2, and instrumented ones below 1. */
const stretchedCpuMs = 500

export class TooSlowError extends Error {
  override readonly name = 'TooSlowError'
  constructor(cpuMs: number, limitMs: number, sizeBytes: number) {
    super(
      `an input of ${sizeBytes} bytes took ${cpuMs.toFixed(0)} ms of CPU, ${timesMeasured} times: the limit is ${limitMs}`
    )
  }
}

export class Trial {
  readonly #target: FuzzTarget
  readonly #limitMs: number
  #late: unknown
  #stretchedMs = performance.now()
  /** Inputs that were tried. */
  executions = 0

  constructor(target: FuzzTarget) {
    this.#target = target
    this.#limitMs = target.cpuMs ?? DEFAULT_CPU_MS
  }

  /** Notes what failed after its input was over: the next run throws it. */
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
    if (this.#target.isStretched !== true || input.byteLength < 2) return
    await this.#measureAsync(stretched(input), stretchedCpuMs)
    this.#throwLate()
  }

  async #runAsync(input: Uint8Array): Promise<void> {
    await this.#measureAsync(input, this.#limitMs)
    if (this.#isTimeToStretch(input)) await this.#measureAsync(stretched(input), stretchedCpuMs)
    this.#throwLate()
  }

  #isTimeToStretch(input: Uint8Array): boolean {
    if (this.#target.isStretched !== true || input.byteLength < 2) return false
    if (performance.now() - this.#stretchedMs < stretchEveryMs) return false
    this.#stretchedMs = performance.now()
    return true
  }

  #measure(input: Uint8Array, limitMs: number): void {
    for (let times = 1; ; times++) {
      const before = process.threadCpuUsage()
      void this.#target.run(input)
      const cpuMs = millisecondsSince(before)
      if (cpuMs <= limitMs) return
      if (times === timesMeasured) throw new TooSlowError(cpuMs, limitMs, input.byteLength)
    }
  }

  async #measureAsync(input: Uint8Array, limitMs: number): Promise<void> {
    for (let times = 1; ; times++) {
      const before = process.threadCpuUsage()
      await this.#target.run(input)
      const cpuMs = millisecondsSince(before)
      if (cpuMs <= limitMs) return
      if (times === timesMeasured) throw new TooSlowError(cpuMs, limitMs, input.byteLength)
    }
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

function millisecondsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}
