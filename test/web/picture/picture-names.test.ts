// How many dots of the picture have a name, and that no name covers another.
import { describe, expect, test } from 'vitest'
import { leastHole, nextPlaces, pictureLayout } from '../../../src/web/picture/picture-layout.ts'
import {
  boxAround,
  dotRadius,
  placeDirectory,
  placeName,
  Room,
  type Box,
  type Dot,
  type PlacedName
} from '../../../src/web/picture/picture-names.ts'

const charPx = 7
const widthOf = (text: string): number => text.length * charPx
/** The picture of a telephone, above the list. */
const [width, height] = [360, 330]

interface Placed {
  readonly names: readonly PlacedName[]
  readonly labels: readonly Box[]
}

/** So many peers around three directories. */
function placed(count: number): Placed {
  const directories = ['A', 'B', 'C']
  const attached = Array.from({ length: count }, (_, i) => ({
    peer: `peer ${i}`,
    directories: [directories[i % 3] ?? '']
  }))
  const layout = pictureLayout(directories, nextPlaces(new Map(), attached), {
    aspect: width / height,
    hole: leastHole
  })
  const { box } = layout
  const gap = Math.min((width - 68) / (box.right - box.left), (height - 72) / (box.bottom - box.top))
  const pixels = ({ x, y } = { x: 0, y: 0 }) => ({
    x: width / 2 + (x - (box.left + box.right) / 2) * gap,
    y: height / 2 + (y - (box.top + box.bottom) / 2) * gap
  })
  const frame = { width, height, gap }
  const room = new Room()
  const labels = [...layout.directories.values()].map((at) =>
    placeDirectory({ at: pixels(at), text: 'R54ta8aXAR1T' }, frame, widthOf, room)
  )
  const dots = attached.map(({ peer, directories: [directory = ''] }): Dot => ({
    name: peer,
    at: pixels(layout.peers.get(peer)),
    links: [pixels(layout.directories.get(directory))]
  }))
  for (const { at } of dots) room.take(boxAround(at, dotRadius(gap)))
  return { names: dots.flatMap((dot) => placeName(dot, frame, widthOf, room) ?? []), labels }
}

describe('on a telephone', () => {
  test('a third of 50 peers have a name, and most of nine', () => {
    expect(placed(50).names.length).toBeGreaterThan(16)
    expect(placed(9).names.length).toBeGreaterThan(6)
  })

  test.each([9, 50, 120])('of %i peers no name leaves the picture, and none stands on another', (count) => {
    const { names, labels } = placed(count)
    const boxes = [...labels, ...names.map(({ box }) => box)]
    for (const [i, a] of boxes.entries()) {
      expect(a.left).toBeGreaterThanOrEqual(0)
      expect(a.right).toBeLessThanOrEqual(width)
      for (const b of boxes.slice(i + 1)) {
        expect(a.left >= b.right || b.left >= a.right || a.top >= b.bottom || b.top >= a.bottom).toBe(true)
      }
    }
  })

  test('a long name is cut', () => {
    const dot = { name: 'W'.repeat(64), at: { x: 180, y: 100 }, links: [] }
    expect(placeName(dot, { width, height, gap: 20 }, widthOf, new Room())?.text).toBe(`${'W'.repeat(9)}…`)
  })
})

test('the name of a directory at the edge stays inside of the picture', () => {
  const { left, right } = placeDirectory(
    { at: { x: 350, y: 100 }, text: 'R54ta8aXAR1T (lost)' },
    { width, height, gap: 20 },
    widthOf,
    new Room()
  )
  expect([left, right]).toEqual([360 - 19 * charPx - 12, 360])
})
