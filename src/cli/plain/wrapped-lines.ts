// Parley's own lines on a terminal that is narrower than they are: cut between
// words. What others wrote is not for this: a terminal copies a line that it has
// wrapped itself in one piece, and rows made here could be shaped by the writer.
import { eastAsianWidth } from 'get-east-asian-width'

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

/** Under what a row of two columns explains, when there is room for that. */
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
