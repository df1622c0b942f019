/** Which open connection gives way, for any order of arrivals. Pure. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  ConnectionPlaces,
  type PlacesLimits,
  type PlaceView,
  type Standing
} from '../../src/transport/connection-places.ts'

const limits: PlacesLimits = {
  maxConnections: 20,
  maxOfPeer: 2,
  neighbourPart: 0.25,
  strangerPart: 0.1,
  idleAfterMs: 1_000
}

interface Opened {
  readonly peer: string
  readonly from: string
  readonly standing?: Standing
  readonly isUsed?: boolean
}

/** A room whose connections are named by their number, beginning with 0. */
class Room {
  readonly places = new ConnectionPlaces<number>(limits)
  readonly open = new Map<number, Opened>()
  #count = 0

  /** @returns the numbers of those that give way */
  add(one: Opened, nowMs = 0): number[] {
    const number = this.#count++
    this.open.set(number, one)
    const look = (item: number): PlaceView => {
      const { standing = 'stranger', isUsed = false } = this.open.get(item) ?? {}
      return { standing, isUsed }
    }
    const evicted = this.places.open(number, { peer: one.peer, addressClass: one.from }, look, nowMs)
    for (const { item } of evicted) this.open.delete(item)
    return evicted.map(({ item }) => item)
  }

  fill(count: number, one: (i: number) => Opened): void {
    for (let i = 0; i < count; i++) this.add(one(i))
  }

  count(which: (one: Opened) => boolean): number {
    return [...this.open.values()].filter(which).length
  }
}

test('nothing gives way while a quarter of the places is free, whichever class holds the rest', () => {
  const room = new Room()
  room.fill(15, () => ({ peer: 'one', from: 'a' }))
  expect(room.places.size).toBe(15)
})

test('one peer has a few under pressure: its unused connections go first, the oldest first, never the newest', () => {
  const room = new Room()
  room.fill(14, (i) => ({ peer: 'one', from: 'a', isUsed: i === 3 }))
  room.add({ peer: 'other', from: 'b' })
  expect(room.add({ peer: 'one', from: 'c' })).toEqual([0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13])
  expect(room.places.holders()).toEqual([
    { holder: 'a', count: 1 },
    { holder: 'b', count: 1 },
    { holder: 'c', count: 1 }
  ])
})

test('of the largest class the oldest idle stranger gives way, and one that carries a stream later', () => {
  const room = new Room()
  room.fill(12, (i) => ({ peer: `a${i}`, from: 'a', isUsed: i === 0 }))
  room.fill(8, (i) => ({ peer: `b${i}`, from: 'b' }))
  expect(room.add({ peer: 'new', from: 'c' }, 2_000)).toEqual([1])
  expect(room.add({ peer: 'newer', from: 'c' }, 2_000)).toEqual([2])
})

test('idle connections go before those that have just come, though their class is smaller', () => {
  const room = new Room()
  room.fill(5, (i) => ({ peer: `idle${i}`, from: 'a' }))
  for (let i = 0; i < 15; i++) room.add({ peer: `crowd${i}`, from: 'one router' }, 5_000)
  expect(room.add({ peer: 'new', from: 'one router' }, 5_500)).toEqual([0])
})

test('a returning contact gets in, though conversations, contacts and strangers hold every place', () => {
  const room = new Room()
  room.fill(2, (i) => ({ peer: `talks${i}`, from: 'a', standing: 'conversing' }))
  room.fill(10, (i) => ({ peer: `contact${i}`, from: 'a', standing: 'known' }))
  room.fill(8, (i) => ({ peer: `stranger${i}`, from: `s${i}`, isUsed: true }))
  expect(room.add({ peer: 'contact', from: 'a', standing: 'known' })).toEqual([12])
})

test('contacts leave a part of the places to strangers, and conversations stay', () => {
  const room = new Room()
  room.fill(1, () => ({ peer: 'talks', from: 'a', standing: 'conversing' }))
  room.fill(19, (i) => ({ peer: `contact${i}`, from: 'a', standing: 'known' }))
  expect(room.add({ peer: 'stranger', from: 'b' })).toEqual([1])
  expect(room.add({ peer: 'another', from: 'b' })).toEqual([19 + 1])
})

test('strangers on the LAN have a part of the places that strangers from elsewhere do not take, and one of them no more', () => {
  const room = new Room()
  const ofLan = ({ from }: Opened): boolean => from.startsWith('lan')
  room.fill(5, (i) => ({ peer: `lan${i}`, from: `lan${i}`, standing: 'neighbour' }))
  room.fill(15, (i) => ({ peer: `far${i}`, from: `far${i}` }))
  room.fill(40, (i) => ({ peer: `more${i}`, from: `more${i}` }))
  expect(room.count(ofLan)).toBe(5)
  room.fill(40, (i) => ({ peer: `flood${i}`, from: 'flood on the lan', standing: 'neighbour' }))
  expect(room.count(ofLan)).toBeGreaterThanOrEqual(4)
  expect(room.count(({ from }) => from === 'flood on the lan')).toBeLessThanOrEqual(2)
})

test('for any order of arrivals the bound holds, a newcomer stays, and no stranger takes the place of a contact', () => {
  const standing = fc.constantFrom<Standing>('stranger', 'stranger', 'stranger', 'neighbour', 'known', 'conversing')
  const arrival = fc.record({
    peer: fc.nat(40),
    from: fc.nat(6),
    standing,
    isUsed: fc.boolean(),
    afterMs: fc.nat(600),
    closes: fc.option(fc.nat(300))
  })
  fc.assert(
    fc.property(fc.array(arrival, { maxLength: 300 }), (arrivals) => {
      const room = new Room()
      let nowMs = 0
      for (const { peer, from, standing: is, isUsed, afterMs, closes } of arrivals) {
        nowMs += afterMs
        if (closes !== null && room.open.delete(closes)) room.places.close(closes)
        const before = new Map(room.open)
        // What a peer means does not depend on the connection.
        const evicted = room.add({ peer: `${is} ${peer}`, from: `class ${from}`, standing: is, isUsed }, nowMs)
        expect(room.places.size).toBe(room.open.size)
        expect(room.open.size).toBeLessThanOrEqual(limits.maxConnections)
        const kept = [...before.values()].filter(({ standing: one }) => one === 'known' || one === 'conversing').length
        const ended = evicted.flatMap((item) => before.get(item) ?? [])
        const lost = ended.filter(({ peer: one }) => ![...room.open.values()].some((other) => other.peer === one))
        // With room for strangers, no contact loses its last connection.
        if (kept <= limits.maxConnections * (1 - limits.strangerPart)) {
          expect(lost.filter(({ standing: one }) => one === 'known' || one === 'conversing')).toEqual([])
        }
        // The newest stays, unless all the others mean more.
        if (ended.length < evicted.length) {
          expect([...before.values()].every((one) => one.standing !== 'stranger')).toBe(true)
        }
      }
    })
  )
})

test('for any flood from four classes, used or not, the connections of a fifth that has few stay open', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ of: fc.nat(3), isUsed: fc.boolean() }), { minLength: 20, maxLength: 80 }),
      (flood) => {
        const room = new Room()
        for (const [i, { of, isUsed }] of flood.entries()) room.add({ peer: `flood${i}`, from: `class ${of}`, isUsed })
        const honest = [0, 1, 2].map((i) => ({ peer: `honest${i}`, from: 'honest', isUsed: true }))
        for (const one of honest) room.add(one, 1)
        for (const [i, { of, isUsed }] of flood.entries())
          room.add({ peer: `again${i}`, from: `class ${of}`, isUsed }, 2)
        expect(room.count(({ from }) => from === 'honest')).toBe(3)
      }
    )
  )
})
