// What typed lines do at each of the three prompts: for a peer, for a port,
// and in a conversation. Each line becomes a call of the node and the next
// prompt; the face decides when to read and when to end.
import type { CommandResult } from '../chat-commands/chat-command.ts'
import { chatCommands } from '../chat-commands/chat-commands.ts'
import type { ChatApi, HistoryEntry, PeerTarget } from '../chat-api/chat-api.ts'
import { HISTORY_LINES, ReadRequests } from '../chat-commands/chat-command.ts'
import {
  continuation,
  readAtPeerPrompt,
  readAtPortPrompt,
  readInConversation,
  type SlashCommand
} from '../chat-commands/input-line.ts'
import { findPeer } from '../chat-api/find-peer.ts'
import type { RosterNumbers } from '../chat-commands/named-peer.ts'
import { cautionBefore } from '../chat-commands/stranger-caution.ts'
import { identityText, warningLines } from '../wording/trust-wording.ts'
import { historyLine } from '../wording/message-wording.ts'
import { namesakeText, requestLines } from '../chat-commands/result-lines.ts'
import type { SettlingOptions } from '../chat-api/settling.ts'
import { isSameName } from '../../lib/index.ts'
import { completeLine, safeName } from '../chat-commands/completion.ts'
import type { News } from './news.ts'
import type { Operation, PlainTerminal } from './terminal.ts'
import { Sending } from './own-messages.ts'
import { SlashCommands } from './slash-commands.ts'
import { NARROW_COLUMNS } from './roster-view.ts'

type Place =
  | { readonly at: 'peer' }
  | { readonly at: 'port'; readonly host: string }
  | { readonly at: 'conversation'; readonly peer: string; readonly name: string }

/** The answer, at the prompt for a peer, that opens a conversation after a question. */
const YES = 'yes'
const peerPrompt = 'Peer (name, number, address or host): '
/** The same for a narrow terminal. */
const shortPeerPrompt = 'Peer: '

export interface TalkInit {
  readonly node: ChatApi
  readonly terminal: PlainTerminal
  readonly numbers: RosterNumbers
  readonly news: News
  readonly operation: Operation
}

export class Talk {
  readonly #node: ChatApi
  readonly #terminal: PlainTerminal
  readonly #numbers: RosterNumbers
  readonly #news: News
  readonly #operation: Operation
  readonly #sending: Sending
  readonly #slashes: SlashCommands
  #place: Place = { at: 'peer' }
  /** The lines of a message that goes on. */
  #draft: readonly string[] = []
  /** The position of the first message of the open conversation that is on the screen. */
  #shownFrom: number | undefined
  #over: 'quit' | 'detached' | undefined
  readonly #readRequests = new ReadRequests()
  /** Whose conversation opens when the next line is `yes`. */
  #offered: PeerTarget | undefined

  constructor({ node, terminal, numbers, news, operation }: TalkInit) {
    this.#node = node
    this.#terminal = terminal
    this.#numbers = numbers
    this.#news = news
    this.#operation = operation
    this.#sending = new Sending(node, news.own)
    const resolve = async (words: readonly string[], signal: AbortSignal): Promise<PeerTarget> =>
      this.#resolve(words, signal)
    this.#slashes = new SlashCommands({
      node,
      terminal,
      numbers,
      news,
      operation,
      sending: this.#sending,
      readRequests: this.#readRequests,
      resolve
    })
  }

  /** QUIT was typed, or /detach. */
  get over(): 'quit' | 'detached' | undefined {
    return this.#over
  }

  /** What a typed line leads to. */
  async read(line: string): Promise<void> {
    switch (this.#place.at) {
      case 'peer':
        return this.#readPeer(line)
      case 'port':
        return this.#readPort(line, this.#place.host)
      case 'conversation':
        return this.#readMessage(line, this.#place.peer)
    }
  }

  async #readPeer(line: string): Promise<void> {
    const offered = this.#offered
    this.#offered = undefined
    if (offered !== undefined && line.trim().toLowerCase() === YES) return this.#open(offered)
    const input = readAtPeerPrompt(line)
    switch (input.is) {
      case 'nothing':
        return this.#news.showRoster()
      case 'quit':
        this.#over = 'quit'
        return
      case 'exit':
        this.#terminal.say(['No conversation is open. Type QUIT to end the program.'])
        return
      case 'command':
        return this.#command(input)
      case 'host':
        return this.#chooseHost(input.host)
      case 'peer':
        return this.#choose(input.words)
    }
  }

  /** A host is asked for its port, unless a contact of the user's is called so. */
  async #chooseHost(host: string): Promise<void> {
    if (this.#node.snapshot().contacts.some(({ name }) => isSameName(name, host))) return this.#choose([host])
    const namesake = this.#node.snapshot().roster.find(({ nickname }) => isSameName(nickname, host))
    if (namesake !== undefined) {
      this.#terminal.say([`(Type ${this.#numbers.of(namesake.peer)} for the peer with that nickname.)`])
    }
    this.#place = { at: 'port', host }
  }

  async #readPort(line: string, host: string): Promise<void> {
    const input = readAtPortPrompt(line)
    switch (input.is) {
      case 'command':
        return this.#command(input)
      case 'quit':
        this.#over = 'quit'
        return
      case 'back':
        return this.#toList()
      case 'host':
        this.#place = { at: 'peer' }
        return this.#chooseHost(input.host)
      case 'peer':
        this.#place = { at: 'peer' }
        return this.#choose(input.words)
      case 'bad port':
        this.#terminal.say([
          `${JSON.stringify(input.typed)} is not a port: type a number from 1 to 65535, or press Enter to go back.`
        ])
        return
      case 'port':
        this.#place = { at: 'peer' }
        return this.#choose([host, String(input.port)])
    }
  }

  async #readMessage(line: string, peer: string): Promise<void> {
    const { text, more } = continuation(line)
    if (more) {
      this.#draft = [...this.#draft, text]
      return
    }
    if (this.#draft.length > 0) return this.#sendDraft(peer, text)
    const input = readInConversation(line)
    switch (input.is) {
      case 'nothing':
        return
      case 'command':
        return this.#command(input)
      case 'exit':
        return this.#command({ is: 'command', name: 'exit', rest: '' })
      case 'message':
        await this.#sending.send(peer, continuation(input.text).text)
        if (line === 'exit' || line === 'quit') {
          this.#terminal.say(['(sent as a message; EXIT in capitals leaves, /quit ends the program)'])
        }
        return
    }
  }

  async #sendDraft(peer: string, last: string): Promise<void> {
    const text = [...this.#draft, last].join('\n').trimEnd()
    this.#draft = []
    if (text !== '') await this.#sending.send(peer, text)
  }

  async #command(typed: SlashCommand): Promise<void> {
    const outcome = await this.#slashes.run(typed, { current: this.#current(), shownFrom: this.#shownFrom })
    if (outcome?.is === 'choice') await this.#choose(outcome.words)
    else if (outcome !== undefined) await this.#follow(outcome)
  }

  /** Where a command's result leads. */
  async #follow(result: CommandResult): Promise<void> {
    if (result.is === 'quit' || result.is === 'detached') this.#over = result.is
    if (result.is === 'history' && result.peer === this.#current())
      this.#shownFrom = earliest(result.entries) ?? this.#shownFrom
    const isOver = result.is === 'left' || result.is === 'blocked' || result.is === 'ignored'
    if (!isOver || result.peer !== this.#current()) return
    if (result.is === 'left') this.#terminal.say([`You have left the conversation with ${result.name}.`])
    await this.#toList()
  }

  /** Opens the conversation with the peer that the words of the command line name. */
  async chooseFirst(words: readonly string[]): Promise<void> {
    const find = async (signal: AbortSignal): Promise<PeerTarget> =>
      findPeer(this.#node, words, { trustName: true, signal })
    await this.#approach(await this.#operation.run(`looking for ${words.join(' ')}`, find))
  }

  async #choose(words: readonly string[]): Promise<void> {
    const find = async (signal: AbortSignal): Promise<PeerTarget> => this.#resolve(words, signal)
    await this.#approach(await this.#operation.run(`looking for ${words.join(' ')}`, find))
  }

  /** Opens the conversation, unless a stranger's request has to be read first or the name is ambiguous. */
  async #approach(target: PeerTarget): Promise<void> {
    const person = { readRequests: this.#readRequests, agreed: undefined }
    const caution = await cautionBefore({ node: this.#node, person, target, verb: 'open' })
    if (caution === undefined) return this.#open(target)
    // In a conversation `yes` is a message.
    if (this.#place.at === 'conversation' || (caution.is !== 'request' && caution.is !== 'namesake')) {
      this.#slashes.print(caution)
      return
    }
    this.#offered = target
    const number = this.#numbers.of(target.peer)
    if (caution.is === 'request') {
      this.#terminal.print(requestLines(caution, this.#terminal.fold))
      this.#terminal.say([
        ...warningLines(caution, caution.shortId),
        `Type ${YES} to accept it and open the conversation; /ignore ${number} or /block ${number} refuses it. ` +
          'Anything else leaves it waiting.'
      ])
    } else this.#terminal.say([`WARNING: ${namesakeText(caution)} Type ${YES} to open the conversation anyway.`])
  }

  async #open(target: PeerTarget): Promise<void> {
    const before = this.#current()
    const unread = await this.#news.unreadOf(target.peer)
    await this.#node.messaging.open(target.peer)
    const entries = await this.#node.messaging.history.page(target.peer, { limit: HISTORY_LINES })
    if (before !== undefined && before !== target.peer) await this.#node.messaging.leave(before)
    this.#place = { at: 'conversation', peer: target.peer, name: target.name }
    const trust = this.#node.peers.look(target.peer).trust
    this.#terminal.say([
      `Conversation with ${identityText(target.name, target.shortId, trust)}. EXIT leaves it, /help shows the commands.`
    ])
    this.#terminal.print([
      ...(entries.length === 0 ? [] : [earlierHeading(entries, unread)]),
      ...entries.flatMap(({ message }) =>
        historyLine(message, this.#node.peers.look(target.peer).label, this.#terminal.fold)
      )
    ])
    // Below what was said before, where it is seen.
    const warnings = warningLines(trust, target.shortId)
    if (warnings.length > 0) this.#terminal.say(warnings)
    this.#shownFrom = earliest(entries)
    this.#news.show(this.#place)
  }

  async #resolve(words: readonly string[], signal: AbortSignal): Promise<PeerTarget> {
    return this.#node.peers.resolve(words, { numbers: this.#numbers.peers, trustName: true, signal })
  }

  async #toList(): Promise<void> {
    this.#place = { at: 'peer' }
    this.#draft = []
    this.#news.show(undefined)
    await this.#news.showRoster()
  }

  #current(): string | undefined {
    return this.#place.at === 'conversation' ? this.#place.peer : undefined
  }

  /** Sends an unfinished message and waits for what is under way. The node says goodbye when it stops. */
  async finish(options: SettlingOptions): Promise<void> {
    this.#news.show(undefined)
    const current = this.#current()
    if (current !== undefined) await this.#sendDraft(current, '')
    this.#terminal.say(await this.#sending.settle(options))
  }

  /** Forgets the lines of a message that was not finished. */
  dropDraft(): void {
    this.#draft = []
  }

  /** The prompt that is due now. */
  prompt(): string {
    switch (this.#place.at) {
      case 'peer':
        return (this.#terminal.fold.columns ?? NARROW_COLUMNS) < NARROW_COLUMNS ? shortPeerPrompt : peerPrompt
      case 'port':
        return 'Port: '
      case 'conversation':
        return this.#draft.length > 0 && this.#terminal.interactive ? '  | ' : 'You: '
    }
  }

  /** What the Tab key offers. */
  complete(line: string): readonly [readonly string[], string] {
    const names = [
      ...this.#node.snapshot().contacts.map(({ name }) => name),
      ...this.#node.snapshot().roster.map(safeName)
    ]
    return completeLine(line, { commands: chatCommands, names, peerExpected: this.#place.at === 'peer' })
  }
}

/** @param unread when the conversation was opened: more of them than are shown may be above */
function earlierHeading(entries: readonly HistoryEntry[], unread: number): string {
  if (entries.length < HISTORY_LINES) return 'Earlier:'
  const above = unread - entries.filter(({ message }) => message.direction === 'in').length
  if (above <= 0) return 'Earlier (/more for what was before):'
  return `Earlier (${above} unread ${above === 1 ? 'message is' : 'messages are'} above: /more shows them):`
}

function earliest(entries: readonly HistoryEntry[]): number | undefined {
  return entries[0]?.position
}
