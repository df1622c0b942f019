// Which names of the picture find room, and where: those of directories below
// them, those of peers beside their dots. Pure: a function says how wide a text
// is; nothing is drawn here.
import { shortened } from '../model/clean-text.ts'
import type { Point } from './picture-layout.ts'

/** Names in the picture, in characters: a longer one would cover its neighbours. */
export const PAGE_LABEL_CHARS = 18

/** Where peers stand closer than this, in pixels, names are shorter and stand away from the directory. */
const PAGE_TIGHT_GAP_PX = 46

/** … and have so many characters: more of them find room. */
const PAGE_TIGHT_LABEL_CHARS = 10

/** In pixels, in the font of the names. */
type WidthOf = (text: string) => number

/** Beside which side of its dot a name stands. */
export type Side = 'below' | 'above' | 'left' | 'right'

export interface Frame {
  readonly width: number
  readonly height: number
  /** Pixels from one peer to the next. */
  readonly gap: number
}

export interface Dot {
  readonly name: string
  readonly at: Point
  /** Where its directories stand. */
  readonly links: readonly Point[]
}

export interface PlacedName {
  readonly text: string
  readonly side: Side
  readonly box: Box
}

/** @returns the radius of a peer's dot, in pixels */
export function dotRadius(gap: number): number {
  return Math.min(11, Math.max(2.2, gap * 0.21))
}

/** Half the side of a directory's square, in pixels. */
export function directoryHalf(gap: number): number {
  return Math.min(17, Math.max(9, gap * 0.42))
}

/** The square of a directory and its name take their room. @returns where the name stands: at the edge all of it is read */
export function placeDirectory(
  { at, text }: { readonly at: Point; readonly text: string },
  { gap, width }: Frame,
  widthOf: WidthOf,
  room: Room
): Box {
  const half = directoryHalf(gap)
  const halfName = widthOf(text) / 2 + 6
  const middle = Math.max(halfName, Math.min(width - halfName, at.x))
  const top = at.y + half + 4
  const box = { left: middle - halfName, right: middle + halfName, top, bottom: top + 18 }
  room.take(boxAround(at, half))
  room.take(box)
  return box
}

/** @returns undefined where there is no room for it */
export function placeName(dot: Dot, frame: Frame, widthOf: WidthOf, room: Room): PlacedName | undefined {
  const { gap, width, height } = frame
  const isTight = gap < PAGE_TIGHT_GAP_PX
  const text = shortened(dot.name, isTight ? PAGE_TIGHT_LABEL_CHARS : PAGE_LABEL_CHARS)
  const wide = widthOf(text)
  for (const side of isTight ? outward(dot) : usualSides) {
    const box = nameBox(dot.at, dotRadius(gap), wide, side)
    const isInside = box.left >= 0 && box.right <= width && box.top >= 0 && box.bottom <= height
    if (!isInside || !room.isFree(box)) continue
    room.take(box)
    return { text, side, box }
  }
  return undefined
}

const usualSides: readonly Side[] = ['below', 'right', 'left', 'above']

/** Away from its directory first: there the names of a ring have the most room. */
function outward({ at, links: [centre = at] }: Dot): readonly Side[] {
  const [dx, dy] = [at.x - centre.x, at.y - centre.y]
  const across: Side = dx < 0 ? 'left' : 'right'
  const along: Side = dy < 0 ? 'above' : 'below'
  const rest = usualSides.filter((side) => side !== across && side !== along)
  return Math.abs(dx) > Math.abs(dy) ? [across, along, ...rest] : [along, across, ...rest]
}

const nameHeightPx = 14

export function nameBox({ x, y }: Point, radius: number, wide: number, side: Side): Box {
  const half = wide / 2 + 3
  const away = radius + 3
  switch (side) {
    case 'below':
      return { left: x - half, right: x + half, top: y + away, bottom: y + away + nameHeightPx }
    case 'above':
      return { left: x - half, right: x + half, top: y - away - nameHeightPx, bottom: y - away }
    case 'left':
      return { left: x - away - 2 * half, right: x - away, top: y - nameHeightPx / 2, bottom: y + nameHeightPx / 2 }
    case 'right':
      return { left: x + away, right: x + away + 2 * half, top: y - nameHeightPx / 2, bottom: y + nameHeightPx / 2 }
  }
}

export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

export function boxAround({ x, y }: Point, half: number): Box {
  return { left: x - half, top: y - half, right: x + half, bottom: y + half }
}

/** Which parts of the picture are covered already, so that no name is written over anything: boxes in a coarse grid. */
export class Room {
  readonly #cells = new Map<number, Box[]>()

  take(box: Box): void {
    for (const cell of cellsOf(box)) {
      const boxes = this.#cells.get(cell)
      if (boxes === undefined) this.#cells.set(cell, [box])
      else boxes.push(box)
    }
  }

  isFree(box: Box): boolean {
    return cellsOf(box).every((cell) => (this.#cells.get(cell) ?? []).every((other) => !overlap(box, other)))
  }
}

const cellPx = 48

/** A cell by one number: pictures are far less than a thousand cells wide. */
function cellsOf({ left, top, right, bottom }: Box): number[] {
  const cells: number[] = []
  for (let x = Math.floor(left / cellPx); x <= Math.floor(right / cellPx); x++) {
    for (let y = Math.floor(top / cellPx); y <= Math.floor(bottom / cellPx); y++) cells.push(x + 1000 * y)
  }
  return cells
}

function overlap(a: Box, b: Box): boolean {
  return a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom
}
