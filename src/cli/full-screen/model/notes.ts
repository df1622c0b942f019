// Lines that say what has happened: in the open conversation, and on the first
// screen. Pure.
import { cleanText } from '../../clean-text.ts'
import { MAX_LOG_LINES } from '../constants.ts'
import { currentPeer, type State } from './state.ts'
import { withNote, type NoteItem, type Tone } from './window.ts'

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
