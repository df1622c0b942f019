/**
 * CPU time of this thread, and how slow the machine is at this moment. The CPU clock leaves out the time in which
 * others run, but not that a shared core, a shared cache and a busy hypervisor make each instruction take longer.
 */

/** Steps of {@link fixedWork}, and the CPU time that they take on the machine that the limits were chosen on, at rest. */
const steps = 2_000_000
const atRestMs = 40
/** A table that is about as large as the cache that a core has for itself. */
const tableEntries = 1 << 18
let table: Uint32Array | undefined

/** @param before of `process.threadCpuUsage()` */
export function millisecondsOfCpu(before: NodeJS.CpuUsage): number {
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}

/**
 * CPU time of work that runs in this turn. To say that something is cheap, a test compares it with a like amount of
 * other work that it does itself: what slows the machine slows both.
 */
export function cpuMsOf(work: () => void): number {
  const before = process.threadCpuUsage()
  work()
  return millisecondsOfCpu(before)
}

/** How many times as long as at rest the same work takes now; at least 1. */
export function machineSlowness(): number {
  table ??= Uint32Array.from({ length: tableEntries }, (_, i) => i * 2_654_435_761)
  const before = process.threadCpuUsage()
  fixedWork(table)
  return Math.max(1, millisecondsOfCpu(before) / atRestMs)
}

/** Each step needs the result of the one before it: arithmetic and a read from memory at random. */
function fixedWork(entries: Uint32Array): number {
  let state = 1
  for (let step = 0; step < steps; step++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    state ^= entries[state & (tableEntries - 1)] ?? 0
  }
  return state
}
