// Where everything stands on a screen of a given size. Pure arithmetic.
import { cleanText } from '../../process/clean-text.ts'
import { INTERRUPT_WINDOW_MS } from '../../process/input-lines.ts'
import { usageHint } from '../model/screen-commands.ts'
import type { State } from '../model/state.ts'
import { wrapText } from '../terminal/display-cells.ts'
import { spaces, span, spanOf } from '../terminal/rows.ts'
import { type InputRows, inputRows } from './input-rows.ts'
import { NAME_COLUMNS, type Row } from './message-rows.ts'

/** The list at the side, its line included. */
const SIDE_COLUMNS = 25

/** The same on a wide terminal. */
const WIDE_SIDE_COLUMNS = 32

/** Terminals from this width on have the wide list. */
const WIDE_SIDE_FROM_COLUMNS = 110

/** The input takes at most so many rows; a longer text is scrolled in them. */
const MAX_INPUT_ROWS = 10

export interface Layout {
  /** 0 when the list at the side is folded away. */
  readonly sideColumns: number
  readonly paneColumn: number
  readonly paneColumns: number
  /** Rows of the conversation, under the title. */
  readonly paneRows: number
  /** Between the conversation and the status bar: what may be typed next, or a warning. */
  readonly hints: readonly Row[]
  /** In a window of three rows there is no room for the status. */
  readonly hasStatus: boolean
  readonly input: InputRows
}

const titleRows = 1
const statusRows = 1
const leastPaneRows = 1

export function layoutOf(state: State): Layout {
  const { columns, rows } = state
  const sideColumns =
    columns < SIDE_FROM_COLUMNS ? 0 : columns < WIDE_SIDE_FROM_COLUMNS ? SIDE_COLUMNS : WIDE_SIDE_COLUMNS
  const most = Math.max(1, Math.min(MAX_INPUT_ROWS, Math.floor(rows / 3)))
  const input = inputRows(promptOf(state), state.input.editor, Math.max(2, columns), most)
  const hints = hintRows(state)
  const room = rows - titleRows - input.rows.length - hints.length
  const hasStatus = room - statusRows >= leastPaneRows
  return {
    sideColumns,
    paneColumn: sideColumns,
    paneColumns: Math.max(2, columns - sideColumns),
    paneRows: Math.max(leastPaneRows, room - (hasStatus ? statusRows : 0)),
    hints,
    hasStatus,
    input
  }
}

/** The prompt: the same words as on a plain terminal, shorter where there is little room. */
function promptOf({ place, input, columns }: State): string {
  if (input.search?.is === 'input history') return `(input history) ${input.search.words}: `
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

/** A warning is shown whole if the screen has room; anything else takes one row. */
function hintRows(state: State): readonly Row[] {
  const { alarm } = state
  if (alarm !== undefined) return warningRows(state, `!!! WARNING (Esc: seen): ${alarm}`)
  const hint = hintOf(state)
  const imitation = imitationText(state)
  return [
    ...(imitation === '' ? [] : warningRows(state, imitation)),
    ...(hint === '' ? [] : [[span(` ${hint}`, 'dim')]])
  ]
}

function warningRows({ columns, rows }: State, text: string): readonly Row[] {
  return wrapText(text, columns - 1)
    .slice(0, Math.max(1, Math.floor(rows / 3)))
    .map((cells) => [spaces(1), spanOf(cells, 'warning')])
}

/** Shown while the conversation is open: the peer uses another's name, and whose. */
function imitationText(state: State): string {
  const { place } = state
  if (place.at !== 'conversation') return ''
  const owner = state.people.find(({ peer }) => peer === place.peer)?.sameNameAs
  if (owner === undefined) return ''
  const name = cleanText(place.name, { maxCharacters: NAME_COLUMNS })
  const whose = owner.own
    ? 'you'
    : `your ${owner.verified ? 'verified ' : ''}contact ${cleanText(owner.name, { maxCharacters: NAME_COLUMNS })}`
  return `! ${name} (${place.shortId}) is not ${whose} (${owner.shortId})`
}

/** The line above the input: what may be typed next. Empty when there is nothing to say. */
function hintOf(state: State): string {
  const { completion, search } = state.input
  if (state.nowMs - state.interruptedAtMs < INTERRUPT_WINDOW_MS) {
    return 'Press Ctrl-C again to leave at once; /quit ends the program properly.'
  }
  if (completion !== undefined && completion.hits.length > 1) {
    return completion.hits.map((hit, index) => (index === completion.index ? `[${hit.trim()}]` : hit.trim())).join('  ')
  }
  if (search?.is === 'input history') return 'Ctrl-R: older; Enter: send it; Esc: cancel'
  if (search?.is === 'messages') return 'Words to look for; Enter: the last message with them; Esc: cancel'
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

/** Terminals narrower than this show no list at the side. */
export const SIDE_FROM_COLUMNS = 72
