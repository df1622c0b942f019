// Text as cells of a terminal: each cell is something to draw with a width of
// one or two columns on which terminals agree. What they disagree about (joined
// emoji, skin tones, variation selectors, flags, heaps of accents) is folded
// into what they agree about. Lines of cells are broken into rows at spaces and
// between wide characters. A terminal without UTF-8 gets ASCII: there the bytes of
// a letter are several signs, and some of them are control characters. Letters lose
// their accents, all else becomes `?`, and nothing changes its width. Only what is
// drawn changes, never what is kept.
import { eastAsianWidth } from 'get-east-asian-width'
import { cleanLines, cleanText } from '../../process/clean-text.ts'

/** Accents drawn on one letter: Vietnamese needs two; a heap of them would paint over the rows around. */
const MAX_MARKS_PER_CELL = 2

export interface Cell {
  readonly text: string
  readonly width: 1 | 2
}

const ellipsis: Cell = { text: '…', width: 1 }
const replacement = '\ufffd'
const circle = '\u25cc'

/** Printable ASCII is most of what is written, and needs no look at tables. */
const ascii: readonly Cell[] = Array.from({ length: 0x7f }, (_, code) => ({
  text: String.fromCharCode(code),
  width: 1
}))
const firstPrintable = 0x20
const firstBeyondAscii = 0x7f

/** Drawn on the cell before, by every terminal. */
const mark = /\p{Mn}/u

/** Vowel signs of Indic scripts: they stand beside their letter, in a column of their own. */
const vowelSign = /\p{Mc}/u

/** Without a form of their own: joiners, variation selectors, tags, fillers; and marks that enclose a letter. */
const formless = /[\p{Cf}\p{Default_Ignorable_Code_Point}\p{Me}]/u
const skinTone = /[\u{1f3fb}-\u{1f3ff}]/u

/** Vowels and finals of Hangul apart from their syllable: no column in some terminals, one or two in others. */
const looseJamo = /[\u1160-\u11ff\ud7b0-\ud7ff]/u

/** What no font has, or every font draws otherwise: unassigned, private use, and signs much wider than their column. */
const undrawable = /[\p{Cn}\p{Co}\p{Cs}\p{Cc}\u2e3a\u2e3b\ufdfd\u{12000}-\u{1254f}\u{1f10d}-\u{1f10f}]/u
const firstRegional = 0x1f1e6
const lastRegional = 0x1f1ff
const letterA = 0x41

/** The cells of one line. What could act on a terminal, or hide, is taken out first. */
export function cellsOf(line: string): Cell[] {
  return foldedCells(cleanText(line))
}

/** The same for text that is clean already. */
export function foldedCells(clean: string): Cell[] {
  const cells: Cell[] = []
  let marks = 0
  for (const character of clean.normalize('NFC')) {
    const code = character.codePointAt(0) ?? 0
    if (code >= firstPrintable && code < firstBeyondAscii) {
      cells.push(ascii[code] ?? ellipsis)
      marks = 0
    } else if (mark.test(character) && !formless.test(character)) {
      if (marks < MAX_MARKS_PER_CELL) addMark(cells, character)
      marks++
    } else if (vowelSign.test(character) && !formless.test(character)) {
      addVowelSign(cells, character)
    } else {
      const cell = cellOf(character, code, cells.length === 0)
      if (cell === undefined) continue
      cells.push(cell)
      marks = 0
    }
  }
  return cells
}

/** How many columns the cells take. */
export function widthOf(cells: readonly Cell[]): number {
  let width = 0
  for (const cell of cells) width += cell.width
  return width
}

export function textOf(cells: readonly Cell[]): string {
  let text = ''
  for (const cell of cells) text += cell.text
  return text
}

/** At most so many columns; what is cut is replaced by …. */
export function clipped(cells: readonly Cell[], columns: number): readonly Cell[] {
  if (widthOf(cells) <= columns) return cells
  if (columns <= 0) return []
  const kept: Cell[] = []
  let width = 0
  for (const cell of cells) {
    if (width + cell.width > columns - 1) break
    kept.push(cell)
    width += cell.width
  }
  return [...kept, ellipsis]
}

function cellOf(character: string, code: number, isFirst: boolean): Cell | undefined {
  if (code >= firstRegional && code <= lastRegional)
    return { text: String.fromCharCode(letterA + code - firstRegional), width: 1 }
  // A skin tone belongs to whom it follows; alone it is a colour.
  if (skinTone.test(character)) return isFirst ? { text: character, width: 2 } : undefined
  if (formless.test(character)) return undefined
  if (looseJamo.test(character) || undrawable.test(character)) return { text: replacement, width: 1 }
  return { text: character, width: eastAsianWidth(code) === 2 ? 2 : 1 }
}

function addMark(cells: Cell[], character: string): void {
  const base = cells.at(-1)
  // On a wide cell some terminals put marks into the wrong half.
  if (base?.width === 2) return
  if (base === undefined) cells.push({ text: circle + character, width: 1 })
  else cells[cells.length - 1] = { text: base.text + character, width: 1 }
}

function addVowelSign(cells: Cell[], character: string): void {
  const base = cells.at(-1)
  if (base?.width === 1) cells[cells.length - 1] = { text: base.text + character, width: 2 }
  else cells.push({ text: replacement, width: 1 })
}

/** The rows that a text takes, its own line breaks kept. Each is at most `columns` wide (and `columns` at least 2). */
export function wrapText(text: string, columns: number): (readonly Cell[])[] {
  return cleanLines(text).flatMap((line) => wrapCells(foldedCells(line), columns))
}

export function wrapCells(cells: readonly Cell[], columns: number): (readonly Cell[])[] {
  const limit = Math.max(2, columns)
  const rows: (readonly Cell[])[] = []
  let start = 0
  let width = 0
  /** Where the row may end: behind a space, or beside a wide character. */
  let breakAt = 0
  let widthAtBreak = 0
  /** So far there are only spaces, which belong to the first word. */
  let isIndent = true
  for (let index = 0; index < cells.length; index++) {
    const cell = cells[index]
    if (cell === undefined) break
    if (cell.width === 2 && index > start) {
      breakAt = index
      widthAtBreak = width
    }
    // A space that doesn't fit any more hangs over the edge, and is not drawn.
    while (cell.text !== ' ' && width + cell.width > limit) {
      const end = breakAt > start ? breakAt : index
      rows.push(withoutEndSpaces(cells, start, end))
      width -= breakAt > start ? widthAtBreak : width
      start = end
      breakAt = start
      widthAtBreak = 0
    }
    width += cell.width
    if (cell.text !== ' ') isIndent = false
    if ((cell.text === ' ' && !isIndent) || cell.width === 2) {
      breakAt = index + 1
      widthAtBreak = width
    }
  }
  rows.push(withoutEndSpaces(cells, start, cells.length))
  return rows
}

function withoutEndSpaces(cells: readonly Cell[], start: number, end: number): readonly Cell[] {
  let last = end
  while (last > start && cells[last - 1]?.text === ' ') last--
  return cells.slice(start, last)
}

/** The signs that the program writes itself and that have a likeness. */
const likenesses: Readonly<Record<string, string>> = { '…': '.', '—': '-', '–': '-', '→': '>', '←': '<', '␤': '|' }

/** @param clean without anything that acts on a terminal, as cells have it */
export function asciiText(clean: string): string {
  if (isAscii.test(clean)) return clean
  let text = ''
  for (const cell of foldedCells(clean)) text += likeness(cell.text).padEnd(cell.width)
  return text
}

/** Whether the locale is UTF-8; what names none is taken for one that is not. */
export function isUtf8(env: NodeJS.ProcessEnv): boolean {
  const locale = [env['LC_ALL'], env['LC_CTYPE'], env['LANG']].find((value) => (value ?? '') !== '') ?? ''
  return /utf-?8/iu.test(locale) || env['WT_SESSION'] !== undefined
}

const isAscii = /^[\u0020-\u007e]*$/u

function likeness(text: string): string {
  const bare = text.normalize('NFD').replace(/\p{M}/gu, '')
  return isAscii.test(bare) ? bare.slice(0, 1) : (likenesses[text] ?? '?')
}
