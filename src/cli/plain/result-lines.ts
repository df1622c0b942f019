// What a chat command's result looks like as lines. Pure; where the face goes
// next (a conversation opened or left, the end) is not its business.
import type { CommandResult } from '../chat-command.ts'
import { historyLine, helpLines, identityLines, directoryLine, messageLines, requestLine } from '../wording.ts'

export interface ResultContext {
  readonly nowMs: number
  numberOf(peer: string): number
  rosterLines(): string[]
}

export function resultLines(result: CommandResult, context: ResultContext): string[] {
  switch (result.is) {
    case 'help':
      return helpLines(result.commands)
    case 'roster':
      return context.rosterLines()
    case 'opened':
    case 'left':
    case 'quit':
    case 'sent':
      return []
    case 'accepted':
      return [
        `${result.name} is accepted. /chat ${context.numberOf(result.peer)} opens the conversation.`,
        ...result.messages.flatMap((message) => messageLines(result.name, message.text))
      ]
    case 'ignored':
      return [`${result.name} is ignored, and is not told so.`]
    case 'blocked':
      return [`${result.name} is blocked. /unblock takes that back.`]
    case 'unblocked':
      return [`${result.name} is no longer blocked.`]
    case 'requests':
      return orNone(
        result.requests.map((request) => requestLine(request, context.numberOf(request.peer))),
        'No stranger waits for an answer.'
      )
    case 'contacts':
      return orNone(
        result.contacts.map(({ peer, name }) => `${String(context.numberOf(peer)).padStart(3)}  ${name}  ${peer}`),
        'You have no contacts yet: choosing a peer or accepting a request makes one.'
      )
    case 'blocked peers':
      return orNone(
        result.blocked.map(({ peer, name }) => `${name}  ${peer}`),
        'Nobody is blocked.'
      )
    case 'directories':
      return orNone(
        result.directories.map((view) => directoryLine(view, context.nowMs)),
        'No directory is known.'
      )
    case 'renamed':
      return [`You are ${result.nickname} now.`]
    case 'status set':
      return [result.status === '' ? 'You have no status now.' : `Your status: ${result.status}`]
    case 'identity':
      return identityLines(result)
    case 'history':
      return orNone(
        result.messages.flatMap((message) => historyLine(message, result.name)),
        `No messages with ${result.name} yet.`
      )
  }
}

function orNone(lines: string[], none: string): string[] {
  return lines.length === 0 ? [none] : lines
}
