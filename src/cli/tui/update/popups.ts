// A command's result as a list to choose from: who is
// there, requests with their answers, hits that lead to their message. Results
// of a line or two become notes instead. Pure.
import type { InvitationView, ProgramSighting } from '../../chat-api/chat-api.ts'
import type { CommandResult } from '../../chat-commands/chat-command.ts'
import { helpLines, namesakeText, requestLines, resultLines } from '../../chat-commands/result-lines.ts'
import { cleanLines, cleanText } from '../../process/clean-text.ts'
import { directoryLines } from '../../wording/directory-wording.ts'
import { doctorListLines, doctorSum } from '../../wording/doctor-wording.ts'
import { identityLines } from '../../wording/identity-wording.ts'
import { invitationLines, type InvitationNews, invitationNewsText } from '../../wording/invitation-wording.ts'
import { conversationLine, excerpt, historyLine, markedEntryLines, requestLine } from '../../wording/message-wording.ts'
import { otherProgramMark, pathWord, programLine } from '../../wording/roster-wording.ts'
import type { MessageFold } from '../../wording/terminal-lines.ts'
import {
  claimText,
  contactText,
  namelessMark,
  nameMark,
  safetyLines,
  warningLines
} from '../../wording/trust-wording.ts'
import { layoutOf } from '../layout/layout.ts'
import { hasRoomForCode, ownPane } from '../layout/popup-pane.ts'
import { type Intent, type Popup, type PopupLine, popupOf } from '../model/popup.ts'
import { quietText } from '../model/preferences.ts'
import { sharingPopup } from './share-popups.ts'
import { screenCommands } from '../model/screen-commands.ts'
import { labelOf, type State } from '../model/state.ts'

/** Characters on one line of a list: a longer one is broken, so that a frame lays out no more than it shows. */
export const MAX_POPUP_LINE_CHARACTERS = 1000

/** Rows of a message in a list of hits: enough to know it by. */
const MAX_HIT_LINES = 4

/** Lines of one message in a list of messages, which is scrolled. */
const MAX_LISTED_MESSAGE_LINES = 100

type Shown =
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
      if (result.commands.length === 1) return { is: 'lines', lines: helpLines(result.commands) }
      return popup('Keys and commands', helpPopupLines(result))
    case 'roster':
      if (result.rows.length + result.programs.length === 0) return { is: 'lines', lines: ['Nobody else is online.'] }
      return popup(
        `Online (${result.rows.length})`,
        [
          ...result.rows.map((row) => ({
            text: rosterText(row, numberOf(row.peer), result.unread.get(row.peer) ?? 0),
            enter: open(row.peer)
          })),
          ...programPopupLines(result.programs, open)
        ],
        'Enter opens the conversation'
      )
    case 'requests':
      if (result.requests.length === 0) return { is: 'lines', lines: ['No requests are waiting.'] }
      return popup(
        'Requests of strangers',
        result.requests.map((request) => ({
          text: requestLine(request, numberOf(request.peer)).replace(/ — \/read.*$/su, ''),
          enter: { is: 'line', line: `/read ${request.peer}` },
          keys: refusalKeys(request.peer)
        })),
        'Enter reads it, i ignores, b blocks'
      )
    case 'request':
      return { is: 'popup', popup: requestPopup(result) }
    case 'namesake':
      return popup(`Which ${result.name} do you mean?`, namesakePopupLines(result), namesakeHint(result))
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
        'u unblocks'
      )
    case 'directories':
      if (result.directories.length === 0) return plainLines(result, state)
      return popup(
        result.lostAtMs === undefined ? 'Directories' : 'Directories, before the connection to Parley was lost',
        directoryLines(result.directories, state.nowMs).map((text) => ({ text }))
      )
    case 'conversations':
      if (result.conversations.length === 0) return plainLines(result, state)
      return popup(
        'Conversations',
        result.conversations.map((one) => ({
          text: conversationLine({ ...one, name: labelOf(state, one.peer) }, numberOf(one.peer)),
          enter: open(one.peer)
        })),
        'Enter opens it'
      )
    case 'found':
      if (result.hits.length === 0) return plainLines(result, state)
      return popup(
        `Messages with ${JSON.stringify(cleanText(result.words))}`,
        result.hits.flatMap((hit) => {
          const enter: Intent = { is: 'jump', peer: hit.message.peer, position: hit.position, words: result.words }
          const [first = '', ...more] = markedEntryLines(hit, labelOf(state, hit.message.peer), { rows: MAX_HIT_LINES })
          return [{ text: first, enter }, ...textLines(more.map((text) => `  ${text}`))]
        }),
        'Enter goes to the message'
      )
    case 'shares':
    case 'remote folder':
    case 'files found': {
      const list = sharingPopup(result, state)
      return list === undefined ? plainLines(result, state) : { is: 'popup', popup: list }
    }
    case 'history':
      return popup(
        `Messages with ${labelOf(state, result.peer)}`,
        textLines(result.entries.flatMap(({ message }) => historyLine(message, labelOf(state, result.peer), listFold)))
      )
    case 'message text':
      return popup(
        `A message of the conversation with ${labelOf(state, result.peer)}`,
        messagePopupLines(result.message.text)
      )
    case 'messages':
      return popup(
        'Messages',
        textLines(
          result.entries.flatMap((entry) => markedEntryLines(entry, labelOf(state, entry.message.peer), listFold))
        )
      )
    case 'safety number':
      return popup(`Safety number with ${result.name}`, safetyPopupLines(result), safetyHint(result))
    case 'identity':
      return popup('You', identityPopupLines(textLines(identityLines(result, 'below')), state))
    case 'invitation':
      return {
        is: 'popup',
        popup: {
          ...popupOf('Invitation', invitationPopupLines(result, state)),
          invitation: result.invitation.number
        }
      }
    case 'examined':
      return popup(`Doctor: ${doctorSum(result.report)}`, textLines(doctorListLines(result.report)))
    case 'sent':
      if (result.message.files !== undefined) return plainLines(result, state)
      return { is: 'lines', lines: [`To ${labelOf(state, result.peer)}: ${excerpt(result.message.text)}`] }
    default:
      return plainLines(result, state)
  }
}

/** The settings of this screen, and of the program. */
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

/**
 * With the address for others to scan, where it can be seen as a whole: half of it is of no use. Where there is no room
 * for all it stands first, and the words are scrolled to.
 */
function identityPopupLines(words: readonly PopupLine[], state: State): PopupLine[] {
  const { qr } = state
  if (qr.length === 0) return [...words]
  const { paneColumns, paneRows } = layoutOf(state)
  const code = qr.map((text): PopupLine => ({ text, style: 'code' }))
  if (!hasRoomForCode(state, paneColumns, paneRows)) {
    const columns = state.columns - paneColumns + Math.max(...qr.map((row) => row.length))
    const rows = state.rows - ownPane(paneColumns, paneRows).rows + qr.length
    return [...words, ...textLines(['', `The QR code needs a window of ${columns}×${rows}.`])]
  }
  const pane = ownPane(paneColumns, paneRows)
  const wordRows = words.reduce((sum, line) => sum + pane.rowsOf(line), 0)
  const gap: PopupLine = { text: '' }
  return wordRows + 1 + code.length <= pane.rows ? [...words, gap, ...code] : [...code, gap, ...words]
}

/** The code to read out stands first; the one to scan below it. */
function invitationPopupLines(
  { invitation, qr }: Extract<CommandResult, { is: 'invitation' }>,
  { isUtf8 }: State
): PopupLine[] {
  const code = isUtf8 ? qr.map((text): PopupLine => ({ text, style: 'code' })) : []
  return [...invitationWords(invitation), ...code]
}

function invitationWords(invitation: InvitationView): PopupLine[] {
  return textLines(invitationLines(invitation, `/invite end ${invitation.number} ends it`))
}

/** The list of the invitation that the news are of, with them at its head; a code that has ended is shown no longer. */
export function withInvitationNews(popup: Popup, news: InvitationNews): Popup {
  const { invitation, what } = news
  if (popup.invitation !== invitation.number) return popup
  const told: PopupLine = { text: invitationNewsText(news), style: what === 'came' ? 'strong' : 'warning' }
  if (invitation.end !== undefined) return { ...popup, lines: [told], top: 0 }
  const code = popup.lines.filter(({ style }) => style === 'code')
  return { ...popup, lines: [told, { text: '' }, ...invitationWords(invitation), ...code], top: 0 }
}

function refusalKeys(peer: string): Readonly<Record<string, Intent>> {
  return { i: { is: 'line', line: `/ignore ${peer}` }, b: { is: 'line', line: `/block ${peer}` } }
}

/** All that a stranger has written, and its answers. One that goes by a contact's name is accepted with another key. */
function requestPopup(request: Extract<CommandResult, { is: 'request' }>): Popup {
  const { peer, shortId, sameNameAs } = request
  const isImitation = sameNameAs !== undefined && !sameNameAs.own
  const answer = isImitation ? 'y' : 'a'
  const keys = { ...refusalKeys(peer), [answer]: { is: 'open', peer } } as const
  const [head = '', ...messages] = requestLines(request, listFold)
  const warnings = warningLines(request, shortId).map((text): PopupLine => ({ text, style: 'warning' }))
  const lines = [{ text: head }, ...warnings, ...textLines(messages)]
  // All of it is seen beside the list at 80 columns.
  const hint = isImitation ? 'y: accept anyway, i: ignore, b: block' : 'a accepts, i ignores, b blocks'
  // Each line has the keys, so that a long request is read by going down in it.
  return popupOf(
    'A stranger asks',
    lines.map((line) => ({ ...line, keys })),
    hint
  )
}

function namesakePopupLines(result: Extract<CommandResult, { is: 'namesake' }>): PopupLine[] {
  const { peer, verb, shortId } = result
  const first = { text: namesakeText(result), style: 'warning' } as const
  if (verb === 'open') return [{ ...first, keys: { y: { is: 'open', peer } } }]
  if (verb === 'accept') return [{ ...first, keys: { y: { is: 'line', line: `/accept ${peer}` } } }]
  return [first, { text: `Nothing was sent: /msg ${shortId} TEXT sends it anyway.` }]
}

function namesakeHint({ verb }: Extract<CommandResult, { is: 'namesake' }>): string {
  if (verb === 'send') return ''
  return verb === 'open' ? 'y opens the conversation anyway' : 'y accepts it anyway'
}

/** The digits as lines in which one chooses nothing, and the answer to the comparison. */
function safetyPopupLines(result: Extract<CommandResult, { is: 'safety number' }>): PopupLine[] {
  const hints = { confirm: 'press c', undo: 'press u', there: '/verify or parley verify' }
  const [first = '', ...rest] = safetyLines(result, hints)
  const keys: Readonly<Record<string, Intent>> =
    result.verifiedSinceMs === undefined
      ? { c: { is: 'line', line: `/confirm ${result.peer}` } }
      : { u: { is: 'line', line: `/unverify ${result.peer}` } }
  return [{ text: first, keys }, ...textLines(rest)]
}

function safetyHint({ verifiedSinceMs }: Extract<CommandResult, { is: 'safety number' }>): string {
  return verifiedSinceMs === undefined ? 'c: they match' : 'u removes the mark'
}

/** Programs that may not chat stand below the people. */
function programPopupLines(programs: readonly ProgramSighting[], open: (peer: string) => Intent): PopupLine[] {
  if (programs.length === 0) return []
  return [
    { text: `Other libp2p programs on the local network (${programs.length}), which may be no chats:` },
    ...programs.map((program) => ({ text: programLine(program), enter: open(program.peer) }))
  ]
}

function rosterText(row: State['roster'][number], number: number, unread: number): string {
  const place = row.host === undefined ? '' : `  ${row.host} ${row.port ?? ''}`
  const time = row.rttMs === undefined ? '' : ` ${row.rttMs} ms`
  const path = row.path === 'none' ? '  directory' : `  ${pathWord(row.path)}${time}`
  const news = unread === 0 ? '' : `  [${unread} unread]`
  const status = row.status === '' ? '' : `  ${row.status}`
  const warning = row.isNameless === true ? namelessMark : nameMark(row, row.contact)
  const claim = row.isNameless === true || row.name === row.nickname ? '' : `  (${claimText(row.nickname)})`
  const why = row.why === undefined ? '' : `  (unreachable: ${row.why})`
  const marks = `${row.verified ? '  [verified]' : ''}${row.blocked ? '  [blocked]' : ''}${otherProgramMark(row)}${why}`
  return `${String(number).padStart(2)}  ${row.name} (${row.shortId})${place}${path}${news}${marks}${claim}${status}${warning}`
}

function plainLines(result: CommandResult, state: State): Shown {
  const lines = resultLines(result, {
    nowMs: state.nowMs,
    numberOf: (peer) => state.numbers.get(peer) ?? 0,
    labelOf: (peer) => labelOf(state, peer),
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
  'Up, Down, Ctrl-R  earlier input; Ctrl-R searches it',
  'Tab               complete a command or a name',
  'Alt-Enter         a new line',
  'Ctrl-A E B F W U K Y T _, Alt-B F D  edit as in a shell',
  'Ctrl-C twice      leave at once; Ctrl-Z suspends, Ctrl-L redraws'
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
