// What was typed before, in each conversation: stepping through it with the
// arrow keys, and looking for a part of it. Values and functions; where it is
// kept is not its business.
import { INPUT_HISTORY_LINES } from '../../constants.ts'
import { MAX_REMEMBERED_CHARACTERS } from '../constants.ts'

/** The oldest first. */
export type TypedLines = readonly string[]

/** With one more; the same line twice is kept once, where it was typed last. */
export function remember(lines: TypedLines, line: string): TypedLines {
  if (line.trim() === '' || line.length > MAX_REMEMBERED_CHARACTERS) return lines
  return [...lines.filter((one) => one !== line), line].slice(-INPUT_HISTORY_LINES)
}

/** A walk through them: where one is (the length of the list is the line that was being typed), and that line. */
export interface Walk {
  readonly index: number
  readonly draft: string
}

/** One step; undefined where there is nothing more. */
export function step(
  lines: TypedLines,
  walk: Walk | undefined,
  by: -1 | 1,
  typed: string
): { readonly walk: Walk; readonly text: string } | undefined {
  const from = walk ?? { index: lines.length, draft: typed }
  const index = from.index + by
  if (index < 0 || index > lines.length) return undefined
  return { walk: { ...from, index }, text: index === lines.length ? from.draft : (lines[index] ?? '') }
}

/** The newest line before `before` that holds the words, as typed; -1 when there is none. */
export function lookBack(lines: TypedLines, words: string, before: number): number {
  const sought = words.toLowerCase()
  for (let index = Math.min(before, lines.length) - 1; index >= 0; index--) {
    if (lines[index]?.toLowerCase().includes(sought) === true) return index
  }
  return -1
}
