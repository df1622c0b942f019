import { expect, test } from 'vitest'
import {
  ADDRESS_BACKOFF,
  REPORTED_DIAL_RATE,
  REPORTED_DIAL_RATE_OF_HOST,
  REPORTED_DIAL_RATE_OF_PEER,
  DialBudget,
  type ReportedDial
} from '../../../src/node/dialing/dial-budget.ts'

const minuteMs = 60_000

function dial(over: Partial<ReportedDial>): ReportedDial {
  const host = over.host ?? '198.51.100.7'
  return { peer: 'anna', address: `/ip4/${host}/tcp/4001`, host, isHere: false, isContact: false, ...over }
}

/** How many of these pass in a minute, asked for a hundred times a second. */
function passed(budget: DialBudget, next: (i: number) => ReportedDial): number {
  let count = 0
  for (let i = 0; i < minuteMs / 10; i++) if (budget.take(next(i), i * 10)) count++
  return count
}

test('one peer is dialled at all addresses of its record, and then once a second', () => {
  const { burst, perSecond } = REPORTED_DIAL_RATE_OF_PEER
  const count = passed(new DialBudget(0), (i) => dial({ host: `198.51.100.${i % 200}` }))
  expect(count).toBeGreaterThanOrEqual(burst)
  expect(count).toBeLessThanOrEqual(burst + perSecond * 60 + 1)
})

test('many peers do not make one host a target', () => {
  const { burst, perSecond } = REPORTED_DIAL_RATE_OF_HOST
  expect(passed(new DialBudget(0), (i) => dial({ peer: `peer ${i}` }))).toBeLessThanOrEqual(burst + perSecond * 60 + 1)
  const network = (i: number): ReportedDial => dial({ peer: `peer ${i}`, host: `2001:db8::${i.toString(16)}` })
  expect(passed(new DialBudget(0), network)).toBeLessThanOrEqual(burst + perSecond * 60 + 1)
})

test('strangers, however many, use nothing of the contacts’ budget', () => {
  const { burst, perSecond } = REPORTED_DIAL_RATE
  const budget = new DialBudget(0)
  const strangers = (i: number): ReportedDial => dial({ peer: `peer ${i}`, host: `${i % 200}.${i % 250}.7.7` })
  expect(passed(budget, strangers)).toBeLessThanOrEqual(burst + perSecond * 60 + 1)
  expect(budget.take(dial({ isContact: true }), minuteMs)).toBe(true)
})

test('a crowd on this machine is met at once', () => {
  const budget = new DialBudget(0)
  const count = Array.from({ length: 100 }, (_, i) => dial({ peer: `peer ${i}`, host: '127.0.0.1', isHere: true }))
  expect(count.filter((one) => budget.take(one, 0))).toHaveLength(100)
})

test('an address that fails rests longer each time, until there is news', () => {
  const budget = new DialBudget(0)
  const { peer, address } = dial({})
  const waits = Array.from({ length: 8 }, () => {
    budget.failed({ peer, address }, 1_000)
    return budget.againAtMs({ peer, address }) - 1_000
  })
  expect(waits).toEqual([
    1_000,
    2_000,
    4_000,
    8_000,
    16_000,
    ADDRESS_BACKOFF.maxMs,
    ADDRESS_BACKOFF.maxMs,
    ADDRESS_BACKOFF.maxMs
  ])
  expect(budget.againAtMs({ peer: 'bob', address })).toBe(0)
  budget.forgetFailures(peer)
  expect(budget.againAtMs({ peer, address })).toBe(0)
})

test('what is remembered is bounded', () => {
  const budget = new DialBudget(0)
  for (let i = 0; i < 5_000; i++) {
    budget.failed({ peer: `peer ${i}`, address: 'a' }, 0)
    budget.failed({ peer: 'anna', address: `${i}` }, 0)
  }
  expect(budget.againAtMs({ peer: 'peer 0', address: 'a' })).toBe(0)
  expect(budget.againAtMs({ peer: 'anna', address: '0' })).toBe(0)
  expect(budget.againAtMs({ peer: 'anna', address: '4999' })).toBeGreaterThan(0)
})
