// `npm run test:chaos -- --rounds N [--seed S]`: three directories and twelve
// clients, of which some are killed, restarted, cut off and parted, round after
// round. At the end of each round the rosters of all of them are compared whole
// with what is true. It knows the command line and the order of things; the
// parts beside it know the rest.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { SeededRandom } from '../kill/seeded-random.ts'
import { whyNoNamespaces } from '../netns/lan.ts'
import { Chronicle } from './chronicle.ts'
import { someOf } from './disturbances.ts'
import type { Quiet } from './quiet.ts'
import { playRound } from './round.ts'
import { Town } from './town.ts'
import { killTwo } from './two-killed.ts'

const defaultRounds = 3
/** Two directories are killed at the beginning, and again each time after so many rounds. */
const killTwoEvery = 10
/** Differences and processes of one failure that are shown; the chronicle has everything. */
const shownDifferences = 20
const shownPlaces = 5

interface Options {
  readonly rounds: number
  readonly seed: number
}

interface Score {
  unequal: number
  slowestMs: number
  failedScenarios: number
}

async function main({ rounds, seed }: Options): Promise<number> {
  const why = await whyNoNamespaces()
  if (why !== undefined) {
    const isRequired = process.env['CI'] !== undefined
    console.log(`${why}: ${isRequired ? 'this test can NOT be run' : 'skipped'}`)
    return isRequired ? 1 : 0
  }
  const build = await builtFolder()
  const home = await mkdtemp(join(tmpdir(), 'parley-chaos-'))
  const chronicle = new Chronicle(join(home, 'chronicle.log'))
  const random = new SeededRandom(seed)
  const startedAtMs = performance.now()
  console.log(`${rounds} rounds with three directories and twelve clients, --seed ${seed}`)
  const score: Score = { unequal: 0, slowestMs: 0, failedScenarios: 0 }
  const town = await Town.found({ home, build, chronicle, random })
  const tell = (text: string): void => {
    const seconds = ((performance.now() - startedAtMs) / 1000).toFixed(1)
    console.log(`${seconds} s: ${text}`)
  }
  try {
    tell('all have started')
    for (let number = 1; number <= rounds; number++) {
      if (number % killTwoEvery === 1) await playTwoKilled(town, random, tell, score)
      await playOne(town, random, (text) => tell(`round ${number} of ${rounds}: ${text}`), score)
    }
  } finally {
    await town.remove()
    await chronicle.close()
  }
  const isWell = score.unequal === 0 && score.failedScenarios === 0
  if (isWell) await rm(home, { recursive: true, force: true })
  else console.log(`everything that happened is in ${chronicle.file}`)
  if (score.failedScenarios > 0) console.log(`two directories killed: failed ${score.failedScenarios} times`)
  console.log(`rounds ${rounds} unequal ${score.unequal} slowest ${(score.slowestMs / 1000).toFixed(1)} s`)
  return isWell ? 0 : 1
}

type Tell = (text: string) => void

async function playTwoKilled(town: Town, random: SeededRandom, tell: Tell, score: Score): Promise<void> {
  const { told, failed } = await killTwo(town, someOf(town.directories, 2, random))
  tell(told)
  for (const quiet of failed) explain(town, quiet)
  const faults = town.chronicle.takeFaults()
  for (const fault of faults) console.log(`  ${fault}`)
  if (failed.length + faults.length > 0) score.failedScenarios += 1
}

async function playOne(town: Town, random: SeededRandom, tell: Tell, score: Score): Promise<void> {
  const { told, quiet } = await playRound(town, random)
  const faults = town.chronicle.takeFaults()
  const isEqual = quiet.differences.length === 0
  score.slowestMs = Math.max(score.slowestMs, quiet.tookMs)
  const end = `${isEqual ? 'equal' : 'NOT EQUAL'} after ${(quiet.tookMs / 1000).toFixed(1)} s`
  tell(`${told}; ${end}`)
  explain(town, quiet)
  for (const fault of faults) console.log(`  ${fault}`)
  if (!isEqual || faults.length > 0) score.unequal += 1
}

/** Who is wrong in what, and what they said last. */
function explain(town: Town, { differences }: Quiet): void {
  for (const { text } of differences.slice(0, shownDifferences)) console.log(`  ${text}`)
  if (differences.length > shownDifferences) console.log(`  and ${differences.length - shownDifferences} more`)
  if (differences.length === 0) return
  const places = new Set(['town', ...differences.map(({ who }) => town.placeOf(who))])
  for (const place of [...places].slice(0, shownPlaces)) {
    console.log(`  the last lines of ${place}:`)
    for (const line of town.chronicle.tail(place)) console.log(`    ${line}`)
  }
}

/** Built once: what is started later in the run is the same. */
async function builtFolder(): Promise<string> {
  const script = join(import.meta.dirname, '..', '..', 'scripts', 'build.js')
  const { buildIfStale } = (await import(pathToFileURL(script).href)) as { buildIfStale(): Promise<string> }
  return buildIfStale()
}

function readOptions(): Options {
  const { values } = parseArgs({ options: { rounds: { type: 'string' }, seed: { type: 'string' } } })
  return {
    rounds: readNumber('rounds', values.rounds, defaultRounds),
    seed: readNumber('seed', values.seed, Math.floor(Math.random() * 2 ** 32))
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
