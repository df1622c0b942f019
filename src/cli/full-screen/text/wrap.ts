// Lines broken into rows of a given width: at spaces where there are any, inside
// a word that is longer than a row, and between wide characters, which are
// written without spaces. Pure; it knows cells and nothing of what they say.
import { cleanLines } from '../../clean-text.ts'
import { foldedCells, type Cell } from './display-cells.ts'

/** The rows that a text takes, its own line breaks kept. Each is at most `columns` wide (and `columns` at least 2). */
export function wrapText(text: string, columns: number): (readonly Cell[])[] {
  return cleanLines(text).flatMap((line) => wrapCells(foldedCells(line), columns))
}

export function wrapCells(cells: readonly Cell[], columns: number): (readonly Cell[])[] {
  const limit = Math.max(2, columns)
  const rows: (readonly Cell[])[] = []
  let start = 0
  let width = 0
  /** Where the row may end: behind a space, or beside a wide character. */
  let breakAt = 0
  let widthAtBreak = 0
  for (let index = 0; index < cells.length; index++) {
    const cell = cells[index]
    if (cell === undefined) break
    if (cell.width === 2 && index > start) {
      breakAt = index
      widthAtBreak = width
    }
    // A space that doesn't fit any more hangs over the edge, and is not drawn.
    while (cell.text !== ' ' && width + cell.width > limit) {
      const end = breakAt > start ? breakAt : index
      rows.push(withoutEndSpaces(cells, start, end))
      width -= breakAt > start ? widthAtBreak : width
      start = end
      breakAt = start
      widthAtBreak = 0
    }
    width += cell.width
    if (cell.text === ' ' || cell.width === 2) {
      breakAt = index + 1
      widthAtBreak = width
    }
  }
  rows.push(withoutEndSpaces(cells, start, cells.length))
  return rows
}

function withoutEndSpaces(cells: readonly Cell[], start: number, end: number): readonly Cell[] {
  let last = end
  while (last > start && cells[last - 1]?.text === ' ') last--
  return cells.slice(start, last)
}
