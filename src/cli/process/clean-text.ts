// Makes text that came from anywhere safe to write to a terminal, as the last
// step before it: nothing that moves the cursor, colours, reorders or hides text
// gets through. It knows no screen and no colours, and it leaves ordinary text
// of every script alone.
import { hiddenCharacters, withExcess, withoutHidden } from '../../lib/index.ts'

interface CleanOptions {
  /** `mark` (the default) shows line breaks as ␤, so that the result is one line; `keep` leaves them as \n. */
  readonly newlines?: 'mark' | 'keep'
  /** At most so many characters (code points); what is cut is replaced by …. */
  readonly maxCharacters?: number
}

/** Line breaks in all their forms: CR LF, LF, and the ones that Unicode adds (VT, FF, NEL, LS, PS). */
const lineBreaks = /\r\n|[\n\v\f\u0085\u2028\u2029]/gu

/** C0 without the line feed, DEL and C1: shown as pictures, so that `ESC [ 2 J` is visible and harmless. */
// oxlint-disable-next-line no-control-regex -- control characters are what this removes
const controls = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/gu

const tabWidth = 4
const firstControlPicture = 0x2400
const deletePicture = '\u2421'

/** Returns `text` without anything that could act on a terminal or deceive its reader. */
export function cleanText(text: string, options: CleanOptions = {}): string {
  const { newlines = 'mark', maxCharacters } = options
  // Twice the limit in UTF-16 units holds all its code points: the rest needs no work.
  const bounded = maxCharacters === undefined ? text : text.slice(0, maxCharacters * 2 + 2)
  const harmless = bounded
    .toWellFormed()
    .replace(lineBreaks, newlines === 'keep' ? '\n' : '\u2424')
    .replace(controls, controlPicture)
  const cleaned = withoutHidden(harmless)
  return maxCharacters === undefined ? cleaned : shorten(cleaned, maxCharacters, bounded.length < text.length)
}

/** The lines of a text, each clean: for text whose own line breaks may be shown. */
export function cleanLines(text: string): string[] {
  return cleanText(text, { newlines: 'keep' }).split('\n')
}

/**
 * JSON for one line of output: what a terminal could act on, what nobody could see and marks beyond what a letter bears
 * are written as \uXXXX. It holds nothing that {@link cleanText} would change.
 */
export function escapedJson(value: unknown): string {
  return withExcess(JSON.stringify(value).replace(escapedInJson, unicodeEscapes), unicodeEscapes)
}

/** A run at a time, as a text may hold nothing else. */
// oxlint-disable-next-line no-control-regex -- as above
const escapedInJson = new RegExp(
  `(?:[\\u007f-\\u009f\\u2028\\u2029\\u{e0000}-\\u{e007f}]|${hiddenCharacters.source})+`,
  'gu'
)

/** Longer runs are written into bytes: a text of nothing but marks is one run of tens of thousands. */
const SHORT_RUN = 32

function unicodeEscapes(run: string): string {
  if (run.length > SHORT_RUN) return escapesOfLongRun(run)
  let escapes = ''
  for (let at = 0; at < run.length; at++) {
    const unit = run.charCodeAt(at)
    escapes += `\\u${hexOfByte[unit >> 8] ?? ''}${hexOfByte[unit & 0xff] ?? ''}`
  }
  return escapes
}

const hexOfByte: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

function escapesOfLongRun(run: string): string {
  const escapes = Buffer.alloc(run.length * '\\uXXXX'.length, '\\u0000')
  for (let at = 0, end = 0; at < run.length; at++, end += '\\uXXXX'.length) {
    const unit = run.charCodeAt(at)
    escapes[end + 2] = hexDigits[unit >> 12] ?? 0
    escapes[end + 3] = hexDigits[(unit >> 8) & 0xf] ?? 0
    escapes[end + 4] = hexDigits[(unit >> 4) & 0xf] ?? 0
    escapes[end + 5] = hexDigits[unit & 0xf] ?? 0
  }
  return escapes.toString('latin1')
}

const hexDigits = Buffer.from('0123456789abcdef')

function controlPicture(character: string): string {
  if (character === '\t') return ' '.repeat(tabWidth)
  const code = character.charCodeAt(0)
  if (code < 0x20) return String.fromCharCode(firstControlPicture + code)
  return code === 0x7f ? deletePicture : '\ufffd'
}

function shorten(text: string, maxCharacters: number, isCut: boolean): string {
  const characters = Array.from(text)
  if (characters.length <= maxCharacters && !isCut) return text
  return `${characters
    .slice(0, Math.max(0, maxCharacters - 1))
    .join('')
    .replace(/[\u200c\u200d]+$/u, '')}…`
}
