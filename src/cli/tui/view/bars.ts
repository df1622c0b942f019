// The two bars: above the conversation its peer, below it the state of
// things: the user, directories, who is online, and the path to the peer.
import type { ConversationState, RosterRow } from '../../chat-api/chat-api.ts'
import { directoryCounts } from '../../wording/directory-wording.ts'
import { pathWord } from '../../wording/roster-wording.ts'
import { secondsUntil } from '../../wording/time-span.ts'
import { NAME_COLUMNS } from '../layout/message-rows.ts'
import { currentPeer, type State } from '../model/state.ts'
import { justified, span, widthOfSpans, type Span } from '../terminal/rows.ts'
import type { Row } from '../layout/message-rows.ts'
import { signsFor } from '../layout/signs.ts'

export function titleBar(state: State, columns: number): Row {
  const elsewhere = [...state.unread].filter(([peer, count]) => count > 0 && peer !== currentPeer(state))
  const unread = elsewhere.reduce((sum, [, count]) => sum + count, 0)
  const asking = state.requests.length
  const isNarrow = state.columns < narrowColumns
  const requests = isNarrow ? 'asking' : asking === 1 ? 'request' : 'requests'
  const news = [
    ...(unread > 0 ? [`${unread} ${isNarrow ? 'new' : 'unread'}`] : []),
    ...(asking > 0 ? [`${asking} ${requests}`] : [])
  ].join(', ')
  const right = news === '' ? [] : [span(`[${news}] `, 'bar strong')]
  return justified(titleOf(state, columns - widthOfSpans(right) - 1), right, columns, 'bar')
}

/** The ID and warnings are visible however long the peer's name is. */
function titleOf(state: State, columns: number): readonly Span[] {
  const { place } = state
  if (place.at !== 'conversation') {
    const what = place.at === 'port' ? ` Parley: the port of ${place.host}?` : ' Parley'
    return [span(what, 'bar strong'), span(state.self === undefined ? '' : `  network ${state.self.network}`, 'bar')]
  }
  const person = state.people.find(({ peer }) => peer === place.peer)
  const presence = presenceText(state, person?.row !== undefined)
  const owner = person?.sameNameAs
  const warning =
    owner === undefined ? '' : owner.own ? 'not you: another key' : `not your contact ${owner.name}: another key`
  const marks = `${state.verified.has(place.peer) ? ', verified' : ''}${person?.isBlocked === true ? ', blocked' : ''}`
  const status = person?.row?.status ?? ''
  const id = span(` (${place.shortId}${marks})`, 'bar')
  const rest = columns - Math.min(NAME_COLUMNS, place.name.length) - widthOfSpans([id]) - 1
  // Where the words have no room the sign says it.
  const around = span(`  ${presence.length + 2 > rest ? presence.slice(0, 1) : presence}`, 'bar')
  const firm = warning === '' ? [id, around] : [id, span(`  ! ${warning}`, 'bar strong')]
  return [
    span(` ${place.name}`, 'bar strong', Math.max(NAME_COLUMNS, columns - widthOfSpans(firm))),
    ...firm,
    ...(warning === '' ? [] : [around]),
    ...(status === '' ? [] : [span(`  ${status}`, 'bar')])
  ]
}

function presenceText({ isUtf8, lostAtMs }: State, isOnline: boolean): string {
  const signs = signsFor(isUtf8)
  if (lostAtMs !== undefined) return `${signs.offline} not known`
  return isOnline ? `${signs.online} online` : `${signs.offline} away`
}

export function statusBar(state: State, columns: number): Row {
  const dot = ` ${signsFor(state.isUtf8).dot} `
  const isNarrow = columns < narrowColumns
  const online = state.roster.length
  const facts = [
    ` ${state.self?.nickname ?? state.selfName ?? ''}`,
    ...(state.lostAtMs === undefined
      ? [directoriesText(state, isNarrow), isNarrow ? `on ${online}` : `${online} online`]
      : [lostText(state.lostAtMs, state.nowMs, isNarrow)])
  ]
  const left = state.phase === 'starting' ? ' starting …' : state.phase === 'ending' ? ' leaving …' : facts.join(dot)
  const right = rightOf(state, isNarrow)
  // Help gives way to the state.
  const shown = right === help && left.length + help.length + 2 > columns ? '' : right
  return justified([span(left, 'bar')], [span(`${shown} `, 'bar')], columns, 'bar')
}

function lostText(lostAtMs: number, nowMs: number, isNarrow: boolean): string {
  const seconds = Math.max(0, Math.floor((nowMs - lostAtMs) / 1000))
  return isNarrow ? `no Parley, ${seconds} s` : `not connected to Parley for ${seconds} s`
}

function directoriesText({ directories }: State, isNarrow: boolean): string {
  const { up, down } = directoryCounts(directories)
  const noun = isNarrow ? 'dir' : up === 1 ? 'directory' : 'directories'
  return `${up === 0 ? 'no' : up} ${up === 0 && !isNarrow ? 'directory' : noun}${down === 0 ? '' : `, ${down} down`}`
}

const narrowColumns = 60
const help = '/help'

/** A running operation comes before the state of the path. */
function rightOf(state: State, isNarrow: boolean): string {
  const { busy, window, place, typing, nowMs } = state
  if (busy !== undefined) {
    const seconds = Math.floor((nowMs - busy.sinceMs) / 1000)
    return seconds < 1 ? busy.label : `${busy.label} … ${seconds} s`
  }
  const below = window.anchor.at === 'end' && !window.hasNewer ? '' : belowText(state)
  if (place.at !== 'conversation') return state.phase === 'looking' ? 'looking around …' : help
  if (below !== '') return below
  if (typing?.peer === place.peer && typing.untilMs > nowMs) return `${place.name} is typing …`
  if (state.lostAtMs !== undefined) return 'not connected'
  return connectionText(state, state.connection, isNarrow)
}

function belowText({ window, isUtf8 }: State): string {
  const sign = signsFor(isUtf8).below
  return window.below > 0 ? `${sign} ${window.below} new below (End)` : `${sign} more below (End)`
}

function connectionText(state: State, connection: ConversationState, isNarrow: boolean): string {
  switch (connection.name) {
    case 'connecting':
      return 'connecting …'
    case 'waiting': {
      if (connection.lacksAddress) return 'no address known'
      const seconds = secondsUntil(connection.retryAtMs, state.nowMs)
      return isNarrow ? `unreachable, ${seconds} s` : `unreachable, next try in ${seconds} s`
    }
    case 'open': {
      const promise = connection.dialect === 'parley' ? '' : ', no receipts'
      const receipt = state.receiptMs === undefined || isNarrow ? '' : `, receipt in ${state.receiptMs} ms`
      return `${pathText(state, connection.path)}${promise}${receipt}`
    }
    case 'closed':
      return 'not connected'
  }
}

/** The kind of path and its round trip: as it is now, else as it was when the conversation opened. */
function pathText(state: State, atFirst: RosterRow['path']): string {
  const path = state.paths.get(currentPeer(state) ?? '')
  const kind = path === undefined || path.kind === 'none' ? atFirst : path.kind
  const word = pathWord(kind, path?.kind === 'none' ? undefined : path?.relay)
  return path === undefined || path.kind === 'none' || path.rttMs === undefined ? word : `${word} ${path.rttMs} ms`
}
