// Moving through the open conversation: by rows, to its end, to a message that a
// search has found. Messages that are not held are asked for. Pure.
import { layoutOf } from '../layout/layout.ts'
import { conversationRows, scrolledBy } from '../layout/scroll.ts'
import { step, type Step } from '../model/events.ts'
import { currentPeer, type State } from '../model/state.ts'
import { loading, nothingNew, PAGE_MESSAGES, pageWanted } from '../model/window.ts'

/** By rows, up when negative. */
export function scroll(state: State, by: number): Step {
  const peer = currentPeer(state)
  if (peer === undefined) return step(state)
  const layout = layoutOf(state)
  const { anchor, isNearEdge } = scrolledBy(state.window, by, layout.paneRows, conversationRows(state, layout))
  const isAtEnd = anchor.at === 'end'
  const window = { ...state.window, anchor, ...(isAtEnd ? { below: 0, ...nothingNew } : {}) }
  const where = by < 0 ? 'older' : 'newer'
  const wanted = isNearEdge ? pageWanted(window, where) : undefined
  if (wanted === undefined) return step({ ...state, window })
  return step({ ...state, window: loading(window, where) }, { do: 'page', peer, where, ...wanted })
}

/** A screen less two rows, so that the reader keeps the place. */
export function scrollPage(state: State, direction: -1 | 1): Step {
  return scroll(state, direction * Math.max(1, layoutOf(state).paneRows - 2))
}

export function toEnd(state: State): Step {
  const peer = currentPeer(state)
  if (peer === undefined) return step(state)
  const { window } = state
  const next: State = {
    ...state,
    found: undefined,
    window: { ...window, anchor: { at: 'end' }, below: 0, found: undefined }
  }
  if (!window.hasNewer) return step(next)
  return step(next, { do: 'page', peer, where: 'end', limit: PAGE_MESSAGES })
}

/** To an older (1) or newer (-1) message with the words that were looked for. */
export function nextFound(state: State, by: -1 | 1): Step {
  const { found } = state
  const peer = currentPeer(state)
  if (found === undefined || peer === undefined) return step(state)
  const index = found.index + by
  const position = found.positions[index]
  if (position === undefined) return step(state)
  return step({ ...state, found: { ...found, index } }, { do: 'jump', peer, position })
}
