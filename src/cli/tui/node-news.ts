// The node's events as events of the screen: messages and deliveries at once,
// changes of the roster in groups. It decides nothing.
import type { ChatApi, ChatNodeEvents, IncomingMessage } from '../chat-api/chat-api.ts'
import { searchNewsText } from '../wording/share-wording.ts'
import { transferNewsText } from '../wording/transfer-wording.ts'
import { LruMap } from '../../lib/index.ts'
import { identityOf } from '../chat-commands/chat-commands.ts'
import { ENTERED_AGAIN_MS, ConnectionProgress, PresenceFilter, RefusalNews } from '../wording/conversation-news.ts'
import { MAX_NUMBERED_PEERS } from '../chat-commands/named-peer.ts'
import { DirectoryNews } from '../wording/directory-wording.ts'
import type { PresenceLines } from '../../node/settings.ts'
import type { ScreenEvent } from './model/events.ts'
import type { PresenceChange } from './model/window.ts'

/** Changes of who is around that come within this time are shown together. */
const AROUND_COALESCE_MS = 200

export interface NodeNewsInit {
  readonly node: ChatApi
  readonly presenceLines?: PresenceLines
  readonly dispatch: (event: ScreenEvent) => void
}

export class NodeNews {
  readonly #node: ChatApi
  readonly #dispatch: (event: ScreenEvent) => void
  readonly #unsubscribe: (() => void)[] = []
  readonly #directories = new DirectoryNews()
  readonly #presence: PresenceFilter
  readonly #refusals = new RefusalNews()
  readonly #enteredAtMs = new LruMap<string, number>(MAX_NUMBERED_PEERS)
  #progress: { readonly peer: string; readonly of: ConnectionProgress } | undefined
  #hasBegun = false
  #hasLan: boolean
  #aroundTimer: NodeJS.Timeout | undefined
  /** Messages that came while a conversation is being read for the screen. */
  #came: IncomingMessage[] | undefined

  constructor(init: NodeNewsInit) {
    this.#node = init.node
    this.#hasLan = init.node.snapshot().self.searchesLan
    this.#presence = new PresenceFilter(init.presenceLines ?? 'smart')
    this.#dispatch = init.dispatch
    this.#listen()
  }

  /** The first look is over: from now on changes of directories are reported. */
  begin(): void {
    this.#hasBegun = true
    const { directories, self } = this.#node.snapshot()
    const others = { hasLan: this.#hasLan, hasRelays: self.namesRelays }
    this.#say(this.#directories.summary(directories, others, Date.now()))
  }

  stop(): void {
    clearTimeout(this.#aroundTimer)
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe()
  }

  /** Reports the connection to this peer from now on. */
  follow(peer: string): void {
    const progress = new ConnectionProgress(this.#node.peers.look(peer).label)
    this.#progress = { peer, of: progress }
    this.#presence.talked(peer, Date.now())
    this.#say(progress.changed(this.#node.peers.look(peer).state, Date.now()), peer)
  }

  /** Collects messages from now on, to add them to a conversation that is being read. */
  gather(): void {
    this.#came = []
  }

  gathered(): readonly IncomingMessage[] {
    const came = this.#came ?? []
    this.#came = undefined
    return came
  }

  tellSelf(): void {
    const { namesRelays } = this.#node.snapshot().self
    this.#dispatch({ is: 'self', self: identityOf(this.#node), namesRelays })
  }

  /** Dispatches the roster as it is now. */
  lookAround(): void {
    clearTimeout(this.#aroundTimer)
    this.#aroundTimer = undefined
    const contacts = new Map(this.#node.snapshot().contacts.map(({ peer, name }) => [peer, name]))
    const verified = new Set(
      this.#node.snapshot().contacts.flatMap((one) => (one.verified === undefined ? [] : [one.peer]))
    )
    const roster = this.#node.snapshot().roster
    const blocked = new Map(this.#node.snapshot().blocked.map(({ peer, name }) => [peer, name]))
    this.#dispatch({
      is: 'around',
      roster,
      contacts,
      verified,
      blocked,
      directories: this.#node.snapshot().directories
    })
  }

  async askRequests(): Promise<void> {
    // A notice reports a problem with the disk.
    const requests = await this.#node.messaging.requests().catch(() => undefined)
    if (requests !== undefined) this.#dispatch({ is: 'requests', requests })
  }

  #listen(): void {
    this.#on('roster', () => this.#aroundSoon())
    this.#on('snapshot', () => this.#aroundSoon())
    this.#on('read', ({ detail: { peer } }) => this.#dispatch({ is: 'read', peer }))
    this.#on('forgotten', ({ detail: { peer } }) => this.#dispatch({ is: 'forgotten', peer }))
    this.#on('expired', ({ detail: { beforeMs } }) => this.#dispatch({ is: 'expired', beforeMs }))
    this.#on('directory', ({ detail }) => {
      this.#aroundSoon()
      if (this.#hasBegun) this.#say(this.#directories.changed(detail, Date.now()))
    })
    this.#on('message', ({ detail: { message, name, arrival } }) => {
      if (arrival !== 'accepted') return
      this.#came?.push(message)
      if (this.#progress?.peer === message.peer) this.#presence.talked(message.peer, Date.now())
      this.#dispatch({ is: 'message', message, name })
    })
    this.#on('request', ({ detail }) => {
      this.#dispatch({ is: 'requested', request: detail })
      void this.askRequests()
    })
    // Also what another command sends by this node, such as `parley send`.
    this.#on('sent', ({ detail: { message, name } }) => {
      if (this.#progress?.peer === message.peer) this.#presence.talked(message.peer, Date.now())
      this.#dispatch({ is: 'sent', message, name })
    })
    this.#on('delivery', ({ detail: { message, state } }) =>
      this.#dispatch({ is: 'delivery', message: { ...message, state } })
    )
    this.#on('refused', ({ detail }) => {
      const line = this.#refusals.line({ ...detail, name: detail.label }, Date.now())
      if (line !== undefined) this.#say([line], detail.peer)
    })
    this.#on('conversation', ({ detail: { peer, state } }) => {
      this.#aroundSoon()
      this.#dispatch({ is: 'connection', peer, state })
      if (this.#progress?.peer !== peer) return
      const { of: progress } = this.#progress
      const texts = progress.changed(state, Date.now())
      // "Is back" is filtered like "came"; the reason why a peer can't be reached is always shown.
      if (state.name === 'open' && progress.hasBeenOpen) this.#sayPresence(texts, peer, 'connected')
      else this.#say(texts, peer)
    })
    this.#on('path', ({ detail: { peer, path } }) => this.#dispatch({ is: 'path', peer, path }))
    this.#on('typing', ({ detail: { peer } }) => this.#dispatch({ is: 'typing', peer }))
    this.#on('entered', ({ detail: { peer } }) => this.#entered(peer))
    this.#on('contact', ({ detail: { peer, label } }) => {
      if (this.#progress?.peer === peer) this.#progress.of.name = label
      this.lookAround()
    })
    this.#on('left', ({ detail: { peer, reason } }) => {
      this.#dispatch({ is: 'left', peer })
      if (reason === 'quit' && this.#progress?.peer === peer) this.#progress.of.goneAway()
      const what = reason === 'left' ? 'has left the conversation' : 'has left the network; your messages wait'
      if (this.#progress?.peer === peer)
        this.#sayPresence([`${this.#node.peers.look(peer).label} ${what}.`], peer, reason)
    })
    this.#on('self', () => this.tellSelf())
    this.#on('found', ({ detail }) => this.#dispatch({ is: 'status', text: searchNewsText(detail), tone: 'note' }))
    this.#on('transfer', ({ detail }) => {
      const text = transferNewsText(detail)
      if (text !== undefined) this.#dispatch({ is: 'status', text, tone: 'note', peer: detail.transfer.peer })
    })
    this.#on('invitation', ({ detail }) => this.#dispatch({ is: 'invitation', news: detail }))
    this.#on('notice', ({ detail }) => {
      const { code, text } = detail
      if (code === 'node-gone' || code === 'node-back')
        this.#dispatch({ is: 'node', lostAtMs: this.#node.snapshot().lostAtMs })
      if (code === 'no-multicast' || code === 'multicast') this.#hasLan = detail.works
      if (code === 'key-changed' || code === 'exposed-key') this.#dispatch({ is: 'alarm', text })
      else
        this.#dispatch({ is: 'status', text, tone: code === 'history' || code === 'misbehaviour' ? 'warning' : 'note' })
    })
  }

  #entered(peer: string): void {
    const saidAtMs = this.#enteredAtMs.get(peer) ?? Number.NEGATIVE_INFINITY
    const nowMs = performance.now()
    if (nowMs - saidAtMs < ENTERED_AGAIN_MS) return
    this.#enteredAtMs.set(peer, nowMs)
    if (this.#progress?.peer === peer)
      this.#sayPresence([`${this.#node.peers.look(peer).label} is in the conversation.`], peer, 'entered')
    else this.#dispatch({ is: 'entered', peer })
  }

  #aroundSoon(): void {
    this.#aroundTimer ??= setTimeout(() => this.lookAround(), AROUND_COALESCE_MS)
  }

  /** Reports that the peer of the open conversation came or went. */
  #sayPresence(texts: readonly string[], peer: string, change: PresenceChange): void {
    if (!this.#presence.isShown(peer, Date.now())) return
    for (const text of texts) this.#dispatch({ is: 'presence', text, peer, change })
  }

  #say(texts: readonly string[], peer?: string): void {
    for (const text of texts)
      this.#dispatch({ is: 'status', text, tone: 'note', ...(peer === undefined ? {} : { peer }) })
  }

  #on<K extends keyof ChatNodeEvents>(type: K, listener: (event: ChatNodeEvents[K]) => void): void {
    this.#node.events.addEventListener(type, listener)
    this.#unsubscribe.push(() => this.#node.events.removeEventListener(type, listener))
  }
}
