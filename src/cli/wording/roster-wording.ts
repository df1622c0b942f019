// Rows of the roster as lines. Pure; what it returns may hold remote text as it
// came: the writer cleans it.
import { SHORT_ID_CHARS, shortId } from '../../node/settings.ts'
import type { ProgramSighting, RosterRow } from '../chat-api/chat-api.ts'
import { cleanText } from '../process/clean-text.ts'
import { claimText, namelessMark, nameMark } from './trust-wording.ts'

/** The column that a list of peers gives to names; longer ones push the rest of their line. */
const nameColumn = 16
const hostColumn = 15
export const shortNameCharacters = 64
const belowName = '     '

const rosterHeader = ['No.', 'Name', 'ID', 'Host', 'Port', 'Path'] as const

/** How rows of a roster are shown. */
export interface RosterLook {
  /** Peer ID of the user, whose own row is marked. */
  readonly own?: string
  /** Each row is broken before the host, and so holds a line break. */
  readonly isNarrow?: boolean
}

/** A roster of one or more as numbered lines under a heading. */
export function rosterLines(
  rows: readonly RosterRow[],
  numberOf: (peer: string) => number,
  options: { readonly limit: number; readonly unread: UnreadCounts } & RosterLook
): string[] {
  const { limit, unread, ...look } = options
  const shown = rows.slice(0, limit)
  const [no, name, id, host, port, path] = rosterHeader
  const header = laidOut(
    `${no}  ${name.padEnd(nameColumn)} ${id.padEnd(SHORT_ID_CHARS)}`,
    `${host.padEnd(hostColumn)} ${port.padEnd(5)}  ${path}`,
    look.isNarrow
  )
  const rest = rows.length - shown.length
  const more = rest > 0 ? [`… and ${rest} more: type a name to reach one of them.`] : []
  return [
    `Online (${rows.length}):`,
    header,
    ...shown.map((row) => rosterLine(row, numberOf(row.peer), unread.get(row.peer), look)),
    ...more
  ]
}

/** One peer: number, name, short ID, host, port, path, and what else is to be known. */
export function rosterLine(row: RosterRow, number: number, unread = 0, look: RosterLook = {}): string {
  const name = padded(cleanText(row.name, { maxCharacters: shortNameCharacters }), nameColumn)
  const host = (row.host ?? '-').padEnd(hostColumn)
  const port = String(row.port ?? '-').padEnd(5)
  const who = `${String(number).padStart(3)}  ${name} ${row.shortId.padEnd(SHORT_ID_CHARS)}`
  const where = `${host} ${port}  ${pathText(row)}`
  const own = row.peer === look.own ? ' (you)' : ''
  const line = look.isNarrow === true ? laidOut(who + own, where, true) : `${laidOut(who, where)} ${own}`.trimEnd()
  return `${line}${unread === 0 ? '' : `  [${unread} unread]`}${remarks(row)}`
}

/** Where the terminal has no room for all columns, the later ones stand below the name. */
function laidOut(who: string, where: string, isNarrow = false): string {
  return isNarrow ? `${who.trimEnd()}\n${belowName}${where}` : `${who}  ${where}`
}

/** Filled up to so many columns of a terminal, where East Asian characters and emoji take two. */
function padded(text: string, columns: number): string {
  const graphemes = Array.from(new Intl.Segmenter().segment(text), ({ segment }) => segment)
  const width = graphemes.reduce((sum, grapheme) => sum + (wideCharacters.test(grapheme) ? 2 : 1), 0)
  return text + ' '.repeat(Math.max(0, columns - width))
}

const wideCharacters =
  /[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60]/u

function remarks(row: RosterRow): string {
  const status = row.status === '' ? '' : `  ${cleanText(row.status)}`
  const only = row.onlyVia === undefined ? '' : `  (only via ${shortId(row.onlyVia)})`
  const warning = row.isNameless === true ? namelessMark : cleanText(nameMark(row, row.contact))
  const claim = row.isNameless === true || row.name === row.nickname ? '' : cleanText(`  (${claimText(row.nickname)})`)
  const why = row.why === undefined ? '' : `  (unreachable: ${cleanText(row.why)})`
  return `${row.verified ? '  [verified]' : ''}${row.blocked ? '  [blocked]' : ''}${claim}${status}${otherProgramMark(row)}${only}${why}${warning}`
}

/** For a peer whose program is none of ours: what is sent to it is never confirmed. */
export function otherProgramMark({ dialect }: Pick<RosterRow, 'dialect'>): string {
  return dialect === undefined ? '' : '  (another program, no receipts)'
}

/** libp2p programs that were seen, apart from the people. */
export function programLines(programs: readonly ProgramSighting[]): string[] {
  if (programs.length === 0) return []
  const more = programs.length - MAX_ROSTER_ROWS
  return [
    `Other libp2p programs on the local network (${programs.length}); /chat ID finds out whether one chats:`,
    ...programs.slice(0, MAX_ROSTER_ROWS).map(programLine),
    ...(more > 0 ? [`… and ${more} more.`] : [])
  ]
}

export function programLine({ shortId: id, host, port }: ProgramSighting): string {
  return `     ${id}  ${host ?? '-'} ${port ?? ''}`.trimEnd()
}

function pathText(row: RosterRow): string {
  if (row.path === 'none') return row.sources.includes('lan') ? 'LAN' : 'directory'
  return `${pathWord(row.path)}${row.rttMs === undefined ? '' : ` ${row.rttMs} ms`}`
}

/** @param relay the peer ID of the relay, where it is known */
export function pathWord(path: RosterRow['path'], relay?: string): string {
  switch (path) {
    case 'lan':
      return 'LAN'
    case 'direct':
      return 'direct'
    case 'relayed':
      return relay === undefined ? 'relayed' : `relayed by ${shortId(relay)}`
    case 'none':
      return 'connected'
  }
}

/** How many messages of each peer have not been on the screen; peers without any are left out. */
export type UnreadCounts = ReadonlyMap<string, number>

/** More rows than this are not listed: nobody reads them, and a name finds the peer anyway. */
export const MAX_ROSTER_ROWS = 200

/** Roster changes that come within this time are shown together; a goodbye must be seen within a second. */
export const ROSTER_COALESCE_MS = 250
