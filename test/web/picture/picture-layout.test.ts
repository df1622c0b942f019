// Where peers stand in the picture: the same for the same history, nobody on top
// of anybody, and who stays keeps the place.
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import {
  leastHole,
  nextPlaces,
  pictureLayout,
  type Places,
  type Point
} from '../../../src/web/picture/picture-layout.ts'

interface Attached {
  readonly peer: string
  readonly directories: readonly string[]
}

const ids = ['A', 'B', 'C', 'D'] as const
const shape = { aspect: 1.2, hole: leastHole }

function crowd(count: number, directories: readonly string[], pairs = true): Attached[] {
  return Array.from({ length: count }, (_, i) => {
    const [one = '', other = ''] = [directories[i % directories.length], directories[(i + 1) % directories.length]]
    return { peer: `peer ${i}`, directories: pairs && i % 3 > 0 && other !== one ? [one, other] : [one] }
  })
}

function closest(points: readonly Point[]): number {
  let least = Infinity
  for (const [i, a] of points.entries()) {
    for (const b of points.slice(i + 1)) least = Math.min(least, Math.hypot(a.x - b.x, a.y - b.y))
  }
  return least
}

describe.each([1, 2, 3, 4])('with %i directories', (n) => {
  const directories = ids.slice(0, n)

  test.each([1, 5, 50, 500])('%i peers have a place each, and room around it', (count) => {
    const layout = pictureLayout(directories, nextPlaces(new Map(), crowd(count, directories)), shape)
    expect(layout.peers.size).toBe(count)
    expect(layout.directories.size).toBe(n)
    expect(closest([...layout.peers.values(), ...layout.directories.values()])).toBeGreaterThan(0.7)
    for (const { x, y } of [...layout.peers.values(), ...layout.directories.values()]) {
      expect(x).toBeGreaterThanOrEqual(layout.box.left)
      expect(x).toBeLessThanOrEqual(layout.box.right)
      expect(y).toBeGreaterThanOrEqual(layout.box.top)
      expect(y).toBeLessThanOrEqual(layout.box.bottom)
    }
  })

  test('a peer stands nearest to its own directory, and one of two directories between them', () => {
    const attached = crowd(60, directories)
    const layout = pictureLayout(directories, nextPlaces(new Map(), attached), shape)
    for (const { peer, directories: own } of attached) {
      const at = layout.peers.get(peer) ?? { x: NaN, y: NaN }
      const apart = (id: string): number => {
        const stand = layout.directories.get(id) ?? { x: NaN, y: NaN }
        return Math.hypot(stand.x - at.x, stand.y - at.y)
      }
      if (own.length === 1) expect(Math.min(...directories.map(apart))).toBe(apart(own[0] ?? ''))
    }
  })
})

test('the same history gives the same picture', () => {
  const make = (): unknown => {
    const first = nextPlaces(new Map(), crowd(40, ids))
    return pictureLayout(ids, nextPlaces(first, crowd(30, ids)), shape)
  }
  expect(make()).toEqual(make())
})

test('when one leaves, at most one other takes another place', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 80 }), fc.nat(), (count, which) => {
      const all = crowd(count, ['A'], false)
      const before = nextPlaces(new Map(), all)
      const after = nextPlaces(before, all.toSpliced(which % count, 1))
      const places = (of: Places): readonly string[] => of.get('A') ?? []
      const moved = places(after).filter((peer, i) => places(before)[i] !== peer)
      expect(moved.length).toBeLessThanOrEqual(1)
      expect(places(after).length).toBe(count - 1)
    })
  )
})

test('after any history each peer is at one place, in the group of its directories', () => {
  const moment = fc.array(
    fc.record({
      peer: fc.integer({ min: 0, max: 12 }).map(String),
      directories: fc.subarray([...ids], { minLength: 1 })
    }),
    { maxLength: 12 }
  )
  fc.assert(
    fc.property(fc.array(moment, { maxLength: 8 }), (history) => {
      let places: Places = new Map()
      for (const peers of history) {
        const there = new Map(peers.map((one) => [one.peer, one]))
        places = nextPlaces(places, there.values())
        const placed = [...places].flatMap(([group, members]) => members.map((peer) => [peer, group] as const))
        expect(new Map(placed)).toEqual(
          new Map([...there.values()].map(({ peer, directories }) => [peer, directories.toSorted().join(' ')]))
        )
        expect(placed.length).toBe(there.size)
      }
    })
  )
})
