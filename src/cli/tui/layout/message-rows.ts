// A message or a note as rows of the conversation: time, mark, name and the text
// under each other, so that no row of a text can pass for another message. Drawn
// rows are cached with their message.
import { countText, folded } from '../../../lib/index.ts'
import { cleanLines } from '../../process/clean-text.ts'
import { deliveryWord } from '../../wording/message-wording.ts'
import type { Item, MessageItem, StatusMessage } from '../model/window.ts'
import { type Cell, foldedCells, wrapCells, wrapText } from '../terminal/display-cells.ts'
import { padded, spaces, type Span, span, spanOf, widthOfSpans } from '../terminal/rows.ts'
import { nameStyle, type Style } from '../terminal/theme.ts'
import { deliverySign, signsFor } from './signs.ts'

/**
 * Characters of a message that are looked at for each column of the rows that it may have: emoji and accented letters
 * are written in some. Of a text of invisible characters or heaps of accents the rest is not looked at for a frame.
 */
const CHARACTERS_PER_COLUMN = 2

/** The last rows of a message that is too long to be seen whole: the end of a pasted text often matters. */
const END_ROWS = 3

/** Columns of a name before its message; longer ones are clipped, and stand whole in the title. */
export const NAME_COLUMNS = 10

/** The same where there is room. */
const WIDE_NAME_COLUMNS = 14

/** A conversation of so many columns has room for long names. */
const WIDE_PANE_COLUMNS = 90

/** A narrower conversation has no columns for time and name: the text would get less than half. */
const COMPACT_PANE_COLUMNS = 50

export type Row = readonly Span[]

export interface MessageContext {
  readonly columns: number
  /** The rows that one message may have. */
  readonly maxRows: number
  readonly isUtf8: boolean
  /** The other side's name. */
  readonly name: string
  /** The user's nickname: a message with it mentions the user. */
  readonly selfName: string
  readonly newFrom: string | undefined
  readonly found: string | undefined
}

const drawn = new WeakMap<Item, { readonly signature: string; readonly rows: readonly Row[] }>()

/** The rows of an item, with the day above it when it begins one. */
export function itemRows(item: Item, before: Item | undefined, context: MessageContext): readonly Row[] {
  const day = dayOf(item) === (before === undefined ? undefined : dayOf(before)) ? '' : dayOf(item)
  const { columns, maxRows, isUtf8, name, selfName, newFrom, found } = context
  const flags = `${newFrom === item.key} ${found === item.key} ${isUtf8}`
  const signature = `${columns} ${maxRows} ${flags} ${day} ${name} ${selfName}`
  const known = drawn.get(item)
  if (known?.signature === signature) return known.rows
  const rows = [
    ...(day === '' ? [] : [separator(day, context)]),
    ...(newFrom === item.key ? [separator('new', context)] : []),
    ...(item.is === 'message' ? messageRows(item, context) : statusRows(item, context))
  ]
  drawn.set(item, { signature, rows })
  return rows
}

/** Whether the text names the person, as a word of its own. */
export function mentions(text: string, name: string): boolean {
  const [said, sought] = [folded(text), folded(name)]
  const at = sought === '' ? -1 : said.indexOf(sought)
  if (at === -1) return false
  const isPart = (character: string | undefined): boolean => character !== undefined && /[\p{L}\p{N}]/u.test(character)
  return !isPart(said[at - 1]) && !isPart(said[at + sought.length])
}

function messageRows(item: MessageItem, context: MessageContext): readonly Row[] {
  const { message } = item
  const signs = signsFor(context.isUtf8)
  const isOwn = message.direction === 'out'
  const isForMe = !isOwn && mentions(message.text, context.selfName)
  const sign = isForMe ? signs.mention : deliverySign(message, signs)
  const signStyle: Style = isOwn && message.state === 'failed' ? 'warning' : isForMe ? 'mention' : 'dim'
  const whoStyle: Style = isOwn ? 'own' : isForMe ? 'mention' : nameStyle(message.peer)
  const who = isOwn ? 'You' : context.name
  const textStyle: Style = context.found === item.key ? 'found' : 'plain'
  const gutter = padded(sign, 2, signStyle)
  const rowsOf = (text: string): readonly Row[] =>
    context.columns < COMPACT_PANE_COLUMNS
      ? compactRows({ gutter, who, whoStyle, textStyle, text, context })
      : columnRows({ gutter, who, whoStyle, textStyle, text, context, atMs: message.storedAtMs })
  const seen = boundedRows(message.text, rowsOf, context)
  return message.direction === 'out' && (message.state === 'failed' || message.state === 'held')
    ? [...seen, ...tonedRows(`(${deliveryWord(message)})`, message.state === 'failed' ? 'warning' : 'note', context)]
    : seen
}

/** All rows of a text, or as many as one message may have: its beginning, how long it is, and its end. */
function boundedRows(text: string, rowsOf: (text: string) => readonly Row[], context: MessageContext): readonly Row[] {
  const { columns, maxRows } = context
  const looked = columns * maxRows * CHARACTERS_PER_COLUMN
  const rows = rowsOf(text.length <= looked ? text : text.slice(0, looked).toWellFormed())
  if (text.length <= looked && rows.length <= maxRows) return rows
  const endRows = Math.min(END_ROWS, Math.floor(maxRows / 4))
  const end = text.slice(-columns * END_ROWS * CHARACTERS_PER_COLUMN).toWellFormed()
  // After a line break no row is the one with the name.
  const last = endRows === 0 ? [] : rowsOf(`\n${end}`).slice(-endRows)
  return [...rows.slice(0, maxRows - 1 - last.length), ...moreRows(text.length, context), ...last]
}

function moreRows(characters: number, context: MessageContext): readonly Row[] {
  const text = `… ${countText(characters)} characters in all: /show`
  return tonedRows(text, 'note', context).slice(0, 1)
}

interface Parts {
  readonly gutter: Row
  readonly who: string
  readonly whoStyle: Style
  readonly textStyle: Style
  readonly text: string
  readonly context: MessageContext
}

/** Time, mark and name in columns, the text in its own. */
function columnRows({ gutter, who, whoStyle, textStyle, text, context, atMs }: Parts & { atMs: number }): Row[] {
  const nameColumns = context.columns >= WIDE_PANE_COLUMNS ? WIDE_NAME_COLUMNS : NAME_COLUMNS
  const head: Row = [
    span(`${clockTime(atMs)} `, 'dim'),
    ...gutter,
    spaces(1),
    ...padded(who, nameColumns, whoStyle),
    spaces(1)
  ]
  const indent = widthOfSpans(head)
  return wrapText(text, context.columns - indent).map((cells, index) => [
    ...(index === 0 ? head : [spaces(indent)]),
    spanOf(cells, textStyle)
  ])
}

/** The name before the text, and every further row behind a line. */
function compactRows({ gutter, who, whoStyle, textStyle, text, context }: Parts): Row[] {
  const columns = context.columns - 2
  const [first = '', ...rest] = cleanLines(text)
  const name = span(who, whoStyle, Math.max(4, Math.floor(columns / 2)))
  const label: readonly Cell[] = [...foldedCells(name.text), ...foldedCells(': ')]
  const [top = [], ...more] = wrapCells([...label, ...foldedCells(first)], columns)
  const nameLength = Math.min(foldedCells(name.text).length, top.length)
  const line = span(`${signsFor(context.isUtf8).vertical} `, 'border')
  return [
    [...gutter, spanOf(top.slice(0, nameLength), whoStyle), spanOf(top.slice(nameLength), textStyle)],
    ...[...more, ...rest.flatMap((one) => wrapCells(foldedCells(one), columns))].map((cells) => [
      line,
      spanOf(cells, textStyle)
    ])
  ]
}

/** A stranger gets one row in a conversation with another peer. */
function statusRows(item: StatusMessage, context: MessageContext): readonly Row[] {
  const { text, tone, asks } = item
  if (asks === undefined) return tonedRows(text, tone, context)
  return [[span(tone === 'warning' ? '! ' : '- ', tone), span(text, tone, context.columns - 2)]]
}

function tonedRows(text: string, tone: 'note' | 'warning', context: MessageContext): Row[] {
  const sign = tone === 'warning' ? '! ' : '- '
  return wrapText(text, context.columns - 2).map((cells, index) => [
    index === 0 ? span(sign, tone) : spaces(2),
    spanOf(cells, tone)
  ])
}

function separator(text: string, { columns, isUtf8 }: MessageContext): Row {
  const line = signsFor(isUtf8).horizontal
  const middle = ` ${text} `
  const left = line.repeat(2)
  const right = line.repeat(Math.max(0, columns - 2 - middle.length))
  return [span(left, 'border'), span(middle, 'strong'), span(right, 'border')]
}

function clockTime(atMs: number): string {
  const date = new Date(atMs)
  return `${String(date.getHours()).padStart(2, '0')}:${String(date.getMinutes()).padStart(2, '0')}`
}

// Intl's formats would say the same and take 5 MB of memory.
const weekdays = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']
const months = [
  'January',
  'February',
  'March',
  'April',
  'May',
  'June',
  'July',
  'August',
  'September',
  'October',
  'November',
  'December'
]

function dayOf(item: Item): string {
  const date = new Date(item.is === 'message' ? item.message.storedAtMs : item.atMs)
  return `${weekdays[date.getDay()]}, ${date.getDate()} ${months[date.getMonth()]} ${date.getFullYear()}`
}
