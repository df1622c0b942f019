// Lines that say what has happened: in the open conversation, and on the first
// screen. Pure.
import { cleanText } from '../../clean-text.ts'
import { MAX_LOG_LINES } from '../constants.ts'
import { currentPeer, type State } from './state.ts'
import { withNote, type NoteItem, type Tone } from './window.ts'

/** As {@link noted}, of a request: until it is answered. */
export function requestNoted(state: State, text: string, peer: string): State {
  const next = noted(state, [text])
  return { ...next, log: next.log.map((note, at) => (at === next.log.length - 1 ? { ...note, asks: peer } : note)) }
}

/** Without what tells of requests that have been answered. */
export function withoutAnswered(state: State): State {
  const asking = new Set(state.requests.map(({ peer }) => peer))
  return { ...state, log: state.log.filter(({ asks }) => asks === undefined || asking.has(asks)) }
}

/** @param peer whose conversation it belongs to; it is not shown in another one */
export function noted(state: State, texts: readonly string[], tone: Tone = 'note', peer?: string): State {
  let next = state
  for (const text of texts) {
    // One line, whatever it quotes: a break in it would look like a line of the program's own.
    const note: NoteItem = { is: 'note', key: `note ${next.noteCount}`, text: cleanText(text), tone, atMs: next.nowMs }
    const current = currentPeer(next)
    const isHere = current !== undefined && (peer === undefined || peer === current)
    const isForLog = peer === undefined || current === undefined
    next = {
      ...next,
      noteCount: next.noteCount + 1,
      ...(isHere ? { window: withNote(next.window, note) } : {}),
      ...(isForLog ? { log: [...next.log, note].slice(-MAX_LOG_LINES) } : {})
    }
  }
  return next
}
