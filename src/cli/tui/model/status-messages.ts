// Status lines: in the open conversation, and on the first
// screen. Pure.
import { shortId } from '../../../node/settings.ts'
import { cleanText } from '../../process/clean-text.ts'
import { currentPeer, labelOf, type State } from './state.ts'
import { withStatusMessage, type StatusMessage, type PresenceChange, type Tone } from './window.ts'

/** Status lines that the first screen keeps. */
const MAX_LOG_LINES = 100

/** As {@link withStatus}, for a request: one line per stranger until it is answered, updated in place. */
export function withRequestStatus(state: State, text: string, { peer, tone }: { peer: string; tone: Tone }): State {
  const told = state.log.find(({ asks }) => asks === peer)
  if (told === undefined) {
    const next = withStatus(state, [text], tone)
    const [last] = next.log.slice(-1)
    return last === undefined ? next : withStatusInPlace(next, { ...last, asks: peer })
  }
  return withStatusInPlace(state, { ...told, text: cleanText(text), tone })
}

/** That a peer whose conversation is not open has opened it and waits for an answer. */
export function withEnteredStatus(state: State, peer: string): State {
  const next = withStatus(state, [enteredText(state, peer)])
  const [last] = next.log.slice(-1)
  return last === undefined ? next : withStatusInPlace(next, { ...last, entered: peer })
}

/** As it reads now: the peer may have a number that it had not when it came. */
export function enteredText(state: State, peer: string): string {
  const which = state.numbers.get(peer) ?? shortId(peer)
  const answer = currentPeer(state) === undefined ? which : `/chat ${which}`
  return cleanText(`${labelOf(state, peer)} has opened a conversation with you: type ${answer} to answer.`)
}

/** With the note of this key added or replaced. */
function withStatusInPlace(state: State, note: StatusMessage): State {
  const inPlace = <T extends { readonly key: string }>(items: readonly T[]): readonly (T | StatusMessage)[] =>
    items.map((item) => (item.key === note.key ? note : item))
  return {
    ...state,
    log: state.log.map((one) => (one.key === note.key ? note : one)),
    window: { ...state.window, items: inPlace(state.window.items) }
  }
}

/**
 * As {@link withStatus}, for the coming and going of the open conversation's peer: consecutive changes share a line.
 */
export function withPresenceStatus(state: State, text: string, peer: string, change: PresenceChange): State {
  if (currentPeer(state) !== peer) return state
  const before = state.window.items.at(-1)
  if (before?.is !== 'status' || before.presence === undefined) {
    const next = withStatus(state, [text], 'note', peer)
    const note = next.window.items.at(-1)
    return note?.is === 'status' ? withStatusInPlace(next, { ...note, presence: { changes: 1, last: change } }) : next
  }
  const { changes, last } = before.presence
  // "Is in the conversation" says more than "is connected".
  if (change === 'connected' && last !== 'quit') return state
  const folded = `${cleanText(text)} (${changes} ${changes === 1 ? 'change' : 'changes'} before that)`
  const presence = { changes: changes + 1, last: change }
  return withStatusInPlace(state, { ...before, text: folded, atMs: state.nowMs, presence })
}

/** Without the lines about requests that have been answered. */
export function withoutAnswered(state: State): State {
  const asking = new Set(state.requests.map(({ peer }) => peer))
  return { ...state, log: state.log.filter(({ asks }) => asks === undefined || asking.has(asks)) }
}

/** @param peer whose conversation it belongs to; it is not shown in another one */
export function withStatus(state: State, texts: readonly string[], tone: Tone = 'note', peer?: string): State {
  let next = state
  for (const text of texts) {
    // One line, whatever it quotes: a line break would let a quote pass for the program's own line.
    const note: StatusMessage = {
      is: 'status',
      key: `status ${next.statusCount}`,
      text: cleanText(text),
      tone,
      atMs: next.nowMs
    }
    const current = currentPeer(next)
    const isHere = current !== undefined && (peer === undefined || peer === current)
    const isForLog = peer === undefined || current === undefined
    next = {
      ...next,
      statusCount: next.statusCount + 1,
      ...(isHere ? { window: withStatusMessage(next.window, note) } : {}),
      ...(isForLog ? { log: [...next.log, note].slice(-MAX_LOG_LINES) } : {})
    }
  }
  return next
}
