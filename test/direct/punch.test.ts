import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  GUESSES_PER_S,
  LISTEN_LONGER_MS,
  MAX_ANSWERS,
  Punch,
  PUNCH_MS,
  SPREAD_SOCKETS
} from '../../src/direct/punch.ts'
import type { PunchEvent, PunchInit } from '../../src/direct/punch.ts'
import { punched, seeded, type RouterKind } from './simulated-routers.ts'

const kinds = {
  'full cone': { mapping: 'independent', filtering: 'none' },
  'filtering by address': { mapping: 'independent', filtering: 'address' },
  'filtering by port': { mapping: 'independent', filtering: 'port' },
  symmetric: { mapping: 'varying', filtering: 'port' }
} as const satisfies Record<string, RouterKind>

type KindName = keyof typeof kinds
const names = Object.keys(kinds) as KindName[]
const pairs = names.flatMap((one) => names.map((other) => [one, other] as const))
const seeds = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]

function withRoundTrip(roundTripMs: number, lostOf10000: number, seed: number): Parameters<typeof punched>[1] {
  return { delayMs: roundTripMs / 2, lostOf10000, random: seeded(seed) }
}

test.each(pairs)('%s and %s find a way unless both are symmetric, and agree on it', (one, other) => {
  for (const seed of seeds) {
    const [asking, answering] = punched([kinds[one], kinds[other]], withRoundTrip(80, 200, seed))
    const isFound = [asking.found !== undefined, answering.found !== undefined]
    const isHopeless = one === 'symmetric' && other === 'symmetric'
    expect({ seed, isFound }).toEqual({ seed, isFound: [!isHopeless, !isHopeless] })
    expect([asking.foundFrom, answering.foundFrom]).toEqual([answering.found?.to, asking.found?.to])
    if (!isHopeless) expect(asking.foundAtMs, `seed ${seed}`).toBeLessThan(3_000)
  }
})

test('without a symmetric router there is a way within two round trips, and no port is guessed', () => {
  const plain = kinds['filtering by port']
  const [asking, answering] = punched([plain, plain], withRoundTrip(80, 0, 1))
  expect(asking.foundAtMs).toBeLessThanOrEqual(200)
  expect(asking.sent + answering.sent).toBeLessThan(30)
})

test('a bad link with a tenth of all datagrams lost is no end', () => {
  for (const seed of seeds) {
    const [asking, answering] = punched([kinds.symmetric, kinds['filtering by port']], withRoundTrip(80, 1_000, seed))
    expect([seed, asking.found !== undefined, answering.found !== undefined]).toEqual([seed, true, true])
  }
})

const place = { host: '198.51.100.9', port: 5_000 }

function began(init: Partial<PunchInit>): Punch {
  return new Punch({ role: 'asking', candidates: [place], nowMs: 0, random: seeded(1), ...init })
}

/** Lets it run to its end with nobody at the other one. @returns the datagrams, by second */
function sentAlone(punch: Punch): number[] {
  const bySecond: number[] = []
  while (punch.nextAtMs !== Infinity) {
    const nowMs = punch.nextAtMs
    const sent = punch.step({ is: 'time' }, nowMs).filter(({ is }) => is === 'send').length
    const second = Math.floor(nowMs / 1_000)
    bySecond[second] = (bySecond[second] ?? 0) + sent
  }
  return bySecond
}

test('at most 1,000 ports are guessed in a second, for six seconds', () => {
  const guessing = { is: 'ports', host: place.host } as const
  const bySecond = sentAlone(began({ candidates: [], guessing }))
  expect(Math.max(...bySecond)).toBeLessThanOrEqual(GUESSES_PER_S)
  expect(bySecond.slice(PUNCH_MS / 1_000).every((sent) => sent === 0 || sent === undefined)).toBe(true)
})

test('no more than 256 sockets wait for guesses, and each sends now and then', () => {
  const punch = began({ candidates: [], guessing: { is: 'sockets', to: place } })
  const sockets = new Map<number, number>()
  while (punch.nextAtMs !== Infinity) {
    for (const effect of punch.step({ is: 'time' }, punch.nextAtMs)) {
      if (effect.is === 'send') sockets.set(effect.way.socket, (sockets.get(effect.way.socket) ?? 0) + 1)
    }
  }
  expect(sockets.size).toBe(SPREAD_SOCKETS)
  expect(Math.max(...sockets.values())).toBeLessThanOrEqual(4)
})

test('the answering side listens a second longer than it sends', () => {
  const bySecond = sentAlone(began({ role: 'answering' }))
  expect(bySecond.slice(PUNCH_MS / 1_000).filter((sent) => sent > 0)).toEqual([])
  const late = began({ role: 'answering' })
  const way = { socket: 0, to: place }
  const found = late.step({ is: 'received', kind: 'nominate', way }, PUNCH_MS + LISTEN_LONGER_MS - 1)
  expect(found.map(({ is }) => is)).toEqual(['send', 'found'])
})

test('replayed probes are answered so often, and no more', () => {
  const punch = began({ role: 'answering' })
  const probe = { is: 'received', kind: 'probe', way: { socket: 0, to: place } } as const
  const answers = Array.from({ length: MAX_ANSWERS + 100 }, () => punch.step(probe, 1).length)
  expect(answers.reduce((sum, one) => sum + one, 0)).toBe(MAX_ANSWERS)
})

test('a nomination that is said again is confirmed again, and changes nothing; another way is not taken any more', () => {
  const punch = began({ role: 'answering' })
  const way = { socket: 0, to: place }
  const nominated = (port: number): readonly string[] =>
    punch
      .step({ is: 'received', kind: 'nominate', way: { ...way, to: { ...place, port } } }, 1)
      .map((effect) => (effect.is === 'send' ? effect.kind : effect.is))
  expect([nominated(5_000), nominated(5_000), nominated(6_000)]).toEqual([['confirm', 'found'], ['confirm'], []])
})

const anyEvent: fc.Arbitrary<PunchEvent> = fc.oneof(
  fc.constant({ is: 'time' } as const),
  fc.record({
    is: fc.constant('received' as const),
    kind: fc.constantFrom('probe', 'answer', 'nominate', 'confirm'),
    way: fc.record({
      socket: fc.nat({ max: SPREAD_SOCKETS }),
      to: fc.record({ host: fc.constantFrom('198.51.100.9', '203.0.113.7'), port: fc.integer({ min: 1, max: 9 }) })
    })
  })
)

test('in any order of events at most one way is found, and no datagram gets more than one answer', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('asking' as const, 'answering' as const),
      fc.array(fc.tuple(anyEvent, fc.nat({ max: 500 })), { maxLength: 60 }),
      (role, events) => {
        const punch = began({ role })
        let nowMs = 0
        let found = 0
        for (const [event, laterMs] of events) {
          nowMs += laterMs
          const effects = punch.step(event, nowMs)
          found += effects.filter(({ is }) => is === 'found').length
          if (event.is === 'received') {
            expect(effects.filter(({ is }) => is === 'send').length).toBeLessThanOrEqual(1)
          }
        }
        expect(found).toBeLessThanOrEqual(1)
      }
    )
  )
})
