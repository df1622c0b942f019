// `npm run test:reach`: peers behind each kind of router reach each other, or come back
// after a change of their network. Prints tables; `--write` puts them into docs/reach.md.
import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { whyNoInternet } from '../netns/internet.ts'
import { routerMeanings } from '../netns/routers.ts'
import { whyNoSlowLinks } from '../netns/slow-link.ts'
import { nodePath } from '../processes/parley-process.ts'
import { runOptions } from '../run-options.ts'
import { changes, recover } from './changes.ts'
import { gridHead, gridRows, type PairRuns } from './grid.ts'
import { sumOf } from './losses.ts'
import { cells, isReached, measure } from './matrix.ts'
import { tableOf, withTable } from './table.ts'

const root = join(import.meta.dirname, '..', '..')
const page = join(root, 'docs', 'reach.md')

const usage = `npm run test:reach -- [--runs N] [--only NAME,…] [--changes [--long]] [--delay MS] [--sample] [--write]

  --runs N       how often each is measured (1 when it is not given)
  --only NAME    these alone, with commas between them.
                 Pairs: ${cells.map(({ name }) => name).join(', ')}.
                 Changes: ${changes.map(({ name }) => name).join(', ')}
  --changes      changes of a network in place of pairs
  --long         what is away stays away for minutes
  --delay MS     what the line of each peer's site adds, each way (nothing when it is not given; needs python3)
  --sample       those pairs that continuous integration runs
  --write        also puts the tables into docs/reach.md
`

const { values } = runOptions(
  {
    options: {
      runs: { type: 'string', default: '1' },
      only: { type: 'string' },
      changes: { type: 'boolean', default: false },
      long: { type: 'boolean', default: false },
      delay: { type: 'string', default: '0' },
      sample: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false }
    }
  },
  usage
)

// Ends by way of what cleans up at the exit.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
process.exitCode = await main()

async function main(): Promise<number> {
  const [runs, delayMs] = [Number(values.runs), Number(values.delay)]
  const known: readonly string[] = (values.changes ? changes : cells).map(({ name }) => name)
  const names = values.only?.split(',') ?? known
  const unknown = names.find((name) => !known.includes(name))
  const isUsage = values.help || !Number.isInteger(runs) || runs < 1 || !(delayMs >= 0) || unknown !== undefined
  if (isUsage) {
    if (unknown !== undefined) console.error(`there is no ${values.changes ? 'change' : 'pair'} ${unknown}`)
    process.stdout.write(usage)
    return values.help ? 0 : 2
  }
  const why = (await whyNoInternet()) ?? (delayMs > 0 ? await whyNoSlowLinks() : undefined)
  if (why !== undefined) {
    const isRequired = process.env['CI'] !== undefined
    console.log(`${why}: ${isRequired ? 'this test can NOT be run' : 'skipped'}`)
    return isRequired ? 1 : 0
  }
  await promisify(execFile)(nodePath, [join(root, 'scripts', 'build.js'), '--if-stale'])
  const options = { runs, delayMs, names }
  const { tables, failed } = values.changes ? await runChanges(options) : await runCells(options)
  for (const table of Object.values(tables)) process.stdout.write(`\n${table}\n`)
  if (values.write) {
    let text = await readFile(page, 'utf8')
    for (const [name, table] of Object.entries(tables)) text = withTable(text, name, table)
    await writeFile(page, text)
  }
  if (failed.length > 0) console.log(`failed: ${failed.join(', ')}`)
  return failed.length === 0 ? 0 : 1
}

interface Options {
  readonly runs: number
  readonly delayMs: number
  readonly names: readonly string[]
}

interface Result {
  /** By their names on the page. */
  readonly tables: Readonly<Record<string, string>>
  readonly failed: readonly string[]
}

async function runCells({ runs, delayMs, names }: Options): Promise<Result> {
  const rows: string[][] = []
  const pairsRun: PairRuns[] = []
  const failed: string[] = []
  for (const cell of cells) {
    if (!names.includes(cell.name) || (values.sample && cell.inSample !== true)) continue
    const all = await repeat(cell.name, runs, failed, async () => {
      const measured = await measure({ ...cell, pair: { ...cell.pair, delayMs } })
      const { path, firstMs, pathMs } = measured
      const better = pathMs === undefined ? `not ${cell.least}` : `${cell.least} after ${Math.round(pathMs)} ms`
      console.log(`${cell.name}: ${path}, first message after ${Math.round(firstMs)} ms, ${better}`)
      if (!isReached(cell, measured)) failed.push(cell.name)
      return measured
    })
    pairsRun.push({ name: cell.name, runs, direct: all.filter(({ path }) => path === 'direct').length })
    const { lost, doubled, outOfOrder } = sumOf(all.flatMap(({ exchange }) => [exchange.toAnna, exchange.toBerta]))
    rows.push([
      cell.name.replace('/', ' / '),
      [...new Set(all.map(({ path }) => path))].join(', '),
      all.map(({ firstMs }) => Math.round(firstMs)).join(' '),
      cell.least === 'relayed'
        ? ''
        : all.map(({ pathMs }) => (pathMs === undefined ? '–' : Math.round(pathMs))).join(' '),
      `${lost} / ${doubled} / ${outOfOrder}`
    ])
  }
  const kinds = Object.entries({ public: 'a host with a public address, and no router', ...routerMeanings })
  const head = ['A / B', 'path', 'first message, ms', 'on this path after, ms', 'lost / doubled / out of order']
  const table = tableOf(head, rows)
  if (delayMs > 0) return { tables: { 'delayed pairs': table }, failed }
  const grid = tableOf(gridHead, gridRows(pairsRun))
  return { tables: { kinds: tableOf(['kind', 'what it does'], kinds), grid, pairs: table }, failed }
}

async function runChanges({ runs, delayMs, names }: Options): Promise<Result> {
  const rows: string[][] = []
  const failed: string[] = []
  for (const change of changes) {
    if (!names.includes(change.name)) continue
    const all = await repeat(change.name, runs, failed, async () => {
      const pair = { ...change.pair, delayMs }
      const recovery = await recover({ ...change, pair }, { isLong: values.long })
      const { tookMs, pathMs, paths } = recovery
      const again = pathMs === undefined ? `not ${change.path} again` : `${change.path} after ${seconds(pathMs)} s`
      console.log(`${change.name}: back after ${seconds(tookMs)} s, ${again}, ${paths.join(' and ')}`)
      if (!recovery.isWell || pathMs === undefined) failed.push(change.name)
      return recovery
    })
    const { what, away, goalMs } = change
    rows.push([
      away === undefined ? what : `${what} for ${values.long ? away.long : away.seconds} s`,
      all.map(({ tookMs }) => seconds(tookMs)).join(' '),
      seconds(goalMs),
      [...new Set(all.flatMap(({ paths }) => paths))].join(', '),
      all.map(({ pathMs }) => (pathMs === undefined ? '–' : seconds(pathMs))).join(' ')
    ])
  }
  const head = ['what happened', 'back after, s', 'goal, s', 'path', 'on this path after, s']
  return { tables: { changes: tableOf(head, rows) }, failed }
}

/** @returns what was measured; a run in which the peers do not come together fails, and the others go on */
async function repeat<T>(name: string, runs: number, failed: string[], measureOnce: () => Promise<T>): Promise<T[]> {
  const all: T[] = []
  for (let run = 1; run <= runs; run++) {
    try {
      all.push(await measureOnce())
    } catch (error) {
      console.log(`${name}: ${error instanceof Error ? error.message : String(error)}`)
      failed.push(name)
    }
  }
  return all
}

function seconds(ms: number): string {
  return (ms / 1_000).toFixed(1)
}
