// The side list: requests, conversations, who
// else is online, old conversations; with number, presence, path and unread count.
import { isMarked } from '../../../node/settings.ts'
import { currentPeer, type Person, type State } from '../model/state.ts'
import { justified, spaces, span, type Span, widthOfSpans } from '../terminal/rows.ts'
import type { Style } from '../terminal/theme.ts'
import type { Row } from './message-rows.ts'
import { type Signs, signsFor } from './signs.ts'

/** The least that the side list shows of a name, whatever follows it. */
const MIN_SIDE_NAME_COLUMNS = 3

/** The line beside the list, with a space on either side. */
export const SIDE_BORDER_COLUMNS = 3

const titles = { requests: 'Requests', conversations: 'Conversations', online: 'Online', earlier: 'Earlier' } as const

/** Aligned with the name, after number, sign and their spaces. */
const ID_INDENT = 5

/** A row of the list, not drawn yet. */
type Entry =
  | { readonly is: 'title'; readonly section: Person['section']; readonly count: number }
  | { readonly is: 'gap' }
  | { readonly is: 'more'; readonly count: number; readonly isOnline: boolean }
  | { readonly is: 'person'; readonly person: Person }
  /** The second row of a person whose name alone does not identify it. */
  | { readonly is: 'id'; readonly person: Person }

/** Exactly `height` rows; of a long list those around the open conversation. */
export function sideRows(state: State, columns: number, height: number): readonly Row[] {
  const signs = signsFor(state.isUtf8)
  const current = currentPeer(state)
  const entries = seenEntries(state, height)
  const rows = entries.map((entry): Row => {
    switch (entry.is) {
      case 'title':
        return [span(titleText(state, entry), 'strong', columns)]
      case 'gap':
        return []
      case 'more':
        return [span(`${signs.below} ${entry.count} more${entry.isOnline ? ': /who' : ''}`, 'dim')]
      case 'person':
        return personRow(state, entry.person, columns, entry.person.peer === current, signs)
      case 'id':
        return [spaces(ID_INDENT), span(entry.person.shortId, 'warning', columns - ID_INDENT)]
    }
  })
  if (rows.length === 0) rows.push([span(emptyText(state), 'dim')])
  return [...rows, ...Array.from({ length: Math.max(0, height - rows.length) }, (): Row => [])]
}

function emptyText({ phase, lostAtMs }: State): string {
  if (lostAtMs !== undefined) return 'Not connected.'
  return phase === 'ready' ? 'Nobody is online.' : 'Looking around …'
}

function titleText({ lostAtMs }: State, { section, count }: Extract<Entry, { is: 'title' }>): string {
  const title = section === 'online' && lostAtMs !== undefined ? 'Were online' : titles[section]
  return `${title} (${count})`
}

/** The person in a row of the list, counted from 0. */
export function personAt(state: State, row: number, height: number): Person | undefined {
  const entry = seenEntries(state, height)[row]
  return entry?.is === 'person' || entry?.is === 'id' ? entry.person : undefined
}

function seenEntries(state: State, height: number): readonly Entry[] {
  const entries = allEntries(state)
  if (entries.length <= height) return entries
  const current = currentPeer(state)
  const at = entries.findIndex((entry) => entry.is === 'person' && entry.person.peer === current)
  const top = Math.max(0, Math.min(at - Math.floor(height / 2), entries.length - height))
  const shown = entries.slice(top, top + height - 1)
  const hidden = entries.slice(top + shown.length)
  if (hidden.length <= 1) return [...shown, ...hidden]
  const isOnline = hidden.some((entry) => entry.is === 'person' && entry.person.row !== undefined)
  return [...shown, { is: 'more', count: hidden.filter((entry) => entry.is === 'person').length, isOnline }]
}

/** A list of ten thousand is built once, not for each frame. */
const madeEntries = new WeakMap<readonly Person[], readonly Entry[]>()

function allEntries({ people: all }: State): readonly Entry[] {
  const made = madeEntries.get(all)
  if (made !== undefined) return made
  const entries: Entry[] = []
  for (const section of ['requests', 'conversations', 'online', 'earlier'] as const) {
    const people = all.filter((person) => person.section === section)
    if (people.length === 0) continue
    if (entries.length > 0) entries.push({ is: 'gap' })
    entries.push({ is: 'title', section, count: people.length })
    for (const person of people) {
      entries.push({ is: 'person', person })
      if (person.sameNameAs !== undefined || person.sharesNameWith !== undefined) entries.push({ is: 'id', person })
    }
  }
  madeEntries.set(all, entries)
  return entries
}

/** One person as in the list, for lists in the conversation's place too. */
export function personRow(state: State, person: Person, columns: number, isCurrent: boolean, signs: Signs): Row {
  const unread = state.unread.get(person.peer) ?? 0
  const isOnline = person.row !== undefined && state.lostAtMs === undefined
  const presence = isOnline ? signs.online : signs.offline
  const sign = person.section === 'requests' ? signs.request : person.isBlocked ? signs.blocked : presence
  const style: Style = isCurrent ? 'selected' : unread > 0 ? 'unread' : isOnline ? 'plain' : 'dim'
  const left: Span[] = [
    span(`${String(person.number).padStart(2)} `, isCurrent ? 'selected' : 'dim'),
    span(`${sign} `, isCurrent ? 'selected' : person.section === 'requests' ? 'warning' : isOnline ? 'good' : 'dim')
  ]
  const isOdd = isMarked(person) || person.row?.isNameless === true
  const warning = !isOdd ? [] : [span(' !', isCurrent ? 'selected' : 'warning')]
  const verified = state.verified.has(person.peer) ? [span(` ${signs.verified}`, isCurrent ? 'selected' : 'good')] : []
  const path = isOnline ? pathSign(person) : ''
  const right: Span[] = [
    ...(path === '' ? [] : [span(path, isCurrent ? 'selected' : 'dim')]),
    ...(unread > 0 ? [span(` (${unread > 999 ? '999+' : unread})`, isCurrent ? 'selected' : 'unread')] : [])
  ]
  const marks = [...verified, ...warning]
  // The marks about the name's owner are visible however long the name is.
  const room = columns - widthOfSpans([...left, ...marks, ...right]) - (right.length > 0 ? 1 : 0)
  const name = span(person.name, style, Math.max(MIN_SIDE_NAME_COLUMNS, room))
  return justified([...left, name, ...marks], right, columns, isCurrent ? 'selected' : 'plain')
}

function pathSign({ row }: Person): string {
  switch (row?.path) {
    case undefined:
      return ''
    case 'lan':
      return 'LAN'
    case 'direct':
      return 'direct'
    case 'relayed':
      return 'relayed'
    case 'none':
      return ''
  }
}

/** A row of the list with the line that parts it from the conversation. */
export function bordered(row: Row, columns: number, isUtf8: boolean): Row {
  return [
    ...justified(row, [], columns - SIDE_BORDER_COLUMNS, 'plain'),
    spaces(1),
    span(signsFor(isUtf8).vertical, 'border'),
    spaces(1)
  ]
}
