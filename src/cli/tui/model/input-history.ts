// What was typed before, in each conversation: stepping through it with the
// arrow keys, and looking for a part of it. Values and functions; where it is
// kept is not its business.
import { INPUT_HISTORY_LINES } from '../../process/input-lines.ts'
import { folded } from '../../../lib/index.ts'
import type { TypedLine } from '../../../node/settings.ts'

/** Longer texts are not offered again by the arrow keys: they are pasted, and the history has them. */
const MAX_REMEMBERED_CHARACTERS = 4096

/** The oldest first. */
export type InputHistory = readonly TypedLine[]

/** With one more; the same line twice is kept once, where it was typed last. */
export function remember(lines: InputHistory, line: TypedLine): InputHistory {
  if (line.text.trim() === '' || line.text.length > MAX_REMEMBERED_CHARACTERS) return lines
  return [...lines.filter(({ text }) => text !== line.text), line].slice(-INPUT_HISTORY_LINES)
}

/** Without what was typed before that time. */
export function withoutOld(
  histories: ReadonlyMap<string, InputHistory>,
  beforeMs: number
): ReadonlyMap<string, InputHistory> {
  return new Map([...histories].map(([place, lines]) => [place, lines.filter(({ atMs }) => atMs >= beforeMs)]))
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
  return { walk: { ...from, index }, text: index === lines.length ? from.draft : (lines[index]?.text ?? '') }
}

/** The newest line before `before` that holds the words, as typed; -1 when there is none. */
export function lookBack(lines: InputHistory, words: string, before: number): number {
  const sought = folded(words)
  for (let index = Math.min(before, lines.length) - 1; index >= 0; index--) {
    if (folded(lines[index]?.text ?? '').includes(sought)) return index
  }
  return -1
}
