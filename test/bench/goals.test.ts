/** When a goal of the benchmarks is met, and that each is measured. The benches themselves run in `npm run bench -- --smoke`. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { benches } from '../../bench/benches.ts'
import { goals, isMet } from '../../bench/goals.ts'

const folder = join(import.meta.dirname, '..', '..', 'bench')

test('what was not measured is not met, and a bound is met from both sides', () => {
  expect(isMet(goals.storedOverToxcore, undefined)).toBe(false)
  expect(isMet(goals.storedOverToxcore, Number.NaN)).toBe(false)
  expect([1.99, 2].map((value) => isMet(goals.storedOverToxcore, value))).toEqual([false, true])
  expect([1, 1.01].map((value) => isMet(goals.openLarge, value))).toEqual([true, false])
})

test('every goal is measured by a bench', async () => {
  const sources = await Promise.all(benches.map(async ({ name }) => readFile(join(folder, `${name}.ts`), 'utf8')))
  expect(Object.keys(goals).filter((id) => !sources.some((source) => source.includes(`'${id}'`)))).toEqual([])
})
