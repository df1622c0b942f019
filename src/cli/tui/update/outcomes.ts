// Outcomes of what was asked of the node: a conversation is open, a command has
// its result, a search its hits. Pure.
import { shortId, withoutConversation } from '../../../node/settings.ts'
import type { CommandResult } from '../../chat-commands/chat-command.ts'
import { repeatQuestion } from '../../chat-commands/result-lines.ts'
import { warningLines } from '../../wording/trust-wording.ts'
import { layoutOf } from '../layout/layout.ts'
import { emptyEditor } from '../model/editor.ts'
import { type ScreenEvent, step, type Step } from '../model/events.ts'
import { withPeople } from '../model/people.ts'
import { currentPeer, emptyInput, type Place, placeKey, type State } from '../model/state.ts'
import { withStatus, withoutAnswered } from '../model/status-messages.ts'
import { emptyWindow, PAGE_MESSAGES, windowAround, windowOf } from '../model/window.ts'
import { shownResult } from './popups.ts'
import { scroll, scrollPage } from './scrolling.ts'

export function onOpened(
  state: State,
  { target, trust, entries, state: connection }: Extract<ScreenEvent, { is: 'opened' }>
): Step {
  const { peer, name } = target
  const moved = movedTo(state, { at: 'conversation', peer, name, shortId: target.shortId })
  const unread = new Map(state.unread)
  const window = windowOf(entries, unread.get(peer) ?? 0)
  unread.delete(peer)
  const known = {
    ...moved,
    unread,
    window,
    connection,
    receiptMs: undefined,
    jump: undefined,
    conversations: new Set([...state.conversations, peer]),
    earlier: new Set([...state.earlier].filter((one) => one !== peer)),
    names: new Map([...state.names, [peer, name]]),
    requests: state.requests.filter((request) => request.peer !== peer)
  }
  const opened = withoutAnswered(withPeople(known))
  const greeting =
    entries.length === 0
      ? [
          `This is the beginning of your conversation with ${name} (${target.shortId}). EXIT leaves it, /help shows the commands.`
        ]
      : []
  const greeted = withStatus(
    withStatus(opened, greeting, 'note', peer),
    warningLines(trust, target.shortId),
    'warning',
    peer
  )
  const { jump } = state
  if (jump?.peer !== peer) return step(greeted)
  return step(
    { ...greeted, found: { words: jump.words, positions: [jump.position], index: 0 } },
    { do: 'jump', peer, position: jump.position }
  )
}

/** Where a command's result leads, and how it is shown. */
export function onResult(state: State, result: CommandResult, line = ''): Step {
  switch (result.is) {
    case 'left':
      return step(result.peer === currentPeer(state) ? left(state) : state)
    case 'question':
      return step(withStatus({ ...state, asked: result.act }, [repeatQuestion(result.text, line)], 'warning'))
    case 'ignored':
    case 'blocked': {
      const next = result.peer === currentPeer(state) ? left(state) : state
      return step(shown({ ...next, requests: state.requests.filter(({ peer }) => peer !== result.peer) }, result))
    }
    case 'requests cleared':
      return step(shown(withPeople(withoutAnswered({ ...state, requests: [] })), result))
    case 'accepted': {
      const requests = state.requests.filter(({ peer }) => peer !== result.peer)
      const unread = new Map([...state.unread, [result.peer, result.messages.length]])
      const conversations = new Set([...state.conversations, result.peer])
      const next = withPeople({ ...state, requests, unread, conversations })
      const number = next.numbers.get(result.peer) ?? 0
      const who = `${result.name} (${shortId(result.peer)})`
      return step(withStatus(next, [`${who} is accepted. Alt-${number} or /chat ${number} opens the conversation.`]))
    }
    case 'renamed': {
      const self = state.self === undefined ? undefined : { ...state.self, nickname: result.nickname }
      return step(shown({ ...state, self, selfName: result.nickname }, result))
    }
    case 'history':
      // Earlier messages of the open conversation are seen by scrolling up.
      return result.isContinued && result.peer === currentPeer(state)
        ? scrollPage(state, -1)
        : step(shown(state, result))
    default:
      return step(shown(state, result))
  }
}

/**
 * Nothing of the conversation is left: not for the arrow keys, not as a request, and not in a list, which may quote it.
 * What is being typed stays.
 */
export function onForgotten(state: State, peer: string): Step {
  const isOpen = peer === currentPeer(state)
  const conversations = new Set(state.conversations)
  if (!isOpen) conversations.delete(peer)
  const { items, anchor } = state.window
  const others = items.filter((item) => item.is === 'message' || item.asks !== peer)
  // Its request may stand among the lines of another conversation.
  const isAnchored = anchor.at === 'end' || others.some(({ key }) => key === anchor.key)
  const elsewhere = { ...state.window, items: others, ...(isAnchored ? {} : { anchor: emptyWindow.anchor }) }
  const next: State = {
    ...state,
    conversations,
    window: isOpen ? emptyWindow : elsewhere,
    inputHistory: withoutConversation(state.inputHistory, peer),
    drafts: without(state.drafts, peer),
    unread: without(state.unread, peer),
    requests: state.requests.filter((request) => request.peer !== peer),
    jump: state.jump?.peer === peer ? undefined : state.jump,
    popup: undefined,
    ...(isOpen ? { found: undefined, input: { ...state.input, walk: undefined } } : {})
  }
  return step(withoutAnswered(withPeople(next)), { do: 'forget typed lines', peer })
}

function without<V>(map: ReadonlyMap<string, V>, key: string): ReadonlyMap<string, V> {
  return new Map([...map].filter(([each]) => each !== key))
}

export function onFound(state: State, { peer, words, positions }: Extract<ScreenEvent, { is: 'found' }>): Step {
  if (peer !== currentPeer(state)) return step(state)
  const [position] = positions
  if (position === undefined) return step(withStatus(state, [`No message here contains ${JSON.stringify(words)}.`]))
  return step({ ...state, found: { words, positions, index: 0 } }, { do: 'jump', peer, position })
}

export function onJumped(state: State, { peer, position, entries }: Extract<ScreenEvent, { is: 'jumped' }>): Step {
  const { found } = state
  if (peer !== currentPeer(state) || found?.positions[found.index] !== position) return step(state)
  const window = windowAround(entries, position)
  const first = entries.findIndex((entry) => entry.position >= position)
  // Fewer messages than asked for mean that there are no more on that side.
  const hasOlder = first >= PAGE_MESSAGES / 2
  const hasNewer = entries.length - first > PAGE_MESSAGES / 2
  // In the middle, with what was said before and after.
  return scroll({ ...state, window: { ...window, hasOlder, hasNewer } }, Math.floor(layoutOf(state).paneRows / 2))
}

/** Back to the first screen. */
function left(state: State): State {
  return { ...movedTo(state, { at: 'peer' }), window: emptyWindow, connection: { name: 'closed' } }
}

/** Somewhere else: what was being typed here waits for the return. */
function movedTo(state: State, place: Place): State {
  const from = placeKey(state.place)
  const to = placeKey(place)
  if (from === to) return { ...state, place }
  const drafts = new Map(state.drafts)
  // Text typed while a conversation was being opened is meant for it.
  const isMeantThere = from === '' && !drafts.has(to)
  const editor = isMeantThere ? state.input.editor : (drafts.get(to) ?? emptyEditor)
  if (!isMeantThere) drafts.set(from, state.input.editor)
  drafts.delete(to)
  return {
    ...state,
    place,
    drafts,
    input: { ...emptyInput, editor },
    found: undefined,
    typing: undefined,
    popup: undefined
  }
}

function shown(state: State, result: CommandResult): State {
  const how = shownResult(result, state)
  return how.is === 'popup' ? { ...state, popup: how.popup } : withStatus(state, how.lines)
}
