// Where everything stands on a screen of a given size. Pure arithmetic.
import { INTERRUPT_WINDOW_MS } from '../../constants.ts'
import { MAX_INPUT_ROWS, SIDE_COLUMNS, SIDE_FROM_COLUMNS } from '../constants.ts'
import { WIDE_SIDE_COLUMNS, WIDE_SIDE_FROM_COLUMNS } from '../constants.ts'
import { usageHint } from '../model/screen-commands.ts'
import type { State } from '../model/state.ts'
import { span, spanOf, spaces } from '../screen/rows.ts'
import { wrapText } from '../text/wrap.ts'
import { inputRows, type InputRows } from './input-rows.ts'
import type { Row } from './message-rows.ts'

export interface Layout {
  /** 0 when the list at the side is folded away. */
  readonly sideColumns: number
  readonly paneColumn: number
  readonly paneColumns: number
  /** Rows of the conversation, under the title. */
  readonly paneRows: number
  /** Between the conversation and the status bar: what may be typed next, or a warning. */
  readonly hints: readonly Row[]
  readonly input: InputRows
}

const titleRows = 1
const statusRows = 1

export function layoutOf(state: State): Layout {
  const { columns, rows } = state
  const sideColumns =
    columns < SIDE_FROM_COLUMNS ? 0 : columns < WIDE_SIDE_FROM_COLUMNS ? SIDE_COLUMNS : WIDE_SIDE_COLUMNS
  const most = Math.max(1, Math.min(MAX_INPUT_ROWS, Math.floor(rows / 3)))
  const input = inputRows(promptOf(state), state.input.editor, Math.max(2, columns), most)
  const hints = hintRows(state)
  return {
    sideColumns,
    paneColumn: sideColumns,
    paneColumns: Math.max(2, columns - sideColumns),
    paneRows: Math.max(1, rows - titleRows - statusRows - input.rows.length - hints.length),
    hints,
    input
  }
}

/** What is asked for: the same words as on a plain terminal, shorter where there is little room. */
function promptOf({ place, input, columns }: State): string {
  if (input.search?.is === 'typed before') return `(typed before) ${input.search.words}: `
  if (input.search?.is === 'messages') return 'Search: '
  switch (place.at) {
    case 'peer':
      return columns < SIDE_FROM_COLUMNS ? 'Peer: ' : 'Peer (name, number, address or host): '
    case 'port':
      return 'Port: '
    case 'conversation':
      return 'You: '
  }
}

/** A warning is read to its end, where the screen has room for that; anything else takes one row. */
function hintRows(state: State): readonly Row[] {
  const { alarm, columns, rows } = state
  if (alarm === undefined) {
    const hint = hintOf(state)
    return hint === '' ? [] : [[span(` ${hint}`, 'dim')]]
  }
  return wrapText(`!!! WARNING (Esc: seen): ${alarm}`, columns - 1)
    .slice(0, Math.max(1, Math.floor(rows / 3)))
    .map((cells) => [spaces(1), spanOf(cells, 'warning')])
}

/** The line above the input: what may be typed next. Empty when there is nothing to say. */
function hintOf(state: State): string {
  const { completion, search } = state.input
  if (state.nowMs - state.interruptedAtMs < INTERRUPT_WINDOW_MS) {
    return 'Ctrl-C again leaves at once; /quit ends it in good order.'
  }
  if (completion !== undefined && completion.hits.length > 1) {
    return completion.hits.map((hit, index) => (index === completion.index ? `[${hit.trim()}]` : hit.trim())).join('  ')
  }
  if (search?.is === 'typed before') return 'Ctrl-R: one further back; Enter: send it; Esc: as before'
  if (search?.is === 'messages') return 'Words to look for; Enter: the last message with them; Esc: none'
  if (state.found !== undefined) {
    const { index, positions, words } = state.found
    return `${index + 1} of ${positions.length} with ${JSON.stringify(words)}; Ctrl-S: older, Alt-S: newer, Esc: back to the end`
  }
  return commandHint(state)
}

/** The usage of the command that is being typed. */
function commandHint(state: State): string {
  const name = /^\/([A-Za-z][\w-]*)/u.exec(state.input.editor.text)?.[1]?.toLowerCase()
  return name === undefined ? '' : usageHint(name)
}
