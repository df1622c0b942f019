// What a chat command's result looks like as lines. Pure; where the face goes
// next (a conversation opened or left, the end) is not its business.
import type { CommandResult, UnreadCounts } from '../chat-command.ts'
import { MAX_LIST_LINES } from '../constants.ts'
import type { MessageFold } from '../message-fold.ts'
import { directoryLines } from '../directory-wording.ts'
import { pathLine } from '../path-wording.ts'
import { contactText, safetyLines } from '../trust-wording.ts'
import { shortId } from '../../node/settings.ts'
import { conversationLine, helpLines, historyLine } from '../wording.ts'
import { identityLines, markedEntryLines, messageLines, requestLine } from '../wording.ts'

export interface ResultContext {
  readonly nowMs: number
  numberOf(peer: string): number
  rosterLines(unread: UnreadCounts): string[]
  /** The room for one message among others. */
  readonly fold: MessageFold
}

export function resultLines(result: CommandResult, context: ResultContext): string[] {
  switch (result.is) {
    case 'help':
      return helpLines(result.commands)
    case 'roster':
      return context.rosterLines(result.unread)
    case 'opened':
    case 'left':
    case 'quit':
    case 'sent':
      return []
    case 'path':
      return [pathLine(result.name, result.path, context.nowMs)]
    case 'safety number':
      return safetyLines(result, { confirm: '/confirm', undo: '/unverify', there: '/verify or parley verify' })
    case 'accepted':
      return [
        `${result.name} is accepted. /chat ${context.numberOf(result.peer)} opens the conversation.`,
        ...result.messages.flatMap((message) => messageLines(result.name, message.text, context.fold))
      ]
    case 'ignored':
      return [`${result.name} is ignored, and is not told so.`]
    case 'blocked':
      return [`${result.name} is blocked. /unblock ${shortId(result.peer)} takes that back.`]
    case 'unblocked':
      return [`${result.name} is no longer blocked.`]
    case 'requests':
      return orNone(
        result.requests.map((request) => requestLine(request, context.numberOf(request.peer))),
        'No stranger waits for an answer.'
      )
    case 'requests cleared':
      return [
        result.strangers === 0
          ? 'No stranger waits for an answer.'
          : `${messageCount(result.messages)} of ${countOf(result.strangers, 'stranger')} ${result.messages === 1 ? 'is' : 'are'} deleted.`
      ]
    case 'contacts':
      return orNone(
        result.contacts.map((one) => `${String(context.numberOf(one.peer)).padStart(3)}  ${contactText(one)}`),
        'You have no contacts yet: choosing a peer or accepting a request makes one.'
      )
    case 'blocked peers':
      return orNone(
        result.blocked.map(({ peer, name }) => `${name}  ${peer}`),
        'Nobody is blocked.'
      )
    case 'directories':
      return orNone(directoryLines(result.directories, context.nowMs), 'No directory is known.')
    case 'renamed':
      return [`You are ${result.nickname} now.`]
    case 'status set':
      return [result.status === '' ? 'You have no status now.' : `Your status: ${result.status}`]
    case 'identity':
      return identityLines(result)
    case 'history':
      return orNone(
        result.entries.flatMap(({ message }) => historyLine(message, result.name, context.fold)),
        `No ${result.isContinued ? 'earlier ' : ''}messages with ${result.name}.`
      )
    case 'message text':
      return historyLine(result.message, result.name)
    case 'messages':
      return result.entries.flatMap((entry) => markedEntryLines(entry, entry.name, context.fold))
    case 'found':
      return orNone(
        result.hits.flatMap((hit, index) => numbered(index + 1, markedEntryLines(hit, hit.name, context.fold))),
        `No message has ${JSON.stringify(result.words)}.`
      )
    case 'conversations':
      return orNone(
        shortened(result.conversations.map((one) => conversationLine(one, context.numberOf(one.peer)))),
        'There are no messages yet.'
      )
    case 'retried':
      if (result.count === 0) return [`No message to ${result.name} has failed.`]
      return [`${messageCount(result.count)} to ${result.name} ${result.count === 1 ? 'is' : 'are'} sent again.`]
    case 'cancelled':
      if (result.count === 0) return [`Nothing waits for ${result.name}.`]
      return [`${messageCount(result.count)} to ${result.name} will not be sent. /retry takes that back.`]
    case 'forgotten':
      return [`${messageCount(result.count)} with ${result.name} ${result.count === 1 ? 'is' : 'are'} deleted here.`]
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
