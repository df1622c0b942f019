// What typed lines lead to at each of the three prompts: for a peer, for a port,
// and in a conversation. Each line becomes a call of the node and the next
// prompt; when to read and when to end is the face's business.
import type { CommandResult } from '../chat-command.ts'
import { chatCommands } from '../chat-commands.ts'
import type { ChatApi, HistoryEntry, PeerTarget } from '../chat-api.ts'
import { HISTORY_LINES } from '../constants.ts'
import {
  continuation,
  readAtPeerPrompt,
  readAtPortPrompt,
  readInConversation,
  type SlashCommand
} from '../input-line.ts'
import { findPeer } from '../find-peer.ts'
import type { RosterNumbers } from '../roster-numbers.ts'
import { identityText, warningLines } from '../trust-wording.ts'
import { historyLine } from '../wording.ts'
import { completeLine, safeName } from './completion.ts'
import type { News } from './news.ts'
import type { Operation } from './operation.ts'
import { Sending } from './sending.ts'
import { SlashCommands } from './slash-commands.ts'
import type { PlainTerminal } from './terminal.ts'

type Place =
  | { readonly at: 'peer' }
  | { readonly at: 'port'; readonly host: string }
  | { readonly at: 'conversation'; readonly peer: string; readonly name: string }

const peerPrompt = 'Peer (name, number, address or host): '

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
  #isOver = false

  constructor({ node, terminal, numbers, news, operation }: TalkInit) {
    this.#node = node
    this.#terminal = terminal
    this.#numbers = numbers
    this.#news = news
    this.#operation = operation
    this.#sending = new Sending(node, news)
    const resolve = async (words: readonly string[], signal: AbortSignal): Promise<PeerTarget> =>
      this.#resolve(words, signal)
    this.#slashes = new SlashCommands({ node, terminal, numbers, news, operation, sending: this.#sending, resolve })
  }

  /** QUIT was typed. */
  get isOver(): boolean {
    return this.#isOver
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
    const input = readAtPeerPrompt(line)
    switch (input.is) {
      case 'nothing':
        return this.#news.showRoster()
      case 'quit':
        this.#isOver = true
        return
      case 'exit':
        this.#terminal.say(['No conversation is open. QUIT ends the program.'])
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
    if (this.#node.contacts().some(({ name }) => name === host)) return this.#choose([host])
    const namesake = this.#node.roster().find(({ nickname }) => nickname === host)
    if (namesake !== undefined) {
      this.#terminal.say([`(Type ${this.#numbers.of(namesake.peer)} for the peer that calls itself so.)`])
    }
    this.#place = { at: 'port', host }
  }

  async #readPort(line: string, host: string): Promise<void> {
    const input = readAtPortPrompt(line)
    switch (input.is) {
      case 'command':
        return this.#command(input)
      case 'quit':
        this.#isOver = true
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
          `${JSON.stringify(input.typed)} is no port: a number from 1 to 65535, or Enter to go back.`
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
    if (result.is === 'quit') this.#isOver = true
    if (result.is === 'history' && result.peer === this.#current())
      this.#shownFrom = earliest(result.entries) ?? this.#shownFrom
    const isOver = result.is === 'left' || result.is === 'blocked' || result.is === 'ignored'
    if (!isOver || result.peer !== this.#current()) return
    if (result.is === 'left') this.#terminal.say([`You have left the conversation with ${result.name}.`])
    await this.#toList()
  }

  /** Opens the conversation with whom the words name, as they were given on the command line. */
  async chooseFirst(words: readonly string[]): Promise<void> {
    const find = async (signal: AbortSignal): Promise<PeerTarget> =>
      findPeer(this.#node, words, { trustName: true, signal })
    await this.#open(await this.#operation.run(`looking for ${words.join(' ')}`, find))
  }

  async #choose(words: readonly string[]): Promise<void> {
    const find = async (signal: AbortSignal): Promise<PeerTarget> => this.#resolve(words, signal)
    await this.#open(await this.#operation.run(`looking for ${words.join(' ')}`, find))
  }

  async #open(target: PeerTarget): Promise<void> {
    const before = this.#current()
    await this.#node.open(target.peer)
    const entries = await this.#node.history.page(target.peer, { limit: HISTORY_LINES })
    if (before !== undefined && before !== target.peer) await this.#node.leave(before)
    this.#place = { at: 'conversation', peer: target.peer, name: target.name }
    const trust = this.#node.trust(target.peer)
    this.#terminal.say([
      `Conversation with ${identityText(target.name, target.shortId, trust)}. EXIT leaves it, /help shows the commands.`,
      ...warningLines(trust, target.shortId)
    ])
    this.#terminal.print([
      ...(entries.length === 0
        ? []
        : [entries.length < HISTORY_LINES ? 'Earlier:' : 'Earlier (/more for what was before):']),
      ...entries.flatMap(({ message }) => historyLine(message, target.name, this.#terminal.fold))
    ])
    this.#shownFrom = earliest(entries)
    this.#news.show(this.#place)
  }

  async #resolve(words: readonly string[], signal: AbortSignal): Promise<PeerTarget> {
    return this.#node.resolve(words, { numbers: this.#numbers.peers, trustName: true, signal })
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

  /** At the end what was begun is sent, and what is under way is waited for. The node says goodbye when it stops. */
  async finish(signal: AbortSignal): Promise<void> {
    this.#news.show(undefined)
    const current = this.#current()
    if (current !== undefined) await this.#sendDraft(current, '')
    this.#terminal.say(await this.#sending.settle(signal))
  }

  /** Forgets the lines of a message that was not finished. */
  dropDraft(): void {
    this.#draft = []
  }

  /** What is asked for now. */
  prompt(): string {
    switch (this.#place.at) {
      case 'peer':
        return peerPrompt
      case 'port':
        return 'Port: '
      case 'conversation':
        return this.#draft.length > 0 && this.#terminal.interactive ? '  | ' : 'You: '
    }
  }

  /** What the Tab key offers. */
  complete(line: string): readonly [readonly string[], string] {
    const names = [...this.#node.contacts().map(({ name }) => name), ...this.#node.roster().map(safeName)]
    return completeLine(line, { commands: chatCommands, names, peerExpected: this.#place.at === 'peer' })
  }
}

function earliest(entries: readonly HistoryEntry[]): number | undefined {
  return entries[0]?.position
}
