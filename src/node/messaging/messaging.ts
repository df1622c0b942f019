// The messages of a node as its faces use them: conversations are opened and left,
// texts are sent, requests are answered, and the history is read. Each rule is in
// the part that owns it; this puts the parts together and starts and stops them.
import { MAX_TEXT_BYTES, type ChatService } from '../../chat-protocol/index.ts'
import {
  isMessageId,
  type IncomingMessage,
  type MessageStore,
  type OutgoingMessage,
  type PeerBook,
  type StoredMessage
} from '../../storage/index.ts'
import type { MessagingApi } from '../api/chat-api.ts'
import type { ChatEvents, ConversationState, RequestView, RoomView } from '../api/chat-events.ts'
import { ParleyError, quote, UsageError } from '../api/errors.ts'
import { exitCodes } from '../api/exit-codes.ts'
import type { Config } from '../config/config.ts'
import type { AddressBook } from '../dialing/address-book.ts'
import { Paths } from '../dialing/paths.ts'
import type { PeerDirectory } from '../peers/peer-directory.ts'
import { nameOrShortId, shortId } from '../../lib/index.ts'
import { explained, type OwnStore } from '../profile/own-store.ts'
import { copyOpenHistory } from '../profile/profile-export.ts'
import { conversationEvents, withNamesake } from './conversation-events.ts'
import { Conversations } from './conversations.ts'
import { TurnOfSends, type OwnText } from './deliveries.ts'
import { DiskRoom } from './disk-room.ts'
import { History } from './history.ts'
import { Housekeeping } from './housekeeping.ts'
import { NewsReaders } from './news-readers.ts'
import type { PeerNetwork } from './peer-sessions.ts'
import type { Cleared } from './requests.ts'

/** Another message to the same peer has the id that was chosen for this one. */
class MessageIdTakenError extends ParleyError {
  override readonly name = 'MessageIdTakenError'
  override readonly exitCode = exitCodes.usage

  constructor(id: string) {
    super(`another message to this peer has the id ${id}: choose 32 other hexadecimal digits at random`)
  }
}

/** A conversation would make the peer a contact, and so undo the user's decision to block it. */
class PeerBlockedError extends ParleyError {
  override readonly name = 'PeerBlockedError'
  override readonly exitCode = exitCodes.usage

  constructor(name: string, id: string) {
    super(`${name} is blocked: /unblock ${id} in the chat ends that, and parley log ${id} shows what was written`)
  }
}

/** More text than one message may carry. */
class MessageTooLongError extends ParleyError {
  override readonly name = 'MessageTooLongError'
  override readonly exitCode = exitCodes.usage
  readonly sizeBytes: number
  readonly limitBytes: number

  constructor(sizeBytes: number, limitBytes: number) {
    super(`the message has ${sizeBytes} bytes of UTF-8 and at most ${limitBytes} are allowed: send it in parts`)
    this.sizeBytes = sizeBytes
    this.limitBytes = limitBytes
  }
}

function badId(id: string): string {
  return `${quote(id)} can't be the id of a message: choose 32 hexadecimal digits in lower case at random`
}

/** Contacts with the largest conversations, as `parley status` shows them. */
const LARGEST_SHOWN = 5

/** The most that UTF-8 needs for a unit of UTF-16: a text that is below the limit with all of it need not be counted. */
const MAX_UTF8_BYTES = 3

export interface MessagingInit {
  readonly config: Config
  readonly book: PeerBook
  /** The folder of the profile; empty for one that nothing keeps. */
  readonly folder: string
  readonly own: OwnStore
  readonly network: PeerNetwork
  readonly peers: PeerDirectory
  readonly addresses: Pick<AddressBook, 'keepAddresses'>
  /** A message that is part of the history offers files. */
  readonly onOffer: (message: IncomingMessage) => void
  readonly events: Pick<ChatEvents, 'tell'>
}

export class Messaging implements MessagingApi {
  readonly #init: MessagingInit
  readonly #store: MessageStore
  readonly #conversations: Conversations
  readonly #housekeeping: Housekeeping
  readonly #disk: DiskRoom
  readonly history: History
  /** The path to each peer, with those whose conversation is on a screen. */
  readonly paths: Paths
  #tellsTyping: boolean
  #isRunning = false
  /** Messages with an id of the caller's that are being stored, by peer and id. */
  readonly #sending = new Map<string, Promise<OutgoingMessage>>()
  readonly #sends = new TurnOfSends<OwnText, OutgoingMessage>(async (peer, texts) => this.#sendAll(peer, texts))

  constructor(init: MessagingInit) {
    this.#init = init
    const { config, book, own, peers, network, events } = init
    const { settings, sources } = config
    this.#store = own.store
    this.#tellsTyping = sources.typing === 'default' ? (book.tellsTyping ?? settings.typing) : settings.typing
    const readers = new NewsReaders()
    this.history = new History(own.store, {
      readers,
      folder: init.folder,
      onForgotten: (peer) => {
        this.#conversations.reread(peer)
        events.tell('forgotten', () => ({ peer }))
      }
    })
    this.#disk = new DiskRoom({
      folder: init.folder,
      quotaBytes: settings.contactQuota,
      minFreeBytes: settings.minFree,
      now: Date.now
    })
    this.#conversations = new Conversations({
      store: own.store,
      book,
      policy: settings.accept,
      tellSeen: settings.seen,
      network,
      peers,
      disk: this.#disk,
      readers,
      events: conversationEvents({
        peers,
        events,
        isOnScreen: (peer) => this.isOnScreen(peer),
        onOffer: (message) => init.onOffer(message),
        onState: (peer) => this.paths.onScreen.look(peer)
      }),
      now: Date.now
    })
    this.paths = new Paths({
      connection: (peer) => this.#conversations.connection(peer) ?? network.connection(peer),
      state: (peer) => this.#conversations.state(peer),
      isBlocked: (peer) => book.isBlocked(peer),
      whyRelayed: (peer) => this.#conversations.whyRelayed(peer),
      onPath: (peer, path) => events.tell('path', () => ({ peer, name: peers.name(peer), path }))
    })
    this.#housekeeping = new Housekeeping({
      conversations: this.#conversations,
      own,
      folder: init.folder,
      settings,
      onExpired: (beforeMs) => events.tell('expired', () => ({ beforeMs })),
      notice: (notice) => events.tell('notice', () => notice)
    })
  }

  /** What the chat service asks and reports. */
  get protocol(): Conversations['protocol'] {
    return this.#conversations.protocol
  }

  /** Reports what was mended, and looks at the disk and at the requests: what comes in from now on may be stored. */
  async prepare(): Promise<void> {
    const { mended } = this.#init.own
    if (mended !== undefined) this.#init.events.tell('notice', () => ({ code: 'history', text: mended }))
    await Promise.all([this.#disk.refresh(), this.#conversations.recallNames()])
  }

  /** Listens to the chat service. Call it before the host starts, so that nothing is missed. */
  follow(chat: ChatService): void {
    this.#isRunning = true
    this.#conversations.start(chat)
  }

  /** Takes up what waits to be sent, and keeps the history in order. The host has to run. */
  async resume(): Promise<void> {
    await this.#housekeeping.start()
  }

  /** Ends what goes on by itself; conversations stay open. */
  rest(): void {
    this.#isRunning = false
    this.#housekeeping.stop()
    this.paths.onScreen.stop()
  }

  /** Says goodbye to all peers within a short time, then sends nothing more. */
  async stop(): Promise<void> {
    await this.#conversations.stop()
  }

  /** Closes the history. */
  async close(): Promise<void> {
    await this.#store.close()
  }

  /** There is news of the peer: if it is wanted, it is tried now. */
  wake(peer: string): void {
    this.#conversations.wake(peer)
  }

  wakeAll(): void {
    this.#conversations.wakeAll()
  }

  /** See {@link Searches.relayCame}. */
  relayCame(): void {
    this.#conversations.relayCame()
  }

  /** Why there is no way to a peer that is looked for. */
  whyNoWay(peer: string): string | undefined {
    const state = this.#conversations.state(peer)
    return state.name === 'waiting' ? state.why : undefined
  }

  isOnScreen(peer: string): boolean {
    return this.#conversations.isOnScreen(peer)
  }

  /** With the path of an open conversation as it is now. */
  state(peer: string): ConversationState {
    return this.paths.ofConversation(peer)
  }

  /** @throws PeerBlockedError */
  async open(peer: string): Promise<readonly StoredMessage[]> {
    this.#checkNotBlocked(peer)
    const recent = await this.#choosing(peer, async () => this.#conversations.open(peer))
    if (this.#isRunning) this.paths.onScreen.watch(peer)
    this.#init.events.tell('read', () => ({ peer }))
    return recent
  }

  async leave(peer: string): Promise<void> {
    this.paths.onScreen.unwatch(peer)
    const { book, peers } = this.#init
    const wasContact = book.contact(peer) !== undefined
    await this.#conversations.leave(peer)
    if (wasContact && book.contact(peer) === undefined) peers.refresh(peer)
  }

  /**
   * @param options.id 32 hexadecimal digits; a message to this peer that has them already is returned as it stands, so
   *   that a caller without an answer may ask again
   * @throws MessageTooLongError, UsageError for another id, before anything is stored; MessageIdTakenError; PeerBlockedError
   */
  send(peer: string, text: string, options: Pick<OwnText, 'replyTo' | 'id' | 'files'> = {}): Promise<OutgoingMessage> {
    const sizeBytes = text.length * MAX_UTF8_BYTES > MAX_TEXT_BYTES ? Buffer.byteLength(text, 'utf8') : 0
    if (sizeBytes > MAX_TEXT_BYTES) return Promise.reject(new MessageTooLongError(sizeBytes, MAX_TEXT_BYTES))
    const { id, ...rest } = options
    // The peer would refuse the frame, and every message behind it would wait.
    if (id !== undefined && !isMessageId(id)) return Promise.reject(new UsageError(badId(id)))
    const own: OwnText = { text, ...rest }
    if (id === undefined) return this.#sends.add(peer, own)
    const key = `${peer} ${id}`
    const asked = this.#sending.get(key)
    if (asked !== undefined) return asked
    const sending = this.#sendOnce(peer, { ...own, id }).finally(() => this.#sending.delete(key))
    this.#sending.set(key, sending)
    return sending
  }

  async settled(message: OutgoingMessage, options: { signal: AbortSignal }): Promise<OutgoingMessage> {
    return this.#conversations.settled(message, options)
  }

  /** The user is writing to the peer, which is notified unless that is switched off. */
  typing(peer: string): void {
    if (this.#tellsTyping) this.#conversations.typing(peer)
  }

  get tellsTyping(): boolean {
    return this.#tellsTyping
  }

  /** From now on, and at later starts without a setting. */
  async setTellsTyping(tellsTyping: boolean): Promise<void> {
    this.#tellsTyping = tellsTyping
    await explained(this.#init.book.setTellsTyping(tellsTyping))
    this.#init.events.tell('snapshot', () => ({ part: 'self' }))
  }

  async retry(peer: string, ids?: readonly string[]): Promise<number> {
    return explained(this.#conversations.retry(peer, ids))
  }

  async cancel(peer: string, ids?: readonly string[]): Promise<number> {
    return explained(this.#conversations.cancel(peer, ids))
  }

  /** Takes everything that waits for the peer out of the outbox. */
  async cancelAll(peer: string): Promise<void> {
    await explained(this.#conversations.cancelAll(peer))
  }

  async requests(): Promise<readonly RequestView[]> {
    const requests = await explained(this.#conversations.requests())
    return requests.map((view) => withNamesake(view, this.#init.peers.trust(view.peer)))
  }

  /** With whom there is a conversation, or who has written as a stranger. */
  async talked(): Promise<readonly string[]> {
    const [conversations, requests] = await Promise.all([this.history.conversations(), this.requests()])
    return [...conversations, ...requests].map(({ peer }) => peer)
  }

  async readRequest(peer: string): Promise<readonly IncomingMessage[]> {
    return explained(this.#conversations.requestOf(peer))
  }

  /** Deletes all messages of strangers that wait for an answer, of ignored ones too. */
  async clearRequests(): Promise<Cleared> {
    return explained(this.#conversations.clearRequests())
  }

  async accept(peer: string): Promise<readonly IncomingMessage[]> {
    return this.#choosing(peer, async () => this.#conversations.accept(peer))
  }

  async ignore(peer: string): Promise<void> {
    await this.#conversations.ignore(peer)
  }

  /** Ends what is open with the peer. Its connections are for the caller to close and refuse. */
  async block(peer: string): Promise<void> {
    this.paths.onScreen.unwatch(peer)
    await this.#conversations.block(peer)
  }

  /** What is held of strangers, what is on the disk, and what the limits are. */
  async room(): Promise<RoomView> {
    const [requests, use] = await explained(
      Promise.all([this.#conversations.roomUse(), this.#store.use({ limit: LARGEST_SHOWN })])
    )
    const largest = use.peers.map(({ peer, bytes }) => ({ peer, name: this.#init.peers.name(peer), bytes }))
    const { quotaBytes, ...view } = this.#disk.view
    const quota = quotaBytes === Infinity ? undefined : quotaBytes
    return {
      requests,
      historyBytes: use.totalBytes,
      largest,
      isDiskLow: this.#disk.isLow,
      ...view,
      quotaBytes: quota
    }
  }

  /**
   * Copies the history into a new file of the profile's folder, while the chat goes on. The caller removes it.
   *
   * @throws StorageProblemError
   */
  async copyHistory(options: { readonly signal?: AbortSignal } = {}): Promise<string> {
    await this.#disk.refresh()
    const { own, folder } = this.#init
    return copyOpenHistory(own, folder, this.#disk.view, options)
  }

  async #sendOnce(peer: string, own: OwnText & { readonly id: string }): Promise<OutgoingMessage> {
    const known = await explained(this.#store.outgoing(peer, own.id))
    if (known === undefined) return this.#sends.add(peer, own)
    if (known.text !== own.text) throw new MessageIdTakenError(own.id)
    return known
  }

  /** What was sent to the peer in one turn. */
  async #sendAll(peer: string, texts: readonly OwnText[]): Promise<readonly OutgoingMessage[]> {
    this.#checkNotBlocked(peer)
    const messages = await this.#choosing(peer, async () => this.#conversations.send(peer, texts))
    const { peers, events } = this.#init
    for (const message of messages) events.tell('sent', () => ({ message, name: peers.name(peer) }))
    return messages
  }

  /** Looking at a conversation, or writing into it, must not unblock its peer. */
  #checkNotBlocked(peer: string): void {
    const blocked = this.#init.book.blocked().find((entry) => entry.peer === peer)
    if (blocked !== undefined) throw new PeerBlockedError(nameOrShortId(blocked.name, peer), shortId(peer))
  }

  /** Does what makes the peer a contact, if it is none. */
  async #choosing<T>(peer: string, choose: () => Promise<T>): Promise<T> {
    const { book, peers, addresses } = this.#init
    const wasContact = book.contact(peer) !== undefined
    const result = await explained(choose())
    await addresses.keepAddresses(peer)
    if (!wasContact) peers.refresh(peer)
    return result
  }
}
