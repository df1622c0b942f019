// The conversations of this peer: which peers are chosen and looked for, what is
// sent to them, and what the user decides about them. What comes in is for the
// reception, what goes out for the deliveries; screens are not its business.
import type { Connection } from '@libp2p/interface'
import type { ChatService, ChatServiceInit, ChatSession } from '../../chat-protocol/index.ts'
import type { IncomingMessage, MessageStore, OutgoingMessage, PeerBook, StoredMessage } from '../../storage/index.ts'
import type { ConversationState, NoDirectView, RequestView } from '../api/chat-events.ts'
import type { AcceptPolicy } from '../config/setting-specs.ts'
import { Deliveries, type OwnText, type Refusal } from './deliveries.ts'
import { TokenBucket } from '../../wire/index.ts'
import { FaultNotices } from './room-notices.ts'
import type { ConversationEvents } from './conversation-events.ts'
import type { PeerDirectory } from '../peers/peer-directory.ts'
import { heed, helloFor, PeerSessions, type PeerNetwork, type SessionOwner } from './peer-sessions.ts'
import { Reception, type Screens } from './reception.ts'
import type { RoomUse } from './request-room.ts'
import type { Cleared } from './requests.ts'
import type { DiskRoom } from './disk-room.ts'
import type { NewsReaders } from './news-readers.ts'
import { refusalText } from './refusals.ts'

/** How many of a conversation's last messages are shown when it is opened. */
const RECENT_MESSAGES = 20

/** Strangers who open a conversation with us are announced at this pace, all together; the rest is in the requests. */
const KNOCK_RATE = { burst: 10, perSecond: 0.2 } as const

export interface ConversationsInit {
  readonly store: MessageStore
  readonly book: PeerBook
  readonly policy: AcceptPolicy
  /** Whether others are told when their messages are on the screen. */
  readonly tellSeen: boolean
  readonly network: PeerNetwork
  readonly peers: Pick<PeerDirectory, 'name' | 'nickname' | 'recall'>
  readonly disk: DiskRoom
  /** The faces that read what is stored. */
  readonly readers: NewsReaders
  readonly events: ConversationEvents
  readonly now: () => number
}

export class Conversations implements SessionOwner, Screens {
  readonly #init: ConversationsInit
  readonly #reception: Reception
  readonly #deliveries: Deliveries
  readonly #sessions: PeerSessions
  /** Conversations that are open on this side's screen. */
  readonly #onScreen = new Set<string>()
  /** Contacts by nothing but an open conversation, with whom there was never a session, and to whom nothing was written. */
  readonly #untried = new Set<string>()
  readonly #knocks: TokenBucket
  readonly #faults: FaultNotices

  constructor(init: ConversationsInit) {
    this.#init = init
    this.#knocks = new TokenBucket(KNOCK_RATE, init.now())
    this.#faults = new FaultNotices({ now: init.now, tell: (peer, error) => init.events.fault(peer, error) })
    this.#reception = new Reception({ ...init, screens: this })
    this.#deliveries = new Deliveries({
      store: init.store,
      now: init.now,
      onDelivery: (message) => init.events.delivery(message),
      onProgress: (peer) =>
        void this.#orFault(peer, async (id) => this.#sessions.restIfDone(id)).catch(() => undefined),
      onFault: (peer, error) => this.#faults.fault(peer, error),
      onUnanswered: (peer) => init.network.unanswered(peer)
    })
    this.#sessions = new PeerSessions({ ...init, owner: this })
  }

  /** Whether the conversation is open on this side's screen. */
  isOnScreen(peer: string): boolean {
    return this.#onScreen.has(peer)
  }

  /** See {@link SessionOwner}. */
  isContact(peer: string): boolean {
    return this.#init.book.contact(peer) !== undefined
  }

  /** The connection on which messages to the peer go now. */
  connection(peer: string): Connection | undefined {
    return this.#sessions.of(peer)?.connection
  }

  /** See {@link BetterPaths.whyRelayed}. */
  whyRelayed(peer: string): NoDirectView | undefined {
    return this.#sessions.whyRelayed(peer)
  }

  /** See {@link Screens}; the other side hears of it where the user wants that. */
  shown(peer: string, messages: readonly StoredMessage[]): void {
    if (!this.#init.tellSeen) return
    const ids = messages.flatMap((message) => (message.direction === 'in' ? [message.id] : []))
    if (ids.length > 0) this.#sessions.of(peer)?.acknowledge(ids, 'seen')
  }

  /** See {@link SessionOwner}. */
  stateChanged(peer: string, state: ConversationState): void {
    this.#init.events.state(peer, state)
  }

  sessionOpened(session: ChatSession): void {
    const peer = session.peer.toString()
    this.#untried.delete(peer)
    if (this.#onScreen.has(peer)) {
      session.enter()
      void this.#sawRecent(peer)
    }
    this.#deliveries.attach(session)
  }

  sessionClosed(peer: string): void {
    this.#deliveries.detach(peer)
  }

  async sessionIsFutile(peer: string, why: string): Promise<void> {
    await this.#orFault(peer, async (id) => this.#endInVain(id, why)).catch(() => undefined)
  }

  /** What the chat service asks and tells. */
  get protocol(): Omit<ChatServiceInit, 'kindOf'> {
    return {
      helloFor: async (peer) => helloFor(this.#init.store, peer.toString()),
      onHello: async (peer, held) => {
        await heed(this.#init.store, peer.toString(), held)
        this.#deliveries.reread(peer.toString())
      },
      onMessages: async (peer, messages) =>
        this.#orFault(peer.toString(), async (id) => {
          const dispositions = await this.#reception.receive(id, messages)
          if (dispositions.some(({ kind }) => kind !== 'refused')) this.#sessions.progressed(id)
          return dispositions
        }),
      onPlainText: async (peer, text, { lost }) =>
        this.#orFault(peer.toString(), async (id) => this.#reception.receiveText(id, text, lost)),
      onReceipts: async (peer, ids, state) =>
        this.#orFault(peer.toString(), async (id) => {
          this.#sessions.progressed(id)
          await this.#deliveries.receipts(id, ids, state)
        }),
      paceOf: (peer) => (this.#reception.isTrusted(peer.toString()) ? 'contact' : 'stranger')
    }
  }

  start(chat: ChatService): void {
    this.#sessions.start(chat)
    const { events } = this.#init
    chat.addEventListener('enter', ({ detail }) => this.#onEnter(detail.peer.toString()))
    chat.addEventListener('typing', ({ detail }) => {
      if (this.isContact(detail.peer.toString())) events.typing(detail.peer.toString())
    })
    chat.addEventListener('bye', ({ detail }) => events.left(detail.peer.toString(), detail.reason))
    chat.addEventListener('unkept', ({ detail }) => this.#reception.unkept(detail.peer.toString(), detail))
    chat.addEventListener('refuse', ({ detail }) => {
      const peer = detail.peer.toString()
      // What fails is told as a fault.
      void this.#orFault(peer, async (id) => this.#onRefuse(id, detail)).catch(() => undefined)
    })
  }

  /** Says goodbye to everybody within a short time, then stops sending. */
  async stop(): Promise<void> {
    await this.#sessions.stop()
    const { book } = this.#init
    // What can't be written now has been told of before, or stays as it is.
    await Promise.all([...this.#untried].map(async (peer) => book.remove(peer).catch(() => undefined)))
    this.#untried.clear()
    await this.#sessions.sayGoodbye()
    await this.#deliveries.stop()
    await this.#reception.stop()
  }

  /** See {@link PeerSessions.resume}. */
  async resume(): Promise<void> {
    await this.#sessions.resume()
  }

  /** See {@link Deliveries.retry}. */
  async retry(peer: string, ids?: readonly string[]): Promise<number> {
    const count = await this.#deliveries.retry(peer, ids)
    if (count > 0) this.#sessions.want(peer)
    return count
  }

  /** See {@link Deliveries.cancel}. */
  async cancel(peer: string, ids?: readonly string[]): Promise<number> {
    return this.#deliveries.cancel(peer, ids)
  }

  async cancelAll(peer: string): Promise<void> {
    await this.#deliveries.cancelAll(peer)
  }

  /** What is kept of the peer is not what it was. */
  reread(peer: string): void {
    this.#deliveries.reread(peer)
    this.#reception.requests.forgetRoom()
  }

  /** Messages that have waited for too long fail; requests without an answer and old messages are deleted. */
  async keepHouse(limits: {
    readonly giveUpMs: number
    readonly keepMs: number
    readonly requestsMs: number
    readonly nowMs: number
  }): Promise<void> {
    const { store } = this.#init
    const { nowMs } = limits
    if (limits.giveUpMs !== Infinity) await this.#deliveries.giveUp(nowMs - limits.giveUpMs)
    await this.#reception.requests.expire(nowMs - limits.requestsMs)
    if (limits.keepMs !== Infinity) await store.deleteOlderThan(nowMs - limits.keepMs)
  }

  state(peer: string): ConversationState {
    return this.#sessions.state(peer)
  }

  /** Chooses the peer: from now on its messages are taken, and it is looked for until {@link leave}. */
  async open(peer: string): Promise<readonly StoredMessage[]> {
    this.#onScreen.add(peer)
    const isNew = !this.isContact(peer)
    const accepted = await this.accept(peer)
    if (isNew && accepted.length === 0 && this.#sessions.of(peer) === undefined) this.#untried.add(peer)
    await this.#init.store.markRead(peer)
    this.#sessions.of(peer)?.enter()
    this.#sessions.want(peer)
    const recent = await this.#init.store.history(peer, { limit: RECENT_MESSAGES })
    this.shown(peer, recent)
    return recent
  }

  /** Leaves the conversation: the other side is told; what is not delivered is still sent. */
  async leave(peer: string): Promise<void> {
    if (!this.#onScreen.delete(peer)) return
    if (this.#untried.delete(peer)) await this.#orFault(peer, async (id) => this.#init.book.remove(id))
    // First of all nobody looks for it any more: its stream is not opened again, nor its end taken for a loss.
    await this.#sessions.restIfDone(peer)
    await this.#sessions
      .of(peer)
      ?.bye('left')
      .catch(() => undefined)
  }

  /** Stored in their order, all or none. */
  async send(peer: string, texts: readonly OwnText[]): Promise<readonly OutgoingMessage[]> {
    // Asked for at once, what both write is on the disk after one sync; and the way is looked for meanwhile.
    const accepted = this.accept(peer)
    this.#sessions.want(peer)
    try {
      if (!this.isContact(peer)) await accepted
      const [messages] = await Promise.all([this.#deliveries.add(peer, texts), accepted])
      // What was delivered before may have ended the search, as nothing waited yet.
      if (!this.#sessions.isWanted(peer)) this.#sessions.want(peer)
      return messages
    } catch (error) {
      // What can't be stored is looked for in vain; whoever sends it hears of that.
      await this.#sessions.restIfDone(peer).catch(() => undefined)
      throw error
    }
  }

  /** See {@link Deliveries.settled}. */
  async settled(message: OutgoingMessage, options: { signal: AbortSignal }): Promise<OutgoingMessage> {
    return this.#deliveries.settled(message, options)
  }

  typing(peer: string): void {
    this.#sessions.of(peer)?.typing()
  }

  /** Makes the peer a contact, and its held messages part of the history. */
  async accept(peer: string): Promise<readonly IncomingMessage[]> {
    const { book, store, peers, now } = this.#init
    this.#untried.delete(peer)
    if (book.contact(peer) === undefined) {
      if (peers.nickname(peer) === undefined) await this.recallNames()
      await book.accept(peer, peers.name(peer), now())
      this.#sessions.chosen(peer)
    }
    const accepted = await store.acceptHeld(peer)
    if (accepted.length > 0) this.#reception.requests.forgetRoom()
    if (accepted.length > 0)
      this.#sessions.of(peer)?.acknowledge(
        accepted.map(({ id }) => id),
        'stored'
      )
    for (const message of accepted) this.#init.events.accepted(message)
    return accepted
  }

  /** The requests of this peer are no longer shown; to it nothing looks different. */
  async ignore(peer: string): Promise<void> {
    await this.#init.book.ignore(peer, this.#init.peers.name(peer))
  }

  /** Ends what is open with the peer. Its connections are for the caller to close and refuse. */
  async block(peer: string): Promise<void> {
    await this.#init.book.block(peer, this.#init.peers.name(peer))
    this.#onScreen.delete(peer)
    this.#sessions.unwant(peer)
    const session = this.#sessions.of(peer)
    if (session === undefined) this.#sessions.closed(peer)
    else await session.close().catch(() => undefined)
    // Blocked peers keep no place from others.
    await this.#reception.requests.clear([peer])
  }

  async requests(): Promise<readonly RequestView[]> {
    return this.#reception.requests.list()
  }

  /** See {@link Requests.recallNames}. */
  async recallNames(): Promise<void> {
    // A history that can't be read is reported where it is needed.
    await this.#reception.requests.recallNames().catch(() => undefined)
  }

  /** See {@link Requests.heldOf}. */
  async requestOf(peer: string): Promise<readonly IncomingMessage[]> {
    return this.#reception.requests.heldOf(peer)
  }

  /** Deletes everything that waits as a request, of ignored peers too. */
  async clearRequests(): Promise<Cleared> {
    return this.#reception.requests.clear()
  }

  /** How full the room for requests is. */
  async roomUse(): Promise<RoomUse> {
    return this.#reception.requests.use()
  }

  /** There is news of the peer: if it is wanted, it is tried now. */
  wake(peer: string): void {
    this.#sessions.wake(peer)
    void this.#reception.requests.learnName(peer)
  }

  wakeAll(): void {
    this.#sessions.wakeAll()
  }

  relayCame(): void {
    this.#sessions.relayCame()
  }

  /** What can't be stored ends the stream, so that it comes again; the user hears why, and not only of a lost stream. */
  async #orFault<T>(peer: string, work: (peer: string) => Promise<T>): Promise<T> {
    try {
      return await work(peer)
    } catch (error) {
      this.#faults.fault(peer, error)
      throw error
    }
  }

  /** Strangers may knock, but not without end. */
  #onEnter(peer: string): void {
    const { book, events, now } = this.#init
    if (book.isIgnored(peer)) return
    if (this.isContact(peer)) this.#sessions.chosen(peer)
    if (this.isContact(peer) || this.#knocks.take(1, now()) === 1) events.entered(peer)
  }

  async #onRefuse(peer: string, refusal: Refusal): Promise<void> {
    const retryAfterMs = await this.#deliveries.refused(peer, refusal)
    if (retryAfterMs !== undefined) this.#init.events.refused(peer, refusalText(refusal.reason), retryAfterMs)
  }

  /** A receipt may have been lost with the session before. */
  async #sawRecent(peer: string): Promise<void> {
    if (!this.#init.tellSeen) return
    await this.#orFault(peer, async (id) => {
      this.shown(id, await this.#init.store.history(id, { limit: RECENT_MESSAGES }))
    }).catch(() => undefined) // it has been told as a fault
  }

  /** Nothing that waits for it can ever arrive, and a peer that takes no messages is no contact. */
  async #endInVain(peer: string, why: string): Promise<void> {
    this.#init.events.futile(peer, why)
    await this.#deliveries.fail(peer, why)
    await this.#init.book.remove(peer)
  }
}
