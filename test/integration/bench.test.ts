/** The benchmarks, as small as they go: what they print is no measurement here, but that they print it. */
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { benches } from '../../bench/benches.ts'
import { goals, isMet } from '../../bench/goals.ts'
import type { ReportRow } from '../../bench/report.ts'
import { nodePath } from '../processes/parley-process.ts'

const folder = join(import.meta.dirname, '..', '..', 'bench')
/** Sources as they are, with the generated frames among them. */
const asSource = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']
const limitMs = 90_000

/** @returns the cells of the table that it prints, heading and line left out */
async function rowsOf(file: string, args: readonly string[]): Promise<string[][]> {
  const run = promisify(execFile)(nodePath, [...asSource, join(folder, file), ...args], { timeout: limitMs })
  const { stdout } = await run
  // Its own table comes before that of the goals.
  const lines = stdout.split('\n')
  const first = lines.findIndex((line) => line.startsWith('|'))
  const end = lines.findIndex((line, index) => index > first && !line.startsWith('|'))
  const table = lines.slice(first, end)
  return table.slice(2).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim())
  )
}

const isFigure = (cell: string): boolean => Number.isFinite(Number(cell))

test('bench/directory-capacity.ts tells of a directory beside a bare node', async () => {
  const rows = await rowsOf('directory-capacity.ts', ['--clients', '4', '--joins', '2', '--rest', '0.5'])
  expect(rows.map(([name, clients]) => [name, clients])).toEqual([
    ['bare libp2p node', '4'],
    ['directory', '4']
  ])
  expect(rows[1]?.slice(1).filter((cell) => !isFigure(cell))).toEqual([])
})

test('bench/directory-push.ts tells of one directory and of two', async () => {
  const rows = await rowsOf('directory-push.ts', ['--clients', '3', '--joins', '2'])
  expect(rows).toHaveLength(1)
  expect(rows[0]?.filter((cell) => !isFigure(cell))).toEqual([])
})

test('bench/directory-stampede.ts brings everybody back', async () => {
  const rows = await rowsOf('directory-stampede.ts', ['--clients', '12', '--own', '2', '--settle', '0.2'])
  expect(rows.map(([after, , , , , missing]) => [after, missing])).toEqual([
    ['the first time', '0'],
    ['kill -9', '0'],
    ['graceful stop', '0'],
    ['network gone', '0']
  ])
})

test('bench/directory-watchers.ts tells what a flush costs', async () => {
  const rows = await rowsOf('directory-watchers.ts', ['--peers', '50', '--watchers', '4', '--flushes', '3'])
  expect(rows).toHaveLength(2)
  expect(rows.every((row) => isFigure(row[3] ?? ''))).toBe(true)
})

test('what was not measured is not met, and a bound is met from both sides', () => {
  expect(isMet(goals.smallOverHyperdht, undefined)).toBe(false)
  expect(isMet(goals.smallOverHyperdht, Number.NaN)).toBe(false)
  expect([2.99, 3].map((value) => isMet(goals.smallOverHyperdht, value))).toEqual([false, true])
  expect([10, 10.01].map((value) => isMet(goals.joinLoop, value))).toEqual([true, false])
})

// Those of a directory are run above.
const others = benches.filter(({ name }) => !name.startsWith('directory-'))
test.each(others)('npm run bench -- $name --smoke writes its rows', async ({ name }) => {
  const home = await mkdtemp(join(tmpdir(), 'parley-bench-test-'))
  try {
    const json = join(home, 'rows.json')
    const args = [...asSource, join(folder, 'run.ts'), name, '--smoke', '--json', json]
    await promisify(execFile)(nodePath, args, { timeout: limitMs })
    const rows = JSON.parse(await readFile(json, 'utf8')) as ReportRow[]
    expect(rows.length).toBeGreaterThan(0)
    expect(rows.filter((row) => Object.keys(row).join() !== 'name,value,unit,goal,met')).toEqual([])
    // A smoke run measures nothing that a goal could be judged by.
    expect(rows.filter(({ goal, met }) => (goal === null ? met !== null : met !== false))).toEqual([])
    expect(rows.some(({ value }) => value !== null)).toBe(true)
  } finally {
    await rm(home, { recursive: true, force: true })
  }
})

test('every goal is measured by a bench', async () => {
  const sources = await Promise.all(benches.map(async ({ name }) => readFile(join(folder, `${name}.ts`), 'utf8')))
  expect(Object.keys(goals).filter((id) => !sources.some((source) => source.includes(`'${id}'`)))).toEqual([])
})
