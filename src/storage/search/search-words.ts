// The words of texts and of queries, for search. Pure: text in, words out.
import { decomposedFold, normalForm, withoutIgnorable } from '../../lib/index.ts'

/**
 * Scripts without spaces between words. Each of their characters is a word, and a run of them is searched as a phrase.
 */
const unspaced =
  '[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Hang}\\p{scx=Thai}\\p{scx=Lao}\\p{scx=Khmr}\\p{scx=Mymr}]'
/** A character of such a script, a run of letters and digits, or a pictograph. */
const word = new RegExp(`(?=[\\p{L}\\p{N}])${unspaced}\\p{M}*|(?:(?!${unspaced})[\\p{L}\\p{N}\\p{M}])+|\\p{So}`, 'gu')
/** Accents of Latin, Greek and Cyrillic, and the vowel points of Hebrew and Arabic. */
const accent = new RegExp(
  `[${String.raw`\u0300-\u036F\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7\u064B-\u065F\u0670`}]`,
  'gu'
)
const oldAccent = new RegExp(
  `[${String.raw`\u0300-\u036F\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7\u064B-\u065F\u0670\uFE00-\uFE0F`}]`,
  'gu'
)
const plainWord = /[a-z0-9]+/gu

/** More phrases would hardly narrow a search; without a bound a pasted page would be one query. */
const maxPhrases = 32
/**
 * A single letter begins words in half of all messages: among 500,000 that took 600 ms, two letters 11 ms. So it matches
 * whole words only.
 */
const minBeginningLength = 2

/** The words of a text, folded: case, accents, invisible characters and forms of one character make no difference. */
export function wordsOf(text: string): readonly string[] {
  // As many bytes as characters: ASCII, as most texts, which needs no folding.
  if (Buffer.byteLength(text) === text.length) return text.toLowerCase().match(plainWord) ?? []
  return decomposedFold(text).replace(accent, '').normalize('NFC').match(word) ?? []
}

/**
 * The words of a text as histories of version 6 and before had them folded: to find the few messages whose words differ
 * today. It never changes, except for text that would take too long: more marks on a letter than any script has make no
 * difference.
 *
 * @param text not of ASCII alone: the words of such a text are the same
 */
export function oldWordsOf(text: string): readonly string[] {
  const folded = normalForm(text, 'NFKD').toLowerCase().replace(oldAccent, '').replaceAll('ς', 'σ').normalize('NFC')
  return folded.match(word) ?? []
}

/** Words that follow one another. */
export interface Phrase {
  readonly words: readonly string[]
  /** The last word may be the beginning of a longer one, as while the user is typing. */
  readonly isBeginning: boolean
}

/**
 * The phrases of a query: each text in double quotes and each other run without spaces. The last word of a query that ends
 * without a space or a quote matches as a beginning.
 */
export function phrasesOf(query: string): readonly Phrase[] {
  const visible = withoutIgnorable(query)
  const phrases: Phrase[] = []
  for (const { 0: run, 1: quoted, 2: bare, index } of visible.matchAll(/"([^"]*)"|([^\s"]+)/gu)) {
    const words = wordsOf(quoted ?? bare ?? '')
    const isAtEnd = quoted === undefined && index + run.length === visible.length
    const isBeginning = isAtEnd && (words.at(-1)?.length ?? 0) >= minBeginningLength
    if (words.length > 0) phrases.push({ words, isBeginning })
    if (phrases.length === maxPhrases) break
  }
  return phrases
}
