import { expect, it } from 'vitest'
import { SIGNATURE_RATE } from '../../../src/directory/federation/constants.ts'
import { SignatureBudget } from '../../../src/directory/federation/signature-budget.ts'

const { all, each } = SIGNATURE_RATE

it('leaves each address prefix its own part, whatever one of them takes', () => {
  let nowMs = 0
  const budget = new SignatureBudget({ now: () => nowMs, isNamed: () => false })
  let taken = 0
  while (budget.tryTake(64, '198.51.100.1')) taken += 64
  expect(taken).toBeLessThanOrEqual(all.burst + each.burst)
  expect(taken).toBeGreaterThan(all.burst)
  for (let n = 0; n < each.burst; n += 50) expect(budget.tryTake(50, '203.0.113.7')).toBe(true)
  expect(budget.tryTake(50, '203.0.113.7')).toBe(false)
  nowMs = 1_000
  expect(budget.tryTake(each.perSecond, '203.0.113.7')).toBe(true)
})

it('has no limit for directories that the operator named', () => {
  const budget = new SignatureBudget({ now: () => 0, isNamed: (holder) => holder === 'named' })
  for (let n = 0; n < 1_000; n++) expect(budget.tryTake(64, 'named')).toBe(true)
})

it('lets those wait who were asked, and gives up when the directory stops', async () => {
  const budget = new SignatureBudget({ now: () => performance.now(), isNamed: () => false })
  while (budget.tryTake(64, 'a'));
  const startMs = performance.now()
  await budget.take(64, 'a', new AbortController().signal)
  expect(performance.now() - startMs).toBeGreaterThan(40)
  while (budget.tryTake(64, 'a'));
  await expect(budget.take(all.burst, 'a', AbortSignal.timeout(50))).rejects.toThrow()
})
