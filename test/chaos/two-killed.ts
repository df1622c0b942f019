// Two of the three directories are killed at once: all clients have to be on the
// third, and to see each other; and when the two are back, all three have to
// agree. The times are measured, and in a timed run held to their limits.
import type { Directory } from './directory.ts'
import { untilQuiet, type Quiet, type QuietInit } from './quiet.ts'
import type { Cluster } from './cluster.ts'

/** From the kill, on a machine at rest. */
const rightAtRestMs = 5_000
/** From the start of their processes, on a machine at rest. */
const agreeAtRestMs = 10_000
/** Attachments of a directory that died end by then at the latest. */
const watchForMs = 5_500

export interface TwoKilled {
  readonly told: string
  readonly failed: readonly Quiet[]
}

export async function killTwo(
  cluster: Cluster,
  killed: readonly Directory[],
  { isTimed }: Pick<QuietInit, 'isTimed'>
): Promise<TwoKilled> {
  const quiet = async (atRestMs: number): Promise<Quiet> =>
    untilQuiet(cluster, { sinceMs: cluster.disturbedAtMs, atRestMs, watchForMs, isTimed })
  const names = killed.map(({ name }) => name).join(' and ')
  cluster.note(`${names} are killed`)
  await Promise.all(killed.map(async (directory) => directory.kill()))
  const gone = await quiet(rightAtRestMs)
  cluster.note(`${names} are started again`)
  await Promise.all(killed.map(async (directory) => directory.start()))
  const back = await quiet(agreeAtRestMs)
  const told =
    `${names} killed: ${words(gone, 'the third and all clients right', rightAtRestMs)}; ` +
    `started again: ${words(back, 'all three and all clients agree', agreeAtRestMs)}`
  return { told, failed: [gone, back].filter(({ differences }) => differences.length > 0) }
}

function words({ tookMs, differences }: Quiet, what: string, atRestMs: number): string {
  const seconds = `${(tookMs / 1000).toFixed(1)} s (at rest within ${atRestMs / 1000} s)`
  return differences.length > 0 ? `${what}: NOT after ${seconds}` : `${what} after ${seconds}`
}
