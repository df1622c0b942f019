import { expect, it } from 'vitest'
import { FederationStep } from '../../../../src/directory/federation/sync/federation-step.ts'
import type { Opened, OpenTask } from '../../../../src/directory/federation/sync/federation-step.ts'
import {
  OpenTasks,
  SIGNATURE_RATE,
  SignatureBudget
} from '../../../../src/directory/federation/sync/signature-budget.ts'

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

it('lets those wait who were asked, and gives up when the directory stops', () => {
  const step = new FederationStep()
  const budget = new SignatureBudget({ now: step.now, isNamed: () => false })
  const tasks = new OpenTasks(step, budget)
  const ended: (Opened | undefined | 'given up')[] = []
  const asking = function* (signatures: number): OpenTask<void> {
    let opened: Opened | undefined | 'given up' = 'given up'
    try {
      opened = yield { updates: [], withdrawals: [], heartbeats: [], signatures, via: 'a', isAwaited: true }
    } finally {
      ended.push(opened)
    }
  }
  while (budget.tryTake(64, 'a'));
  tasks.run(asking(64))
  tasks.pulse()
  expect(step.taken()).toEqual([])
  step.nowMs = 2_000
  tasks.pulse()
  const [effect] = step.taken()
  if (effect?.kind !== 'open') throw new Error('nothing is to be opened')
  const opened = { updates: [], withdrawals: [], heartbeats: [] }
  tasks.opened(effect.request, opened)
  expect(ended).toEqual([opened])

  while (budget.tryTake(64, 'a'));
  tasks.run(asking(all.burst))
  tasks.pulse()
  tasks.clear()
  expect(step.taken()).toEqual([])
  expect(ended).toEqual([opened, 'given up'])
})
