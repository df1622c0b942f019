// Messages, conversations and requests as lines. Pure; what it returns may hold
// remote text as it came: the writer cleans it.
import type {
  ConversationSummary,
  HistoryEntry,
  OutgoingMessage,
  RequestView,
  StoredMessage
} from '../chat-api/chat-api.ts'
import { cleanLines, cleanText } from '../process/clean-text.ts'
import { shortNameCharacters } from './roster-wording.ts'
import { foldedLines, type MessageFold } from './terminal-lines.ts'
import { localTime } from './time-span.ts'
import { nameMark } from './trust-wording.ts'

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

/** The state of an own message, in plain words. */
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

/** A stranger's request is shown up to here in a line; its panel shows all. */
const REQUEST_CHARACTERS = 300

/** Of a name in a row of a narrow window: as many columns as names have before their messages. */
const SHORT_NAME_CHARACTERS = 10

/** One line for a stranger, however much it has written: what it wrote last, and how all of it is read. */
export function requestLine(request: RequestView, number: number): string {
  const text = cleanText(request.lastText, { maxCharacters: REQUEST_CHARACTERS })
  const count = request.count > 1 ? `, ${request.count} messages` : ''
  const answers = ['read', 'ignore', 'block'].map((answer) => `/${answer} ${number}`).join(', ')
  const warning = cleanText(nameMark(request, false))
  return `REQUEST from ${cleanText(request.name)} (${request.shortId})${count}${warning}: ${text} — ${answers}`
}

/** The same for a row that may be clipped: the important part comes first. */
export function shortRequestLine({ name, shortId: id, count, lastText }: RequestView, number: number): string {
  const who = `${cleanText(name, { maxCharacters: SHORT_NAME_CHARACTERS })} (${id})`
  const what = count > 1 ? `, ${count} messages` : ''
  return `${who} asks${what}: /read ${number} — ${cleanText(lastText, { maxCharacters: REQUEST_CHARACTERS })}`
}

/** The excerpt that identifies a text in a line about it. */
const EXCERPT_CHARACTERS = 40

/** The beginning of a text, in quotes, to tell it from others. */
export function excerpt(text: string): string {
  return `"${cleanText(text, { maxCharacters: EXCERPT_CHARACTERS })}"`
}

export type Named<T> = T & { readonly name: string }
