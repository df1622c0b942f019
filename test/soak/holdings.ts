/** What this process holds at one moment, after a forced collection. It knows nothing of what runs in it. */
import { readdirSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapSpaceStatistics } from 'node:v8'

export interface Holdings {
  /** Objects: the heap without what is in {@link codeBytes}. */
  readonly heapBytes: number
  /** Compiled functions and what belongs to them: V8 compiles more of the program, and some anew, for a long time. */
  readonly codeBytes: number
  readonly externalBytes: number
  readonly residentBytes: number
  readonly descriptors: number
  /** Sockets, servers and timers that keep the process alive. */
  readonly resources: number
}

/** A second collection takes what the first has let go of: weak references and finalizers. */
const collections = 2
/** Where V8 keeps machine code, and bytecode and its tables. */
const codeSpace = /^(?:code|trusted)_/u

/** In a process with `--expose-gc`. */
export async function holdings(): Promise<Holdings> {
  for (let left = collections; left > 0; left--) {
    await globalThis.gc?.({ type: 'major', execution: 'async' })
    await sleep(10)
  }
  const { external, rss } = process.memoryUsage()
  const spaces = getHeapSpaceStatistics()
  const used = (isCode: boolean): number =>
    spaces
      .filter(({ space_name: name }) => codeSpace.test(name) === isCode)
      .reduce((sum, { space_used_size: bytes }) => sum + bytes, 0)
  return {
    heapBytes: used(false),
    codeBytes: used(true),
    externalBytes: external,
    residentBytes: rss,
    descriptors: readdirSync('/proc/self/fd').length,
    resources: process.getActiveResourcesInfo().length
  }
}
