// Makes names and statuses safe to show in a page: what reorders, hides or
// breaks a line is taken out. Markup needs no care here: all text goes in as text.
import { withoutHidden } from '../../lib/index.ts'

/** Line breaks, tabs and other controls, C1 included. */
const controls = /[\p{Cc}\p{Zl}\p{Zp}]+/gu
/** @returns the text on one line, without anything that could deceive its reader */
export function cleanText(text: string): string {
  return withoutHidden(text.toWellFormed().replace(controls, ' ')).trim()
}

/** @returns the text, cut to so many characters */
export function shortened(text: string, maxChars: number): string {
  const chars = Array.from(text)
  return chars.length <= maxChars ? text : `${chars.slice(0, maxChars - 1).join('')}…`
}
