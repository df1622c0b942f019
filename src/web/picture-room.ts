// Which parts of the picture are covered already, so that no name is written over
// anything: boxes in a coarse grid.
import type { Point } from './picture-layout.ts'

export interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

export function boxAround({ x, y }: Point, half: number): Box {
  return { left: x - half, top: y - half, right: x + half, bottom: y + half }
}

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
