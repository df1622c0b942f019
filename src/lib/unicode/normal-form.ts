// Normalises text that others wrote, in time that grows with its length alone.
// Normalisation sorts the marks on a letter by moving each one past those before
// it: a message of nothing but marks would keep a core busy for half a second.
import { MAX_MARKS_ON_A_LETTER } from './hidden-text.ts'

/** What normalisation sorts: marks, and the two half-width sound marks of Katakana, which are letters and become marks. */
const sorted = '[\\p{M}\\uff9e\\uff9f]'
const tooMany = new RegExp(`(?<=${sorted}{${MAX_MARKS_ON_A_LETTER}})${sorted}+`, 'gu')

/** One sign of Arabic is a sentence of 18 letters. A text of nothing else is cut where all writing is still whole. */
const MAX_GROWTH = 3
/** A text that has no more than this in its normal form is never cut. */
const UNCUT_LENGTH = 1_000

/**
 * @returns the normal form of the text, without marks beyond those that a script puts on one letter (compare the
 *   stream-safe text of UAX #15, section 13), and not much longer than the text
 */
export function normalForm(text: string, form: 'NFC' | 'NFKD'): string {
  const maxLength = Math.max(text.length * MAX_GROWTH, UNCUT_LENGTH)
  return text.replace(tooMany, '').normalize(form).slice(0, maxLength)
}
