// A text that is being typed, with its cursor, as a value: what each editing key
// makes of it. It knows graphemes, words and lines; no screen, no history, no
// meaning.
import { MAX_TYPED_CHARACTERS } from '../../process/input-lines.ts'

/** The text around the cursor that is searched for a grapheme boundary: the longest graphemes in use have 35 units. */
const GRAPHEME_LOOK_CHARACTERS = 128

/** Changes of the input that can be taken back. */
const MAX_UNDO_STEPS = 100

/** The text around the cursor that is searched for the end of a word; a longer word counts as several. */
const WORD_LOOK_CHARACTERS = 1024

export interface Editor {
  readonly text: string
  /** In UTF-16 units, always between two graphemes. */
  readonly cursor: number
  /** What was cut last, for Ctrl-Y. */
  readonly cut: string
  readonly undo: readonly { readonly text: string; readonly cursor: number }[]
}

export const emptyEditor: Editor = { text: '', cursor: 0, cut: '', undo: [] }

let madeSegmenter: Intl.Segmenter | undefined

/** Made for the first text that is edited: its tables are 2 MB of memory. */
function segmenter(): Intl.Segmenter {
  madeSegmenter ??= new Intl.Segmenter()
  return madeSegmenter
}

/** The editor after a key; undefined when the key edits nothing. */
export function editedBy(editor: Editor, key: string): Editor | undefined {
  const { text, cursor } = editor
  switch (key) {
    case 'Left':
    case 'C-b':
      return at(editor, graphemeBefore(text, cursor))
    case 'Right':
    case 'C-f':
      return at(editor, graphemeAfter(text, cursor))
    case 'M-b':
    case 'C-Left':
    case 'M-Left':
      return at(editor, wordBefore(text, cursor))
    case 'M-f':
    case 'C-Right':
    case 'M-Right':
      return at(editor, wordAfter(text, cursor))
    case 'Home':
    case 'C-a':
      return at(editor, lineStart(text, cursor))
    case 'End':
    case 'C-e':
      return at(editor, lineEnd(text, cursor))
    case 'Backspace':
    case 'C-h':
      return without(editor, graphemeBefore(text, cursor), cursor)
    case 'Delete':
    case 'C-d':
      return without(editor, cursor, graphemeAfter(text, cursor))
    case 'C-w':
      return cut(editor, spacedWordBefore(text, cursor), cursor)
    case 'M-Backspace':
    case 'M-C-h':
      return cut(editor, wordBefore(text, cursor), cursor)
    case 'M-d':
      return cut(editor, cursor, wordAfter(text, cursor))
    case 'C-u':
      return cut(editor, lineStart(text, cursor), cursor)
    case 'C-k':
      return cut(
        editor,
        cursor,
        cursor === lineEnd(text, cursor) ? Math.min(text.length, cursor + 1) : lineEnd(text, cursor)
      )
    case 'C-y':
      return inserted(editor, editor.cut)
    case 'C-t':
      return transposed(editor)
    case 'C-_':
      return undone(editor)
    case 'M-Enter':
      return inserted(editor, '\n')
    default:
      return undefined
  }
}

/** With text inserted at the cursor, cut at the length of the longest message. */
export function inserted(editor: Editor, text: string): Editor {
  const room = MAX_TYPED_CHARACTERS - editor.text.length
  const fitting = text.length > room ? text.slice(0, Math.max(0, room)).toWellFormed() : text
  if (fitting === '') return editor
  const { text: before, cursor } = editor
  return {
    ...editor,
    text: before.slice(0, cursor) + fitting + before.slice(cursor),
    cursor: cursor + fitting.length,
    undo: remembered(editor, fitting)
  }
}

/** Another text, with the cursor at its end; what was typed can be brought back. */
export function replaced(editor: Editor, text: string): Editor {
  return { ...editor, text, cursor: text.length, undo: remembered(editor, undefined) }
}

/** The cursor a line up or down in its column; undefined when there is none. */
export function movedByLine(editor: Editor, by: -1 | 1): Editor | undefined {
  const { text, cursor } = editor
  const start = lineStart(text, cursor)
  const end = lineEnd(text, cursor)
  if (by === -1) {
    if (start === 0) return undefined
    const above = lineStart(text, start - 1)
    return at(editor, snapped(text, Math.min(above + cursor - start, start - 1)))
  }
  if (end === text.length) return undefined
  return at(editor, snapped(text, Math.min(end + 1 + cursor - start, lineEnd(text, end + 1))))
}

function at(editor: Editor, cursor: number): Editor {
  return cursor === editor.cursor ? editor : { ...editor, cursor }
}

function without(editor: Editor, from: number, to: number): Editor {
  if (from === to) return editor
  const { text } = editor
  return { ...editor, text: text.slice(0, from) + text.slice(to), cursor: from, undo: remembered(editor, undefined) }
}

function cut(editor: Editor, from: number, to: number): Editor {
  return from === to ? editor : { ...without(editor, from, to), cut: editor.text.slice(from, to) }
}

function transposed(editor: Editor): Editor {
  const { text, cursor } = editor
  const end = cursor === text.length ? cursor : graphemeAfter(text, cursor)
  const middle = graphemeBefore(text, end)
  const start = graphemeBefore(text, middle)
  if (start === middle) return editor
  const swapped = text.slice(middle, end) + text.slice(start, middle)
  return {
    ...editor,
    text: text.slice(0, start) + swapped + text.slice(end),
    cursor: end,
    undo: remembered(editor, undefined)
  }
}

function undone(editor: Editor): Editor {
  const last = editor.undo.at(-1)
  return last === undefined ? editor : { ...editor, ...last, undo: editor.undo.slice(0, -1) }
}

/** Letters typed in a row are one undo step, up to the next space. */
function remembered(editor: Editor, typed: string | undefined): Editor['undo'] {
  const { text, cursor, undo } = editor
  const last = undo.at(-1)
  const continues =
    typed?.length === 1 &&
    typed !== ' ' &&
    last !== undefined &&
    last.text.length < text.length &&
    cursor === text.length
  if (continues && !text.endsWith(' ')) return undo
  return [...undo.slice(1 - MAX_UNDO_STEPS), { text, cursor }]
}

/** Only the surroundings are searched, so that a key costs the same in a text of any length. */
function graphemeBefore(text: string, cursor: number): number {
  const from = Math.max(0, cursor - GRAPHEME_LOOK_CHARACTERS)
  let start = cursor
  for (const { index } of segmenter().segment(text.slice(from, cursor))) start = from + index
  return start
}

function graphemeAfter(text: string, cursor: number): number {
  const [next] = segmenter().segment(text.slice(cursor, cursor + GRAPHEME_LOOK_CHARACTERS))
  return cursor + (next?.segment.length ?? 0)
}

/** The nearest place between two graphemes that is not behind `index`. */
function snapped(text: string, index: number): number {
  return index === 0 || index === text.length ? index : graphemeBefore(text, graphemeAfter(text, index))
}

function wordBefore(text: string, cursor: number): number {
  const before = text.slice(Math.max(0, cursor - WORD_LOOK_CHARACTERS), cursor)
  return cursor - (/[\p{L}\p{N}\p{M}]+[^\p{L}\p{N}\p{M}]*$|[^\p{L}\p{N}\p{M}]+$/u.exec(before)?.[0].length ?? 0)
}

function wordAfter(text: string, cursor: number): number {
  const after = text.slice(cursor, cursor + WORD_LOOK_CHARACTERS)
  return cursor + (/^[^\p{L}\p{N}\p{M}]*[\p{L}\p{N}\p{M}]*/u.exec(after)?.[0].length ?? 0)
}

function spacedWordBefore(text: string, cursor: number): number {
  const before = text.slice(Math.max(0, cursor - WORD_LOOK_CHARACTERS), cursor)
  return cursor - (/\S*\s*$/u.exec(before)?.[0].length ?? 0)
}

function lineStart(text: string, cursor: number): number {
  return cursor === 0 ? 0 : text.lastIndexOf('\n', cursor - 1) + 1
}

function lineEnd(text: string, cursor: number): number {
  const end = text.indexOf('\n', cursor)
  return end === -1 ? text.length : end
}
