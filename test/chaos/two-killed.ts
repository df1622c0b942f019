// Two of the three directories are killed at once: everybody has to be on the
// third, and to see everybody, soon; and when the two are back, all three have to
// agree. The times are measured and held to their limits.
import type { Directory } from './directory.ts'
import { untilQuiet, type Quiet } from './quiet.ts'
import type { Town } from './town.ts'

/** From the kill. */
const rightWithinMs = 5_000
/** From the start of their processes. */
const agreeWithinMs = 10_000
/** Attachments of a directory that died end by then at the latest. */
const watchForMs = 5_500

export interface TwoKilled {
  readonly told: string
  readonly failed: readonly Quiet[]
}

export async function killTwo(town: Town, killed: readonly Directory[]): Promise<TwoKilled> {
  const names = killed.map(({ name }) => name).join(' and ')
  town.note(`${names} are killed`)
  await Promise.all(killed.map(async (directory) => directory.kill()))
  const gone = await untilQuiet(town, { sinceMs: town.disturbedAtMs, withinMs: rightWithinMs, watchForMs })
  town.note(`${names} are started again`)
  await Promise.all(killed.map(async (directory) => directory.start()))
  const back = await untilQuiet(town, { sinceMs: town.disturbedAtMs, withinMs: agreeWithinMs, watchForMs })
  const told =
    `${names} killed: ${words(gone, 'the third and all clients right', rightWithinMs)}; ` +
    `started again: ${words(back, 'all three and all clients agree', agreeWithinMs)}`
  return { told, failed: [gone, back].filter(({ differences }) => differences.length > 0) }
}

function words({ tookMs, differences }: Quiet, what: string, withinMs: number): string {
  const limit = `${withinMs / 1000} s`
  if (differences.length > 0) return `${what} NOT within ${limit}`
  return `${what} after ${(tookMs / 1000).toFixed(1)} s (limit ${limit})`
}
