// A list in the conversation's place: its title, the lines that are seen, and
// what the keys do. Pure.
import type { Popup } from '../model/popup.ts'
import { padded, span, spaces } from '../screen/rows.ts'
import type { Row } from './message-rows.ts'
import { signsFor } from './signs.ts'

/** Rows of the pane that are not lines of the list. */
const frameRows = 2

/** How many lines of a list are seen in a pane of so many rows. */
export function popupHeight(paneRows: number): number {
  return Math.max(1, paneRows - frameRows)
}

export function popupRows(popup: Popup, columns: number, height: number, isUtf8: boolean): readonly Row[] {
  const signs = signsFor(isUtf8)
  const seen = popupHeight(height)
  const shown = popup.lines.slice(popup.top, popup.top + seen)
  const isLonger = popup.lines.length > seen
  const place = isLonger ? ` (${popup.top + 1}-${popup.top + shown.length} of ${popup.lines.length})` : ''
  const rows: Row[] = shown.map((line, index) => {
    const isChosen = popup.top + index === popup.chosen
    const style = isChosen ? 'selected' : (line.style ?? 'plain')
    if (line.style === 'code') return [spaces(2), span(line.text, 'code')]
    return [span(isChosen ? `${signs.chosen} ` : '  ', style), ...padded(line.text, columns - 2, style)]
  })
  const filler = Array.from({ length: Math.max(0, seen - rows.length) }, (): Row => [])
  const hint = [popup.hint, 'Esc closes'].filter((part) => part !== '').join('; ')
  return [[span(` ${popup.title}${place}`, 'strong')], ...rows, ...filler, [span(` ${hint}`, 'dim')]].slice(0, height)
}
