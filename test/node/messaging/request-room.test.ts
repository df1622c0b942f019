import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RequestRoom, type Granted, type Newcomer } from '../../../src/node/messaging/request-room.ts'
import type { HeldMessage } from '../../../src/storage/index.ts'
import { classBehindRelay } from '../../../src/wire/index.ts'

const limits = { perStranger: 4, total: 20, reservedForLan: 6, behindOneRelay: 5 }
const roomForElsewhere = limits.total - limits.reservedForLan

function come(room: RequestRoom, newcomer: Newcomer, count: number, isIgnored?: (peer: string) => boolean): Granted {
  const granted = room.admit(newcomer, count, isIgnored)
  room.take(newcomer, granted.room)
  return granted
}

const from = (origin: string, peer: string): Newcomer => ({ peer, origin, lan: false })
const onLan = (origin: string, peer: string): Newcomer => ({ peer, origin, lan: true })

/** Free keys of one address, each with all that one stranger may hold. */
function flood(room: RequestRoom, origin: string, keys: number): void {
  for (let key = 0; key < keys; key++) come(room, from(origin, `${origin} key ${key}`), limits.perStranger)
}

test('one stranger holds no more than its part', () => {
  const room = new RequestRoom([], limits)
  expect(come(room, from('a', 'anna'), 9)).toEqual({ room: limits.perStranger, evicted: [] })
  expect(come(room, from('a', 'anna'), 1)).toEqual({ room: 0, evicted: [] })
})

test('a newcomer gets in however many keys of one address have filled the room, and evicts one of them', () => {
  const room = new RequestRoom([], limits)
  flood(room, '203.0.113.7', 50)
  come(room, from('203.0.113.7', 'one more'), 2)
  expect(room.use().messages).toBe(roomForElsewhere)
  const { room: places, evicted } = come(room, from('198.51.100.4', 'bob'), 1)
  expect(places).toBe(1)
  expect(evicted).toHaveLength(1)
  expect(evicted[0]).toContain('203.0.113.7')
})

test('a flood of keys evicts its own requests and nobody else’s', () => {
  const room = new RequestRoom([], limits)
  come(room, from('198.51.100.4', 'bob'), 2)
  come(room, onLan('192.168.1.9', 'carla'), 2)
  flood(room, '203.0.113.7', 50)
  expect([room.countOf('bob'), room.countOf('carla')]).toEqual([2, 2])
})

test('the oldest request of the largest holder gives way', () => {
  const room = new RequestRoom([], limits)
  for (const key of ['first', 'second', 'third']) come(room, from('a', key), 4)
  come(room, from('b', 'bob'), 2)
  expect(come(room, from('c', 'carla'), 1).evicted).toEqual(['first'])
})

test('what an ignored stranger holds gives way before all other', () => {
  const room = new RequestRoom([], limits)
  flood(room, 'a', 3)
  come(room, from('b', 'ignored'), 2)
  expect(come(room, from('c', 'carla'), 1, (peer) => peer === 'ignored').evicted).toEqual(['ignored'])
})

test('a stranger does not evict itself', () => {
  const room = new RequestRoom([], limits)
  come(room, from('a', 'first'), 2)
  flood(room, 'b', 3)
  const granted = come(room, from('a', 'first'), 2)
  expect(granted.room).toBe(2)
  expect(granted.evicted).not.toContain('first')
})

test('a relay that states a new source for each of its strangers keeps its part of a full room, and evicts nobody else', () => {
  const room = new RequestRoom([], limits)
  come(room, from('198.51.100.4', 'bob'), 4)
  come(room, from(classBehindRelay('0a0b', 'HONESTxx'), 'carla'), 4)
  const behindRelay = (n: number): Newcomer => from(classBehindRelay(`${n}`, 'HOSTILEx'), `sybil ${n}`)
  for (let n = 0; n < 50; n++) expect(come(room, behindRelay(n), 1).room).toBe(1)
  expect([room.countOf('bob'), room.countOf('carla'), room.use().messages]).toEqual([4, 4, roomForElsewhere])

  // It has more than its part, gives way down to that, and does not grow again.
  expect(come(room, from('d', 'dora'), 1).evicted).toEqual(['sybil 44'])
  expect(come(room, behindRelay(50), 1).evicted).toEqual(['sybil 45'])
  expect(come(room, from('e', 'emil'), 1).evicted).toEqual(['bob'])
})

test('requests of an earlier version, without an address, are one holder', () => {
  const old: HeldMessage[] = Array.from({ length: roomForElsewhere }, (_, n) => ({ peer: `old ${n}`, lan: false }))
  const room = new RequestRoom(old, limits)
  expect(room.use().largest).toEqual({ origin: 'unknown', messages: roomForElsewhere })
  expect(come(room, from('a', 'anna'), 1)).toEqual({ room: 1, evicted: ['old 0'] })
})

test('a room is under pressure when three quarters of it, or of what is open to elsewhere, are taken', () => {
  const room = new RequestRoom([], limits)
  flood(room, 'a', 2)
  expect(room.isUnderPressure).toBe(false)
  come(room, from('b', 'bob'), 3)
  expect(room.isUnderPressure).toBe(true)
})

const arrivals = fc.array(
  fc.record({
    origin: fc.constantFrom('a', 'b', 'c', 'd'),
    key: fc.nat(6),
    lan: fc.boolean(),
    count: fc.integer({ min: 1, max: 6 }),
    isRemoved: fc.boolean()
  }),
  { maxLength: 120 }
)

test('in any order the bounds hold, the share of the LAN holds, a newcomer gets in, and the largest gives way', () => {
  fc.assert(
    fc.property(arrivals, fc.nat(6), (steps, ignoredKey) => {
      const room = new RequestRoom([], limits)
      const held = new Map<string, { count: number; lan: boolean; origin: string }>()
      const sum = (fits: (one: { lan: boolean; origin: string }) => boolean): number =>
        [...held.values()].reduce((total, one) => total + (fits(one) ? one.count : 0), 0)
      for (const { origin, key, lan, count, isRemoved } of steps) {
        const place = lan ? `lan ${origin}` : origin
        const peer = `${place} ${key}`
        if (isRemoved) {
          room.remove(peer)
          held.delete(peer)
          continue
        }
        const isIgnored = (one: string): boolean => one.endsWith(String(ignoredKey))
        const lanBefore = sum((one) => one.lan)
        // What the rule may choose from, as it stood before.
        const keepsLan = !lan && lanBefore <= limits.reservedForLan
        const mayGo = [...held].filter(([one, { lan: isLan }]) => one !== peer && !(keepsLan && isLan))
        const preferred = mayGo.filter(([one]) => isIgnored(one))
        const choice = preferred.length > 0 ? preferred : mayGo
        const heldBy = Map.groupBy(choice, ([, one]) => one.origin)
        const sizes = new Map(
          [...heldBy].map(([holder, all]) => [holder, all.reduce((n, [, one]) => n + one.count, 0)])
        )
        const before = held.get(peer)?.count ?? 0
        const granted = come(room, { peer, origin: place, lan }, count, isIgnored)
        for (const victim of granted.evicted) {
          const gone = held.get(victim)
          expect(gone).toBeDefined()
          expect(victim).not.toBe(peer)
          // Those from elsewhere don't reach into the share of the LAN.
          if (!lan && lanBefore <= limits.reservedForLan) expect(gone?.lan).toBe(false)
          held.delete(victim)
        }
        const holderOfFirst = granted.evicted[0]?.slice(0, -2)
        if (holderOfFirst !== undefined) expect(sizes.get(holderOfFirst)).toBe(Math.max(...sizes.values()))
        held.set(peer, { count: before + granted.room, lan, origin: place })
        expect(granted.room).toBe(Math.min(count, limits.perStranger - before))
        expect(room.countOf(peer)).toBe(before + granted.room)
        expect(room.use().messages).toBe(sum(() => true))
        expect(room.use().messages).toBeLessThanOrEqual(limits.total)
        expect(sum((one) => !one.lan)).toBeLessThanOrEqual(roomForElsewhere)
      }
    }),
    { numRuns: 300 }
  )
})
