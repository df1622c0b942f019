// Where keys and clicks lead: to a person's conversation, to what was chosen in
// a list. Pure: the state and what was meant, the next state and what to do out.
import { MOUSE_SCROLL_ROWS } from '../constants.ts'
import type { InputEvent } from '../screen/key-reader.ts'
import { layoutOf } from '../view/layout.ts'
import { popupPane } from '../view/popup-pane.ts'
import { personAt } from '../view/side.ts'
import { step, type Step } from './events.ts'
import { choose, runCommand } from './lines.ts'
import { popupKey, type Intent } from './popup.ts'
import { scroll } from './scrolling.ts'
import { currentPeer, type State } from './state.ts'

/** What a key does in the list that is open; undefined when it is not for it. */
export function onPopupKey(state: State, key: string): Step | undefined {
  const { popup } = state
  if (popup === undefined) return undefined
  const { paneColumns, paneRows } = layoutOf(state)
  const outcome = popupKey(popup, key, popupPane(paneColumns, paneRows))
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

/** To somebody's conversation. */
export function goTo(state: State, peer: string): Step {
  const person = state.people.find((one) => one.peer === peer)
  // Opening it would accept: whoever jumps there by its number is asked first.
  if (person?.section === 'requests') return runCommand(state, { is: 'command', name: 'requests', rest: '' })
  if (peer === currentPeer(state) || state.busy !== undefined || state.phase === 'starting') return step(state)
  return choose(state, [peer])
}

export function onMouse(state: State, { what, column, row }: Extract<InputEvent, { is: 'mouse' }>): Step {
  if (what === 'wheel up') return scroll(state, -MOUSE_SCROLL_ROWS)
  if (what === 'wheel down') return scroll(state, MOUSE_SCROLL_ROWS)
  const { sideColumns, paneRows } = layoutOf(state)
  const person = column < sideColumns ? personAt(state, row, paneRows + 1) : undefined
  return person === undefined ? step(state) : goTo(state, person.peer)
}
