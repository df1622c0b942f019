// What was typed before, in each conversation: stepping through it with the
// arrow keys, and looking for a part of it. Values and functions; where it is
// kept is not its business.
import { INPUT_HISTORY_LINES } from '../../process/input-lines.ts'
import { folded } from '../../../lib/index.ts'

/** Longer texts are not offered again by the arrow keys: they are pasted, and the history has them. */
const MAX_REMEMBERED_CHARACTERS = 4096

/** The oldest first. */
export type InputHistory = readonly string[]

/** With one more; the same line twice is kept once, where it was typed last. */
export function remember(lines: InputHistory, line: string): InputHistory {
  if (line.trim() === '' || line.length > MAX_REMEMBERED_CHARACTERS) return lines
  return [...lines.filter((one) => one !== line), line].slice(-INPUT_HISTORY_LINES)
}

/** A walk through them: the index (the length of the list means the line being typed), and that line. */
export interface Walk {
  readonly index: number
  readonly draft: string
}

/** One step; undefined where there is nothing more. */
export function step(
  lines: InputHistory,
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
export function lookBack(lines: InputHistory, words: string, before: number): number {
  const sought = folded(words)
  for (let index = Math.min(before, lines.length) - 1; index >= 0; index--) {
    if (folded(lines[index] ?? '').includes(sought)) return index
  }
  return -1
}
