// The visible rows of a conversation, and scrolling. Only rows
// around them are counted, however long the conversation is. Pure.
import { isMarked, NAMESAKE_MARK } from '../../../node/settings.ts'
import { LEAST_MESSAGE_ROWS, ROWS_FOR_OTHERS } from '../../wording/terminal-lines.ts'
import type { State } from '../model/state.ts'
import type { Anchor, MessageWindow } from '../model/window.ts'
import type { Layout } from './layout.ts'
import { itemRows, type MessageContext, type Row } from './message-rows.ts'

/** The rows of the item at an index. */
type RowsOf = (index: number) => readonly Row[]

interface Place {
  readonly index: number
  readonly row: number
}

/** The rows that are seen, the last one being the anchor's; fewer than `height` only when there are no more. */
export function seenRows(window: MessageWindow, height: number, rowsOf: RowsOf): readonly Row[] {
  const last = placeOf(window, rowsOf)
  if (last === undefined) return []
  const above: Row[] = []
  for (let place: Place | undefined = last; place !== undefined && above.length < height;) {
    above.push(rowsOf(place.index)[place.row] ?? [])
    place = moved(place, -1, window, rowsOf)
  }
  const seen = above.toReversed()
  for (let place = moved(last, 1, window, rowsOf); place !== undefined && seen.length < height;) {
    seen.push(rowsOf(place.index)[place.row] ?? [])
    place = moved(place, 1, window, rowsOf)
  }
  return seen
}

/** The anchor after scrolling by rows, up when negative; and whether the held rows end soon in that direction. */
export function scrolledBy(
  window: MessageWindow,
  by: number,
  height: number,
  rowsOf: RowsOf
): { readonly anchor: Anchor; readonly isNearEdge: boolean } {
  let place = placeOf(window, rowsOf)
  if (place === undefined) return { anchor: { at: 'end' }, isNearEdge: true }
  const step = by < 0 ? -1 : 1
  for (let count = Math.abs(by); count > 0; count--) {
    const next = moved(place, step, window, rowsOf)
    if (next === undefined) break
    place = next
  }
  if (step === 1) {
    const isLast = moved(place, 1, window, rowsOf) === undefined
    return {
      anchor: isLast && !window.hasNewer ? { at: 'end' } : anchorOf(place, window),
      isNearEdge: rowsWithin(place, 1, 2 * height, window, rowsOf) < 2 * height
    }
  }
  // The first row stays at the top of the screen.
  const aboveCount = rowsWithin(place, -1, height - 1, window, rowsOf)
  for (let missing = height - 1 - aboveCount; missing > 0; missing--) {
    const next = moved(place, 1, window, rowsOf)
    if (next === undefined) break
    place = next
  }
  const isEnd = moved(place, 1, window, rowsOf) === undefined && !window.hasNewer
  return {
    anchor: isEnd ? { at: 'end' } : anchorOf(place, window),
    isNearEdge: rowsWithin(place, -1, 3 * height, window, rowsOf) < 3 * height
  }
}

function placeOf(window: MessageWindow, rowsOf: RowsOf): Place | undefined {
  const { anchor, items } = window
  if (anchor.at === 'row') {
    const index = items.findIndex(({ key }) => key === anchor.key)
    if (index !== -1) return { index, row: Math.min(anchor.row, rowsOf(index).length - 1) }
  }
  const index = items.length - 1
  return index < 0 ? undefined : { index, row: rowsOf(index).length - 1 }
}

function anchorOf({ index, row }: Place, window: MessageWindow): Anchor {
  const item = window.items[index]
  return item === undefined ? { at: 'end' } : { at: 'row', key: item.key, row }
}

function moved({ index, row }: Place, by: -1 | 1, window: MessageWindow, rowsOf: RowsOf): Place | undefined {
  const next = row + by
  if (next >= 0 && next < rowsOf(index).length) return { index, row: next }
  const other = index + by
  if (other < 0 || other >= window.items.length) return undefined
  return { index: other, row: by === 1 ? 0 : rowsOf(other).length - 1 }
}

/** How many rows there are beyond a place, counted up to `limit`: rows further off are not laid out. */
function rowsWithin(from: Place, by: -1 | 1, limit: number, window: MessageWindow, rowsOf: RowsOf): number {
  // Each item has a row at least.
  const items = by === -1 ? from.index : window.items.length - 1 - from.index
  if (items >= limit) return limit
  let count = 0
  for (let place = moved(from, by, window, rowsOf); place !== undefined && count < limit; count++) {
    place = moved(place, by, window, rowsOf)
  }
  return count
}

/** The rows of each item of the open conversation, as they are drawn in a pane of this size. */
export function conversationRows(state: State, { paneColumns, paneRows }: Layout): RowsOf {
  const context: MessageContext = {
    columns: paneColumns,
    maxRows: Math.max(LEAST_MESSAGE_ROWS, paneRows - ROWS_FOR_OTHERS),
    isUtf8: state.isUtf8,
    name: namePrefix(state) + (state.place.at === 'conversation' ? state.place.name : ''),
    selfName: state.self?.nickname ?? '',
    newFrom: state.window.newFrom,
    found: state.window.found
  }
  return (index) => {
    const item = state.window.items[index]
    return item === undefined ? [] : itemRows(item, state.window.items[index - 1], context)
  }
}

/** Each message of a peer that uses another's name bears the mark. */
function namePrefix({ people, place }: State): string {
  const person = place.at === 'conversation' ? people.find(({ peer }) => peer === place.peer) : undefined
  return person !== undefined && isMarked(person) ? `${NAMESAKE_MARK} ` : ''
}
