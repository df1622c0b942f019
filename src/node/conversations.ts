// The conversations of this peer: which peers are chosen and looked for, what is
// sent to them, and what the user decides about them. What comes in is for the
// reception, what goes out for the deliveries; screens are not its business.
import type { Connection } from '@libp2p/interface'
import type { ChatService, ChatServiceInit, ChatSession } from '../chat-protocol/index.ts'
import type { IncomingMessage, MessageStore, OutgoingMessage, PeerBook, StoredMessage } from '../storage/index.ts'
import { Backoff } from './backoff.ts'
import type { ConversationState, RequestView } from './chat-events.ts'
import type { AcceptPolicy } from './config.ts'
import { DirectoryPeerError } from './errors.ts'
import { FAREWELL_TIMEOUT_MS, KNOCK_RATE, RECENT_MESSAGES, REDIAL_BACKOFF } from './constants.ts'
import { Deliveries, type OwnText, type Refusal } from './deliveries.ts'
import { TokenBucket } from '../wire/index.ts'
import { heed, helloFor } from './own-log.ts'
import { Pursuit } from './pursuit.ts'
import { Reception, type Cleared } from './reception.ts'
import type { RoomUse } from './request-room.ts'
import type { RoomNews } from './room-notices.ts'
import type { DiskRoom } from './disk-room.ts'
import { explainSessionError } from './session-errors.ts'
import { refusalText } from './refusals.ts'

/** What happens in conversations, told to the node. */
export interface ConversationEvents {
  message(message: IncomingMessage): void
  request(view: RequestView): void
  room(news: RoomNews): void
  delivery(message: OutgoingMessage): void
  refused(peer: string, reason: string, retryAfterMs: number): void
  state(peer: string, state: ConversationState): void
  entered(peer: string): void
  typing(peer: string): void
  left(peer: string, reason: 'left' | 'quit'): void
  /** There will never be a conversation with this peer. */
  futile(peer: string, why: string): void
  fault(peer: string, error: unknown): void
}

export interface ConversationsInit {
  readonly store: MessageStore
  readonly book: PeerBook
  readonly policy: AcceptPolicy
  /** Whether others are told when their messages are on the screen. */
  readonly tellSeen: boolean
  readonly connect: (peer: string, options: { signal: AbortSignal }) => Promise<Connection>
  readonly isLan: (peer: string) => boolean
  /** The address class that the peer's connection comes from. */
  readonly originOf: (peer: string) => string
  readonly disk: DiskRoom
  /** How long it takes to the peer and back, when that is known. */
  readonly rttOf: (peer: string) => { readonly rttMs?: number }
  /** Whether what is reached there is a directory. */
  readonly isDirectory: (peer: string) => Promise<boolean>
  readonly nameOf: (peer: string) => string
  readonly kindOf: ChatServiceInit['kindOf']
  readonly events: ConversationEvents
  readonly now: () => number
}

export class Conversations {
  readonly #init: ConversationsInit
  readonly #reception: Reception
  readonly #deliveries: Deliveries
  readonly #pursuit: Pursuit
  /** Conversations that are open on this side's screen. */
  readonly #onScreen = new Set<string>()
  /** Contacts by nothing but an open conversation, with whom there was never a session, and to whom nothing was written. */
  readonly #untried = new Set<string>()
  readonly #knocks: TokenBucket
  readonly #states = new Map<string, ConversationState>()
  readonly #sessions = new Map<string, ChatSession>()
  /** What is being ended in vain, which is told as a fault when it fails. */
  readonly #endings = new Set<Promise<void>>()
  #chat: ChatService | undefined

  constructor(init: ConversationsInit) {
    this.#init = init
    this.#knocks = new TokenBucket(KNOCK_RATE, init.now())
    this.#reception = new Reception({
      ...init,
      isOnScreen: (peer) => this.#onScreen.has(peer),
      onShown: (peer, messages) => this.#saw(peer, messages)
    })
    this.#deliveries = new Deliveries({
      store: init.store,
      now: init.now,
      onDelivery: (message) => init.events.delivery(message),
      onProgress: (peer) => void this.#orFault(peer, async (id) => this.#restIfDone(id)).catch(() => undefined),
      onFault: (peer, error) => init.events.fault(peer, error)
    })
    this.#pursuit = new Pursuit({
      hasSession: (peer) => this.#session(peer) !== undefined,
      attempt: async (peer, options) => this.#openSession(peer, options),
      isFutile: (error) => error instanceof DirectoryPeerError,
      onFutile: (peer, error) => {
        const ending = this.#orFault(peer, async (id) => this.#endInVain(id, error)).catch(() => undefined)
        this.#endings.add(ending)
        void ending.then(() => this.#endings.delete(ending))
      },
      backoff: () => new Backoff(REDIAL_BACKOFF),
      isUrgent: (peer) => this.#onScreen.has(peer),
      onState: (peer, state) => this.#setState(peer, state),
      now: init.now
    })
  }

  /** Whether the conversation is open on this side's screen. */
  isOnScreen(peer: string): boolean {
    return this.#onScreen.has(peer)
  }

  /** What the chat service asks and tells. */
  get protocol(): ChatServiceInit {
    return {
      kindOf: this.#init.kindOf,
      helloFor: async (peer) => helloFor(this.#init.store, peer.toString()),
      onHello: async (peer, held) => {
        await heed(this.#init.store, peer.toString(), held)
        this.#deliveries.reread(peer.toString())
      },
      onMessages: async (peer, messages) =>
        this.#orFault(peer.toString(), async (id) => {
          const dispositions = await this.#reception.receive(id, messages)
          if (dispositions.some(({ kind }) => kind !== 'refused')) this.#pursuit.progressed(id)
          return dispositions
        }),
      onPlainText: async (peer, text) =>
        this.#orFault(peer.toString(), async (id) => this.#reception.receiveText(id, text)),
      onReceipts: async (peer, ids, state) =>
        this.#orFault(peer.toString(), async (id) => {
          this.#pursuit.progressed(id)
          await this.#deliveries.receipts(id, ids, state)
        }),
      paceOf: (peer) => (this.#reception.isTrusted(peer.toString()) ? 'contact' : 'stranger')
    }
  }

  start(chat: ChatService): void {
    this.#chat = chat
    const { events } = this.#init
    chat.addEventListener('session:open', ({ detail }) => this.#onSessionOpen(detail.session))
    chat.addEventListener('session:close', ({ detail }) => this.#onSessionClose(detail.peer.toString()))
    chat.addEventListener('enter', ({ detail }) => this.#onEnter(detail.peer.toString()))
    chat.addEventListener('typing', ({ detail }) => {
      if (this.#isContact(detail.peer.toString())) events.typing(detail.peer.toString())
    })
    chat.addEventListener('bye', ({ detail }) => events.left(detail.peer.toString(), detail.reason))
    chat.addEventListener('refuse', ({ detail }) => {
      const peer = detail.peer.toString()
      // What fails is told as a fault.
      void this.#orFault(peer, async (id) => this.#onRefuse(id, detail)).catch(() => undefined)
    })
  }

  /** Says goodbye to everybody within a short time, then stops sending. */
  async stop(): Promise<void> {
    await this.#pursuit.stop()
    await Promise.all(this.#endings)
    const { book } = this.#init
    // What can't be written now has been told of before, or stays as it is.
    await Promise.all([...this.#untried].map(async (peer) => book.remove(peer).catch(() => undefined)))
    this.#untried.clear()
    const deadline = AbortSignal.timeout(FAREWELL_TIMEOUT_MS)
    const farewells = [...this.#states.keys()].map(async (peer) => this.#session(peer)?.bye('quit'))
    const late = new Promise<void>((resolve) => deadline.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([Promise.allSettled(farewells), late])
    await this.#deliveries.stop()
    await this.#reception.stop()
  }

  /** Looks for everybody for whom something waits. */
  async resume(): Promise<void> {
    const { store } = this.#init
    for (const peer of await store.peersWithPending()) {
      this.#pursuit.want(peer, { isNew: false, wasReached: (await store.heldPosition(peer)) !== undefined })
    }
  }

  /** See {@link Deliveries.retry}. */
  async retry(peer: string, ids?: readonly string[]): Promise<number> {
    const count = await this.#deliveries.retry(peer, ids)
    if (count > 0) this.#pursuit.want(peer)
    return count
  }

  /** See {@link Deliveries.cancel}. */
  async cancel(peer: string, ids?: readonly string[]): Promise<number> {
    return this.#deliveries.cancel(peer, ids)
  }

  /** What is kept of the peer is not what it was. */
  reread(peer: string): void {
    this.#deliveries.reread(peer)
    this.#reception.forgetRoom()
  }

  /** Messages that have waited for too long fail, and old ones are deleted. */
  async keepHouse(limits: {
    readonly giveUpMs: number
    readonly keepMs: number
    readonly nowMs: number
  }): Promise<void> {
    const { store } = this.#init
    const { nowMs } = limits
    if (limits.giveUpMs !== Infinity) await this.#deliveries.giveUp(nowMs - limits.giveUpMs)
    await this.#reception.expire()
    if (limits.keepMs !== Infinity) await store.deleteOlderThan(nowMs - limits.keepMs)
  }

  state(peer: string): ConversationState {
    return this.#states.get(peer) ?? { name: 'closed' }
  }

  /** Chooses the peer: from now on its messages are taken, and it is looked for until {@link leave}. */
  async open(peer: string): Promise<readonly StoredMessage[]> {
    this.#onScreen.add(peer)
    const isNew = !this.#isContact(peer)
    const accepted = await this.accept(peer)
    if (isNew && accepted.length === 0 && this.#session(peer) === undefined) this.#untried.add(peer)
    await this.#init.store.markRead(peer)
    this.#session(peer)?.enter()
    this.#pursuit.want(peer)
    const recent = await this.#init.store.history(peer, { limit: RECENT_MESSAGES })
    this.#saw(peer, recent)
    return recent
  }

  /** Leaves the conversation: the other side is told; what is not delivered is still sent. */
  async leave(peer: string): Promise<void> {
    if (!this.#onScreen.delete(peer)) return
    if (this.#untried.delete(peer)) await this.#orFault(peer, async (id) => this.#init.book.remove(id))
    // First of all nobody looks for it any more: its stream is not opened again, nor its end taken for a loss.
    await this.#restIfDone(peer)
    const session = this.#session(peer)
    if (session === undefined) return
    await (session.dialect === 'parley' ? session.bye('left') : session.close()).catch(() => undefined)
  }

  /** Stored in their order, all or none. */
  async send(peer: string, texts: readonly OwnText[]): Promise<readonly OutgoingMessage[]> {
    // Asked for at once, what both write is on the disk after one sync; and the way is looked for meanwhile.
    const accepted = this.accept(peer)
    this.#pursuit.want(peer)
    try {
      if (!this.#isContact(peer)) await accepted
      const [messages] = await Promise.all([this.#deliveries.add(peer, texts), accepted])
      // What was delivered before may have ended the search, as nothing waited yet.
      if (!this.#pursuit.isWanted(peer)) this.#pursuit.want(peer)
      return messages
    } catch (error) {
      // What can't be stored is looked for in vain; whoever sends it hears of that.
      await this.#restIfDone(peer).catch(() => undefined)
      throw error
    }
  }

  /** See {@link Deliveries.settled}. */
  async settled(message: OutgoingMessage, options: { signal: AbortSignal }): Promise<OutgoingMessage> {
    return this.#deliveries.settled(message, options)
  }

  typing(peer: string): void {
    this.#session(peer)?.typing()
  }

  /** Makes the peer a contact, and its held messages part of the history. */
  async accept(peer: string): Promise<readonly IncomingMessage[]> {
    const { book, store, nameOf, now } = this.#init
    this.#untried.delete(peer)
    if (book.contact(peer) === undefined) await book.accept(peer, nameOf(peer), now())
    const accepted = await store.acceptHeld(peer)
    if (accepted.length > 0) this.#reception.forgetRoom()
    if (accepted.length > 0)
      this.#session(peer)?.acknowledge(
        accepted.map(({ id }) => id),
        'stored'
      )
    return accepted
  }

  /** The requests of this peer are no longer shown; to it nothing looks different. */
  async ignore(peer: string): Promise<void> {
    await this.#init.book.ignore(peer, this.#init.nameOf(peer))
  }

  /** Ends what is open with the peer. Its connections are for the caller to close and refuse. */
  async block(peer: string): Promise<void> {
    await this.#init.book.block(peer, this.#init.nameOf(peer))
    this.#onScreen.delete(peer)
    this.#pursuit.unwant(peer)
    const session = this.#session(peer)
    if (session === undefined) this.#setState(peer, { name: 'closed' })
    else await session.close().catch(() => undefined)
    // Blocked peers keep no place from others.
    await this.#reception.clear([peer])
  }

  async requests(): Promise<readonly RequestView[]> {
    return this.#reception.requests()
  }

  /** Deletes everything that waits as a request, of ignored peers too. */
  async clearRequests(): Promise<Cleared> {
    return this.#reception.clear()
  }

  /** How full the room for requests is. */
  async roomUse(): Promise<RoomUse> {
    return this.#reception.use()
  }

  /** There is news of the peer: if it is wanted, it is tried now. */
  wake(peer: string): void {
    this.#pursuit.wake(peer)
  }

  wakeAll(): void {
    this.#pursuit.wakeAll()
  }

  /** What can't be stored ends the stream, so that it comes again; the user hears why, and not only of a lost stream. */
  async #orFault<T>(peer: string, work: (peer: string) => Promise<T>): Promise<T> {
    try {
      return await work(peer)
    } catch (error) {
      this.#init.events.fault(peer, error)
      throw error
    }
  }

  /** Strangers may knock, but not without end. */
  #onEnter(peer: string): void {
    const { book, events, now } = this.#init
    if (book.isIgnored(peer)) return
    if (this.#isContact(peer) || this.#knocks.take(1, now()) === 1) events.entered(peer)
  }

  #isContact(peer: string): boolean {
    return this.#init.book.contact(peer) !== undefined
  }

  async #onRefuse(peer: string, refusal: Refusal): Promise<void> {
    const retryAfterMs = await this.#deliveries.refused(peer, refusal)
    if (retryAfterMs !== undefined) this.#init.events.refused(peer, refusalText(refusal.reason), retryAfterMs)
  }

  /** A receipt may have been lost with the session before. */
  async #sawRecent(peer: string): Promise<void> {
    if (!this.#init.tellSeen) return
    await this.#orFault(peer, async (id) => {
      this.#saw(id, await this.#init.store.history(id, { limit: RECENT_MESSAGES }))
    }).catch(() => undefined) // it has been told as a fault
  }

  /** Messages are on the screen; the other side hears of it where the user wants that. */
  #saw(peer: string, messages: readonly StoredMessage[]): void {
    if (!this.#init.tellSeen) return
    const ids = messages.flatMap((message) => (message.direction === 'in' ? [message.id] : []))
    if (ids.length > 0) this.#session(peer)?.acknowledge(ids, 'seen')
  }

  async #openSession(peer: string, { signal }: { signal: AbortSignal }): Promise<void> {
    try {
      const connection = await this.#init.connect(peer, { signal })
      await this.#chat?.open(connection, { signal })
    } catch (error) {
      signal.throwIfAborted()
      const isDirectory = await this.#init.isDirectory(peer)
      throw explainSessionError(error, isDirectory ? this.#init.nameOf(peer) : undefined)
    }
  }

  /** Nothing that waits for it can ever arrive, and whoever takes no messages is no contact. */
  async #endInVain(peer: string, error: unknown): Promise<void> {
    const why = error instanceof Error ? error.message : String(error)
    this.#setState(peer, { name: 'closed' })
    this.#init.events.futile(peer, why)
    await this.#deliveries.fail(peer, why)
    await this.#init.book.remove(peer)
  }

  #session(peer: string): ChatSession | undefined {
    return this.#sessions.get(peer)
  }

  #onSessionOpen(session: ChatSession): void {
    const peer = session.peer.toString()
    this.#sessions.set(peer, session)
    this.#untried.delete(peer)
    const path = this.#init.isLan(peer) ? 'lan' : 'direct'
    this.#setState(peer, { name: 'open', dialect: session.dialect, path, ...this.#init.rttOf(peer) })
    if (this.#onScreen.has(peer)) {
      session.enter()
      void this.#sawRecent(peer)
    }
    this.#deliveries.attach(session)
    this.#pursuit.wake(peer)
  }

  #onSessionClose(peer: string): void {
    this.#sessions.delete(peer)
    this.#deliveries.detach(peer)
    if (!this.#pursuit.isWanted(peer)) this.#setState(peer, { name: 'closed' })
    this.#pursuit.wake(peer)
  }

  #setState(peer: string, state: ConversationState): void {
    if (state.name === 'closed') this.#states.delete(peer)
    else this.#states.set(peer, state)
    this.#init.events.state(peer, state)
  }

  /** A peer is looked for as long as it is on the screen or something waits for it. */
  async #restIfDone(peer: string): Promise<void> {
    if (this.#onScreen.has(peer) || !this.#pursuit.isWanted(peer)) return
    const waiting = await this.#init.store.peersWithPending()
    if (waiting.includes(peer) || this.#onScreen.has(peer)) return
    this.#pursuit.unwant(peer)
    if (this.#session(peer) === undefined) this.#setState(peer, { name: 'closed' })
  }
}
