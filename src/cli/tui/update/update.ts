// The state after an event: keys, answers of the node, its news,
// time. Pure: an event and the time in, the next state and what to do out.
import type { RequestView } from '../../chat-api/chat-api.ts'
import { cleanText } from '../../process/clean-text.ts'
import { type InvitationNews, invitationNewsText } from '../../wording/invitation-wording.ts'
import { requestLine, shortRequestLine } from '../../wording/message-wording.ts'
import { mentions } from '../layout/message-rows.ts'
import { replaced } from '../model/editor.ts'
import { withoutOld } from '../model/input-history.ts'
import { type Effect, followedBy, type ScreenEvent, step, type Step } from '../model/events.ts'
import { withPeople } from '../model/people.ts'
import { isQuiet } from '../model/preferences.ts'
import { currentPeer, labelOf, type Place, type State } from '../model/state.ts'
import {
  withEnteredStatus,
  withStatus,
  withPresenceStatus,
  withRequestStatus,
  withoutAnswered
} from '../model/status-messages.ts'
import {
  keyOf,
  PAGE_MESSAGES,
  windowAgain,
  withDelivery,
  withMessage,
  withoutOlder,
  withPage,
  withUnknownEnd
} from '../model/window.ts'
import { readWaiting } from './input-dispatch.ts'
import { onInput } from './keys.ts'
import { onForgotten, onFound, onJumped, onOpened, onResult } from './outcomes.ts'
import { withInvitationNews } from './popups.ts'

/** Older conversations with peers that are away stand below those online, except for so many recent ones. */
const RECENT_CONVERSATIONS = 9

/**
 * How long "is typing" is shown after a notice. Nothing reports that the typing has stopped, so this is how long a
 * pause between two keys may be: notices come every second (TYPING_AGAIN_MS), and it ends 2 to 3 s after the last key.
 */
const TYPING_SHOWN_MS = 3000

/** A clock that goes back by more has been set, and what was counted by it begins anew. */
const CLOCK_STEP_MS = 1000

/** A receipt that took longer says nothing of the way: the other side was away. */
const MAX_RECEIPT_SHOWN_MS = 10_000

/** The part of a message that a notification shows. */
const NOTIFY_CHARACTERS = 120

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
      return step({ ...state, self: event.self, selfName: event.self.nickname, namesRelays: event.namesRelays })
    case 'settings':
      return step({ ...state, settingLines: event.lines })
    case 'qr':
      return step({ ...state, qr: event.rows })
    case 'input history':
      return step({ ...state, inputHistory: new Map([...event.inputHistory, ...state.inputHistory]) })
    case 'preferences':
      return step({ ...state, preferences: event.preferences })
    case 'past':
      return step(withPast(state, event.conversations))
    case 'node':
      return step({ ...state, lostAtMs: event.lostAtMs, typing: undefined })
    case 'resumed':
      return onResumed(state)
    case 'read':
      return step(withRead(state, event.peer))
    case 'forgotten':
      return onForgotten(state, event.peer)
    case 'expired':
      return step(withoutExpired(state, event.beforeMs))
    case 'phase':
      return followedBy(step({ ...state, phase: state.phase === 'ending' ? 'ending' : event.phase }), readWaiting)
    case 'around':
      return step(
        withPeople({
          ...state,
          place: withNameOf(state.place, event.contacts),
          roster: event.roster,
          contacts: event.contacts,
          verified: event.verified,
          blocked: event.blocked,
          directories: event.directories
        })
      )
    case 'requests':
      return step(withoutAnswered(withPeople({ ...state, requests: event.requests })))
    case 'requested':
      return onRequest(state, event.request)
    case 'message':
      return onMessage(state, event)
    case 'delivery':
      return step(onDelivery(state, event))
    case 'connection':
      return step(onConnection(state, event))
    case 'path':
      return step({ ...state, paths: new Map([...state.paths, [event.peer, event.path]]) })
    case 'typing':
      return step({ ...state, typing: { peer: event.peer, untilMs: nowMs + TYPING_SHOWN_MS } })
    case 'entered':
      return step(withEnteredStatus(state, event.peer))
    case 'left':
      return step(withoutTyping(state, event.peer))
    case 'alarm':
      return alarmed(state, event.text)
    case 'presence':
      return step(withPresenceStatus(state, event.text, event.peer, event.change))
    case 'invitation':
      return step(onInvitation(state, event.news))
    case 'status':
      return step(withStatus(state, [event.text], event.tone, event.peer))
    case 'opened':
      return onOpened(state, event)
    case 'sent':
      return step(onSent(state, event))
    case 'unsent':
      return step(withUnsent(state, event.peer, event.text))
    case 'result':
      return onResult(state, event.result, event.line)
    case 'failed':
      return step(withStatus({ ...state, jump: undefined }, event.text.split('\n'), 'warning'))
    case 'done':
      return followedBy(step({ ...state, busy: undefined }), readWaiting)
    case 'page':
      return step(onPage(state, event))
    case 'page failed':
      return step(
        withStatus({ ...state, window: { ...state.window, loading: undefined } }, [event.text], 'warning', event.peer)
      )
    case 'found':
      return onFound(state, event)
    case 'jumped':
      return onJumped(state, event)
  }
}

/** The contact may have been given another name. */
function withNameOf(place: Place, contacts: ReadonlyMap<string, string>): Place {
  const name = place.at === 'conversation' ? contacts.get(place.peer) : undefined
  return name === undefined || place.at !== 'conversation' ? place : { ...place, name }
}

/** A peer that is not connected does not type. */
function onConnection(state: State, { peer, state: connection }: Extract<ScreenEvent, { is: 'connection' }>): State {
  const next = connection.name === 'open' ? state : withoutTyping(state, peer)
  return peer === currentPeer(state) ? { ...next, connection } : next
}

function withoutTyping(state: State, peer: string): State {
  return state.typing?.peer === peer ? { ...state, typing: undefined } : state
}

/** Otherwise what was to last for seconds would last until the clock has caught up. */
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

/** A conversation at its end is read again; a reader who has scrolled up stays there. */
function onResumed(state: State): Step {
  const peer = currentPeer(state)
  if (peer === undefined) return step(state)
  const window = withUnknownEnd(state.window)
  if (window.anchor.at === 'row') return step({ ...state, window })
  return step(state, { do: 'page', peer, where: 'end', limit: PAGE_MESSAGES })
}

/** What waits to be sent is kept however old it is, and a line that is being looked at stays in the input. */
function withoutExpired(state: State, beforeMs: number): State {
  const input = { ...state.input, walk: undefined }
  return {
    ...state,
    input,
    inputHistory: withoutOld(state.inputHistory, beforeMs),
    window: withoutOlder(state.window, beforeMs)
  }
}

function withRead(state: State, peer: string): State {
  if (!state.unread.has(peer)) return state
  const unread = new Map(state.unread)
  unread.delete(peer)
  return { ...state, unread }
}

function withPast(state: State, past: Extract<ScreenEvent, { is: 'past' }>['conversations']): State {
  return withPeople({
    ...state,
    conversations: new Set([...past.map(({ peer }) => peer), ...state.conversations]),
    earlier: new Set(past.slice(RECENT_CONVERSATIONS).flatMap(({ peer, unread }) => (unread === 0 ? [peer] : []))),
    names: new Map([...state.names, ...past.map(({ peer, name }) => [peer, name] as const)]),
    // Messages that came meanwhile may be counted there already, or not.
    unread: new Map([
      ...state.unread,
      ...past.flatMap(({ peer, unread }) => {
        const most = Math.max(unread, state.unread.get(peer) ?? 0)
        return most > 0 && peer !== currentPeer(state) ? [[peer, most] as const] : []
      })
    ])
  })
}

/** Notifies once for each stranger until the request is answered. */
function onRequest(state: State, request: RequestView): Step {
  const { peer, lastText, sameNameAs } = request
  const number = state.numbers.get(peer) ?? state.lastNumber + 1
  const isNew = state.log.every(({ asks }) => asks !== peer)
  const text = currentPeer(state) === undefined ? requestLine(request, number) : shortRequestLine(request, number)
  const tone = sameNameAs === undefined ? 'note' : 'warning'
  return step(withRequestStatus(state, text, { peer, tone }), ...(isNew ? notification(state, peer, lastText) : []))
}

function onMessage(state: State, { message, name }: Extract<ScreenEvent, { is: 'message' }>): Step {
  const { peer } = message
  const known = withConversation(state, peer, name)
  const { typing } = withoutTyping(state, peer)
  const alerts = notification(state, peer, message.text)
  if (peer === currentPeer(state)) {
    const unseen = state.focused ? 0 : state.unseen + 1
    return step({ ...known, typing, unseen, window: withMessage(state.window, message) }, ...alerts)
  }
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

/** It notifies whatever the preferences are, and stays until Esc. */
function alarmed(state: State, text: string): Step {
  const told = withStatus({ ...state, alarm: text }, [`WARNING: ${text}`], 'warning')
  return step(told, {
    do: 'notify',
    title: 'WARNING',
    text: cleanText(text, { maxCharacters: NOTIFY_CHARACTERS })
  })
}

/** A message that is being looked at needs no bell. */
function notification(state: State, peer: string, text: string): Effect[] {
  const { preferences, focused } = state
  const level = preferences.levels[peer] ?? preferences.notify
  const isSeen = focused && peer === currentPeer(state) && state.window.anchor.at === 'end' && state.popup === undefined
  const isMeant = level === 'all' || (level === 'mentions' && mentions(text, state.self?.nickname ?? ''))
  if (isSeen || !isMeant || isQuiet(preferences.quiet, new Date(state.nowMs))) return []
  return [
    {
      do: 'notify',
      title: cleanText(labelOf(state, peer)),
      text: cleanText(text, { maxCharacters: NOTIFY_CHARACTERS })
    }
  ]
}

function onDelivery(state: State, { message }: Extract<ScreenEvent, { is: 'delivery' }>): State {
  if (message.peer !== currentPeer(state)) {
    if (message.state !== 'failed') return state
    const name = labelOf(state, message.peer)
    return withStatus(
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
  // A held message has waited for a person.
  const wasHeld = before?.is === 'message' && before.message.state === 'held'
  const isFirst = message.state === 'delivered' && message.seenAtMs === undefined && !wasHeld
  const receiptMs = isFirst && tookMs >= 0 && tookMs <= MAX_RECEIPT_SHOWN_MS ? tookMs : state.receiptMs
  return { ...state, receiptMs, window: withDelivery(state.window, message) }
}

function onInvitation(state: State, news: InvitationNews): State {
  const { popup } = state
  const told = withStatus(state, [invitationNewsText(news)], news.what === 'came' ? 'note' : 'warning')
  return popup === undefined ? told : { ...told, popup: withInvitationNews(popup, news) }
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
  // A page for a conversation that is no longer open is dropped.
  if (peer !== currentPeer(state) || (where !== 'end' && state.window.loading !== where)) return state
  const window = where === 'end' ? windowAgain(state.window, entries) : withPage(state.window, where, entries, limit)
  return { ...state, window }
}
