// A list over the conversation: lines, of which some lead somewhere, which one
// is chosen, and from where it is seen. Values; what its lines are is made
// elsewhere.
import type { Style } from '../screen/theme.ts'

/** What choosing a line does: the same as typing a command, or going to a message. */
export type Intent =
  | { readonly is: 'line'; readonly line: string }
  | { readonly is: 'jump'; readonly peer: string; readonly position: number; readonly words: string }

export interface PopupLine {
  readonly text: string
  readonly style?: Style
  readonly enter?: Intent
  /** Letters that do something with this line. */
  readonly keys?: Readonly<Record<string, Intent>>
}

export interface Popup {
  readonly title: string
  /** What the keys do, below the list. */
  readonly hint: string
  readonly lines: readonly PopupLine[]
  /** The chosen line, or -1 when there is nothing to choose. */
  readonly chosen: number
  readonly top: number
}

export function popupOf(title: string, lines: readonly PopupLine[], hint = ''): Popup {
  return { title, hint, lines, chosen: lines.findIndex(isChoice), top: 0 }
}

export type PopupOutcome =
  | { readonly is: 'stays'; readonly popup: Popup }
  | { readonly is: 'closed' }
  | { readonly is: 'chosen'; readonly intent: Intent }
  /** Not for the list: it is closed, and the key is typed. */
  | { readonly is: 'not its key' }

/** @param height how many lines are seen at once */
export function popupKey(popup: Popup, key: string, height: number): PopupOutcome {
  const line = popup.lines[popup.chosen]
  switch (key) {
    case 'Up':
    case 'C-p':
      return { is: 'stays', popup: moved(popup, -1, height) }
    case 'Down':
    case 'C-n':
      return { is: 'stays', popup: moved(popup, 1, height) }
    case 'PageUp':
      return { is: 'stays', popup: scrolled(popup, -height, height) }
    case 'PageDown':
      return { is: 'stays', popup: scrolled(popup, height, height) }
    case 'Home':
      return { is: 'stays', popup: scrolled(popup, -popup.lines.length, height) }
    case 'End':
      return { is: 'stays', popup: scrolled(popup, popup.lines.length, height) }
    case 'Escape':
      return { is: 'closed' }
    case 'Enter':
      return line?.enter === undefined ? { is: 'closed' } : { is: 'chosen', intent: line.enter }
    default: {
      const intent = line?.keys?.[key]
      return intent === undefined ? { is: 'not its key' } : { is: 'chosen', intent }
    }
  }
}

function isChoice(line: PopupLine): boolean {
  return line.enter !== undefined || line.keys !== undefined
}

/** To the next line that leads somewhere; a list without any is scrolled. */
function moved(popup: Popup, by: -1 | 1, height: number): Popup {
  if (popup.chosen === -1) return scrolled(popup, by, height)
  for (let index = popup.chosen + by; index >= 0 && index < popup.lines.length; index += by) {
    const line = popup.lines[index]
    if (line !== undefined && isChoice(line)) return seen({ ...popup, chosen: index }, height)
  }
  return scrolled(popup, by, height)
}

function scrolled(popup: Popup, by: number, height: number): Popup {
  const top = Math.max(0, Math.min(popup.top + by, popup.lines.length - Math.ceil(height / 2)))
  if (popup.chosen === -1) return { ...popup, top }
  const aim = Math.max(0, Math.min(popup.chosen + by, popup.lines.length - 1))
  const direction = by < 0 ? -1 : 1
  const candidates = [...popup.lines.keys()].filter((index) => {
    const line = popup.lines[index]
    return line !== undefined && isChoice(line)
  })
  const chosen =
    direction === 1
      ? (candidates.find((index) => index >= aim) ?? candidates.at(-1))
      : (candidates.findLast((index) => index <= aim) ?? candidates[0])
  return seen({ ...popup, top, chosen: chosen ?? -1 }, height)
}

function seen(popup: Popup, height: number): Popup {
  if (popup.chosen === -1) return popup
  const top = Math.min(popup.top, popup.chosen)
  return { ...popup, top: Math.max(top, popup.chosen - height + 1, 0) }
}
