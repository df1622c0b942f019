// A list over the conversation: its lines, the one that is chosen (not every line can
// be), and the scroll position. Values; its lines are made elsewhere.
import type { Style } from '../terminal/theme.ts'

/** What choosing a line does: the same as typing a command, opening a conversation, or going to a message. */
export type Intent =
  | { readonly is: 'line'; readonly line: string }
  /** The list was read, or its question answered. */
  | { readonly is: 'open'; readonly peer: string }
  | { readonly is: 'jump'; readonly peer: string; readonly position: number; readonly words: string }

export interface PopupLine {
  readonly text: string
  readonly style?: Style
  readonly enter?: Intent
  /** Keys that act on this line. */
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
  /** The number of the invitation whose list this is: it changes with its news. */
  readonly invitation?: number
}

export function popupOf(title: string, lines: readonly PopupLine[], hint = ''): Popup {
  return { title, hint, lines, chosen: lines.findIndex(isChoice), top: 0 }
}

export type PopupOutcome =
  | { readonly is: 'stays'; readonly popup: Popup }
  | { readonly is: 'closed' }
  | { readonly is: 'chosen'; readonly intent: Intent }
  /** The key is not for the list: the list closes, and the key is typed. */
  | { readonly is: 'not its key' }

/** The rows of the list: a long line takes several. */
export interface PopupPane {
  readonly rows: number
  readonly rowsOf: (line: PopupLine) => number
}

export function popupKey(popup: Popup, key: string, pane: PopupPane): PopupOutcome {
  const line = popup.lines[popup.chosen]
  switch (key) {
    case 'Up':
    case 'C-p':
      return { is: 'stays', popup: moved(popup, -1, pane) }
    case 'Down':
    case 'C-n':
      return { is: 'stays', popup: moved(popup, 1, pane) }
    case 'PageUp':
      return { is: 'stays', popup: scrolled(popup, -linesThatFit(popup, popup.top - 1, -1, pane), pane) }
    case 'PageDown':
      return { is: 'stays', popup: scrolled(popup, linesThatFit(popup, popup.top, 1, pane), pane) }
    case 'Home':
      return { is: 'stays', popup: scrolled(popup, -popup.lines.length, pane) }
    case 'End':
      return { is: 'stays', popup: scrolled(popup, popup.lines.length, pane) }
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

/** To the next line that can be chosen; a list without one scrolls. */
function moved(popup: Popup, by: -1 | 1, pane: PopupPane): Popup {
  if (popup.chosen === -1) return scrolled(popup, by, pane)
  for (let index = popup.chosen + by; index >= 0 && index < popup.lines.length; index += by) {
    const line = popup.lines[index]
    if (line !== undefined && isChoice(line)) return seen({ ...popup, chosen: index }, pane)
  }
  return scrolled(popup, by, pane)
}

function scrolled(popup: Popup, by: number, pane: PopupPane): Popup {
  const last = popup.lines.length - 1
  const top = Math.max(0, Math.min(popup.top + by, last + 1 - linesThatFit(popup, last, -1, pane)))
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
  return seen({ ...popup, top, chosen: chosen ?? -1 }, pane)
}

function seen(popup: Popup, pane: PopupPane): Popup {
  const { chosen, top } = popup
  if (chosen === -1) return popup
  return { ...popup, top: Math.max(Math.min(top, chosen), chosen - linesThatFit(popup, chosen, -1, pane) + 1, 0) }
}

/** How many lines are wholly visible, from `from` on or up to it; at least one. */
function linesThatFit({ lines }: Popup, from: number, by: -1 | 1, { rows, rowsOf }: PopupPane): number {
  let room = rows
  let count = 0
  for (let line = lines[from]; line !== undefined; line = lines[from + count * by]) {
    room -= rowsOf(line)
    if (room < 0) break
    count++
  }
  return Math.max(1, count)
}
