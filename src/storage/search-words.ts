// What counts as a word when history is searched, the same for what is stored
// and for what is asked. Knows no store: text in, words out.

/**
 * Scripts that are written without spaces between words. Each of their
 * characters is a word of its own, and neighbours are found as a phrase.
 */
const unspaced =
  '[\\p{scx=Han}\\p{scx=Hira}\\p{scx=Kana}\\p{scx=Hang}\\p{scx=Thai}\\p{scx=Lao}\\p{scx=Khmr}\\p{scx=Mymr}]'
/** A character of such a script; or a run of letters and digits; or one pictograph. */
const word = new RegExp(`(?=[\\p{L}\\p{N}])${unspaced}\\p{M}*|(?:(?!${unspaced})[\\p{L}\\p{N}\\p{M}])+|\\p{So}`, 'gu')
/** Accents of Latin, Greek and Cyrillic, the vowel points of Hebrew and Arabic, and variation selectors. */
const accent = new RegExp(
  `[${String.raw`\u0300-\u036F\u0591-\u05BD\u05BF\u05C1\u05C2\u05C4\u05C5\u05C7\u064B-\u065F\u0670\uFE00-\uFE0F`}]`,
  'gu'
)
const plainWord = /[a-z0-9]+/gu

/** More words than this narrow a search no further; without a bound a pasted page would be one query. */
const maxPhrases = 32

/** The words of a text, folded: case, accents and forms of the same character make no difference. */
export function wordsOf(text: string): readonly string[] {
  // A text of as many bytes as characters is plain ASCII: most are, and need no folding.
  if (Buffer.byteLength(text) === text.length) return text.toLowerCase().match(plainWord) ?? []
  const folded = text.normalize('NFKD').toLowerCase().replace(accent, '').replaceAll('ς', 'σ').normalize('NFC')
  return folded.match(word) ?? []
}

/**
 * What a query asks for: each phrase is words that stand one after the other.
 * Text in double quotes is one phrase, and so is each other run without a space.
 */
export function phrasesOf(query: string): readonly (readonly string[])[] {
  const phrases: (readonly string[])[] = []
  for (const [, quoted, bare] of query.matchAll(/"([^"]*)"|([^\s"]+)/gu)) {
    const words = wordsOf(quoted ?? bare ?? '')
    if (words.length > 0) phrases.push(words)
    if (phrases.length === maxPhrases) break
  }
  return phrases
}

/** Whether a text that has these words holds every phrase. */
export function holdsPhrases(words: readonly string[], phrases: readonly (readonly string[])[]): boolean {
  return phrases.every((phrase) =>
    words.some((_, start) => phrase.every((wanted, offset) => words[start + offset] === wanted))
  )
}
