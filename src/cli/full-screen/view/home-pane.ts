// What stands in the conversation's place while none is open: who one is, how
// others get here, who is there, what to do next, and what has happened.
import { MAX_ROSTER_ROWS } from '../../constants.ts'
import { reachableAt } from '../../plain/greeting.ts'
import { MAX_HOME_NEWS, SIDE_FROM_COLUMNS } from '../constants.ts'
import type { State } from '../model/state.ts'
import { span, spaces } from '../screen/rows.ts'
import type { Style } from '../screen/theme.ts'
import { wrapText } from '../text/wrap.ts'
import { spanOf } from '../screen/rows.ts'
import type { Row } from './message-rows.ts'
import { personRow } from './side.ts'
import { signsFor } from './signs.ts'

/** Exactly `height` rows. Each thing that is said stands whole; where there is no room for all, some are left out. */
export function homeRows(state: State, columns: number, height: number): readonly Row[] {
  const inner = columns - 2
  const line = (text: string, style: Style = 'plain'): Row[] =>
    wrapText(text, inner).map((cells) => [spaces(1), spanOf(cells, style)])
  const { self } = state
  const empty: Said = [[]]
  const above = [
    empty,
    self === undefined ? line(`You are ${state.selfName}. Starting …`, 'strong') : identity(state, line),
    empty,
    ...(state.columns < SIDE_FROM_COLUMNS ? peopleRows(state, inner) : []),
    ...(self === undefined ? [] : adviceRows(state, line))
  ]
  const news = newsRows(state, line)
  const top = oldest(above, height - Math.min(news.flat().length, leastNewsRows(news, height)), inner)
  const below = newest(news, height - top.length, inner)
  const room = height - top.length - below.length
  const code = room >= state.qr.length + 2 && widest(state.qr) <= inner ? codeRows(state) : []
  const filler = Array.from({ length: room - code.length }, (): Row => [])
  // What has happened stands at the bottom, next to the input.
  return [...top, ...code, ...filler, ...below]
}

/** The rows of one thing that is said. */
type Said = readonly Row[]

/**
 * What has happened may take so much from what stands there always. The last of it answers what was just typed, or asks
 * for more, often at its end: it stands whole in up to two thirds.
 */
function leastNewsRows(news: readonly Said[], height: number): number {
  const last = Math.min(news.at(-1)?.length ?? 0, Math.floor((height * 2) / 3))
  return Math.min(height, Math.max(2, Math.floor(height / 4), last))
}

/** From the first on, what has room as a whole. */
function oldest(said: readonly Said[], room: number, columns: number): Row[] {
  const rows: Row[] = []
  for (const one of said) {
    if (rows.length + one.length > room) return rows.length > 0 ? rows : cut(one, room, columns)
    rows.push(...one)
  }
  return rows
}

/** From the last one back, what has room as a whole; the beginning of the last one at least. */
function newest(said: readonly Said[], room: number, columns: number): Row[] {
  const rows: Row[] = []
  for (const one of said.toReversed()) {
    if (rows.length + one.length > room) return rows.length > 0 ? rows : cut(one, room, columns)
    rows.unshift(...one)
  }
  return rows
}

/** The first rows, with the sign that more was said. */
function cut(rows: Said, room: number, columns: number): Row[] {
  const kept = rows.slice(0, Math.max(0, room))
  const last = kept.pop()
  const end = last?.at(-1)
  if (last === undefined || end === undefined) return kept
  return [...kept, [...last.slice(0, -1), span(`${end.text} …`, end.style, columns)]]
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

function peopleRows(state: State, columns: number): Said[] {
  const signs = signsFor(state.isUtf8)
  if (state.people.length === 0) return []
  return [
    [[span(` People (${state.roster.length} online):`, 'strong')]],
    ...state.people
      .slice(0, MAX_ROSTER_ROWS)
      .map((person): Said => [[spaces(1), ...personRow(state, person, columns - 1, false, signs)]]),
    [[]]
  ]
}

function adviceRows(state: State, line: LineMaker): Said[] {
  const place = reachableAt(state.self?.addresses ?? [])
  const isAlone = state.people.length === 0
  const isFirst = state.conversations.size === 0
  const reach = place === undefined ? [] : [line(`Others reach you with: parley chat ${place.host} ${place.port}`)]
  if (isAlone) {
    return [
      line(state.phase === 'ready' ? 'Nobody else is online.' : 'Looking who is online …'),
      ...reach,
      line(
        'They appear here by themselves on the same network, or through a common directory: parley directory starts one.'
      ),
      line('To write to somebody elsewhere, type their host (it asks for the port) or their address.')
    ]
  }
  if (!isFirst) return [line('Alt and a number opens a conversation, Alt-A the next unread; /help shows the rest.')]
  return [
    line('To talk to somebody, type the number or the name and press Enter; or Alt and the number.'),
    ...reach,
    line('/help shows the keys and commands, /id your address as a QR code, QUIT ends the program.'),
    line('With a screen reader: parley --plain.')
  ]
}

function codeRows(state: State): Row[] {
  if (state.conversations.size > 0 || state.qr.length === 0) return []
  return [[], ...state.qr.map((row): Row => [spaces(1), span(row, 'code')])]
}

function newsRows(state: State, line: LineMaker): Said[] {
  return state.log.slice(-MAX_HOME_NEWS).map(({ text, tone }) => line(text, tone))
}

function widest(rows: readonly string[]): number {
  return Math.max(0, ...rows.map((row) => row.length))
}
