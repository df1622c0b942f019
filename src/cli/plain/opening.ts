// How a conversation is opened from typed lines: a request is read first and a name
// that is another's is asked about, then what was said before is shown. It knows
// no prompt but the answer to its own question.
import type { ChatApi, HistoryEntry, PeerTarget } from '../chat-api/chat-api.ts'
import { type CommandResult, HISTORY_LINES, type ReadRequests } from '../chat-commands/chat-command.ts'
import type { RosterNumbers } from '../chat-commands/named-peer.ts'
import { namesakeText, requestLines } from '../chat-commands/result-lines.ts'
import { cautionBefore } from '../chat-commands/stranger-caution.ts'
import { historyLine } from '../wording/message-wording.ts'
import { identityText, warningLines } from '../wording/trust-wording.ts'
import type { News } from './news.ts'
import type { PlainTerminal } from './terminal.ts'

/** The answer, at the prompt for a peer, that opens a conversation after a question. */
const YES = 'yes'

export interface OpeningInit {
  readonly node: ChatApi
  readonly terminal: PlainTerminal
  readonly numbers: RosterNumbers
  readonly news: News
  readonly readRequests: ReadRequests
  /** Prints a result as that of a command. */
  readonly print: (result: CommandResult) => void
}

export class Opening {
  readonly #init: OpeningInit
  /** Whose conversation opens when the next line is `yes`. */
  #offered: PeerTarget | undefined

  constructor(init: OpeningInit) {
    this.#init = init
  }

  /** @returns whose conversation the line agrees to open; any other line refuses what was asked */
  agreed(line: string): PeerTarget | undefined {
    const offered = this.#offered
    this.#offered = undefined
    return line.trim().toLowerCase() === YES ? offered : undefined
  }

  /**
   * Whether the conversation may be opened now. If not, what stands in the way was printed, or asked about.
   *
   * @param mayAsk in a conversation `yes` is a message
   */
  async isAllowed(target: PeerTarget, { mayAsk }: { readonly mayAsk: boolean }): Promise<boolean> {
    const { node, terminal, numbers, readRequests, print } = this.#init
    const person = { readRequests, agreed: undefined }
    const caution = await cautionBefore({ node, person, target, verb: 'open' })
    if (caution === undefined) return true
    if (!mayAsk || (caution.is !== 'request' && caution.is !== 'namesake')) {
      print(caution)
      return false
    }
    this.#offered = target
    const number = numbers.of(target.peer)
    if (caution.is === 'request') {
      terminal.print(requestLines(caution, terminal.fold))
      terminal.say([
        ...warningLines(caution, caution.shortId),
        `Type ${YES} to accept it and open the conversation; /ignore ${number} or /block ${number} refuses it. ` +
          'Anything else leaves it waiting.'
      ])
    } else terminal.say([`WARNING: ${namesakeText(caution)} Type ${YES} to open the conversation anyway.`])
    return false
  }

  /**
   * Opens it, and shows the last messages.
   *
   * @param before whose conversation was open until now
   * @returns the position of the first message that is on the screen
   */
  async open(target: PeerTarget, before: string | undefined): Promise<number | undefined> {
    const { node, terminal, news } = this.#init
    const unread = await news.unreadOf(target.peer)
    await node.messaging.open(target.peer)
    const entries = await node.messaging.history.page(target.peer, { limit: HISTORY_LINES })
    if (before !== undefined && before !== target.peer) await node.messaging.leave(before)
    const trust = node.peers.look(target.peer).trust
    terminal.say([
      `Conversation with ${identityText(target.name, target.shortId, trust)}. EXIT leaves it, /help shows the commands.`
    ])
    terminal.print([
      ...(entries.length === 0 ? [] : [earlierHeading(entries, unread)]),
      ...entries.flatMap(({ message }) => historyLine(message, node.peers.look(target.peer).label, terminal.fold))
    ])
    // Below what was said before, where it is seen.
    const warnings = warningLines(trust, target.shortId)
    if (warnings.length > 0) terminal.say(warnings)
    news.show({ peer: target.peer, name: target.name })
    return entries[0]?.position
  }
}

/** @param unread when the conversation was opened: more of them than are shown may be above */
function earlierHeading(entries: readonly HistoryEntry[], unread: number): string {
  if (entries.length < HISTORY_LINES) return 'Earlier:'
  const above = unread - entries.filter(({ message }) => message.direction === 'in').length
  if (above <= 0) return 'Earlier (/more for what was before):'
  return `Earlier (${above} unread ${above === 1 ? 'message is' : 'messages are'} above: /more shows them):`
}
