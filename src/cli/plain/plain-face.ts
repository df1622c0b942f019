// The chat as typed lines, as in the program that Parley grew from: greets, reads
// a line, has it carried out, and ends. Talk gives lines their meaning, and
// News reports what happens by itself.
import type { PresenceLines } from '../../node/settings.ts'
import type { ChatApi } from '../chat-api/chat-api.ts'
import type { Attention } from '../process/attention.ts'
import { INTERRUPT_WINDOW_MS } from '../process/input-lines.ts'
import { SETTLE_AT_END_MS, SETTLE_AT_QUIT_MS } from '../chat-api/settling.ts'
import { RosterNumbers } from '../chat-commands/named-peer.ts'
import { greetingLines } from '../wording/identity-wording.ts'
import { News } from './news.ts'
import { failureText } from '../chat-commands/result-lines.ts'
import { Operation } from './terminal.ts'
import { Talk } from './talk.ts'
import type { PlainTerminal } from './terminal.ts'

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

export class PlainFace {
  readonly #node: ChatApi
  readonly #terminal: PlainTerminal
  readonly #news: News
  readonly #operation: Operation
  readonly #talk: Talk
  readonly #openFirst: readonly string[]
  #outcome: PlainOutcome | undefined
  #interruptedAtMs = Number.NEGATIVE_INFINITY

  constructor({ node, terminal, presenceLines = 'smart', attention, openFirst = [] }: PlainFaceInit) {
    const numbers = new RosterNumbers()
    this.#node = node
    this.#terminal = terminal
    this.#openFirst = openFirst
    this.#news = new News({ node, terminal, presenceLines, numbers })
    this.#operation = new Operation(terminal)
    this.#talk = new Talk({ node, terminal, numbers, news: this.#news, operation: this.#operation })
    terminal.onInterrupt((typedSince) => this.#interrupt(typedSince))
    if (attention !== undefined) terminal.onTyped(() => attention.typed())
    terminal.completeWith((line) => this.#talk.complete(line))
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
      if (this.#openFirst.length > 0) await this.#talk.chooseFirst(this.#openFirst)
      this.#terminal.ask(this.#talk.prompt())
      for await (const line of this.#terminal.lines) {
        if (this.#outcome !== undefined) break
        await this.#guarded(async () => this.#talk.read(line))
        if (this.#talk.over !== undefined) this.#outcome ??= this.#talk.over
        else this.#terminal.ask(this.#talk.prompt())
        if (this.#outcome !== undefined) break
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

  async #lookAround(): Promise<void> {
    await this.#operation.run('looking around', async (signal) => this.#node.peers.firstLook({ signal }))
  }

  async #finish(outcome: PlainOutcome): Promise<void> {
    if (outcome === 'interrupted' || outcome === 'detached') return
    const isQuitting = outcome === 'quit'
    const signal = AbortSignal.timeout(isQuitting ? SETTLE_AT_QUIT_MS : SETTLE_AT_END_MS)
    await this.#guarded(async () => this.#talk.finish({ signal, isQuitting }))
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
    this.#talk.dropDraft()
    this.#terminal.ask(this.#talk.prompt())
    this.#terminal.say([
      'Press Ctrl-C again to leave at once. QUIT at the peer prompt, or /quit, ends the program properly.'
    ])
  }
}
