// A list in the conversation's place: its title, the visible lines, and
// what the keys do. Pure.
import type { Popup, PopupLine, PopupPane } from '../model/popup.ts'
import type { State } from '../model/state.ts'
import { type Cell, cellsOf, widthOf, wrapCells, wrapText } from '../terminal/display-cells.ts'
import { justified, spaces, span, type Span, spanOf } from '../terminal/rows.ts'
import type { Row } from './message-rows.ts'
import { signsFor } from './signs.ts'

/** Continuation rows are indented by this much. */
const continuationIndent = 4

/** A list, as far as its frame depends on it. */
type Framed = Pick<Popup, 'title' | 'hint' | 'lines'>

/** A list without keys of its own, with the title of that of the own address. */
const ownFrame: Framed = { title: 'You', hint: '', lines: [] }

const CLOSES = 'Esc closes'

/** The rows of a list in a pane of this size. */
export function popupPane(popup: Framed, paneColumns: number, paneRows: number): PopupPane {
  return {
    rows: seenRows(popup, paneColumns, paneRows),
    rowsOf: (line) => lineRows(line, false, paneColumns, false).length
  }
}

/** The same for the list with the own address. */
export function ownPane(paneColumns: number, paneRows: number): PopupPane {
  return popupPane(ownFrame, paneColumns, paneRows)
}

/** Whether a pane of this size shows the whole code in a list without keys of its own. */
export function hasRoomForCode({ qr }: State, paneColumns: number, paneRows: number): boolean {
  const columns = Math.max(...qr.map((row) => row.length))
  return qr.length > 0 && columns <= paneColumns && qr.length <= ownPane(paneColumns, paneRows).rows
}

function seenRows(popup: Framed, paneColumns: number, paneRows: number): number {
  return Math.max(1, paneRows - titleCount(popup, paneColumns, paneRows) - hintCells(popup, paneColumns).length)
}

/** How many rows the title takes, with the place in a list that is longer than the pane: it is read to its end. */
function titleCount({ title, hint, lines }: Framed, columns: number, height: number): number {
  const count = lines.length
  const place = count > height - 2 ? placeText(count, count, count) : ''
  const rows = wrapText(`${title}${place}`, columns - 1)
  const closes = hint === '' ? CLOSES.length + 2 : 0
  const isFull = widthOf(rows.at(-1) ?? []) + 1 + closes > columns
  return Math.min(rows.length + (isFull ? 1 : 0), Math.max(1, Math.floor(height / 3)))
}

/** What the keys do; beside the title where the list has none of its own. */
function hintCells({ hint }: Framed, columns: number): readonly (readonly Cell[])[] {
  return hint === '' ? [] : wrapText(`${hint}; ${CLOSES}`, columns - 1)
}

function placeText(first: number, last: number, count: number): string {
  return ` (${first}-${last} of ${count})`
}

export function popupRows(popup: Popup, columns: number, height: number, isUtf8: boolean): readonly Row[] {
  const seen = seenRows(popup, columns, height)
  let first = popup.top
  let shown = linesFrom(popup, first, columns, seen, isUtf8)
  // Long lines take several rows: the chosen one stays visible.
  while (popup.chosen >= first + shown.length && first < popup.chosen) {
    first++
    shown = linesFrom(popup, first, columns, seen, isUtf8)
  }
  const isLonger = first > 0 || shown.length < popup.lines.length
  const place = isLonger ? placeText(first + 1, first + shown.length, popup.lines.length) : ''
  const rows = shown.flat().slice(0, seen)
  const filler = Array.from({ length: Math.max(0, seen - rows.length) }, (): Row => [])
  const hint = hintCells(popup, columns).map((cells): Row => [spaces(1), spanOf(cells, 'dim')])
  return [...titleRows(popup, place, columns, height), ...rows, ...filler, ...hint].slice(0, height)
}

function titleRows(popup: Popup, place: string, columns: number, height: number): Row[] {
  const wrapped = wrapText(`${popup.title}${place}`, columns - 1)
  const rows = Array.from({ length: titleCount(popup, columns, height) }, (_, index): Row => {
    const cells = wrapped[index]
    return cells === undefined ? [] : [spaces(1), spanOf(cells, 'strong')]
  })
  if (popup.hint !== '') return rows
  return [...rows.slice(0, -1), justified(rows.at(-1) ?? [], [span(`${CLOSES} `, 'dim')], columns, 'plain')]
}

/** The rows of each line from `first` on that is seen as a whole; of one line at least. */
function linesFrom(popup: Popup, first: number, columns: number, height: number, isUtf8: boolean): Row[][] {
  const shown: Row[][] = []
  let room = height
  for (const [index, line] of popup.lines.slice(first).entries()) {
    const rows = lineRows(line, first + index === popup.chosen, columns, isUtf8)
    if (rows.length > room && shown.length > 0) break
    shown.push(rows)
    room -= rows.length
    if (room <= 0) break
  }
  return shown
}

function lineRows(line: PopupLine, isChosen: boolean, columns: number, isUtf8: boolean): Row[] {
  if (line.style === 'code') {
    const code = span(line.text, 'code', columns)
    return [[spaces(Math.min(2, columns - code.width)), code]]
  }
  const style = isChosen ? 'selected' : (line.style ?? 'plain')
  const sign = span(isChosen ? `${signsFor(isUtf8).chosen} ` : '  ', style)
  const indent = Math.min(Math.floor(columns / 3), (/^ */u.exec(line.text)?.[0].length ?? 0) + continuationIndent)
  const cells = cellsOf(line.text)
  const [top = [], ...more] = wrapCells(cells, columns - 2)
  const rest =
    more.length === 0 ? [] : wrapCells(cells.slice(top.length).slice(spacesAt(cells, top.length)), columns - 2 - indent)
  const fill = (width: number): Span => spaces(columns - 2 - width, style)
  return [
    [sign, spanOf(top, style), fill(widthOf(top))],
    ...rest.map((row): Row => [spaces(2 + indent, style), spanOf(row, style), fill(indent + widthOf(row))])
  ]
}

/** The spaces where a line was broken are not drawn. */
function spacesAt(cells: readonly Cell[], index: number): number {
  let count = 0
  while (cells[index + count]?.text === ' ') count++
  return count
}
