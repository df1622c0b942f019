// The whole screen as a frame, made of the state alone: the list at the side,
// the bars, the conversation or what stands in its place, the input.
import { type Layout, layoutOf } from '../layout/layout.ts'
import type { Row } from '../layout/message-rows.ts'
import { popupRows } from '../layout/popup-pane.ts'
import { conversationRows, seenRows } from '../layout/scroll.ts'
import { bordered, SIDE_BORDER_COLUMNS, sideRows } from '../layout/side.ts'
import { currentPeer, type State } from '../model/state.ts'
import { type Frame, type ScreenRow, segment } from '../terminal/rows.ts'
import { statusBar, titleBar } from './bars.ts'
import { homeRows } from './home-pane.ts'

export function view(state: State): Frame {
  const layout = layoutOf(state)
  const { columns, rows } = state
  const { sideColumns, paneColumn, paneColumns, paneRows, hints, hasStatus, input } = layout
  const side = sideColumns === 0 ? [] : sideRows(state, sideColumns - SIDE_BORDER_COLUMNS, paneRows + 1)
  const pane = [titleBar(state, paneColumns), ...paneContent(state, layout)]
  const screen: ScreenRow[] = pane.map((row, index) => [
    ...(sideColumns === 0 ? [] : [segment(0, sideColumns, bordered(side[index] ?? [], sideColumns, state.isUtf8))]),
    segment(paneColumn, paneColumns, row, index === 0 ? 'bar' : 'plain')
  ])
  screen.push(...hints.map((row): ScreenRow => [segment(0, columns, row)]))
  if (hasStatus) screen.push([segment(0, columns, statusBar(state, columns), 'bar')])
  const inputTop = screen.length
  screen.push(...input.rows.map((row): ScreenRow => [segment(0, columns, row)]))
  // The input stays visible in the smallest window.
  const top = Math.max(0, screen.length - rows)
  const shown = screen.slice(top)
  const cursorRow = inputTop - top + input.cursor.row
  return {
    rows: [...shown, ...Array.from({ length: Math.max(0, rows - shown.length) }, (): ScreenRow => [])],
    columns,
    cursor: cursorRow < rows ? { row: cursorRow, column: Math.min(columns - 1, input.cursor.column) } : undefined
  }
}

function paneContent(state: State, layout: Layout): readonly Row[] {
  const { paneColumns, paneRows } = layout
  if (state.popup !== undefined) return popupRows(state.popup, paneColumns, paneRows, state.isUtf8)
  if (currentPeer(state) === undefined) return homeRows(state, paneColumns, paneRows)
  const rows = seenRows(state.window, paneRows, conversationRows(state, layout))
  // A short conversation stands at the bottom, where the next message comes.
  return [...Array.from({ length: paneRows - rows.length }, (): Row => []), ...rows]
}
