// Text as it is compared, never as it is shown: case, forms of one character and
// characters without a picture make no difference. Every place that compares
// names or words folds both sides by this. It knows nothing of names or words.
//
// The form is NFKC_Casefold of UAX #44 but for the letters of Turkish: which
// language a text is in is not known, so I, ı, İ and i are all one.
import { normalForm } from './normal-form.ts'

/**
 * Soft hyphens, zero-width spaces and joiners, bidi controls, variation selectors, fillers, tags, annotations. Dropped
 * only here: on a screen ZWJ and ZWNJ belong to emoji and to Persian and Indic writing.
 */
const ignorable = /[\p{Default_Ignorable_Code_Point}\ufff9-\ufffb]/gu
/** Most text: nothing in it is ignorable or has another form. */
const isAscii = /^[\0-\u007f]*$/u
/** A small i keeps the dot of the capital İ as a mark of its own. */
const dottedI = /i\u0307/gu

/** @returns the form of the text that equals that of every text which differs in case and invisible characters alone */
export function folded(text: string): string {
  return isAscii.test(text) ? text.toLowerCase() : decomposedFold(text).normalize('NFC')
}

export function isSameName(one: string, other: string): boolean {
  return one === other || folded(one) === folded(other)
}

/** As {@link folded}, in NFD: each accent is a character of its own, for a caller that takes accents out. */
export function decomposedFold(text: string): string {
  return caseFolded(normalForm(withoutIgnorable(text), 'NFKD'))
    .replace(dottedI, 'i')
    .normalize('NFD')
}

export function withoutIgnorable(text: string): string {
  return isAscii.test(text) ? text : text.replace(ignorable, '')
}

/**
 * Full case folding. Characters are alike here exactly where they are by the mappings C and F of Unicode's
 * CaseFolding.txt, and ı and i besides: test/lib/case-folding.test.ts compares all of them.
 */
export function caseFolded(text: string): string {
  // A small letter whose capital is two letters, as ß, becomes those two; first in small letters, as ẞ has no capital.
  return text.toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ')
}
