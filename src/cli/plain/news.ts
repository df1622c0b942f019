// What happens on the node, told on the terminal as it comes: the roster,
// directories, messages, requests, who enters and leaves, and what became of own
// messages. It decides nothing and sends nothing.
import type { ChatApi, ChatNodeEvents, ConversationState } from '../chat-api.ts'
import type { UnreadCounts } from '../chat-command.ts'
import { LruMap } from '../../lib/index.ts'
import {
  ENTERED_AGAIN_MS,
  MAX_NUMBERED_PEERS,
  GOODBYE_COALESCE_MS,
  MAX_EARLY_NEWS,
  PROGRESS_TICK_MS,
  ROSTER_COALESCE_MS
} from '../constants.ts'
import { unreadCounts } from '../history-commands.ts'
import type { RosterNumbers } from '../roster-numbers.ts'
import { RefusalNews } from '../refusal-news.ts'
import { messageLines } from '../wording.ts'
import { ConnectionProgress } from './connection-progress.ts'
import { DirectoryNews } from './directory-news.ts'
import { OwnMessages } from './own-messages.ts'
import { RequestNews } from './request-news.ts'
import { RosterView } from './roster-view.ts'
import type { PlainTerminal } from './terminal.ts'

interface OpenConversation {
  readonly peer: string
  readonly name: string
  readonly progress: ConnectionProgress
}

export class News {
  /** What this face sends, and what other commands do. */
  readonly own: OwnMessages
  readonly #node: ChatApi
  readonly #terminal: PlainTerminal
  readonly #numbers: RosterNumbers
  readonly #roster: RosterView
  readonly #requests: RequestNews
  readonly #directories = new DirectoryNews()
  readonly #refusals = new RefusalNews()
  readonly #unsubscribe: (() => void)[] = []
  #conversation: OpenConversation | undefined
  readonly #enteredAtMs = new LruMap<string, number>(MAX_NUMBERED_PEERS)
  #begun = false
  /** What happens before the first screen stands there, in order; none once it does. */
  #early: (() => void)[] | undefined = []
  #hasLan: boolean
  #rosterTimer: NodeJS.Timeout | undefined
  #ticker: NodeJS.Timeout | undefined
  /** The peer of the open conversation has left it, and that has not been said yet. */
  #leaving: { readonly name: string; readonly timer: NodeJS.Timeout } | undefined

  constructor(init: { node: ChatApi; terminal: PlainTerminal; numbers: RosterNumbers; hasLan: boolean }) {
    this.#node = init.node
    this.#terminal = init.terminal
    this.#numbers = init.numbers
    this.#roster = new RosterView(init.numbers)
    this.#requests = new RequestNews({
      numberOf: (peer) => init.numbers.of(peer),
      print: (lines) => this.#print(lines)
    })
    this.own = new OwnMessages({
      node: init.node,
      openPeer: () => this.#conversation?.peer,
      fold: () => init.terminal.fold,
      print: (lines) => this.#print(lines)
    })
    this.#hasLan = init.hasLan
    this.#listen()
  }

  /** Says which directory is used; from now on changes are told. */
  begin(): void {
    this.#begun = true
    this.#say(this.#directories.summary(this.#node.directories(), this.#hasLan, Date.now()))
  }

  rosterLines(unread: UnreadCounts): string[] {
    return this.#roster.all(this.#node.roster(), unread)
  }

  /** The whole list, with what is unread as far as the history can be read. */
  async showRoster(): Promise<void> {
    this.#print(this.rosterLines(await this.#unread()))
  }

  /** The strangers who wait for an answer, as far as the history can be read; from now on each new one is told. */
  async showRequests(): Promise<void> {
    this.#requests.begin()
    // What is wrong with the disk is told as a notice.
    this.#requests.showAll(await this.#node.requests().catch(() => []))
  }

  /** The first screen stands there: what has happened meanwhile is told below it, and from now on at once. */
  tellEarly(): void {
    const early = this.#early ?? []
    this.#early = undefined
    for (const tell of early) tell()
  }

  async #unread(): Promise<UnreadCounts> {
    try {
      return await unreadCounts(this.#node)
    } catch {
      // What is wrong with the disk is told as a notice; the list of who is there needs no disk.
      return new Map()
    }
  }

  /** The conversation on the screen, or none. Its connection is told until another call. */
  show(conversation: { peer: string; name: string } | undefined): void {
    clearInterval(this.#ticker)
    this.#terminal.progress(undefined)
    this.#dropLeft()
    this.#conversation = undefined
    if (conversation === undefined) return
    const progress = new ConnectionProgress(conversation.name)
    this.#conversation = { ...conversation, progress }
    this.#say(progress.changed(this.#node.state(conversation.peer), Date.now()))
    this.#ticker = setInterval(() => this.#tick(), PROGRESS_TICK_MS)
    this.#tick()
  }

  stop(): void {
    this.tellEarly()
    clearInterval(this.#ticker)
    clearTimeout(this.#rosterTimer)
    this.own.stop()
    this.#requests.stop()
    this.#dropLeft()
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
  }

  #listen(): void {
    this.#on('roster', () => this.#rosterChanged())
    this.#on('directory', ({ detail }) => {
      if (this.#begun) this.#say(this.#directories.changed(detail, Date.now()))
    })
    this.#onTold('message', ({ detail }) => {
      if (detail.arrival === 'accepted')
        this.#print(this.#incoming(detail.message.peer, detail.name, detail.message.text))
    })
    this.#on('request', ({ detail }) => this.#requests.told(detail))
    this.#onTold('sent', ({ detail }) => this.own.told(detail.message))
    this.#onTold('delivery', ({ detail }) => this.own.changed({ ...detail.message, state: detail.state }))
    this.#onTold('refused', ({ detail }) => {
      const line = this.#refusals.line(detail, Date.now())
      if (line !== undefined) this.#say([line])
    })
    this.#onTold('conversation', ({ detail }) => this.#conversationChanged(detail.peer, detail.state))
    this.#onTold('entered', ({ detail }) => this.#entered(detail.peer, detail.name))
    this.#onTold('left', ({ detail }) => this.#left(detail))
    this.#on('notice', ({ detail }) => {
      if (detail.code === 'no-multicast') this.#hasLan = false
    })
    this.#onTold('notice', ({ detail }) => {
      // Between empty lines: it must not pass with the rest.
      const isLoud = detail.code === 'key-changed' || detail.code === 'exposed-key'
      this.#say(isLoud ? ['', `!!! WARNING: ${detail.text}`, ''] : [`Note: ${detail.text}`])
    })
  }

  #on<K extends keyof ChatNodeEvents>(type: K, listener: (event: ChatNodeEvents[K]) => void): void {
    this.#node.addEventListener(type, listener)
    this.#unsubscribe.push(() => this.#node.removeEventListener(type, listener))
  }

  /** The same for what is told as it comes, and stands below the first screen when it comes before that. */
  #onTold<K extends keyof ChatNodeEvents>(type: K, listener: (event: ChatNodeEvents[K]) => void): void {
    this.#on(type, (event) => {
      if (this.#early === undefined) {
        listener(event)
        return
      }
      this.#early.push(() => listener(event))
      if (this.#early.length >= MAX_EARLY_NEWS) this.tellEarly()
    })
  }

  #rosterChanged(): void {
    if (!this.#begun || this.#rosterTimer !== undefined) return
    this.#rosterTimer = setTimeout(() => {
      this.#rosterTimer = undefined
      void this.#sayRosterChange()
    }, ROSTER_COALESCE_MS)
  }

  /** In a conversation the list is out of the way; EXIT shows all of it. */
  async #sayRosterChange(): Promise<void> {
    if (this.#conversation !== undefined) return
    const unread = await this.#unread()
    if (this.#conversation === undefined) this.#print(this.#roster.changes(this.#node.roster(), unread))
  }

  #incoming(peer: string, name: string, text: string): string[] {
    if (this.#conversation?.peer === peer) this.#sayLeft()
    const who = this.#conversation?.peer === peer ? name : `[${this.#numbers.of(peer)} ${name}]`
    return messageLines(who, text, this.#terminal.fold)
  }

  #conversationChanged(peer: string, state: ConversationState): void {
    if (this.#conversation?.peer !== peer) return
    this.#say(this.#conversation.progress.changed(state, Date.now()))
    this.#tick()
  }

  #entered(peer: string, name: string): void {
    if (this.#conversation?.peer === peer) this.#sayLeft()
    const saidAtMs = this.#enteredAtMs.get(peer) ?? Number.NEGATIVE_INFINITY
    if (Date.now() - saidAtMs < ENTERED_AGAIN_MS) return
    this.#enteredAtMs.set(peer, Date.now())
    if (this.#conversation?.peer === peer) {
      this.#say([`${name} is in the conversation.`])
      return
    }
    const number = this.#numbers.of(peer)
    const answer = this.#conversation === undefined ? `type ${number} or its name` : `type /chat ${number}`
    this.#say([`${name} has opened a conversation with you: ${answer} to answer.`])
  }

  #left({ peer, name, reason }: { peer: string; name: string; reason: 'left' | 'quit' }): void {
    if (this.#conversation?.peer !== peer) return
    if (reason === 'left') {
      this.#leaving ??= { name, timer: setTimeout(() => this.#sayLeft(), GOODBYE_COALESCE_MS) }
      return
    }
    this.#conversation.progress.goneAway()
    this.#dropLeft()
    this.#say([`${name} has left the network: what you write waits. EXIT takes you back to the list.`])
  }

  /** Who leaves the conversation and then the network does the second thing: only that is told. */
  #sayLeft(): void {
    const { name } = this.#leaving ?? {}
    this.#dropLeft()
    if (name !== undefined) this.#say([`${name} has left the conversation. EXIT takes you back to the list.`])
  }

  #dropLeft(): void {
    clearTimeout(this.#leaving?.timer)
    this.#leaving = undefined
  }

  #tick(): void {
    if (this.#conversation === undefined) return
    const { progress } = this.#conversation
    this.#terminal.progress(progress.status(Date.now()))
    if (!this.#terminal.interactive) this.#say(progress.lateLines(Date.now()))
  }

  #print(lines: readonly string[]): void {
    if (lines.length > 0) this.#terminal.print(lines)
  }

  #say(lines: readonly string[]): void {
    if (lines.length > 0) this.#terminal.say(lines)
  }
}
