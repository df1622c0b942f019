// The first screen, while no conversation is open: who the user is, how
// others reach it, who is there, what to do next, and status lines.
import { MAX_ROSTER_ROWS } from '../../wording/roster-wording.ts'
import { THROUGH_RELAY_TEXT } from '../../wording/directory-wording.ts'
import { reachableAt } from '../../wording/identity-wording.ts'
import { SIDE_FROM_COLUMNS } from '../layout/layout.ts'
import type { Person, State } from '../model/state.ts'
import { enteredText } from '../model/status-messages.ts'
import { span, spaces, spanOf } from '../terminal/rows.ts'
import type { Style } from '../terminal/theme.ts'
import { wrapText } from '../terminal/display-cells.ts'
import type { Row } from '../layout/message-rows.ts'
import { hasRoomForCode } from '../layout/popup-pane.ts'
import { personRow } from '../layout/side.ts'
import { signsFor } from '../layout/signs.ts'

const SHARED_DIRECTORY_TEXT =
  'Peers on the same network appear here by themselves, others through a shared directory: parley directory starts one.'

/** Status lines on the first screen. */
const MAX_HOME_NEWS = 8

/** Exactly `height` rows. Each item is shown whole; some are left out if there is no room for all. */
export function homeRows(state: State, columns: number, height: number): readonly Row[] {
  const inner = columns - 2
  const line = (text: string, style: Style = 'plain'): Row[] =>
    wrapText(text, inner).map((cells) => [spaces(1), spanOf(cells, style)])
  const { self } = state
  const news = newsRows(state, line)
  const room = height - Math.min(news.flat().length, leastNewsRows(news, height))
  const who = self === undefined ? line(startingText(state), 'strong') : identity(state, line)
  const people = state.columns < SIDE_FROM_COLUMNS ? state.people.length : 0
  // The rows that the identity and the heading leave are for people, who come before the two gaps.
  const besideGaps = room - who.length - 1
  const gap: readonly Said[] = besideGaps > 0 && people > besideGaps - 2 ? [] : [[[]]]
  const above = [
    ...gap,
    who,
    ...gap,
    ...(people > 0 ? peopleRows(state, inner, besideGaps - 2 * gap.length) : []),
    ...(self === undefined ? [] : adviceRows(state, line, hasRoomForCode(state, columns, height)))
  ]
  const top = oldest(above, room, inner)
  const below = newest(news, height - top.length, inner)
  const free = height - top.length - below.length
  const code = free >= state.qr.length + 2 && widest(state.qr) <= inner ? codeRows(state) : []
  const filler = Array.from({ length: free - code.length }, (): Row => [])
  // Status lines are at the bottom, next to the input.
  return [...top, ...code, ...filler, ...below]
}

/** The rows of one thing that is said. */
type Said = readonly Row[]

/**
 * How many rows status lines may take from the rest. The last one answers what was just typed, or asks
 * for more, often at its end: it is shown whole in up to two thirds.
 */
function leastNewsRows(news: readonly Said[], height: number): number {
  const last = Math.min(news.at(-1)?.length ?? 0, Math.floor((height * 2) / 3))
  return Math.min(height, Math.max(2, Math.floor(height / 4), last))
}

/** From the first on, the items that fit whole. */
function oldest(said: readonly Said[], room: number, columns: number): Row[] {
  const rows: Row[] = []
  for (const one of said) {
    if (rows.length + one.length > room) return rows.length > 0 ? rows : cut(one, room, columns)
    rows.push(...one)
  }
  return rows
}

/** From the last back, the items that fit whole; at least the beginning of the last. */
function newest(said: readonly Said[], room: number, columns: number): Row[] {
  const rows: Row[] = []
  for (const one of said.toReversed()) {
    if (rows.length + one.length > room) return rows.length > 0 ? rows : cut(one, room, columns)
    rows.unshift(...one)
  }
  return rows
}

/** The first rows, with a sign that there is more. */
function cut(rows: Said, room: number, columns: number): Row[] {
  const kept = rows.slice(0, Math.max(0, room))
  const last = kept.pop()
  const end = last?.at(-1)
  if (last === undefined || end === undefined) return kept
  return [...kept, [...last.slice(0, -1), span(`${end.text} …`, end.style, columns)]]
}

function startingText({ selfName }: State): string {
  return selfName === undefined ? 'Starting …' : `You are ${selfName}. Starting …`
}

type LineMaker = (text: string, style?: Style) => Row[]

function identity(state: State, line: LineMaker): Row[] {
  const { self } = state
  if (self === undefined) return []
  const place = reachableAt(self.addresses)
  const where = place === undefined ? 'not listening' : `host ${place.host}, port ${place.port}`
  const who = `You are ${self.nickname} (${self.shortId}),`
  // A host is not parted from its port: both are what others type.
  const whole = line(`${who} ${where}.`, 'strong')
  return whole.length === 1 ? whole : [...line(who, 'strong'), ...line(`${where}.`, 'strong')]
}

/** @param room the rows below the heading, which says how to see those that have none */
function peopleRows(state: State, columns: number, room: number): Said[] {
  const signs = signsFor(state.isUtf8)
  const count = `${state.roster.length} ${state.lostAtMs === undefined ? 'online' : 'were online'}`
  const heading = ` People (${count}):`
  const hint = ` People (${count}; /who lists all):`
  const isHinted = state.roster.length > Math.min(room, MAX_ROSTER_ROWS) && hint.length <= columns
  return [
    [[span(isHinted ? hint : heading, 'strong')]],
    ...onlineFirst(state.people)
      .slice(0, MAX_ROSTER_ROWS)
      .map((person): Said => [[spaces(1), ...personRow(state, person, columns - 1, false, signs)]]),
    [[]]
  ]
}

/** Where not all have room, those who wait for an answer and those who can be talked to now are seen. */
function onlineFirst(people: readonly Person[]): readonly Person[] {
  const rank = ({ section, row }: Person): number => (section === 'requests' ? 0 : row !== undefined ? 1 : 2)
  return people.toSorted((one, other) => rank(one) - rank(other))
}

function adviceRows(state: State, line: LineMaker, showsCode: boolean): Said[] {
  const place = reachableAt(state.self?.addresses ?? [])
  const isAlone = state.people.length === 0
  const isFirst = state.conversations.size === 0
  const reach = place === undefined ? [] : [line(`Others reach you with: parley chat ${place.host} ${place.port}`)]
  if (isAlone) {
    return [
      line(aloneText(state)),
      ...reach,
      ...(state.namesRelays
        ? [line('Peers on the same network appear here by themselves.'), line(THROUGH_RELAY_TEXT)]
        : [line(SHARED_DIRECTORY_TEXT)]),
      line('To write to someone elsewhere, type their host (the port comes next) or address.')
    ]
  }
  if (!isFirst) return [line('Alt and a number opens a conversation, Alt-A the next unread; /help shows the rest.')]
  return [
    line('To talk to someone, type the number or name and press Enter, or press Alt and the number.'),
    ...reach,
    line(
      `/help shows the keys and commands, /id your address${showsCode ? ' as a QR code' : ''}, QUIT ends the program.`
    ),
    line('With a screen reader: parley --plain.')
  ]
}

function aloneText({ phase, lostAtMs }: State): string {
  if (lostAtMs !== undefined) return 'Who is online is not known now.'
  return phase === 'ready' ? 'Nobody else is online.' : 'Looking for peers …'
}

function codeRows(state: State): Row[] {
  if (state.conversations.size > 0 || state.qr.length === 0) return []
  return [[], ...state.qr.map((row): Row => [spaces(1), span(row, 'code')])]
}

function newsRows(state: State, line: LineMaker): Said[] {
  return state.log
    .slice(-MAX_HOME_NEWS)
    .map(({ text, tone, entered }) => line(entered === undefined ? text : enteredText(state, entered), tone))
}

function widest(rows: readonly string[]): number {
  return Math.max(0, ...rows.map((row) => row.length))
}
