// The one object that every face drives: a peer with its profile, the network
// around it and its conversations. It puts the parts together and answers for
// them; each rule is in the part that owns it.
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { MAX_TEXT_BYTES } from '../chat-protocol/index.ts'
import { normaliseText } from '../directory/index.ts'
import type {
  Contact,
  IncomingMessage,
  MessageStore,
  OutgoingMessage,
  PeerBookEntry,
  StoredMessage
} from '../storage/index.ts'
import type { ConnectionFigures } from '../transport/index.ts'
import type { ChatNodeEvents, ConversationState, DirectoryView, RequestView, RosterRow } from './chat-events.ts'
import type { PathView, PeerTrust, RoomView } from './chat-events.ts'
import { createChatHost, type ChatHost } from './chat-host.ts'
import type { Config } from './config.ts'
import { conversationEvents, withNamesake } from './conversation-events.ts'
import { Conversations } from './conversations.ts'
import type { OwnText } from './deliveries.ts'
import {
  MessageIdTakenError,
  MessageTooLongError,
  PeerBlockedError,
  StorageProblemError,
  UsageError
} from './errors.ts'
import { LARGEST_SHOWN } from './constants.ts'
import { DiskRoom } from './disk-room.ts'
import type { Cleared } from './reception.ts'
import { History } from './history.ts'
import { Housekeeping } from './housekeeping.ts'
import { explained } from './storage-problems.ts'
import { listeningPort, startHost } from './host.ts'
import type { Unlocker } from './identity.ts'
import { Neighbourhood } from './neighbourhood.ts'
import { Paths, rttOf } from './paths.ts'
import { openOwnStore, type OwnStore } from './own-store.ts'
import { readDirectoryAddress, type PeerTarget, type ResolveOptions } from './peer-resolver.ts'
import { MisbehaviourWatch, type Misbehaviour, type MisbehaviourSummary } from './misbehaviour.ts'
import { newHistoryCopy } from './profile-export.ts'
import { openProfile, passingProfile, readOthers, withKey, type Profile } from './profile.ts'
import { pressureNotice } from './connection-notices.ts'
import { safetyNumber } from './safety-number.ts'
import { nameOrShortId, shortId } from './short-id.ts'
import { TurnOfSends } from './turn-of-sends.ts'

export interface ChatNodeInit {
  readonly config: Config
  /** A person sits at it: a held default profile gives way to the next free one. */
  readonly interactive: boolean
  /** Look at the network without being on its roster, under an identity that nobody keeps. */
  readonly observe?: boolean
  /** Finds the passphrase of a profile that has one; it is held meanwhile. Without it such a profile is refused. */
  readonly unlock?: Unlocker
}

/** The most that UTF-8 needs for a unit of UTF-16: whoever is below the limit with all of it need not be counted. */
const MAX_UTF8_BYTES = 3

export class ChatNode extends TypedEventEmitter<ChatNodeEvents> {
  readonly #config: Config
  readonly #profile: Profile
  readonly #store: MessageStore
  /** What is kept of all conversations. */
  readonly history: History
  #made: ChatHost | undefined
  readonly #port: { readonly port: number; readonly instead: number | undefined }
  readonly #around: Neighbourhood
  readonly #conversations: Conversations
  readonly #paths: Paths
  readonly #disk: DiskRoom
  readonly #misbehaviour = new MisbehaviourWatch(Date.now())
  /** Messages with an id of the caller's that are being stored, by peer and id. */
  readonly #sending = new Map<string, Promise<OutgoingMessage>>()
  readonly #sends = new TurnOfSends<OwnText, OutgoingMessage>(async (peer, texts) => this.#sendAll(peer, texts))
  #state: 'new' | 'started' | 'stopped' = 'new'
  #starting: Promise<void> | undefined
  #stopping: Promise<void> | undefined
  #housekeeping: Housekeeping | undefined
  #own: OwnStore | undefined

  /**
   * Opens the profile and makes the node; {@link start} puts it on the network.
   *
   * @throws ProfileInUseError, PortTakenError, UsageError, BadAddressError, KeyLockedError, WrongPassphraseError
   */
  static async create(init: ChatNodeInit): Promise<ChatNode> {
    const { settings, folders } = init.config
    const named = settings.directory.map(readDirectoryAddress)
    const observe = init.observe ?? false
    const held = observe
      ? await passingProfile(await readOthers(init.config))
      : await openProfile(folders.data, settings.profile, {
          // Whoever names a profile means that one.
          orNextFree: init.interactive && init.config.sources.profile !== 'flag'
        })
    try {
      const profile = await withKey(held, init.unlock)
      const usual = profile.book.port
      const port = await listeningPort({ asked: settings.port, usual, host: settings.host })
      let node: ChatNode | undefined
      const own = await openOwnStore(profile, {
        nameOf: (peer) => nameOrShortId(profile.book.contact(peer)?.name, peer),
        onDamage: (text) => {
          if (node !== undefined) node.#tell('notice', () => ({ code: 'history', text }))
        }
      })
      try {
        node = new ChatNode(init.config, profile, own.store, port, named, observe)
        node.#takeHouse(own)
        await node.#around.presence.prepare()
        node.#made = await node.#makeHost(observe)
        return node
      } catch (error) {
        await own.store.close()
        throw error
      }
    } catch (error) {
      held.release()
      throw error
    }
  }

  private constructor(
    config: Config,
    profile: Profile,
    store: MessageStore,
    port: { readonly port: number; readonly instead: number | undefined },
    named: readonly Multiaddr[],
    observe: boolean
  ) {
    super()
    this.#config = config
    this.#profile = profile
    this.#port = port
    this.#store = store
    this.history = new History(store, (peer) => this.#conversations.reread(peer))
    this.#disk = new DiskRoom({
      folder: profile.folder,
      quotaBytes: config.settings.contactQuota,
      minFreeBytes: config.settings.minFree,
      now: Date.now
    })
    this.#around = new Neighbourhood({
      config,
      profile,
      named,
      observe,
      host: () => this.#host,
      onNews: (peer) => this.#conversations.wake(peer),
      onNetworkChange: () => this.#conversations.wakeAll(),
      onRoster: (change) => this.#tell('roster', () => change),
      onDirectory: (view) => this.#tell('directory', () => view),
      notice: (notice) => this.#tell('notice', () => notice),
      whyNoWay: (peer) => {
        const state = this.#conversations.state(peer)
        return state.name === 'waiting' ? state.why : undefined
      }
    })
    const events = conversationEvents({
      name: (peer) => this.name(peer),
      trust: (peer) => this.trust(peer),
      tell: (type, detail) => this.#tell(type, detail)
    })
    this.#conversations = new Conversations({
      store: this.#store,
      book: profile.book,
      policy: config.settings.accept,
      tellSeen: config.settings.seen,
      connect: async (peer, options) => this.#around.connect(peer, options),
      isLan: (peer) => this.#around.isLan(peer),
      originOf: (peer) => this.#around.originOf(peer),
      disk: this.#disk,
      rttOf: (peer) => rttOf(this.#around.connection(peer)),
      isDirectory: async (peer) => this.#around.isDirectory(peer),
      nameOf: (peer) => this.name(peer),
      kindOf: async (connection, options) => this.#host.kindOf(connection, options),
      events: {
        ...events,
        state: (peer, state) => {
          events.state(peer, state)
          this.#paths.onScreen.look(peer)
        }
      },
      now: Date.now
    })
    this.#paths = new Paths({
      connection: (peer) => this.#around.connection(peer),
      state: (peer) => this.#conversations.state(peer),
      isBlocked: (peer) => profile.book.isBlocked(peer),
      onPath: (peer, path) => this.#tell('path', () => ({ peer, name: this.name(peer), path }))
    })
  }

  // --- life

  /** @throws PortTakenError when somebody took the port meanwhile */
  async start(): Promise<void> {
    if (this.#state !== 'new') return
    this.#state = 'started'
    this.#starting = this.#start()
    await this.#starting
  }

  /** QUIT: says goodbye, takes itself off the roster, then closes everything. */
  async stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    await this.#stopping
  }

  /**
   * Resolves when the first answers about who is online are in, or there is no hope for quick ones.
   *
   * @param options.thorough wait for all who may answer on the LAN, not only for the first
   */
  async firstLook(options: { readonly signal?: AbortSignal; readonly thorough?: boolean } = {}): Promise<void> {
    await this.#around.firstLook(options.signal, { thorough: options.thorough ?? false })
  }

  // --- oneself

  get peerId(): string {
    return this.#profile.id
  }

  get shortId(): string {
    return shortId(this.#profile.id)
  }

  get nickname(): string {
    return this.#around.presence.nickname
  }

  get network(): string {
    return this.#config.settings.network
  }

  get profile(): Pick<Profile, 'name' | 'folder' | 'insteadOf'> {
    const { name, folder, insteadOf } = this.#profile
    return { name, folder, insteadOf }
  }

  /** Multiaddrs with the own peer ID, as others may dial them. */
  addresses(): readonly string[] {
    return this.#host.libp2p.getMultiaddrs().map((address) => address.toString())
  }

  /** The TCP port that this node listens on. */
  get port(): number {
    return this.#port.port
  }

  /** @throws BadRecordError when it is too long or has control characters */
  async rename(nickname: string): Promise<void> {
    await this.#around.presence.rename(normaliseText(nickname))
    await explained(this.#profile.book.setNickname(this.nickname))
  }

  /** @throws BadRecordError when it is too long or has control characters */
  async setStatus(status: string): Promise<void> {
    await this.#around.presence.setStatus(normaliseText(status))
  }

  /**
   * Copies the history into a new file of the profile's folder, while the chat goes on. The caller removes it.
   *
   * @throws StorageProblemError
   */
  async copyHistory(options: { readonly signal?: AbortSignal } = {}): Promise<string> {
    const copy = newHistoryCopy(this.#profile.folder)
    if (this.#own?.copyTo === undefined)
      throw new UsageError('the history is kept in memory alone: there is nothing to copy')
    await this.#checkRoomForCopy()
    await this.#own.copyTo(copy, options)
    return copy
  }

  /** The chat goes on beside a copy: messages that come in must find the room that is kept free for them. */
  async #checkRoomForCopy(): Promise<void> {
    const [{ totalBytes }] = await Promise.all([explained(this.#store.use({ limit: 0 })), this.#disk.refresh()])
    const { freeBytes, floorBytes } = this.#disk.view
    if (freeBytes === undefined || freeBytes - totalBytes >= floorBytes) return
    const megabytes = (bytes: number): string => `${Math.ceil(bytes / 1_000_000)} MB`
    throw new StorageProblemError(
      `a copy of the history takes ${megabytes(totalBytes)} for a moment, and ${megabytes(freeBytes)} are free, ` +
        `of which ${megabytes(floorBytes)} are kept for messages: make room, or end the chat first`
    )
  }

  // --- others

  roster(): readonly RosterRow[] {
    return this.#around.roster()
  }

  directories(): readonly DirectoryView[] {
    return this.#around.directories()
  }

  /** The connections as they are now, and whose they are. */
  connections(): ConnectionFigures {
    return this.#host.guard.figures()
  }

  contacts(): readonly Contact[] {
    return this.#profile.book.contacts()
  }

  blocked(): readonly PeerBookEntry[] {
    return this.#profile.book.blocked()
  }

  /** The contact's name, else the nickname, else the short ID. */
  name(peer: string): string {
    return this.#around.name(peer)
  }

  /** PEER in all its forms; an address without a peer ID is dialled. See {@link PeerResolver.resolve}. */
  async resolve(words: readonly string[], options: ResolveOptions = {}): Promise<PeerTarget> {
    return this.#around.resolve(words, options)
  }

  // --- conversations: see Conversations, which each of these asks

  async requests(): Promise<readonly RequestView[]> {
    const requests = await explained(this.#conversations.requests())
    return requests.map((view) => withNamesake(view, this.trust(view.peer)))
  }

  /** Deletes all messages of strangers that wait for an answer, of ignored ones too. */
  async clearRequests(): Promise<Cleared> {
    return explained(this.#conversations.clearRequests())
  }

  /** What is held of strangers, what is on the disk, and what the limits are. */
  async room(): Promise<RoomView> {
    const [requests, use] = await explained(
      Promise.all([this.#conversations.roomUse(), this.#store.use({ limit: LARGEST_SHOWN })])
    )
    const largest = use.peers.map(({ peer, bytes }) => ({ peer, name: this.name(peer), bytes }))
    return { requests, historyBytes: use.totalBytes, largest, isDiskLow: this.#disk.isLow, ...this.#disk.view }
  }

  /** @throws PeerBlockedError */
  async open(peer: string): Promise<readonly StoredMessage[]> {
    this.#checkNotBlocked(peer)
    const recent = await this.#choosing(peer, async () => this.#conversations.open(peer))
    if (this.#state === 'started') this.#paths.onScreen.watch(peer)
    return recent
  }

  async leave(peer: string): Promise<void> {
    this.#paths.onScreen.unwatch(peer)
    const wasContact = this.#profile.book.contact(peer) !== undefined
    await this.#conversations.leave(peer)
    if (wasContact && this.#profile.book.contact(peer) === undefined) this.#around.retell(peer)
  }

  /** With the path of an open one as it is now. */
  state(peer: string): ConversationState {
    return this.#paths.ofConversation(peer)
  }

  /** The path to the peer as it is now, with its round-trip time as it was last measured. */
  path(peer: string): PathView {
    return this.#paths.of(peer)
  }

  /** The same, measured now. */
  async measurePath(peer: string, options: { readonly signal?: AbortSignal } = {}): Promise<PathView> {
    return this.#paths.measure(peer, options)
  }

  /**
   * @param options.id 32 hexadecimal digits; a message to this peer that has them already is returned as it stands, so
   *   that a caller who was not answered may ask again
   * @throws MessageTooLongError before anything is stored; MessageIdTakenError; PeerBlockedError
   */
  send(peer: string, text: string, options: { replyTo?: string; id?: string } = {}): Promise<OutgoingMessage> {
    const sizeBytes = text.length * MAX_UTF8_BYTES > MAX_TEXT_BYTES ? Buffer.byteLength(text, 'utf8') : 0
    if (sizeBytes > MAX_TEXT_BYTES) return Promise.reject(new MessageTooLongError(sizeBytes, MAX_TEXT_BYTES))
    const { replyTo, id } = options
    const own: OwnText = replyTo === undefined ? { text } : { text, replyTo }
    if (id === undefined) return this.#sends.add(peer, own)
    const key = `${peer} ${id}`
    const asked = this.#sending.get(key)
    if (asked !== undefined) return asked
    const sending = this.#sendOnce(peer, { ...own, id }).finally(() => this.#sending.delete(key))
    this.#sending.set(key, sending)
    return sending
  }

  async #sendOnce(peer: string, own: OwnText & { readonly id: string }): Promise<OutgoingMessage> {
    const known = await explained(this.#store.outgoing(peer, own.id))
    if (known === undefined) return this.#sends.add(peer, own)
    if (known.text !== own.text) throw new MessageIdTakenError(own.id)
    return known
  }

  async settled(message: OutgoingMessage, options: { signal: AbortSignal }): Promise<OutgoingMessage> {
    return this.#conversations.settled(message, options)
  }

  typing(peer: string): void {
    this.#conversations.typing(peer)
  }

  async accept(peer: string): Promise<readonly IncomingMessage[]> {
    return this.#choosing(peer, async () => this.#conversations.accept(peer))
  }

  async ignore(peer: string): Promise<void> {
    await this.#conversations.ignore(peer)
  }

  async block(peer: string): Promise<void> {
    this.#paths.onScreen.unwatch(peer)
    await this.#conversations.block(peer)
    this.#around.retell(peer)
    const connections = this.#host.libp2p.getConnections(peerIdFromString(peer))
    await Promise.all(connections.map(async (connection) => connection.close().catch(() => undefined)))
  }

  async unblock(peer: string): Promise<void> {
    await this.#profile.book.unblock(peer)
    this.#around.retell(peer)
  }

  // --- whom one can trust

  /** How far the peer is who it seems to be. */
  trust(peer: string): PeerTrust {
    return this.#around.trust(peer)
  }

  /** Twelve groups of five digits, the same on the peer's screen. */
  safetyNumber(peer: string): readonly string[] {
    return safetyNumber(this.peerId, peer)
  }

  /** The safety numbers were compared and are the same. To verify a peer is to choose it: it becomes a contact. */
  async verify(peer: string): Promise<void> {
    await this.accept(peer)
    await explained(this.#profile.book.verify(peer, this.name(peer), Date.now()))
    this.#around.retell(peer)
  }

  /** Takes that back. The peer stays a contact. */
  async unverify(peer: string): Promise<void> {
    await explained(this.#profile.book.unverify(peer))
    this.#around.retell(peer)
  }

  async retry(peer: string, ids?: readonly string[]): Promise<number> {
    return explained(this.#conversations.retry(peer, ids))
  }

  async cancel(peer: string, ids?: readonly string[]): Promise<number> {
    return explained(this.#conversations.cancel(peer, ids))
  }

  // --- remotes that break rules

  /** What remotes were cut or refused for since the start. */
  get misbehaviour(): MisbehaviourSummary {
    return this.#misbehaviour.summary
  }

  // --- inside

  #misbehaved(misbehaviour: Misbehaviour): void {
    const report = this.#misbehaviour.record(misbehaviour, Date.now())
    if (report !== undefined) this.#tell('notice', () => ({ code: 'misbehaviour', ...report }))
  }

  /** What was sent to the peer in one turn. */
  async #sendAll(peer: string, texts: readonly OwnText[]): Promise<readonly OutgoingMessage[]> {
    this.#checkNotBlocked(peer)
    const messages = await this.#choosing(peer, async () => this.#conversations.send(peer, texts))
    for (const message of messages) this.#tell('sent', () => ({ message, name: this.name(peer) }))
    return messages
  }

  /** Looking at a conversation, or writing into it, must not unblock its peer. */
  #checkNotBlocked(peer: string): void {
    const blocked = this.#profile.book.blocked().find((entry) => entry.peer === peer)
    if (blocked !== undefined) throw new PeerBlockedError(nameOrShortId(blocked.name, peer), shortId(peer))
  }

  /** Does what makes the peer a contact, if it is none. */
  async #choosing<T>(peer: string, choose: () => Promise<T>): Promise<T> {
    const wasContact = this.#profile.book.contact(peer) !== undefined
    const result = await explained(choose())
    await this.#around.keepAddresses(peer)
    if (!wasContact) this.#around.retell(peer)
    return result
  }

  async #start(): Promise<void> {
    const mended = this.#own?.mended
    if (mended !== undefined) this.#tell('notice', () => ({ code: 'history', text: mended }))
    await this.#disk.refresh()
    const { modes, exposedKey } = this.#profile.mended
    if (exposedKey !== undefined) this.#tell('notice', () => ({ code: 'exposed-key', text: exposedKey }))
    if (modes !== undefined) this.#tell('notice', () => ({ code: 'file-modes', text: modes }))
    this.#conversations.start(this.#host.chat)
    this.#around.follow()
    await startHost(this.#host.libp2p, { host: this.#config.settings.host, port: this.#port.port })
    await this.#around.start()
    await this.#rememberPort()
    // A name that was given once is the name from then on.
    if (this.#config.sources.name === 'flag') await this.#profile.book.setNickname(this.nickname)
    await this.#housekeeping?.start()
  }

  /** Whatever fails on the way, the profile is free for the next one afterwards. */
  async #stop(): Promise<void> {
    const wasStarted = this.#state === 'started'
    this.#state = 'stopped'
    try {
      // libp2p can't be stopped while it starts. Whoever started it hears of a failure.
      await this.#starting?.catch(() => undefined)
      this.#housekeeping?.stop()
      this.#paths.onScreen.stop()
      if (wasStarted) {
        // At the same time: one that does not answer our goodbye must not keep us on the rosters of all others.
        await Promise.all([this.#around.withdraw(), this.#conversations.stop()])
      }
      await this.#around.stop()
      await this.#host.libp2p.stop()
      await this.#profile.book.flush()
    } finally {
      await this.#store.close().finally(() => this.#profile.release())
    }
  }

  #takeHouse(own: OwnStore): void {
    this.#own = own
    this.#housekeeping = new Housekeeping({
      conversations: this.#conversations,
      own,
      settings: this.#config.settings,
      notice: (notice) => this.#tell('notice', () => notice)
    })
  }

  get #host(): ChatHost {
    if (this.#made === undefined) throw new Error('a ChatNode is made by ChatNode.create')
    return this.#made
  }

  async #makeHost(observe: boolean): Promise<ChatHost> {
    return createChatHost({
      profile: this.#profile,
      settings: this.#config.settings,
      port: this.#port.port,
      observe,
      lan: this.#around.sightings,
      protocol: this.#conversations.protocol,
      ownEnvelope: () => this.#around.presence.own.envelope,
      onMisbehaviour: (misbehaviour) => this.#misbehaved(misbehaviour),
      isConversing: (peer) => this.#conversations.isOnScreen(peer),
      directories: () => new Set(this.#around.directories().flatMap(({ peer }) => peer ?? [])),
      onPressure: (pressure) => this.#tell('notice', () => pressureNotice(pressure))
    })
  }

  async #rememberPort(): Promise<void> {
    const { port, instead } = this.#port
    if (instead !== undefined) {
      const text = `port ${instead} is taken: listening on ${port} this time`
      this.#tell('notice', () => ({ code: 'port-taken', text }))
    } else if (this.#profile.book.port === undefined && this.#config.settings.port === undefined) {
      await this.#profile.book.setPort(port)
    }
  }

  /** @param detail is asked for when somebody listens */
  #tell<K extends keyof ChatNodeEvents>(type: K, detail: () => ChatNodeEvents[K]['detail']): void {
    if (this.#state === 'stopped' || this.listenerCount(type) === 0) return
    this.dispatchEvent(new CustomEvent(type, { detail: detail() }))
  }
}
