// `npm run test:chaos -- --rounds N [--seed S] [--timed]`: three directories and twelve
// clients: some are killed, restarted, cut off and parted, round after
// round. At the end of each round the rosters of all of them are compared whole
// with what is true; with --timed also with how long that takes on a machine that
// does nothing else. It knows the command line and the order of things; the parts
// beside it know the rest.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { SeededRandom } from '../kill/seeded-random.ts'
import { whyNoNamespaces } from '../netns/lan.ts'
import { EventLog } from './event-log.ts'
import { someOf } from './disturbances.ts'
import type { Quiet } from './quiet.ts'
import { playRound } from './round.ts'
import { Cluster } from './cluster.ts'
import { killTwo } from './two-killed.ts'

const defaultRounds = 3
/** Two directories are killed at the beginning, and again each time after so many rounds. */
const killTwoEvery = 10
/** Differences and processes of one failure that are shown; the log has everything. */
const shownDifferences = 20
const shownPlaces = 5

interface Options {
  readonly rounds: number
  readonly seed: number
  readonly isTimed: boolean
}

interface Score {
  unequal: number
  slowestMs: number
  failedScenarios: number
}

async function main({ rounds, seed, isTimed }: Options): Promise<number> {
  const why = await whyNoNamespaces()
  if (why !== undefined) {
    const isRequired = process.env['CI'] !== undefined
    console.log(`${why}: ${isRequired ? 'this test can NOT be run' : 'skipped'}`)
    return isRequired ? 1 : 0
  }
  const build = await builtFolder()
  const home = await mkdtemp(join(tmpdir(), 'parley-chaos-'))
  const log = new EventLog(join(home, 'events.log'))
  const random = new SeededRandom(seed)
  const startedAtMs = performance.now()
  console.log(`${rounds} rounds with three directories and twelve clients, --seed ${seed}`)
  const score: Score = { unequal: 0, slowestMs: 0, failedScenarios: 0 }
  const cluster = await Cluster.start({ home, build, log, random })
  const tell = (text: string): void => {
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1)
    console.log(`${seconds} s: ${text}`)
  }
  try {
    tell('all have started')
    for (let number = 1; number <= rounds; number++) {
      if (number % killTwoEvery === 1) await playTwoKilled(cluster, random, { tell, isTimed }, score)
      const tellRound = (text: string): void => tell(`round ${number} of ${rounds}: ${text}`)
      await playOne(cluster, random, { tell: tellRound, isTimed }, score)
    }
  } finally {
    await cluster.remove()
    await log.close()
  }
  const isWell = score.unequal === 0 && score.failedScenarios === 0
  if (isWell) await rm(home, { recursive: true, force: true })
  else console.log(`everything that happened is in ${log.file}`)
  if (score.failedScenarios > 0) console.log(`two directories killed: failed ${score.failedScenarios} times`)
  console.log(`rounds ${rounds} unequal ${score.unequal} slowest ${(score.slowestMs / 1000).toFixed(1)} s`)
  return isWell ? 0 : 1
}

interface RoundInit {
  readonly tell: (text: string) => void
  readonly isTimed: boolean
}

async function playTwoKilled(
  cluster: Cluster,
  random: SeededRandom,
  { tell, isTimed }: RoundInit,
  score: Score
): Promise<void> {
  const { told, failed } = await killTwo(cluster, someOf(cluster.directories, 2, random), { isTimed })
  tell(told)
  for (const quiet of failed) explain(cluster, quiet)
  const faults = cluster.log.takeFaults()
  for (const fault of faults) console.log(`  ${fault}`)
  if (failed.length + faults.length > 0) score.failedScenarios += 1
}

async function playOne(
  cluster: Cluster,
  random: SeededRandom,
  { tell, isTimed }: RoundInit,
  score: Score
): Promise<void> {
  const { told, quiet } = await playRound(cluster, random, { isTimed })
  const faults = cluster.log.takeFaults()
  const isEqual = quiet.differences.length === 0
  score.slowestMs = Math.max(score.slowestMs, quiet.tookMs)
  const end = `${isEqual ? 'equal' : 'NOT EQUAL'} after ${(quiet.tookMs / 1000).toFixed(1)} s`
  tell(`${told}; ${end}`)
  explain(cluster, quiet)
  for (const fault of faults) console.log(`  ${fault}`)
  if (!isEqual || faults.length > 0) score.unequal += 1
}

/** Which are wrong in what, and what they said last. */
function explain(cluster: Cluster, { differences }: Quiet): void {
  for (const { text } of differences.slice(0, shownDifferences)) console.log(`  ${text}`)
  if (differences.length > shownDifferences) console.log(`  and ${differences.length - shownDifferences} more`)
  if (differences.length === 0) return
  const places = new Set(['cluster', ...differences.map(({ who }) => cluster.placeOf(who))])
  for (const place of [...places].slice(0, shownPlaces)) {
    console.log(`  the last lines of ${place}:`)
    for (const line of cluster.log.tail(place)) console.log(`    ${line}`)
  }
}

/** Built once: what is started later in the run is the same. */
async function builtFolder(): Promise<string> {
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'build.js')
  const { buildIfStale } = (await import(pathToFileURL(script).href)) as { buildIfStale(): Promise<string> }
  return buildIfStale()
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: { rounds: { type: 'string' }, seed: { type: 'string' }, timed: { type: 'boolean', default: false } }
  })
  return {
    rounds: readNumber('rounds', values.rounds, defaultRounds),
    seed: readNumber('seed', values.seed, Math.floor(Math.random() * 2 ** 32)),
    isTimed: values.timed
  }
}

function readNumber(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise
  if (/^\d+$/u.test(text)) return Number(text)
  console.error(`--${name} ${text}: expected a number`)
  process.exit(2)
}

// Ends by way of what cleans up at the exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.exitCode = await main(readOptions())
