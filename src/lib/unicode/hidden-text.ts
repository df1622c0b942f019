// Characters that a reader does not see, or that change how others are read.
// Every place that shows remote text takes them out by this list; what else a
// terminal or a page needs is added there.

/**
 * Characters without a picture of their own that reorder text or hide it: bidi controls and marks, zero-width spaces,
 * joiners of words, invisible operators, fillers, deprecated format controls, annotations. ZWJ and ZWNJ (U+200C,
 * U+200D) belong to emoji and to Persian and Indic writing and stay.
 */
export const hiddenCharacters =
  /[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}]/gu

/** Tags spell the flags of England, Scotland and Wales after a black flag; anywhere else they are hidden text. */
const tags = /(\u{1f3f4}[\u{e0020}-\u{e007e}]{1,6}\u{e007f})|[\u{e0000}-\u{e007f}]/gu

/** One variation selector chooses a form; several in a row choose nothing and can carry hidden bytes. */
const selector = '[\\ufe00-\\ufe0f\\u{e0100}-\\u{e01ef}]'

/**
 * Marks and joiners that follow one letter: the most that a script writes is six (Tibetan stacks, pointed and
 * cantillated Hebrew). UAX #15 allows 30 in a stream; on a screen those would climb over the rows around.
 */
export const MAX_MARKS_ON_A_LETTER = 8
const mark = '[\\p{M}\\u200c\\u200d]'

const extraSelectors = new RegExp(`(${selector})${selector}+`, 'gu')
const extraMarks = new RegExp(`(${mark}{${MAX_MARKS_ON_A_LETTER}})${mark}+`, 'gu')

/** A run at a time: a text of nothing but marks is one run, not thirty thousand. */
const excess = new RegExp(`(?<=${selector})${selector}+|(?<=${mark}{${MAX_MARKS_ON_A_LETTER}})${mark}+`, 'gu')

/**
 * Two characters in a row that may be marks or selectors: ranges that hold all of them, and leave out the letters of
 * Latin, Greek, Cyrillic, Chinese, Japanese and Korean. A look at this is ten times quicker than at `\p{M}`.
 */
const mayBeMarks =
  // oxlint-disable-next-line no-misleading-character-class -- ranges of marks, each of them meant
  /[\u0300-\u036f\u0483-\u0489\u0591-\u1fff\u200c\u200d\u20d0-\u20ff\u2cef-\u2dff\u302a-\u302f\u3099\u309a\ua66f-\uabff\ufb1e\ufe00-\ufe2f\u{10000}-\u{10ffff}]{2}/u

/** @returns the text with each run of selectors and marks that are too many written in another way */
export function withExcess(text: string, written: (run: string) => string): string {
  return mayBeMarks.test(text) ? text.replace(excess, written) : text
}

/** Most text is of ASCII and the Latin letters after it: nothing in it is hidden but the soft hyphen. */
const isPlain = /^[\0-\u00ac\u00ae-\u02ff]*$/u

/** @returns the text without hidden characters, and without more marks on a letter than any script has */
export function withoutHidden(text: string): string {
  if (isPlain.test(text)) return text
  return text.replace(hiddenCharacters, '').replace(tags, '$1').replace(extraSelectors, '$1').replace(extraMarks, '$1')
}

/** A letter, a digit, a sign or an emoji. U+2800, the braille pattern without a dot, is a sign that shows nothing. */
const visible = /(?![\p{Default_Ignorable_Code_Point}\u2800])[\p{L}\p{N}\p{P}\p{S}]/u

/** @returns whether a reader sees anything of the text: spaces, fillers and marks without a letter are nothing */
export function isVisible(text: string): boolean {
  return visible.test(text)
}
