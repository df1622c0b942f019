// How rows, messages and states are said in words, one line each. Pure; what it
// returns may hold remote text as it came: whoever writes it cleans it.
import { usageOf } from './command-arguments.ts'
import type { ChatCommand, Identity, Named, UnreadCounts } from './chat-command.ts'
import type {
  ConversationSummary,
  HistoryEntry,
  OutgoingMessage,
  RequestView,
  RosterRow,
  StoredMessage
} from './chat-api.ts'
import { cleanLines, cleanText } from './clean-text.ts'
import { EXCERPT_CHARACTERS, REQUEST_CHARACTERS } from './constants.ts'
import { foldedLines, type MessageFold } from './message-fold.ts'
import { addressesForOthers } from './plain/greeting.ts'
import { SHORT_ID_CHARS, shortId } from '../node/settings.ts'
import { localTime } from './time-span.ts'
import { namelessMark, namesakeMark } from './trust-wording.ts'

/** The column that a list of peers gives to names; longer ones push the rest of their line. */
const nameColumn = 16
const hostColumn = 15
const shortNameCharacters = 64
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
  const name = padded(cleanText(row.nickname, { maxCharacters: shortNameCharacters }), nameColumn)
  const host = (row.host ?? '-').padEnd(hostColumn)
  const port = String(row.port ?? '-').padEnd(5)
  const who = `${String(number).padStart(3)}  ${name} ${row.shortId.padEnd(SHORT_ID_CHARS)}`
  const where = `${host} ${port}  ${pathWord(row)}`
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
  const warning = row.isNameless === true ? namelessMark : cleanText(namesakeMark(row.sameNameAs))
  const why = row.why === undefined ? '' : `  (no way: ${cleanText(row.why)})`
  return `${row.verified ? '  [verified]' : ''}${row.blocked ? '  [blocked]' : ''}${status}${only}${why}${warning}`
}

function pathWord(row: RosterRow): string {
  const time = row.rttMs === undefined ? '' : ` ${row.rttMs} ms`
  switch (row.path) {
    case 'lan':
      return `LAN${time}`
    case 'direct':
      return `direct${time}`
    case 'none':
      return row.sources.includes('lan') ? 'LAN' : 'directory'
  }
}

/**
 * A text under the name of who said it; further lines are indented, so that none can pass for another message.
 *
 * @param fold the room for one message, where others stand beside it; without it all of the text
 */
export function messageLines(who: string, text: string, fold?: MessageFold): string[] {
  const lines = cleanLines(text)
  const [first = '', ...rest] = fold === undefined ? lines : foldedLines(lines, fold)
  return [`${cleanText(who)}: ${first}`, ...rest.map((line) => `    | ${line}`)]
}

/** A message of the history. */
export function historyLine(message: StoredMessage, name: string, fold?: MessageFold): string[] {
  if (message.direction === 'in') return messageLines(name, message.text, fold)
  return [...messageLines('You', message.text, fold), ...markLines(message)]
}

/** A message of the history with its time and its peer, for lists that hold many of both. */
export function markedEntryLines({ message }: HistoryEntry, name: string, fold?: MessageFold): string[] {
  const isOwn = message.direction === 'out'
  const lines = messageLines(`${localTime(message.storedAtMs)}  ${isOwn ? '→' : '←'} ${name}`, message.text, fold)
  return isOwn ? [...lines, ...markLines(message)] : lines
}

/** A conversation of a list: its number, its name, what is unread and how it ended. */
export function conversationLine({ name, unread, last }: Named<ConversationSummary>, number: number): string {
  const { message } = last
  const news = unread === 0 ? '' : `  [${unread} unread]`
  const arrow = message.direction === 'out' ? '→' : '←'
  return `${String(number).padStart(3)}  ${cleanText(name, { maxCharacters: shortNameCharacters })}${news}  ${localTime(message.storedAtMs)} ${arrow} ${excerpt(message.text)}`
}

/** The mark under an own message; one that is simply delivered needs none. */
function markLines(message: OutgoingMessage): string[] {
  const word = deliveryWord(message)
  return word === 'delivered' ? [] : [`    (${word})`]
}

/** Where an own message stands, as a person would say it. */
export function deliveryWord(message: OutgoingMessage): string {
  switch (message.state) {
    case 'pending':
      return 'waiting'
    case 'held':
      return 'held as a request until the other side accepts it'
    case 'delivered':
      return message.seenAtMs === undefined ? 'delivered' : 'seen'
    case 'unconfirmed':
      return 'sent, not confirmed'
    case 'failed':
      return `not delivered: ${message.reason ?? 'no reason was given'}`
  }
}

export function requestLine(request: RequestView, number: number): string {
  const text = cleanText(request.lastText, { maxCharacters: REQUEST_CHARACTERS })
  const count = request.count > 1 ? ` (${request.count} messages)` : ''
  const answers = ['accept', 'ignore', 'block'].map((answer) => `/${answer} ${number}`).join(', ')
  const warning = cleanText(namesakeMark(request.sameNameAs))
  return `REQUEST from ${cleanText(request.name)} (${request.shortId})${count}${warning}: ${text} — ${answers}`
}

export function identityLines(identity: Identity): string[] {
  return [
    `Nickname:  ${identity.nickname}`,
    `Peer ID:   ${identity.peer} (short: ${identity.shortId})`,
    `Network:   ${identity.network}`,
    `Profile:   ${identity.profile}`,
    ...addressesForOthers(identity.addresses).map(
      (address, index) => `${index === 0 ? 'Addresses: ' : '           '}${address}`
    )
  ]
}

export function helpLines(commands: readonly ChatCommand[]): string[] {
  const rows = commands.map((command) => {
    const aliases =
      command.aliases.length === 0 ? '' : ` (also ${command.aliases.map((name) => `/${name}`).join(', ')})`
    return `  ${usageOf(command).padEnd(22)} ${command.help}${aliases}`
  })
  return [
    'EXIT leaves a conversation; QUIT at the prompt for a peer ends the program. In a conversation QUIT is text.',
    'PEER is a number of the list, a name, a peer ID or its beginning, HOST:PORT, HOST PORT or a multiaddr.',
    'A line that ends with \\ goes on in the next one; // at the beginning sends a text that begins with /.',
    ...rows
  ]
}

/** The beginning of a text, in quotes, to tell it from others. */
export function excerpt(text: string): string {
  return `"${cleanText(text, { maxCharacters: EXCERPT_CHARACTERS })}"`
}

/** ", trying again in 3 s", or nothing. */
export function retryText(retryAtMs: number | undefined, nowMs: number): string {
  return retryAtMs === undefined ? '' : `, next try in ${secondsUntil(retryAtMs, nowMs)} s`
}

export function secondsUntil(atMs: number, nowMs: number): number {
  return Math.max(0, Math.ceil((atMs - nowMs) / 1000))
}

/** A question that the same line, typed again, answers with yes. */
export function repeatQuestion(question: string, line: string): string {
  return `${question} Type /${line.trim()} again to do it.`
}
