// What a chat command's result, its question or its failure looks like as lines, for
// every face that prints lines. Pure; it does not know where the face goes next.
import { shortId } from '../../node/settings.ts'
import { RESOLVE_TIMEOUT_MS } from '../chat-api/find-peer.ts'
import { cleanText } from '../process/clean-text.ts'
import { pathLine } from '../wording/conversation-news.ts'
import { directoryLines } from '../wording/directory-wording.ts'
import { doctorLines } from '../wording/doctor-wording.ts'
import { identityLines } from '../wording/identity-wording.ts'
import { invitationLine, invitationLines } from '../wording/invitation-wording.ts'
import {
  fetchingText,
  remoteFolderLines,
  searchesLine,
  searchLines,
  shareLine,
  shareResultText
} from '../wording/share-wording.ts'
import { transferLine, transferResultText } from '../wording/transfer-wording.ts'
import {
  conversationLine,
  historyLine,
  markedEntryLines,
  messageLines,
  requestLine
} from '../wording/message-wording.ts'
import { programLines, type UnreadCounts } from '../wording/roster-wording.ts'
import type { MessageFold } from '../wording/terminal-lines.ts'
import { asOfText } from '../wording/time-span.ts'
import { contactText, safetyLines, warningLines } from '../wording/trust-wording.ts'
import { type ChatCommand, type CommandResult, MAX_LIST_LINES } from './chat-command.ts'
import { usageOf } from './command-arguments.ts'
import { whoText } from './named-peer.ts'

interface ResultContext {
  readonly nowMs: number
  numberOf(peer: string): number
  /** As a line names the peer. */
  labelOf(peer: string): string
  rosterLines(unread: UnreadCounts): string[]
  /** The room for one message among others. */
  readonly fold: MessageFold
}

export function resultLines(result: CommandResult, context: ResultContext): string[] {
  switch (result.is) {
    case 'help':
      return helpLines(result.commands)
    case 'roster':
      return [...context.rosterLines(result.unread), ...programLines(result.programs)]
    case 'opened':
    case 'left':
    case 'quit':
    case 'detached':
      return []
    case 'sent':
      // A text was typed where it is shown; of files only the paths were.
      if (result.message.files === undefined) return []
      return [`Offered to ${context.labelOf(result.peer)}. ${cleanText(result.message.text)}`]
    case 'path':
      return [pathLine(context.labelOf(result.peer), result.path, context.nowMs)]
    case 'examined':
      return doctorLines(result.report)
    case 'safety number':
      return safetyLines(result, {
        confirm: 'type /confirm',
        undo: 'type /unverify',
        there: '/verify or parley verify'
      })
    case 'request':
      return [
        ...requestLines(result, context.fold),
        ...warningLines(result, result.shortId),
        answerText(result, context.numberOf(result.peer))
      ]
    case 'namesake':
      return [`WARNING: ${namesakeText(result)} ${answerText(result, context.numberOf(result.peer))}`]
    case 'question':
      return [result.text]
    case 'accepted':
      return [
        `${whoText(result)} is accepted. /chat ${context.numberOf(result.peer)} opens the conversation.`,
        ...(result.wasRead ? [] : result.messages.flatMap(({ text }) => messageLines(result.name, text, context.fold)))
      ]
    case 'ignored':
      return [`${whoText(result)} is ignored silently.`]
    case 'blocked':
      return [`${whoText(result)} is blocked. /unblock ${shortId(result.peer)} undoes that.`]
    case 'unblocked':
      return [`${whoText(result)} is no longer blocked.`]
    case 'requests':
      return orNone(
        result.requests.map((request) => requestLine(request, context.numberOf(request.peer))),
        'No requests are waiting.'
      )
    case 'requests cleared':
      return [
        result.strangers === 0
          ? 'No requests are waiting.'
          : `${messageCount(result.messages)} of ${countOf(result.strangers, 'stranger')} ${result.messages === 1 ? 'is' : 'are'} deleted.`
      ]
    case 'contacts':
      return orNone(
        result.contacts.map((one) => `${String(context.numberOf(one.peer)).padStart(3)}  ${contactText(one)}`),
        'You have no contacts yet. Open a conversation or accept a request to add one.'
      )
    case 'blocked peers':
      return orNone(
        result.blocked.map(({ peer, name }) => `${name}  ${peer}`),
        'Nobody is blocked.'
      )
    case 'directories':
      return [
        ...(result.lostAtMs === undefined ? [] : [asOfText(result.lostAtMs, context.nowMs)]),
        ...orNone(directoryLines(result.directories, context.nowMs), 'No directory is known.')
      ]
    case 'renamed':
      return [`You are now ${result.nickname}.`]
    case 'contact renamed':
      return [`${whoText({ ...result, name: result.was })} is ${result.name} from now on.`]
    case 'contact removed':
      return [`${whoText(result)} is no longer a contact. Your messages stay: /forget deletes them.`]
    case 'status':
      if (result.status !== '') return [`Your status: ${result.status}`]
      return [result.isNew ? 'Your status is cleared.' : 'You have no status. /status TEXT sets one.']
    case 'typing notices':
      return [`Others ${result.on ? 'see' : 'do not see'} when you are typing.`]
    case 'identity':
      return identityLines(result)
    case 'invitation':
      return invitationLines(result.invitation, `/invite end ${result.invitation.number} ends it`)
    case 'invitations':
      return result.invitations.length === 0
        ? ['No invitation is open: /invite makes one.']
        : result.invitations.map(invitationLine)
    case 'transfer':
      return [transferResultText(result.transfer)]
    case 'transfers':
      return orNone(result.transfers.map(transferLine), 'No files were offered. /send PATH offers one.')
    case 'shares':
      return orNone(
        result.shares.map((share) => shareLine(share, context.labelOf)),
        'You share nothing. /share add FOLDER shares one with your contacts.'
      )
    case 'share':
      return [shareResultText(result.what, result.share, context.labelOf)]
    case 'remote folder':
      return [...remoteFolderLines(result.folder)]
    case 'fetching':
      return [fetchingText(result.transfers)]
    case 'files found':
      return [...searchLines(result.report)]
    case 'searches':
      return [searchesLine(result.searches)]
    case 'history':
      return orNone(
        result.entries.flatMap(({ message }) => historyLine(message, context.labelOf(result.peer), context.fold)),
        `No ${result.isContinued ? 'earlier ' : ''}messages with ${context.labelOf(result.peer)}.`
      )
    case 'message text':
      return historyLine(result.message, context.labelOf(result.peer))
    case 'messages':
      return result.entries.flatMap((entry) =>
        markedEntryLines(entry, context.labelOf(entry.message.peer), context.fold)
      )
    case 'found':
      return orNone(
        result.hits.flatMap((hit, index) =>
          numbered(index + 1, markedEntryLines(hit, context.labelOf(hit.message.peer), context.fold))
        ),
        `No message contains ${JSON.stringify(result.words)}.`
      )
    case 'conversations':
      return orNone(
        shortened(
          result.conversations.map((one) =>
            conversationLine({ ...one, name: context.labelOf(one.peer) }, context.numberOf(one.peer))
          )
        ),
        'There are no messages yet.'
      )
    case 'retried':
      if (result.count === 0) return [`No message to ${context.labelOf(result.peer)} has failed.`]
      return [
        `${messageCount(result.count)} to ${context.labelOf(result.peer)} ${result.count === 1 ? 'is' : 'are'} sent again.`
      ]
    case 'cancelled':
      if (result.count === 0) return [`No messages are waiting for ${context.labelOf(result.peer)}.`]
      return [`${messageCount(result.count)} to ${whoText(result)} will not be sent. /retry undoes that.`]
    case 'forgotten':
      return [
        `${messageCount(result.count)} with ${whoText(result)} ${result.count === 1 ? 'is' : 'are'} deleted here.`
      ]
  }
}

function orNone(lines: string[], none: string): string[] {
  return lines.length === 0 ? [none] : lines
}

function countOf(count: number, what: string): string {
  return count === 1 ? `one ${what}` : `${count} ${what}s`
}

function messageCount(count: number): string {
  if (count === 0) return 'No messages'
  return count === 1 ? 'One message' : `${count} messages`
}

/** The further lines of a message stand under its first one. */
function numbered(number: number, [first = '', ...rest]: readonly string[]): string[] {
  return [`${String(number).padStart(3)}  ${first}`, ...rest.map((line) => `     ${line}`)]
}

function shortened(lines: string[]): string[] {
  const more = lines.length - MAX_LIST_LINES
  return more <= 0 ? lines : [...lines.slice(0, MAX_LIST_LINES), `… and ${more} more.`]
}

/** What went wrong, for the person at the prompt. */
export function failureText(error: unknown): string {
  if (!(error instanceof Error)) return `That failed: ${String(error)}`
  if (error.name === 'AbortError') return 'Stopped.'
  if (error.name === 'TimeoutError') return `No answer within ${RESOLVE_TIMEOUT_MS / 1000} s.`
  return error.message
}

export function helpLines(commands: readonly ChatCommand[]): string[] {
  const rows = commands.map((command) => {
    const aliases =
      command.aliases.length === 0 ? '' : ` (also ${command.aliases.map((name) => `/${name}`).join(', ')})`
    return `  ${usageOf(command).padEnd(22)} ${command.help}${aliases}`
  })
  // One that was asked for by its name.
  if (rows.length === 1) return rows.map((row) => row.trim())
  return [
    'EXIT leaves a conversation; QUIT at the prompt for a peer ends the program. In a conversation QUIT is text.',
    'PEER is a number of the list, a name, a peer ID or its beginning, HOST:PORT, HOST PORT or a multiaddr.',
    'A line that ends with \\ continues on the next one; // at the beginning sends a text that begins with /.',
    ...rows
  ]
}

/** A question that the same line, typed again, answers with yes. */
export function repeatQuestion(question: string, line: string): string {
  return `${question} Type /${line.trim()} again to do it.`
}

/** Why it is asked before something is done with a peer that goes by a contact's name, with both IDs. */
export function namesakeText({ name, shortId: id, sameNameAs: owner }: Shown<'namesake'>): string {
  const whose = `your ${owner.verified ? 'verified ' : ''}contact ${owner.name} (${owner.shortId})`
  return `${name} (${id}) is not ${whose}: it has another key.`
}

/** What to type once a request has been read, or to go on with a peer that goes by a contact's name. */
function answerText(shown: Shown<'request' | 'namesake'>, number: number): string {
  const { verb, shortId: id, sameNameAs } = shown
  const isImitation = sameNameAs !== undefined && !sameNameAs.own
  const who = isImitation ? id : number
  const refusals = shown.is === 'request' ? ` /ignore ${number} or /block ${number} refuses it.` : ''
  const allTheSame = isImitation ? ' anyway' : ''
  switch (verb) {
    case 'open':
      return `/chat ${who} ${shown.is === 'request' ? 'accepts it and ' : ''}opens the conversation${allTheSame}.${refusals}`
    case 'accept':
      return `/accept ${who} accepts it${allTheSame}.${refusals}`
    case 'send':
      return `Nothing was sent: /msg ${who} TEXT ${shown.is === 'request' ? 'accepts it and ' : ''}sends${allTheSame}.${refusals}`
  }
}

/** All that a stranger has written. */
export function requestLines(request: Shown<'request'>, fold?: MessageFold): string[] {
  const { name, shortId: id, messages } = request
  const count = messages.length === 1 ? 'one message' : `${messages.length} messages`
  return [
    `Request from ${cleanText(name)} (${id}), ${count}:`,
    ...messages.flatMap((message) => messageLines(name, message.text, fold))
  ]
}

type Shown<Kind extends CommandResult['is']> = Extract<CommandResult, { is: Kind }>
