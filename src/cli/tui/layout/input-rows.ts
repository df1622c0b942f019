// What is being typed as rows with the cursor in them. Unlike messages it is
// broken at any character, so that the cursor stays where a person expects it.
import { cleanText } from '../../process/clean-text.ts'
import type { Editor } from '../model/editor.ts'
import { type Cell, foldedCells, textOf, widthOf } from '../terminal/display-cells.ts'
import { type Span, span } from '../terminal/rows.ts'

export interface InputRows {
  readonly rows: readonly (readonly Span[])[]
  readonly cursor: { readonly row: number; readonly column: number }
}

/** @param maxRows of a longer text those around the cursor are shown */
export function inputRows(prompt: string, editor: Editor, columns: number, maxRows: number): InputRows {
  const label = span(prompt, 'strong', Math.max(1, Math.floor(columns / 2)))
  const before = linesOf(editor.text.slice(0, editor.cursor))
  const after = linesOf(editor.text.slice(editor.cursor))
  const joined = [...before.slice(0, -1), [...(before.at(-1) ?? []), ...(after[0] ?? [])], ...after.slice(1)]
  const cursorLine = before.length - 1
  const cursorCell = before.at(-1)?.length ?? 0
  const rows: Cell[][] = []
  let cursor = { row: 0, column: label.width }
  for (const [lineIndex, line] of joined.entries()) {
    const indent = lineIndex === 0 ? label.width : 0
    const broken = brokenRows(line, columns, indent)
    if (lineIndex === cursorLine) cursor = placeIn(broken, cursorCell, columns, rows.length, indent)
    rows.push(...broken)
    // At the very end of a full row the cursor stands in the next one.
    if (lineIndex === cursorLine && cursor.row === rows.length) rows.push([])
  }
  const top = Math.max(
    0,
    Math.min(cursor.row - maxRows + 1 + Math.min(2, rows.length - 1 - cursor.row), rows.length - maxRows)
  )
  return {
    rows: rows.slice(top, top + maxRows).map((cells, index) => {
      const text: Span = { text: textOf(cells), width: widthOf(cells), style: 'plain' }
      return top + index === 0 ? [label, text] : [text]
    }),
    cursor: { row: cursor.row - top, column: cursor.column }
  }
}

/** Line breaks are kept; what else acts on a terminal is made visible. */
function linesOf(text: string): Cell[][] {
  return text.split('\n').map((line) => (line.length > 0 ? foldedCells(cleanText(line)) : []))
}

function brokenRows(cells: readonly Cell[], columns: number, indent: number): Cell[][] {
  const rows: Cell[][] = [[]]
  let width = indent
  for (const cell of cells) {
    if (width + cell.width > columns) {
      rows.push([])
      width = 0
    }
    rows.at(-1)?.push(cell)
    width += cell.width
  }
  return rows
}

function placeIn(
  rows: readonly (readonly Cell[])[],
  cellIndex: number,
  columns: number,
  firstRow: number,
  indent: number
): { row: number; column: number } {
  let left = cellIndex
  for (const [index, row] of rows.entries()) {
    const start = index === 0 ? indent : 0
    if (left < row.length || (left === row.length && index === rows.length - 1)) {
      const column = start + widthOf(row.slice(0, left))
      return column < columns ? { row: firstRow + index, column } : { row: firstRow + index + 1, column: 0 }
    }
    left -= row.length
  }
  return { row: firstRow, column: indent }
}
