/**
 * Whether memory grows with the number of inputs. It forces a collection before it looks, so that what it sees is
 * held by something.
 */
import { trend, type Sample } from '../soak/trend.ts'

const sampleEveryMs = 3000
/** Caches fill, and code is compiled, during the first inputs. */
const warmUpSamples = 4
const minSamples = 12
/** What may be held at the end of a run beyond its warm-up, whatever the slope. */
const allowedBytes = 24 * 1024 * 1024

export class MemoryWatch {
  readonly #collect: () => void
  readonly #samples: Sample[] = []
  #lastMs: number

  /** @param collect forces a collection */
  constructor(collect: () => void, nowMs: number) {
    this.#collect = collect
    this.#lastMs = nowMs
  }

  /** @throws {GrowthError} when memory grows */
  look(executions: number, nowMs: number): void {
    if (nowMs - this.#lastMs < sampleEveryMs) return
    this.#collect()
    const { heapUsed, external } = process.memoryUsage()
    this.#samples.push({ x: executions, y: heapUsed + external })
    // The collection's own time does not shorten the next stretch.
    this.#lastMs = performance.now()
    const grown = this.growth()
    if (grown !== undefined && grown.surelyBytes > allowedBytes) throw new GrowthError(grown.surelyBytes, executions)
  }

  /** What was added after the warm-up; undefined before enough was seen. */
  growth(): { readonly bytes: number; readonly surelyBytes: number } | undefined {
    const steady = this.#samples.slice(warmUpSamples)
    const first = steady[0]
    const last = steady.at(-1)
    if (steady.length < minSamples || first === undefined || last === undefined) return undefined
    const { slope, least } = trend(steady)
    const span = last.x - first.x
    return { bytes: slope * span, surelyBytes: least * span }
  }
}

export class GrowthError extends Error {
  override readonly name = 'GrowthError'
  constructor(bytes: number, executions: number) {
    super(`memory has grown by at least ${(bytes / 2 ** 20).toFixed(1)} MB over ${executions} inputs`)
  }
}
