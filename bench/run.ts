/**
 * `npm run bench`: runs all benches, or those that are named, one after the
 * other and each in a process of its own, and ends with the table of goals. A
 * bench that fails or takes too long leaves its goals not measured and is
 * reported at the end; the others run. What is measured is for the benches.
 *
 * Run: npm run bench -- [NAME …] [--json FILE] [--smoke] [options of the one bench that is named]
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { benches, type Bench } from './benches.ts'
import { markdownTable, round, whereMeasured } from './bench-process.ts'
import { goals, goalText, type Goal } from './goals.ts'
import type { ReportRow } from './report.ts'

/** The sources run as they are; the generated frames hold TypeScript that needs more than its types taken away. */
const asSource = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning', '--expose-gc']
/** A smoke run takes some seconds, or a minute on a busy machine; one that takes longer than this hangs. */
const smokeLimitMs = 300_000
/** By name a bench measures all its sizes, or those that it is given: so many times as long as in a run of all. */
const aloneFactor = 10

interface Asked {
  readonly names: readonly string[]
  readonly json: string | undefined
  readonly isSmoke: boolean
  /** For the bench that is named. */
  readonly rest: readonly string[]
}

const asked = read(process.argv.slice(2))
const chosen = asked.names.length === 0 ? benches : benches.filter(({ name }) => asked.names.includes(name))
const folder = mkdtempSync(join(tmpdir(), 'parley-bench-rows-'))
const rows: ReportRow[] = []
const failed: string[] = []
const startedAtMs = performance.now()
try {
  for (const bench of chosen) await run(bench)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
if (asked.json !== undefined) writeFileSync(asked.json, `${JSON.stringify(withAllGoals(), undefined, 2)}\n`)
if (chosen.length > 1) printGoals()
for (const text of failed) process.stdout.write(`${text}\n`)
process.exitCode = failed.length > 0 ? 1 : 0

function read(args: readonly string[]): Asked {
  const names: string[] = []
  const rest: string[] = []
  let json: string | undefined
  let isSmoke = false
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? ''
    if (arg === '--json') json = args[++at]
    else if (arg.startsWith('--json=')) json = arg.slice('--json='.length)
    else if (arg === '--smoke') isSmoke = true
    else if (rest.length === 0 && benches.some(({ name }) => name === arg)) names.push(arg)
    else rest.push(arg)
  }
  const [unknown] = rest
  if (unknown !== undefined && (names.length !== 1 || unknown === '--help')) {
    const list = benches.map(({ name, what }) => `  ${name.padEnd(20)} ${what}`).join('\n')
    const wrong = unknown === '--help' ? '' : `bench: ${unknown} is neither a bench nor an option of a single one.\n\n`
    process.stderr.write(`${wrong}npm run bench -- [NAME …] [--json FILE] [--smoke]\n\n${list}\n`)
    process.exit(unknown === '--help' ? 0 : 2)
  }
  return { names, json, isSmoke, rest }
}

async function run({ name, whenAll = [], limitSeconds }: Bench): Promise<void> {
  const { isSmoke, rest, names } = asked
  const json = join(folder, `${name}.json`)
  const own = isSmoke ? ['--smoke'] : names.length === 0 ? whenAll : []
  process.stdout.write(`\n## ${name}\n\n`)
  const file = join(import.meta.dirname, `${name}.ts`)
  // A group of its own, so that nothing that it started outlives it.
  const child = spawn(process.execPath, [...asSource, file, ...own, ...rest, '--json', json], {
    stdio: ['ignore', 'inherit', 'inherit'],
    detached: true
  })
  const stop = (): void => {
    if (child.pid === undefined) return
    try {
      process.kill(-child.pid, 'SIGKILL')
    } catch {
      // It has ended by itself, and so have all whom it had started.
    }
  }
  const onInterrupt = (): void => {
    stop()
    process.exit(130)
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, onInterrupt)
  const limitMs = isSmoke ? smokeLimitMs : limitSeconds * (names.length === 0 ? 1_000 : 1_000 * aloneFactor)
  let isLate = false
  const late = setTimeout(() => {
    isLate = true
    stop()
  }, limitMs)
  const beganAtMs = performance.now()
  const [code] = (await once(child, 'exit')) as [number | null]
  clearTimeout(late)
  stop()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, onInterrupt)
  if (isLate) failed.push(`${name} was ended after ${limitMs / 1_000} s`)
  else if (code !== 0) failed.push(`${name} failed: what it said is above`)
  // What report.ts has written.
  const written = existsSync(json) ? (JSON.parse(readFileSync(json, 'utf8')) as ReportRow[]) : []
  if (written.every(({ value }) => value === null)) failed.push(`${name} has measured nothing`)
  failed.push(...written.filter((row) => !isRow(row)).map((row) => `${name} has written ${JSON.stringify(row)}`))
  rows.push(...written)
  process.stdout.write(`\n(${name} took ${((performance.now() - beganAtMs) / 1_000).toFixed(0)} s)\n`)
}

/** As docs and scripts read it. A smoke run measures nothing that a goal could be judged by. */
function isRow(row: ReportRow): boolean {
  const { goal, met } = row
  const isJudged = goal === null ? met === null : asked.isSmoke ? met === false : typeof met === 'boolean'
  return isJudged && Object.keys(row).join() === 'name,value,unit,goal,met'
}

/** Goals of benches that did not come to them stand there as not met, when all were asked for. */
function withAllGoals(): ReportRow[] {
  if (asked.names.length > 0) return rows
  const missing = Object.values(goals).flatMap((goal) => {
    const name = `(${goal.row}) ${goal.name}`
    if (rows.some((row) => row.name === name)) return []
    return [{ name, value: null, unit: goal.unit, goal: goalText(goal), met: false }]
  })
  return [...rows, ...missing]
}

/** With the reason that is known; what was not measured has its reason above. */
function notMet(name: string, value: number | null): string {
  const goal: Goal | undefined = Object.values(goals).find((one) => name === `(${one.row}) ${one.name}`)
  return value === null || goal?.missedFor === undefined ? 'not met' : `not met: ${goal.missedFor}`
}

function printGoals(): void {
  const cells = withAllGoals()
    .filter(({ goal }) => goal !== null)
    .toSorted((a, b) => Number.parseInt(a.name.slice(1), 10) - Number.parseInt(b.name.slice(1), 10))
    .map(({ name, value, unit, goal, met }) => {
      const measured = value === null ? 'not measured' : `${round(value)} ${unit}`
      return [name, measured, goal ?? '', met === true ? 'met' : notMet(name, value)]
    })
  const minutes = ((performance.now() - startedAtMs) / 60_000).toFixed(1)
  process.stdout.write(
    `\n## Goals\n\n${whereMeasured()}; all of it took ${minutes} min\n\n` +
      `${markdownTable(['', 'measured', 'goal', ''], cells)}\n\n`
  )
}
