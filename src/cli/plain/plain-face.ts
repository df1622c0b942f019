// The chat as typed lines, as in the program that Parley grew from: greets, reads
// a line, does what it means at the prompt that it was typed at (for a peer, for a
// port, or in a conversation), and ends. News reports what happens by itself.
import { isSameName } from '../../lib/index.ts'
import type { PresenceLines } from '../../node/settings.ts'
import type { ChatApi, PeerTarget } from '../chat-api/chat-api.ts'
import { findPeer } from '../chat-api/find-peer.ts'
import { SETTLE_AT_END_MS, SETTLE_AT_QUIT_MS } from '../chat-api/settling.ts'
import { type CommandResult, ReadRequests } from '../chat-commands/chat-command.ts'
import { chatCommands } from '../chat-commands/chat-commands.ts'
import { completeLine, safeName } from '../chat-commands/completion.ts'
import {
  continuation,
  readAtPeerPrompt,
  readAtPortPrompt,
  readInConversation,
  type SlashCommand
} from '../chat-commands/input-line.ts'
import { RosterNumbers } from '../chat-commands/named-peer.ts'
import { failureText } from '../chat-commands/result-lines.ts'
import type { Attention } from '../process/attention.ts'
import { INTERRUPT_WINDOW_MS } from '../process/input-lines.ts'
import { greetingLines } from '../wording/identity-wording.ts'
import { News } from './news.ts'
import { Opening } from './opening.ts'
import { Sending } from './own-messages.ts'
import { NARROW_COLUMNS } from './roster-view.ts'
import { SlashCommands } from './slash-commands.ts'
import { Operation, type PlainTerminal } from './terminal.ts'

export type PlainOutcome = 'quit' | 'detached' | 'end of input' | 'interrupted'

export interface PlainFaceInit {
  readonly node: ChatApi
  readonly terminal: PlainTerminal
  readonly presenceLines?: PresenceLines
  /** Hears of what is typed. */
  readonly attention?: Attention
  /** PEER of `parley chat PEER`: its conversation is opened first. */
  readonly openFirst?: readonly string[]
}

type Place =
  | { readonly at: 'peer' }
  | { readonly at: 'port'; readonly host: string }
  | { readonly at: 'conversation'; readonly peer: string }

const peerPrompt = 'Peer (name, number, address or host): '
/** The same for a narrow terminal. */
const shortPeerPrompt = 'Peer: '

export class PlainFace {
  readonly #node: ChatApi
  readonly #terminal: PlainTerminal
  readonly #numbers = new RosterNumbers()
  readonly #news: News
  readonly #operation: Operation
  readonly #sending: Sending
  readonly #slashes: SlashCommands
  readonly #opening: Opening
  readonly #openFirst: readonly string[]
  #place: Place = { at: 'peer' }
  /** The lines of a message that goes on. */
  #draft: readonly string[] = []
  /** The position of the first message of the open conversation that is on the screen. */
  #shownFrom: number | undefined
  #outcome: PlainOutcome | undefined
  #interruptedAtMs = Number.NEGATIVE_INFINITY

  constructor({ node, terminal, presenceLines = 'smart', attention, openFirst = [] }: PlainFaceInit) {
    const numbers = this.#numbers
    this.#node = node
    this.#terminal = terminal
    this.#openFirst = openFirst
    const news = new News({ node, terminal, presenceLines, numbers })
    this.#news = news
    this.#operation = new Operation(terminal)
    this.#sending = new Sending(node, news.own)
    const readRequests = new ReadRequests()
    this.#slashes = new SlashCommands({
      node,
      terminal,
      numbers,
      news,
      operation: this.#operation,
      sending: this.#sending,
      readRequests,
      resolve: async (words, signal) => this.#resolve(words, signal)
    })
    const print = (result: CommandResult): void => this.#slashes.print(result)
    this.#opening = new Opening({ node, terminal, numbers, news, readRequests, print })
    terminal.onInterrupt((typedSince) => this.#interrupt(typedSince))
    if (attention !== undefined) terminal.onTyped(() => attention.typed())
    terminal.completeWith((line) => this.#complete(line))
  }

  /**
   * Talks until QUIT, the end of input or an interruption. The node runs already, and is not stopped.
   *
   * @throws what kept it from opening the conversation that it was to begin with
   */
  async run(): Promise<PlainOutcome> {
    try {
      this.#terminal.say(greetingLines(this.#node.snapshot().self))
      await this.#guarded(async () => this.#lookAround())
      this.#news.begin()
      await this.#news.showRoster()
      await this.#news.showRequests()
      this.#news.tellEarly()
      if (this.#openFirst.length > 0) await this.#chooseFirst(this.#openFirst)
      this.#terminal.ask(this.#prompt())
      for await (const line of this.#terminal.lines) {
        if (this.#isOver()) break
        await this.#guarded(async () => this.#read(line))
        if (this.#isOver()) break
        this.#terminal.ask(this.#prompt())
      }
      this.#outcome ??= 'end of input'
      await this.#finish(this.#outcome)
      return this.#outcome
    } finally {
      this.#news.stop()
      this.#terminal.close()
    }
  }

  /** Ends it from outside: a signal. */
  end(outcome: PlainOutcome): void {
    this.#outcome ??= outcome
    this.#operation.abort()
    this.#terminal.close()
  }

  #isOver(): boolean {
    return this.#outcome !== undefined
  }

  async #lookAround(): Promise<void> {
    await this.#operation.run('looking around', async (signal) => this.#node.peers.firstLook({ signal }))
  }

  /** The prompt that is due now. */
  #prompt(): string {
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
  #complete(line: string): readonly [readonly string[], string] {
    const names = [
      ...this.#node.snapshot().contacts.map(({ name }) => name),
      ...this.#node.snapshot().roster.map(safeName)
    ]
    return completeLine(line, { commands: chatCommands, names, peerExpected: this.#place.at === 'peer' })
  }

  /** What a typed line leads to. */
  async #read(line: string): Promise<void> {
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
    const agreed = this.#opening.agreed(line)
    if (agreed !== undefined) return this.#open(agreed)
    const input = readAtPeerPrompt(line)
    switch (input.is) {
      case 'nothing':
        return this.#news.showRoster()
      case 'quit':
        this.#outcome ??= 'quit'
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

  async #readPort(line: string, host: string): Promise<void> {
    const input = readAtPortPrompt(line)
    switch (input.is) {
      case 'command':
        return this.#command(input)
      case 'quit':
        this.#outcome ??= 'quit'
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
    if (result.is === 'quit' || result.is === 'detached') this.#outcome ??= result.is
    if (result.is === 'history' && result.peer === this.#current())
      this.#shownFrom = result.entries[0]?.position ?? this.#shownFrom
    const isOver = result.is === 'left' || result.is === 'blocked' || result.is === 'ignored'
    if (!isOver || result.peer !== this.#current()) return
    if (result.is === 'left') this.#terminal.say([`You have left the conversation with ${result.name}.`])
    await this.#toList()
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

  /** Opens the conversation with the peer that the words of the command line name. */
  async #chooseFirst(words: readonly string[]): Promise<void> {
    await this.#openFound(words, async (signal) => findPeer(this.#node, words, { trustName: true, signal }))
  }

  async #choose(words: readonly string[]): Promise<void> {
    await this.#openFound(words, async (signal) => this.#resolve(words, signal))
  }

  async #openFound(words: readonly string[], find: (signal: AbortSignal) => Promise<PeerTarget>): Promise<void> {
    const target = await this.#operation.run(`looking for ${words.join(' ')}`, find)
    const mayAsk = this.#place.at !== 'conversation'
    if (await this.#opening.isAllowed(target, { mayAsk })) await this.#open(target)
  }

  async #open(target: PeerTarget): Promise<void> {
    this.#shownFrom = await this.#opening.open(target, this.#current())
    this.#place = { at: 'conversation', peer: target.peer }
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
  async #finish(outcome: PlainOutcome): Promise<void> {
    if (outcome === 'interrupted' || outcome === 'detached') return
    const isQuitting = outcome === 'quit'
    const signal = AbortSignal.timeout(isQuitting ? SETTLE_AT_QUIT_MS : SETTLE_AT_END_MS)
    await this.#guarded(async () => {
      this.#news.show(undefined)
      const current = this.#current()
      if (current !== undefined) await this.#sendDraft(current, '')
      this.#terminal.say(await this.#sending.settle({ signal, isQuitting }))
    })
  }

  /** Reports what fails in one line, and reads the next. */
  async #guarded(run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      if (this.#outcome !== 'interrupted') this.#terminal.say([failureText(error)])
    }
  }

  /** Only two in a row leave: typing in between means to stay. */
  #interrupt(typedSince: boolean): void {
    if (this.#operation.abort()) return
    if (!typedSince && Date.now() - this.#interruptedAtMs < INTERRUPT_WINDOW_MS) {
      this.end('interrupted')
      return
    }
    this.#interruptedAtMs = Date.now()
    this.#draft = []
    this.#terminal.ask(this.#prompt())
    this.#terminal.say([
      'Press Ctrl-C again to leave at once. QUIT at the peer prompt, or /quit, ends the program properly.'
    ])
  }
}
