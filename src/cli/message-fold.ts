// How much of one message is shown where others stand beside it: a text of
// nothing but line breaks must not push everything else off the screen. What is
// left out is counted, and /show prints all of it. Pure; it knows lines, and
// nothing of who wrote them.
import { eastAsianWidth } from 'get-east-asian-width'
import { LONG_MESSAGE_CHARACTERS, LONG_MESSAGE_LINES } from './constants.ts'

/** The room for one message. */
export interface MessageFold {
  readonly rows: number
  /** Characters in a row; without it a line is a row, however long. */
  readonly columns?: number
}

/** The lines of a message, each clean, that have room; and in words what is left out. */
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

/** How far a line goes in so many rows, and how many of them it takes. */
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
  return `… ${count.toLocaleString('en')} more ${what}${count === 1 ? '' : 's'} of this message: /show`
}
