// How lines fit a terminal. A long message is folded so that others stay on
// the screen; the rest is counted, and /show prints all of it. Parley's own lines
// are cut between words; the terminal wraps what others wrote: it copies such a
// line in one piece, and rows made here could be shaped by the writer. Pure.
import { eastAsianWidth } from 'get-east-asian-width'
import { countText } from '../../lib/index.ts'

/** A message of more lines, or of more characters, is long: `/show` means the last one of these. */
const LONG_MESSAGE_LINES = 3

/** Three lines of 80 columns. */
const LONG_MESSAGE_CHARACTERS = 240

/** The room for one message. */
export interface MessageFold {
  readonly rows: number
  /** Characters in a row; without it a line is a row, however long. */
  readonly columns?: number
}

/** The clean lines of a message that fit, and in words what is left out. */
export function foldedLines(lines: readonly string[], { rows, columns }: MessageFold): readonly string[] {
  const kept: string[] = []
  let room = rows
  for (const [index, line] of lines.entries()) {
    const { end, taken } = columns === undefined ? { end: line.length, taken: 1 } : partWithRoom(line, room, columns)
    if (taken > room || end < line.length) {
      const isCut = taken <= room && end > 0
      const beginning = isCut ? [line.slice(0, end)] : []
      return [...kept, ...beginning, restText(lines.length - index, line.length - (isCut ? end : 0))]
    }
    kept.push(line)
    room -= taken
  }
  return kept
}

/** How much of a line fits into so many rows, and how many it takes. */
function partWithRoom(line: string, rows: number, columns: number): { readonly end: number; readonly taken: number } {
  let end = 0
  let width = 0
  for (const character of line) {
    width += eastAsianWidth(character.codePointAt(0) ?? 0)
    if (width > rows * columns) return { end, taken: rows }
    end += character.length
  }
  return { end, taken: Math.max(1, Math.ceil(width / columns)) }
}

/** Whether /show means this one: it is long enough to be folded somewhere. */
export function isLongMessage(text: string): boolean {
  return text.length > LONG_MESSAGE_CHARACTERS || text.split('\n', LONG_MESSAGE_LINES + 1).length > LONG_MESSAGE_LINES
}

/** Of the last line the characters are counted, of others the lines. */
function restText(lineCount: number, characterCount: number): string {
  const [count, what] = lineCount === 1 ? [characterCount, 'character'] : [lineCount, 'line']
  return `… ${countText(count)} more ${what}${count === 1 ? '' : 's'} of this message: /show`
}

/** Rows that go on stand this far in, so that none looks like a line of its own. */
const hangingIndent = 2

/** In a narrower terminal nothing is gained: the terminal wraps. */
const minColumns = 20

/** The rows of a line: each fits, but for words that are longer than a row. */
export function wrappedLine(line: string, columns: number): string[] {
  if (columns < minColumns || widthOf(line) <= columns) return [line]
  const indent = ' '.repeat(indentOf(line, columns))
  const rows: string[] = []
  // The blanks before each word belong to it, so that what is aligned stays so.
  for (const word of line.match(/\s*\S+/gu) ?? []) {
    const row = rows.at(-1)
    if (row === undefined) rows.push(word)
    else if (widthOf(row) + widthOf(word) <= columns) rows[rows.length - 1] = row + word
    else rows.push(indent + word.trimStart())
  }
  return rows
}

/** Aligned with the second column of the row, if there is room. */
function indentOf(line: string, columns: number): number {
  const beginning = /^\s*\S.*?\s{2,}(?=\S)/u.exec(line)?.[0]
  const column = beginning === undefined ? undefined : widthOf(beginning)
  if (column !== undefined && column <= columns / 2) return column
  return (/^\s*/u.exec(line)?.[0].length ?? 0) + hangingIndent
}

function widthOf(text: string): number {
  let width = 0
  for (const character of text) width += eastAsianWidth(character.codePointAt(0) ?? 0)
  return width
}

/** Rows of a terminal that one message leaves to others: the ones before it, the prompt and what goes on. */
export const ROWS_FOR_OTHERS = 4

/** A message gets this many rows even in the smallest window. */
export const LEAST_MESSAGE_ROWS = 3
