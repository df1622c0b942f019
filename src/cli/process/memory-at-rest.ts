// Keeps the memory of a process small. It is given back to the system once the process
// rests: starting, and indexing a long history, leave a heap several times as large as
// what lives in it, and V8 keeps that for as long as nothing asks for more. And a face
// that only draws goes without the compilers that make code fast.
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { alignedInterval } from '../../lib/index.ts'

/** How often to look whether the process rests: soon after it has started, and rarely enough to cost nothing. */
const LOOK_EVERY_MS = 5_000

/** A process that was busy for less of that time rests: nobody notices a pause of some tens of milliseconds. */
const REST_UTILIZATION = 0.02

/** A heap that has grown by less since the last release is left as it is. */
const WORTH_RELEASING_BYTES = 8 * 1024 * 1024

/** The memory of this process, and how busy it is. */
interface Memory {
  heapBytes(): number
  /** The part of the time since the last call in which it was busy. */
  busyPart(): number
  release(): void
}

/** @returns what ends it */
export function releaseMemoryAtRest(memory: Memory | undefined = ownMemory()): () => void {
  if (memory === undefined) return () => undefined
  let keptBytes = 0
  return alignedInterval(() => {
    const isAtRest = memory.busyPart() < REST_UTILIZATION
    if (!isAtRest || memory.heapBytes() - keptBytes < WORTH_RELEASING_BYTES) return
    memory.release()
    keptBytes = memory.heapBytes()
  }, LOOK_EVERY_MS)
}

/** @returns undefined where V8 can't be told to release anything */
function ownMemory(): Memory | undefined {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('globalThis.gc')
  if (typeof collect !== 'function') return undefined
  let before = performance.eventLoopUtilization()
  return {
    heapBytes: () => getHeapStatistics().total_heap_size,
    busyPart: () => {
      const now = performance.eventLoopUtilization()
      const { utilization } = performance.eventLoopUtilization(now, before)
      before = now
      return utilization
    },
    // Other kinds of collection free memory within the heap, which keeps its pages.
    release: () => void Reflect.apply(collect, undefined, [{ type: 'major', execution: 'sync', flavor: 'last-resort' }])
  }
}

/**
 * For a process with a node of its own, and for one whose output may be thousands of lines a second: V8's optimizing
 * compilers, without which `bin/parley.js` starts what may become a mere face.
 */
export function compileOptimized(): void {
  setFlagsFromString('--turbofan')
  setFlagsFromString('--maglev')
}
