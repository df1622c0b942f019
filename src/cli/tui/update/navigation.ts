// Navigation by keys and clicks: to a person's conversation, to a choice in
// a list. Pure: the state and what was meant, the next state and what to do out.
import { layoutOf } from '../layout/layout.ts'
import { popupPane } from '../layout/popup-pane.ts'
import { personAt } from '../layout/side.ts'
import { step, type Step } from '../model/events.ts'
import { type Intent, popupKey } from '../model/popup.ts'
import { currentPeer, type State } from '../model/state.ts'
import type { InputEvent } from '../terminal/key-reader.ts'
import { choose, runCommand } from './input-dispatch.ts'
import { scroll } from './scrolling.ts'

/** Rows that one step of the wheel scrolls. */
const MOUSE_SCROLL_ROWS = 3

/** What a key does in the list that is open; undefined when it is not for it. */
export function onPopupKey(state: State, key: string): Step | undefined {
  const { popup } = state
  if (popup === undefined) return undefined
  const { paneColumns, paneRows } = layoutOf(state)
  const outcome = popupKey(popup, key, popupPane(popup, paneColumns, paneRows))
  switch (outcome.is) {
    case 'stays':
      return step({ ...state, popup: outcome.popup })
    case 'closed':
      return step({ ...state, popup: undefined })
    case 'chosen':
      return intended({ ...state, popup: undefined }, outcome.intent)
    case 'not its key':
      return undefined
  }
}

function intended(state: State, intent: Intent): Step {
  switch (intent.is) {
    case 'line': {
      const [name = '', ...rest] = intent.line.slice(1).split(' ')
      return name === 'chat'
        ? goTo(state, rest.join(' '))
        : runCommand(state, { is: 'command', name, rest: rest.join(' ') })
    }
    case 'open':
      return choose(state, [intent.peer])
    case 'jump': {
      const { peer, position, words } = intent
      if (peer === currentPeer(state)) {
        const found = { words, positions: [position], index: 0 }
        return step({ ...state, found }, { do: 'jump', peer, position })
      }
      const opening = goTo(state, peer)
      return { state: { ...opening.state, jump: { peer, position, words } }, effects: opening.effects }
    }
  }
}

/** Opens the conversation with a peer of the list; a stranger's request is read first. */
export function goTo(state: State, peer: string): Step {
  if (peer === currentPeer(state) || state.busy !== undefined || state.phase === 'starting') return step(state)
  return choose(state, [peer], true)
}

export function onMouse(state: State, { what, column, row }: Extract<InputEvent, { is: 'mouse' }>): Step {
  if (what === 'wheel up') return scroll(state, -MOUSE_SCROLL_ROWS)
  if (what === 'wheel down') return scroll(state, MOUSE_SCROLL_ROWS)
  const { sideColumns, paneRows } = layoutOf(state)
  const person = column < sideColumns ? personAt(state, row, paneRows + 1) : undefined
  return person === undefined ? step(state) : goTo(state, person.peer)
}
