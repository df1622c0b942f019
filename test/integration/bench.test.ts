/** The benchmarks of a directory, as small as they go: what they print is no measurement here, but that they print it. */
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { nodePath } from '../processes/parley-process.ts'

const folder = join(import.meta.dirname, '..', '..', 'bench')
/** Sources as they are, with the generated frames among them. */
const asSource = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']
const limitMs = 90_000

/** @returns the cells of the table that it prints, heading and line left out */
async function rowsOf(file: string, args: readonly string[]): Promise<string[][]> {
  const run = promisify(execFile)(nodePath, [...asSource, join(folder, file), ...args], { timeout: limitMs })
  const { stdout } = await run
  const table = stdout.split('\n').filter((line) => line.startsWith('|'))
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
