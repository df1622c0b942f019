// Makes names and statuses safe to show in a page: what reorders, hides or
// breaks a line is taken out. Markup needs no care here: all text goes in as text.

/** Line breaks, tabs and other controls, C1 included. */
const controls = /[\p{Cc}\p{Zl}\p{Zp}]+/gu
/**
 * Characters without a picture that reorder text or hide it: bidi controls,
 * zero-width spaces, invisible operators, fillers. The joiners U+200C and U+200D
 * belong to emoji and to Persian and Indic writing and stay.
 */
const hidden =
  /[\u00ad\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb\u{1d173}-\u{1d17a}]/gu
/** Tags spell some flags after a black flag; anywhere else they are hidden text. */
const tags = /(\u{1f3f4}[\u{e0020}-\u{e007e}]{1,6}\u{e007f})|[\u{e0000}-\u{e007f}]/gu
/** More marks on one letter than any script has: they would climb over the rows around. */
const towers = /(\p{M}{4})\p{M}+/gu

/** @returns the text on one line, without anything that could deceive its reader */
export function cleanText(text: string): string {
  return text.toWellFormed().replace(controls, ' ').replace(hidden, '').replace(tags, '$1').replace(towers, '$1').trim()
}

/** @returns the text, cut to so many characters */
export function shortened(text: string, maxChars: number): string {
  const chars = Array.from(text)
  return chars.length <= maxChars ? text : `${chars.slice(0, maxChars - 1).join('')}…`
}
