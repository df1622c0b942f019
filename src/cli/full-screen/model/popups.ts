// What a command's result looks like as a list in which one chooses: who is
// there, requests with their answers, hits that lead to their message. Results
// that are a line or two become notes instead. Pure.
import type { CommandResult } from '../../chat-command.ts'
import { cleanLines, cleanText } from '../../clean-text.ts'
import { MAX_LISTED_MESSAGE_LINES } from '../../constants.ts'
import type { MessageFold } from '../../message-fold.ts'
import { resultLines } from '../../plain/result-lines.ts'
import { directoryLines } from '../../directory-wording.ts'
import { excerpt, helpLines, historyLine, identityLines, requestLine } from '../../wording.ts'
import { conversationLine, markedEntryLines } from '../../wording.ts'
import { contactText, namelessMark, namesakeMark, safetyLines } from '../../trust-wording.ts'
import { MAX_HIT_LINES, MAX_POPUP_LINE_CHARACTERS } from '../constants.ts'
import { quietText } from '../preferences.ts'
import { layoutOf } from '../view/layout.ts'
import { popupPane } from '../view/popup-pane.ts'
import { popupOf, type Intent, type Popup, type PopupLine } from './popup.ts'
import { screenCommands } from './screen-commands.ts'
import type { State } from './state.ts'

export type Shown =
  | { readonly is: 'popup'; readonly popup: Popup }
  | { readonly is: 'lines'; readonly lines: readonly string[] }

export function shownResult(result: CommandResult, state: State): Shown {
  const numberOf = (peer: string): number => state.numbers.get(peer) ?? 0
  const open = (peer: string): Intent => ({ is: 'line', line: `/chat ${peer}` })
  const popup = (title: string, lines: readonly PopupLine[], hint?: string): Shown => ({
    is: 'popup',
    popup: popupOf(title, lines, hint)
  })
  switch (result.is) {
    case 'help':
      return popup('Keys and commands', helpPopupLines(result))
    case 'roster':
      if (result.rows.length === 0) return { is: 'lines', lines: ['Nobody else is online.'] }
      return popup(
        `Online (${result.rows.length})`,
        result.rows.map((row) => ({
          text: rosterText(row, numberOf(row.peer), result.unread.get(row.peer) ?? 0),
          enter: open(row.peer)
        })),
        'Enter opens the conversation'
      )
    case 'requests':
      if (result.requests.length === 0) return { is: 'lines', lines: ['No stranger waits for an answer.'] }
      return popup(
        'Requests of strangers',
        result.requests.map((request) => ({
          text: requestLine(request, numberOf(request.peer)).replace(/ — \/accept.*$/su, ''),
          keys: answerKeys(request.peer)
        })),
        'a accepts, i ignores, b blocks'
      )
    case 'contacts':
      if (result.contacts.length === 0) return plainLines(result, state)
      return popup(
        'Contacts',
        result.contacts.map((contact) => ({ text: contactText(contact), enter: open(contact.peer) })),
        'Enter opens the conversation'
      )
    case 'blocked peers':
      if (result.blocked.length === 0) return plainLines(result, state)
      return popup(
        'Blocked',
        result.blocked.map(({ peer, name }) => ({
          text: `${name}  ${peer}`,
          keys: { u: { is: 'line', line: `/unblock ${peer}` } }
        })),
        'u takes it back'
      )
    case 'directories':
      if (result.directories.length === 0) return plainLines(result, state)
      return popup(
        'Directories',
        directoryLines(result.directories, state.nowMs).map((text) => ({ text }))
      )
    case 'conversations':
      if (result.conversations.length === 0) return plainLines(result, state)
      return popup(
        'Conversations',
        result.conversations.map((one) => ({ text: conversationLine(one, numberOf(one.peer)), enter: open(one.peer) })),
        'Enter opens it'
      )
    case 'found':
      if (result.hits.length === 0) return plainLines(result, state)
      return popup(
        `Messages with ${JSON.stringify(cleanText(result.words))}`,
        result.hits.flatMap((hit) => {
          const enter: Intent = { is: 'jump', peer: hit.message.peer, position: hit.position, words: result.words }
          const [first = '', ...more] = markedEntryLines(hit, hit.name, { rows: MAX_HIT_LINES })
          return [{ text: first, enter }, ...textLines(more.map((text) => `  ${text}`))]
        }),
        'Enter goes to the message'
      )
    case 'history':
      return popup(
        `Messages with ${result.name}`,
        textLines(result.entries.flatMap(({ message }) => historyLine(message, result.name, listFold)))
      )
    case 'message text':
      return popup(`A message of the conversation with ${result.name}`, messagePopupLines(result.message.text))
    case 'messages':
      return popup(
        'Messages',
        textLines(result.entries.flatMap((entry) => markedEntryLines(entry, entry.name, listFold)))
      )
    case 'safety number':
      return popup(`Safety number with ${result.name}`, safetyPopupLines(result), safetyHint(result))
    case 'identity':
      return popup('You', [...textLines(identityLines(result)), ...codeLines(state)])
    case 'sent':
      return { is: 'lines', lines: [`To ${result.name}: ${excerpt(result.message.text)}`] }
    default:
      return plainLines(result, state)
  }
}

/** What is set on this screen, and in the program. */
export function settingsPopup(state: State): Popup {
  const { preferences } = state
  const levels = Object.entries(preferences.levels).map(([peer, level]): PopupLine => ({
    text: `  ${state.people.find((one) => one.peer === peer)?.name ?? peer}: ${level}`
  }))
  return popupOf('Settings', [
    { text: 'This screen (kept in screen.json of the profile):', style: 'strong' },
    { text: `/theme   ${preferences.theme ?? 'palette'}` },
    { text: `/mouse   ${preferences.mouse ? 'on' : 'off'}` },
    { text: `/notify  ${preferences.notify}${levels.length === 0 ? '' : ', but:'}` },
    ...levels,
    { text: `/alert   ${preferences.ways.length === 0 ? 'off' : preferences.ways.join(',')}` },
    { text: `/quiet   ${preferences.quiet === undefined ? 'off' : quietText(preferences.quiet)}` },
    { text: '' },
    { text: 'The program (parley config; changed by options, environment, file):', style: 'strong' },
    ...textLines(state.settingLines)
  ])
}

/** The address for others to scan, where it can be seen as a whole: half of it is of no use. */
function codeLines(state: State): PopupLine[] {
  const { qr } = state
  if (qr.length === 0) return []
  const { paneColumns, paneRows } = layoutOf(state)
  const columns = Math.max(...qr.map((row) => row.length))
  if (columns > paneColumns || qr.length > popupPane(paneColumns, paneRows).rows) {
    const needed = { columns: state.columns - paneColumns + columns, rows: state.rows - paneRows + qr.length + 2 }
    return textLines(['', `Not shown here: the QR code. It needs a window of ${needed.columns}×${needed.rows}.`])
  }
  return [{ text: '' }, ...qr.map((text): PopupLine => ({ text, style: 'code' }))]
}

function answerKeys(peer: string): Readonly<Record<string, Intent>> {
  const answer = (word: string): Intent => ({ is: 'line', line: `/${word} ${peer}` })
  return { a: answer('accept'), i: answer('ignore'), b: answer('block') }
}

/** The digits as lines in which one chooses nothing, and the answer to the comparison. */
function safetyPopupLines(result: Extract<CommandResult, { is: 'safety number' }>): PopupLine[] {
  const hints = { confirm: 'c', undo: 'u', there: '/verify or parley verify' }
  const [first = '', ...rest] = safetyLines(result, hints)
  const keys: Readonly<Record<string, Intent>> =
    result.verifiedSinceMs === undefined
      ? { c: { is: 'line', line: `/confirm ${result.peer}` } }
      : { u: { is: 'line', line: `/unverify ${result.peer}` } }
  return [{ text: first, keys }, ...textLines(rest)]
}

function safetyHint({ verifiedSinceMs }: Extract<CommandResult, { is: 'safety number' }>): string {
  return verifiedSinceMs === undefined ? 'c: they are the same' : 'u takes the mark back'
}

function rosterText(row: State['roster'][number], number: number, unread: number): string {
  const place = row.host === undefined ? '' : `  ${row.host} ${row.port ?? ''}`
  const time = row.rttMs === undefined ? '' : ` ${row.rttMs} ms`
  const path = row.path === 'lan' ? `  LAN${time}` : row.path === 'direct' ? `  direct${time}` : '  directory'
  const news = unread === 0 ? '' : `  [${unread} unread]`
  const status = row.status === '' ? '' : `  ${row.status}`
  const warning = row.isNameless === true ? namelessMark : namesakeMark(row.sameNameAs)
  const why = row.why === undefined ? '' : `  (no way: ${row.why})`
  const marks = `${row.verified ? '  [verified]' : ''}${row.blocked ? '  [blocked]' : ''}${why}`
  return `${String(number).padStart(2)}  ${row.nickname} (${row.shortId})${place}${path}${news}${marks}${status}${warning}`
}

function plainLines(result: CommandResult, state: State): Shown {
  const lines = resultLines(result, {
    nowMs: state.nowMs,
    numberOf: (peer) => state.numbers.get(peer) ?? 0,
    rosterLines: () => [],
    fold: listFold
  })
  return { is: 'lines', lines }
}

/** A list is scrolled, and still one message must not be all of it. */
const listFold: MessageFold = { rows: MAX_LISTED_MESSAGE_LINES }

/** In pieces: a line is drawn as a whole, and one of 64 KiB would be at each key. */
function messagePopupLines(text: string): PopupLine[] {
  return textLines(cleanLines(text).flatMap((line) => (line === '' ? [''] : (line.match(popupPiece) ?? []))))
}

const popupPiece = new RegExp(`.{1,${MAX_POPUP_LINE_CHARACTERS}}`, 'gsu')

function textLines(lines: readonly string[]): PopupLine[] {
  return lines.map((text) => ({ text }))
}

const keyLines: readonly string[] = [
  'Alt-1 … Alt-9     the conversation with that number',
  'Alt-A             the next unread one',
  'Alt-Up, Alt-Down  the conversation above or below; Alt-0 leaves it, as EXIT',
  'PageUp, PageDown  scroll; End goes to the newest',
  'Ctrl-S            look for words in the conversation',
  'Up, Down, Ctrl-R  what was typed here before; look for it',
  'Tab               complete a command or a name',
  'Alt-Enter         a new line',
  'Ctrl-A E B F W U K Y T _, Alt-B F D  edit as in a shell',
  'Ctrl-C twice      leave at once; Ctrl-Z suspends, Ctrl-L draws all anew'
]

function helpPopupLines(result: Extract<CommandResult, { is: 'help' }>): PopupLine[] {
  return [
    ...keyLines.map((text): PopupLine => ({ text })),
    { text: '' },
    ...textLines(helpLines(result.commands)),
    { text: '' },
    { text: 'This screen:', style: 'strong' },
    ...screenCommands.map(({ usage, help }): PopupLine => ({ text: `  ${usage.padEnd(34)} ${help}` }))
  ]
}
