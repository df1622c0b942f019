// The chat as typed lines: the prompt for a peer, for a port, and the
// conversation, as in the program that Parley grew from. It turns each line into
// a call of the node; what happens by itself is told by News.
import { argumentsFromLine } from '../command-arguments.ts'
import { chatCommands, findCommand, type CommandResult } from '../chat-commands.ts'
import type { ChatApi, PeerTarget } from '../chat-api.ts'
import { interruptWindowMs, resolveTimeoutMs, settleAtEndMs, settleAtQuitMs } from '../constants.ts'
import { continuation, readAtPeerPrompt, readAtPortPrompt, readInConversation, type SlashCommand } from '../input-line.ts'
import { RosterNumbers } from '../roster-numbers.ts'
import { historyLine } from '../wording.ts'
import { completeLine } from './completion.ts'
import { greetingLines } from './greeting.ts'
import { News } from './news.ts'
import { resultLines } from './result-lines.ts'
import type { PlainTerminal } from './terminal.ts'

export type PlainOutcome = 'quit' | 'end of input' | 'interrupted'

type Place =
  | { readonly at: 'peer' }
  | { readonly at: 'port'; readonly host: string }
  | { readonly at: 'conversation'; readonly peer: string; readonly name: string }

const peerPrompt = 'Peer (name, number, address or host): '

export interface PlainFaceInit {
  readonly node: ChatApi
  readonly terminal: PlainTerminal
  /** Whether peers are looked for on the local network. */
  readonly hasLan: boolean
  /** PEER of `parley chat PEER`: its conversation is opened first. */
  readonly openFirst?: readonly string[]
}

export class PlainFace {
  readonly #node: ChatApi
  readonly #terminal: PlainTerminal
  readonly #numbers = new RosterNumbers()
  readonly #news: News
  readonly #openFirst: readonly string[]
  #place: Place = { at: 'peer' }
  /** The lines of a message that goes on. */
  #draft: readonly string[] = []
  #outcome: PlainOutcome | undefined
  #interruptedAtMs = Number.NEGATIVE_INFINITY
  #operation: AbortController | undefined

  constructor(init: PlainFaceInit) {
    this.#node = init.node
    this.#terminal = init.terminal
    this.#openFirst = init.openFirst ?? []
    this.#news = new News({ ...init, numbers: this.#numbers })
    this.#terminal.onInterrupt(() => this.#interrupt())
    this.#terminal.completeWith((line) => this.#complete(line))
  }

  /** Talks until QUIT, the end of input or an interruption. The node runs already, and is not stopped. */
  async run(): Promise<PlainOutcome> {
    try {
      this.#terminal.print(greetingLines(this.#node))
      await this.#guarded(async () => this.#busy('looking around', async (signal) => this.#node.firstLook({ signal })))
      this.#news.begin()
      this.#terminal.print(this.#news.rosterLines())
      if (this.#openFirst.length > 0) await this.#guarded(async () => this.#choose(this.#openFirst))
      this.#ask()
      for await (const line of this.#terminal.lines) {
        if (this.#outcome === undefined) await this.#guarded(async () => this.#read(line))
        if (this.#outcome !== undefined) break
        this.#ask()
      }
      const outcome = this.#outcome ?? 'end of input'
      await this.#guarded(async () => this.#finish(outcome))
      return outcome
    } finally {
      this.#news.stop()
      this.#terminal.close()
    }
  }

  /** Ends it from outside: a signal. */
  end(outcome: PlainOutcome): void {
    this.#outcome ??= outcome
    this.#operation?.abort()
    this.#terminal.close()
  }

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
    const input = readAtPeerPrompt(line)
    switch (input.is) {
      case 'nothing':
        this.#terminal.print(this.#news.rosterLines())
        return
      case 'quit':
        this.#quit()
        return
      case 'exit':
        this.#terminal.print(['No conversation is open. QUIT ends the program.'])
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
      this.#terminal.print([`(Type ${this.#numbers.of(namesake.peer)} for the peer that calls itself so.)`])
    }
    this.#place = { at: 'port', host }
  }

  async #readPort(line: string, host: string): Promise<void> {
    const input = readAtPortPrompt(line)
    switch (input.is) {
      case 'command':
        return this.#command(input)
      case 'quit':
        this.#quit()
        return
      case 'back':
        this.#toList()
        return
      case 'bad port':
        this.#terminal.print([`${JSON.stringify(input.typed)} is no port: a number from 1 to 65535, or Enter to go back.`])
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
        return this.#send(peer, continuation(input.text).text)
    }
  }

  async #sendDraft(peer: string, last: string): Promise<void> {
    const text = [...this.#draft, last].join('\n').trimEnd()
    this.#draft = []
    if (text !== '') await this.#send(peer, text)
  }

  async #send(peer: string, text: string): Promise<void> {
    await this.#marked(async () => {
      const message = await this.#node.send(peer, text)
      return { is: 'sent', peer, name: this.#node.name(peer), message }
    })
  }

  async #command({ name, rest }: SlashCommand): Promise<void> {
    const command = findCommand(name)
    if (command === undefined) {
      this.#terminal.print([`There is no command /${name}: /help lists them. // sends a text that begins with /.`])
      return
    }
    const args = argumentsFromLine(command, rest)
    if (command.name === 'chat') return this.#choose(args.peer ?? [])
    const result = await this.#marked(async () =>
      this.#busy('looking', async (signal) =>
        command.run({ node: this.#node, current: this.#current(), resolve: async (words) => this.#resolve(words, signal) }, args)
      )
    )
    this.#terminal.print(
      resultLines(result, {
        nowMs: Date.now(),
        numberOf: (peer) => this.#numbers.of(peer),
        rosterLines: () => this.#news.rosterLines()
      })
    )
    this.#follow(result)
  }

  /** Where a command's result leads. */
  #follow(result: CommandResult): void {
    if (result.is === 'quit') this.#quit()
    const isOver = result.is === 'left' || result.is === 'blocked' || result.is === 'ignored'
    if (!isOver || result.peer !== this.#current()) return
    if (result.is === 'left') this.#terminal.print([`You have left the conversation with ${result.name}.`])
    this.#toList()
  }

  /** Runs what may send a message, so that what becomes of the message is told. */
  async #marked(run: () => Promise<CommandResult>): Promise<CommandResult> {
    this.#news.marks.sending()
    let result: CommandResult | undefined
    try {
      result = await run()
      return result
    } finally {
      this.#news.marks.sent(result?.is === 'sent' ? result.message : undefined, Date.now())
      this.#news.watchMarks()
    }
  }

  async #choose(words: readonly string[]): Promise<void> {
    const label = `looking for ${words.join(' ')}`
    const target = await this.#busy(label, async (signal) => this.#resolve(words, signal))
    const before = this.#current()
    if (before !== undefined && before !== target.peer) await this.#node.leave(before)
    const history = await this.#node.open(target.peer)
    this.#place = { at: 'conversation', peer: target.peer, name: target.name }
    this.#terminal.print([
      `Conversation with ${target.name} (${target.shortId}). EXIT leaves it, /help shows the commands.`,
      ...history.flatMap((message) => historyLine(message, target.name))
    ])
    this.#news.show(this.#place)
  }

  async #resolve(words: readonly string[], signal: AbortSignal): Promise<PeerTarget> {
    return this.#node.resolve(words, { numbers: this.#numbers.peers, trustName: true, signal })
  }

  /** Something that may take a while: the prompt says so, and Ctrl-C stops it. */
  async #busy<T>(label: string, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const operation = new AbortController()
    const startedAtMs = Date.now()
    const ticker = setInterval(() => {
      this.#terminal.progress(`${label} … ${Math.round((Date.now() - startedAtMs) / 1000)} s`)
    }, 1000)
    this.#operation = operation
    try {
      return await run(AbortSignal.any([operation.signal, AbortSignal.timeout(resolveTimeoutMs)]))
    } finally {
      clearInterval(ticker)
      this.#operation = undefined
      this.#terminal.progress(undefined)
    }
  }

  /** Whatever goes wrong with one line is said, and the next line is read. */
  async #guarded(run: () => Promise<void>): Promise<void> {
    try {
      await run()
    } catch (error) {
      if (this.#outcome !== undefined) return
      this.#terminal.print([failureText(error)])
    }
  }

  async #finish(outcome: PlainOutcome): Promise<void> {
    this.#news.show(undefined)
    if (outcome === 'interrupted') return
    const current = this.#current()
    if (current !== undefined) await this.#sendDraft(current, '')
    const signal = AbortSignal.timeout(outcome === 'quit' ? settleAtQuitMs : settleAtEndMs)
    const pending = this.#news.marks.pending()
    const settled = await Promise.allSettled(pending.map(async (message) => this.#node.settled(message, { signal })))
    const waiting = settled.filter((result) => result.status === 'rejected' || result.value.state === 'pending').length
    if (waiting > 0) this.#terminal.print([`${waiting === 1 ? 'One message has' : `${waiting} messages have`} not been delivered.`])
    if (current !== undefined) await this.#node.leave(current)
  }

  #interrupt(): void {
    if (this.#operation?.signal.aborted === false) {
      this.#operation.abort()
      return
    }
    if (Date.now() - this.#interruptedAtMs < interruptWindowMs) {
      this.end('interrupted')
      return
    }
    this.#interruptedAtMs = Date.now()
    this.#draft = []
    this.#terminal.print(['Ctrl-C again leaves at once; QUIT at the prompt for a peer, or /quit, says goodbye properly.'])
  }

  #quit(): void {
    this.#outcome = 'quit'
  }

  #toList(): void {
    this.#place = { at: 'peer' }
    this.#draft = []
    this.#news.show(undefined)
    this.#terminal.print(this.#news.rosterLines())
  }

  #current(): string | undefined {
    return this.#place.at === 'conversation' ? this.#place.peer : undefined
  }

  #ask(): void {
    this.#terminal.ask(this.#promptText())
  }

  #promptText(): string {
    switch (this.#place.at) {
      case 'peer':
        return peerPrompt
      case 'port':
        return 'Port: '
      case 'conversation':
        return this.#draft.length > 0 ? '  | ' : 'You: '
    }
  }

  #complete(line: string): readonly [readonly string[], string] {
    const names = [...this.#node.contacts().map(({ name }) => name), ...this.#node.roster().map(({ nickname }) => nickname)]
    return completeLine(line, { commands: chatCommands, names, peerExpected: this.#place.at === 'peer' })
  }
}

function failureText(error: unknown): string {
  if (!(error instanceof Error)) return `That failed: ${String(error)}`
  if (error.name === 'AbortError') return 'Stopped.'
  if (error.name === 'TimeoutError') return `No answer within ${resolveTimeoutMs / 1000} s.`
  return error.message
}
