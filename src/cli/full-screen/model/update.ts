// The state after whatever has happened: keys, answers of the node, its news,
// time. Pure: an event and the time in, the next state and what to do out.
import { cleanText } from '../../clean-text.ts'
import { requestLine } from '../../wording.ts'
import {
  CLOCK_STEP_MS,
  MAX_RECEIPT_SHOWN_MS,
  NOTIFY_CHARACTERS,
  RECENT_CONVERSATIONS,
  TYPING_SHOWN_MS
} from '../constants.ts'
import { isQuiet } from '../preferences.ts'
import { mentions } from '../view/message-rows.ts'
import { replaced } from './editor.ts'
import { followedBy, step, type Effect, type ScreenEvent, type Step } from './events.ts'
import { onInput } from './keys.ts'
import { readWaiting } from './lines.ts'
import { noted, requestNoted, withoutAnswered } from './notes.ts'
import { onFound, onJumped, onOpened, onResult } from './outcomes.ts'
import { withPeople } from './people.ts'
import { currentPeer, nameOf, type State } from './state.ts'
import { keyOf, windowOf, withDelivery, withMessage, withPage } from './window.ts'

export function update(before: State, event: ScreenEvent, nowMs: number): Step {
  const state: State = { ...(before.nowMs - nowMs > CLOCK_STEP_MS ? withClockSetBack(before, nowMs) : before), nowMs }
  switch (event.is) {
    case 'input':
      return onInput(state, event.input)
    case 'resized':
      return step({ ...state, columns: event.columns, rows: event.rows })
    case 'tick':
      return step(state)
    case 'self':
      return step({ ...state, self: event.self, selfName: event.self.nickname })
    case 'settings':
      return step({ ...state, settingLines: event.lines })
    case 'qr':
      return step({ ...state, qr: event.rows })
    case 'remembered':
      return step({ ...state, typedBefore: new Map([...event.typedBefore, ...state.typedBefore]) })
    case 'preferences':
      return step({ ...state, preferences: event.preferences })
    case 'past':
      return step(withPast(state, event.conversations))
    case 'phase':
      return followedBy(step({ ...state, phase: state.phase === 'ending' ? 'ending' : event.phase }), readWaiting)
    case 'around':
      return step(
        withPeople({
          ...state,
          roster: event.roster,
          contacts: event.contacts,
          verified: event.verified,
          blocked: event.blocked,
          directories: event.directories
        })
      )
    case 'requests':
      return step(withoutAnswered(withPeople({ ...state, requests: event.requests })))
    case 'requested': {
      const number = state.numbers.get(event.request.peer) ?? state.lastNumber + 1
      const text = requestLine(event.request, number)
      return step(
        requestNoted(state, text, event.request.peer),
        ...notification(state, event.request.peer, event.request.name, event.request.lastText)
      )
    }
    case 'message':
      return onMessage(state, event)
    case 'delivery':
      return step(onDelivery(state, event))
    case 'connection':
      return step(event.peer === currentPeer(state) ? { ...state, connection: event.state } : state)
    case 'path':
      return step({ ...state, paths: new Map([...state.paths, [event.peer, event.path]]) })
    case 'typing':
      return step({ ...state, typing: { peer: event.peer, untilMs: nowMs + TYPING_SHOWN_MS } })
    case 'alarm':
      return alarmed(state, event.text)
    case 'note':
      return step(noted(state, [event.text], event.tone, event.peer))
    case 'opened':
      return onOpened(state, event)
    case 'sent':
      return step(onSent(state, event))
    case 'unsent':
      return step(withUnsent(state, event.peer, event.text))
    case 'result':
      return onResult(state, event.result)
    case 'failed':
      return step(noted({ ...state, jump: undefined }, event.text.split('\n'), 'warning'))
    case 'done':
      return followedBy(step({ ...state, busy: undefined }), readWaiting)
    case 'page':
      return step(onPage(state, event))
    case 'page failed':
      return step(
        noted({ ...state, window: { ...state.window, loading: undefined } }, [event.text], 'warning', event.peer)
      )
    case 'found':
      return onFound(state, event)
    case 'jumped':
      return onJumped(state, event)
  }
}

/** Else what was to last for seconds would last until the clock has caught up. */
function withClockSetBack(state: State, nowMs: number): State {
  const { busy } = state
  return {
    ...state,
    typing: undefined,
    toldTypingAtMs: Number.NEGATIVE_INFINITY,
    interruptedAtMs: Number.NEGATIVE_INFINITY,
    busy: busy === undefined ? undefined : { ...busy, sinceMs: nowMs }
  }
}

function withPast(state: State, past: Extract<ScreenEvent, { is: 'past' }>['conversations']): State {
  return withPeople({
    ...state,
    conversations: new Set([...past.map(({ peer }) => peer), ...state.conversations]),
    earlier: new Set(past.slice(RECENT_CONVERSATIONS).flatMap(({ peer, unread }) => (unread === 0 ? [peer] : []))),
    names: new Map([...state.names, ...past.map(({ peer, name }) => [peer, name] as const)]),
    // What came meanwhile may be counted there already, or not.
    unread: new Map([
      ...state.unread,
      ...past.flatMap(({ peer, unread }) => {
        const most = Math.max(unread, state.unread.get(peer) ?? 0)
        return most > 0 && peer !== currentPeer(state) ? [[peer, most] as const] : []
      })
    ])
  })
}

function onMessage(state: State, { message, name }: Extract<ScreenEvent, { is: 'message' }>): Step {
  const { peer } = message
  const known = withConversation(state, peer, name)
  const typing = state.typing?.peer === peer ? undefined : state.typing
  const alerts = notification(state, peer, name, message.text)
  if (peer === currentPeer(state))
    return step({ ...known, typing, window: withMessage(state.window, message) }, ...alerts)
  const unread = new Map([...state.unread, [peer, (state.unread.get(peer) ?? 0) + 1]])
  return step({ ...known, typing, unread }, ...alerts)
}

function withConversation(state: State, peer: string, name: string): State {
  if (state.conversations.has(peer) && !state.earlier.has(peer)) return state
  return withPeople({
    ...state,
    earlier: new Set([...state.earlier].filter((one) => one !== peer)),
    conversations: new Set([...state.conversations, peer]),
    names: new Map([...state.names, [peer, name]])
  })
}

/** It rings whatever was chosen, and stands there until Esc. */
function alarmed(state: State, text: string): Step {
  const told = noted({ ...state, alarm: text }, [`WARNING: ${text}`], 'warning')
  return step(told, {
    do: 'notify',
    title: 'WARNING',
    text: cleanText(text, { maxCharacters: NOTIFY_CHARACTERS })
  })
}

/** Whoever looks at it needs no bell. */
function notification(state: State, peer: string, name: string, text: string): Effect[] {
  const { preferences, focused } = state
  const level = preferences.levels[peer] ?? preferences.notify
  const isSeen = focused && peer === currentPeer(state) && state.window.anchor.at === 'end' && state.popup === undefined
  const isMeant = level === 'all' || (level === 'mentions' && mentions(text, state.self?.nickname ?? ''))
  if (isSeen || !isMeant || isQuiet(preferences.quiet, new Date(state.nowMs))) return []
  return [{ do: 'notify', title: cleanText(name), text: cleanText(text, { maxCharacters: NOTIFY_CHARACTERS }) }]
}

function onDelivery(state: State, { message }: Extract<ScreenEvent, { is: 'delivery' }>): State {
  if (message.peer !== currentPeer(state)) {
    if (message.state !== 'failed') return state
    const name = nameOf(state, message.peer)
    return noted(
      state,
      [
        `A message to ${name} was not delivered: ${message.reason ?? 'no reason was given'}. /retry there sends it again.`
      ],
      'warning'
    )
  }
  const tookMs = state.nowMs - message.storedAtMs
  const key = keyOf(message)
  const before = state.window.items.find((item) => item.key === key)
  // What was held has waited for a person.
  const wasHeld = before?.is === 'message' && before.message.state === 'held'
  const isFirst = message.state === 'delivered' && message.seenAtMs === undefined && !wasHeld
  const receiptMs = isFirst && tookMs >= 0 && tookMs <= MAX_RECEIPT_SHOWN_MS ? tookMs : state.receiptMs
  return { ...state, receiptMs, window: withDelivery(state.window, message) }
}

function onSent(state: State, { message, name }: Extract<ScreenEvent, { is: 'sent' }>): State {
  const known = withConversation(state, message.peer, name)
  return message.peer === currentPeer(state) ? { ...known, window: withMessage(state.window, message) } : known
}

/** Back in the input, unless something else is being typed there already. */
function withUnsent(state: State, peer: string, text: string): State {
  const { input } = state
  if (peer !== currentPeer(state) || input.editor.text !== '') return state
  return { ...state, input: { ...input, editor: replaced(input.editor, text) } }
}

function onPage(state: State, { peer, where, entries, limit }: Extract<ScreenEvent, { is: 'page' }>): State {
  // One that was asked for before the screen went elsewhere belongs to no place any more.
  if (peer !== currentPeer(state) || (where !== 'end' && state.window.loading !== where)) return state
  const window = where === 'end' ? windowOf(entries, 0) : withPage(state.window, where, entries, limit)
  return { ...state, window }
}
