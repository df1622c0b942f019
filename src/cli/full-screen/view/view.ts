// The whole screen as a frame, made of the state alone: the list at the side,
// the bars, the conversation or what stands in its place, the input.
import { LEAST_MESSAGE_ROWS, ROWS_FOR_OTHERS } from '../../constants.ts'
import { SIDE_BORDER_COLUMNS } from '../constants.ts'
import { currentPeer, type State } from '../model/state.ts'
import { segment, type Frame, type ScreenRow } from '../screen/rows.ts'
import { statusBar, titleBar } from './bars.ts'
import { homeRows } from './home-pane.ts'
import { layoutOf, type Layout } from './layout.ts'
import { itemRows, type MessageContext, type Row } from './message-rows.ts'
import { popupRows } from './popup-pane.ts'
import { seenRows, type RowsOf } from './scroll.ts'
import { bordered, sideRows } from './side.ts'

export function view(state: State): Frame {
  const layout = layoutOf(state)
  const { columns, rows } = state
  const { sideColumns, paneColumn, paneColumns, paneRows, hints, input } = layout
  const side = sideColumns === 0 ? [] : sideRows(state, sideColumns - SIDE_BORDER_COLUMNS, paneRows + 1)
  const pane = [titleBar(state, paneColumns), ...paneContent(state, layout)]
  const screen: ScreenRow[] = pane.map((row, index) => [
    ...(sideColumns === 0 ? [] : [segment(0, sideColumns, bordered(side[index] ?? [], sideColumns, state.isUtf8))]),
    segment(paneColumn, paneColumns, row, index === 0 ? 'bar' : 'plain')
  ])
  screen.push(...hints.map((row): ScreenRow => [segment(0, columns, row)]))
  screen.push([segment(0, columns, statusBar(state, columns), 'bar')])
  const inputTop = screen.length
  screen.push(...input.rows.map((row): ScreenRow => [segment(0, columns, row)]))
  const shown = screen.slice(0, rows)
  const cursorRow = inputTop + input.cursor.row
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
  const rows = seenRows(state.window, paneRows, rowsOf(state, layout))
  // A short conversation stands at the bottom, where the next message comes.
  return [...Array.from({ length: paneRows - rows.length }, (): Row => []), ...rows]
}

/** The rows of each item of the open conversation, as they are drawn in a pane of this size. */
export function rowsOf(state: State, { paneColumns, paneRows }: Layout): RowsOf {
  const context: MessageContext = {
    columns: paneColumns,
    maxRows: Math.max(LEAST_MESSAGE_ROWS, paneRows - ROWS_FOR_OTHERS),
    isUtf8: state.isUtf8,
    name: state.place.at === 'conversation' ? state.place.name : '',
    selfName: state.self?.nickname ?? '',
    newFrom: state.window.newFrom,
    found: state.window.found
  }
  return (index) => {
    const item = state.window.items[index]
    return item === undefined ? [] : itemRows(item, state.window.items[index - 1], context)
  }
}
