// What the node tells, as events of the screen: messages and deliveries at once,
// who is around together when several things change. It decides nothing.
import type { ChatApi, ChatNodeEvents, IncomingMessage } from '../chat-api.ts'
import { LruMap } from '../../lib/index.ts'
import { ENTERED_AGAIN_MS, MAX_NUMBERED_PEERS } from '../constants.ts'
import { ConnectionProgress } from '../plain/connection-progress.ts'
import { DirectoryNews } from '../plain/directory-news.ts'
import { RefusalNews } from '../refusal-news.ts'
import { AROUND_COALESCE_MS } from './constants.ts'
import type { ScreenEvent } from './model/events.ts'

export class NodeNews {
  readonly #node: ChatApi
  readonly #dispatch: (event: ScreenEvent) => void
  readonly #unsubscribe: (() => void)[] = []
  readonly #directories = new DirectoryNews()
  readonly #refusals = new RefusalNews()
  readonly #enteredAtMs = new LruMap<string, number>(MAX_NUMBERED_PEERS)
  #progress: { readonly peer: string; readonly of: ConnectionProgress } | undefined
  #hasBegun = false
  #hasLan: boolean
  #aroundTimer: NodeJS.Timeout | undefined
  /** Messages that came while a conversation is being read for the screen. */
  #came: IncomingMessage[] | undefined

  constructor(init: { node: ChatApi; hasLan: boolean; dispatch: (event: ScreenEvent) => void }) {
    this.#node = init.node
    this.#hasLan = init.hasLan
    this.#dispatch = init.dispatch
    this.#listen()
  }

  /** The first look is over: from now on changes of directories are told. */
  begin(): void {
    this.#hasBegun = true
    this.#say(this.#directories.summary(this.#node.directories(), this.#hasLan, Date.now()))
  }

  stop(): void {
    clearTimeout(this.#aroundTimer)
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
  }

  /** The way to this peer is told from now on. */
  follow(peer: string, name: string): void {
    const progress = new ConnectionProgress(name)
    this.#progress = { peer, of: progress }
    this.#say(progress.changed(this.#node.state(peer), Date.now()), peer)
  }

  /** Messages are gathered from now on, to be added to a conversation that is read meanwhile. */
  gather(): void {
    this.#came = []
  }

  gathered(): readonly IncomingMessage[] {
    const came = this.#came ?? []
    this.#came = undefined
    return came
  }

  /** Who is around, as it is now. */
  lookAround(): void {
    clearTimeout(this.#aroundTimer)
    this.#aroundTimer = undefined
    const contacts = new Map(this.#node.contacts().map(({ peer, name }) => [peer, name]))
    const verified = new Set(this.#node.contacts().flatMap((one) => (one.verified === undefined ? [] : [one.peer])))
    const roster = this.#node.roster()
    const blocked = new Map(this.#node.blocked().map(({ peer, name }) => [peer, name]))
    this.#dispatch({ is: 'around', roster, contacts, verified, blocked, directories: this.#node.directories() })
  }

  async askRequests(): Promise<void> {
    // What is wrong with the disk is told as a notice.
    const requests = await this.#node.requests().catch(() => undefined)
    if (requests !== undefined) this.#dispatch({ is: 'requests', requests })
  }

  #listen(): void {
    this.#on('roster', () => this.#aroundSoon())
    this.#on('directory', ({ detail }) => {
      this.#aroundSoon()
      if (this.#hasBegun) this.#say(this.#directories.changed(detail, Date.now()))
    })
    this.#on('message', ({ detail: { message, name, arrival } }) => {
      if (arrival !== 'accepted') return
      this.#came?.push(message)
      this.#dispatch({ is: 'message', message, name })
    })
    this.#on('request', ({ detail }) => {
      this.#dispatch({ is: 'requested', request: detail })
      void this.askRequests()
    })
    // Also what another command sends by this node, such as `parley send`.
    this.#on('sent', ({ detail: { message, name } }) => this.#dispatch({ is: 'sent', message, name }))
    this.#on('delivery', ({ detail: { message, state } }) =>
      this.#dispatch({ is: 'delivery', message: { ...message, state } })
    )
    this.#on('refused', ({ detail }) => {
      const line = this.#refusals.line(detail, Date.now())
      if (line !== undefined) this.#say([line], detail.peer)
    })
    this.#on('conversation', ({ detail: { peer, state } }) => {
      this.#aroundSoon()
      this.#dispatch({ is: 'connection', peer, state })
      if (this.#progress?.peer === peer) this.#say(this.#progress.of.changed(state, Date.now()), peer)
    })
    this.#on('path', ({ detail: { peer, path } }) => this.#dispatch({ is: 'path', peer, path }))
    this.#on('typing', ({ detail: { peer } }) => this.#dispatch({ is: 'typing', peer }))
    this.#on('entered', ({ detail: { peer, name } }) => this.#entered(peer, name))
    this.#on('left', ({ detail: { peer, name, reason } }) => {
      if (reason === 'quit' && this.#progress?.peer === peer) this.#progress.of.goneAway()
      const what = reason === 'left' ? 'has left the conversation' : 'has left the network: what you write waits'
      if (this.#progress?.peer === peer) this.#say([`${name} ${what}.`], peer)
    })
    this.#on('notice', ({ detail: { code, text } }) => {
      if (code === 'no-multicast') this.#hasLan = false
      if (code === 'key-changed' || code === 'exposed-key') this.#dispatch({ is: 'alarm', text })
      else
        this.#dispatch({ is: 'note', text, tone: code === 'history' || code === 'misbehaviour' ? 'warning' : 'note' })
    })
  }

  #entered(peer: string, name: string): void {
    const saidAtMs = this.#enteredAtMs.get(peer) ?? Number.NEGATIVE_INFINITY
    const nowMs = performance.now()
    if (nowMs - saidAtMs < ENTERED_AGAIN_MS) return
    this.#enteredAtMs.set(peer, nowMs)
    if (this.#progress?.peer === peer) this.#say([`${name} is in the conversation.`], peer)
    else this.#say([`${name} has opened a conversation with you: choose ${name} to answer.`])
  }

  #aroundSoon(): void {
    this.#aroundTimer ??= setTimeout(() => this.lookAround(), AROUND_COALESCE_MS)
  }

  #say(texts: readonly string[], peer?: string): void {
    for (const text of texts)
      this.#dispatch({ is: 'note', text, tone: 'note', ...(peer === undefined ? {} : { peer }) })
  }

  #on<K extends keyof ChatNodeEvents>(type: K, listener: (event: ChatNodeEvents[K]) => void): void {
    this.#node.addEventListener(type, listener)
    this.#unsubscribe.push(() => this.#node.removeEventListener(type, listener))
  }
}
