// The one object that every face drives: a peer with its profile, its place on
// the network, its roster and its conversations. It puts the parts together and
// answers for them; each rule is in the part that owns it.
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { TypedEventEmitter } from 'main-event'
import { MAX_TEXT_BYTES } from '../chat-protocol/index.ts'
import { normaliseText, type RosterChange } from '../directory/index.ts'
import { MemoryMessageStore, type Contact, type IncomingMessage } from '../storage/index.ts'
import type { OutgoingMessage, PeerBookEntry, StoredMessage } from '../storage/index.ts'
import { isLocal } from './address.ts'
import type { ChatNodeEvents, ConversationState, DirectoryView, RequestView, RosterRow } from './chat-events.ts'
import { createChatHost, type ChatHost } from './chat-host.ts'
import { defaultName, type Config } from './config.ts'
import { FIRST_LOOK_MS } from './constants.ts'
import { Conversations } from './conversations.ts'
import { Directories } from './directories.ts'
import { MessageTooLongError } from './errors.ts'
import { listeningPort, startHost } from './host.ts'
import { InterfaceWatch } from './interface-watch.ts'
import { LanDialing } from './lan-dialing.ts'
import { LanSightings, whyNoMulticast } from './lan.ts'
import { PeerResolver, readDirectoryAddress, type PeerTarget, type ResolveOptions } from './peer-resolver.ts'
import type { KnownPeers, NamedPeer } from './peer-words.ts'
import { Presence } from './presence.ts'
import { openProfile, passingProfile, type Profile } from './profile.ts'
import { Reach } from './reach.ts'
import { compareRows, rosterRow } from './roster-rows.ts'
import { shortId } from './short-id.ts'
import { Wakeup } from './wakeup.ts'

export interface ChatNodeInit {
  readonly config: Config
  /** A person sits at it: a held default profile gives way to the next free one. */
  readonly interactive: boolean
  /** Look at the network without being on its roster, under an identity that nobody keeps. */
  readonly observe?: boolean
}

export class ChatNode extends TypedEventEmitter<ChatNodeEvents> {
  readonly #config: Config
  readonly #profile: Profile
  readonly #store = new MemoryMessageStore()
  #made: ChatHost | undefined
  readonly #port: { readonly port: number; readonly instead: number | undefined }
  readonly #reach: Reach
  readonly #presence: Presence
  readonly #directories: Directories
  readonly #conversations: Conversations
  readonly #resolver: PeerResolver
  readonly #lan: { readonly peers: LanSightings; readonly directories: LanSightings; readonly dialing: LanDialing }
  readonly #interfaces: InterfaceWatch
  readonly #news = new Wakeup()
  /** Addresses that the user gave or a handshake taught, newest first. */
  readonly #learned = new Map<string, string[]>()
  #state: 'new' | 'started' | 'stopped' = 'new'

  /**
   * Opens the profile and makes the node; {@link start} puts it on the network.
   *
   * @throws ProfileInUseError, PortTakenError, UsageError, BadAddressError
   */
  static async create(init: ChatNodeInit): Promise<ChatNode> {
    const { settings, folders } = init.config
    const named = settings.directory.map(readDirectoryAddress)
    const observe = init.observe ?? false
    const profile = observe
      ? await passingProfile()
      : await openProfile(folders.data, settings.profile, { orNextFree: init.interactive })
    try {
      const usual = profile.book.port
      const port = await listeningPort({ asked: settings.port, usual, host: settings.host })
      const node = new ChatNode(init.config, profile, port, named, observe)
      await node.#presence.prepare()
      node.#made = await node.#makeHost(observe)
      return node
    } catch (error) {
      profile.release()
      throw error
    }
  }

  private constructor(
    config: Config,
    profile: Profile,
    port: { readonly port: number; readonly instead: number | undefined },
    named: readonly Multiaddr[],
    observe: boolean
  ) {
    super()
    const { settings } = config
    this.#config = config
    this.#profile = profile
    this.#port = port
    this.#lan = {
      peers: new LanSightings((peer) => this.#onSighting(peer)),
      directories: new LanSightings((peer, addresses) => this.#directories.sighted(peer, addresses)),
      dialing: new LanDialing({
        self: profile.id,
        isConnected: (peer) => this.#reach.connection(peer) !== undefined,
        connect: async (peer, options) => this.#reach.connect(peer, options)
      })
    }
    this.#presence = new Presence({
      key: profile.key,
      self: profile.id,
      network: observe ? '' : settings.network,
      nickname: this.#startingName(),
      status: normaliseText(settings.status),
      addresses: () => this.#host.libp2p.getMultiaddrs(),
      onChanges: (changes) => this.#onRosterChanges(changes),
      onOwnRecord: () => this.#directories.reannounce(),
      now: Date.now
    })
    this.#conversations = new Conversations({
      store: this.#store,
      book: profile.book,
      policy: settings.accept,
      connect: async (peer, options) => this.#connect(peer, options.signal),
      isLan: (peer) => this.#isLan(peer),
      nameOf: (peer) => this.name(peer),
      kindOf: async (connection, options) => this.#host.kindOf(connection, options),
      events: this.#conversationEvents(),
      now: Date.now
    })
    this.#reach = new Reach({
      libp2p: () => this.#host.libp2p,
      dialer: () => this.#host.dialer,
      addressesOf: (peer) => this.#addressesOf(peer),
      isBlocked: (peer) => profile.book.isBlocked(peer)
    })
    this.#directories = new Directories({
      network: settings.network,
      named,
      remembered: profile.book.directories(),
      useDefaults: settings.defaultDirectories,
      announce: !observe,
      dial: async (address, options) => this.#reach.dial(address, options),
      ownRecord: () => this.#presence.own,
      supersede: async (newest) => this.#presence.supersede(newest),
      onEntries: (said) => this.#presence.directorySays(said),
      onLost: (source) => this.#presence.directoryLost(source),
      onView: (view) => this.#onDirectory(view),
      remember: async (address) => profile.book.rememberDirectory(address)
    })
    this.#resolver = new PeerResolver({
      book: profile.book,
      known: () => this.#knownPeers(),
      nameOf: (peer) => this.name(peer),
      dial: async (address, options) => this.#reach.dial(address, options),
      onAddress: (peer, address) => this.#learn(peer, address),
      notice: (notice) => this.#tell('notice', notice)
    })
    this.#interfaces = new InterfaceWatch(() => void this.#onNetworkChange())
  }

  // --- life

  /** @throws PortTakenError when somebody took the port meanwhile */
  async start(): Promise<void> {
    if (this.#state === 'started') return
    this.#state = 'started'
    const { libp2p } = this.#host
    libp2p.addEventListener('peer:connect', ({ detail }) => this.#conversations.wake(detail.toString()))
    libp2p.addEventListener('self:peer:update', () => void this.#refreshAddresses())
    this.#conversations.start(this.#host.chat)
    this.#presence.follow(this.#host.records)
    await startHost(libp2p, { host: this.#config.settings.host, port: this.#port.port })
    await this.#presence.refreshAddresses()
    this.#directories.start()
    this.#interfaces.start()
    await this.#rememberPort()
    if (this.#config.settings.mdns) {
      const why = await whyNoMulticast()
      if (why !== undefined) this.#tell('notice', { code: 'no-multicast', text: why })
    }
  }

  /** QUIT: says goodbye, takes itself off the roster, then closes everything. */
  async stop(): Promise<void> {
    if (this.#state === 'stopped') return
    const wasStarted = this.#state === 'started'
    this.#state = 'stopped'
    this.#interfaces.stop()
    await this.#lan.dialing.stop()
    if (wasStarted) {
      await this.#conversations.stop()
      const farewell = await this.#presence.withdraw()
      await this.#directories.withdraw(farewell)
    }
    await this.#directories.stop()
    this.#presence.stop()
    await this.#host.libp2p.stop()
    await this.#profile.book.flush()
    await this.#store.close()
    this.#profile.release()
  }

  /** Resolves when the first answers about who is online are in, or there is no hope for quick ones. */
  async firstLook(options: { readonly signal?: AbortSignal } = {}): Promise<void> {
    const timeout = AbortSignal.timeout(FIRST_LOOK_MS)
    const signal = options.signal === undefined ? timeout : AbortSignal.any([options.signal, timeout])
    while (!signal.aborted) {
      const lanMayAnswer = this.#config.settings.mdns && this.#presence.entries().length === 0
      if (this.#directories.haveAnswered && !lanMayAnswer) return
      await this.#news.sleep(signal)
    }
  }

  // --- oneself

  get peerId(): string {
    return this.#profile.id
  }

  get shortId(): string {
    return shortId(this.#profile.id)
  }

  get nickname(): string {
    return this.#presence.nickname
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
    await this.#presence.rename(normaliseText(nickname))
  }

  /** @throws BadRecordError when it is too long or has control characters */
  async setStatus(status: string): Promise<void> {
    await this.#presence.setStatus(normaliseText(status))
  }

  // --- others

  roster(): readonly RosterRow[] {
    return this.#rows(this.#presence.entries()).toSorted(compareRows)
  }

  directories(): readonly DirectoryView[] {
    return this.#directories.views()
  }

  contacts(): readonly Contact[] {
    return this.#profile.book.contacts()
  }

  blocked(): readonly PeerBookEntry[] {
    return this.#profile.book.blocked()
  }

  /** The contact's name, else the nickname, else the short ID. */
  name(peer: string): string {
    const nickname = this.#presence.entry(peer)?.record.record.nickname
    const known = this.#profile.book.contact(peer)?.name ?? nickname
    return known === undefined || known === '' ? shortId(peer) : known
  }

  /** PEER in all its forms; an address without a peer ID is dialled. See {@link PeerResolver.resolve}. */
  async resolve(words: readonly string[], options: ResolveOptions = {}): Promise<PeerTarget> {
    return this.#resolver.resolve(words, options)
  }

  // --- conversations: see Conversations, which each of these asks

  async requests(): Promise<readonly RequestView[]> {
    return this.#conversations.requests()
  }

  async open(peer: string): Promise<readonly StoredMessage[]> {
    return this.#conversations.open(peer)
  }

  async leave(peer: string): Promise<void> {
    await this.#conversations.leave(peer)
  }

  state(peer: string): ConversationState {
    return this.#conversations.state(peer)
  }

  /** @throws MessageTooLongError before anything is stored */
  async send(peer: string, text: string, options: { replyTo?: string } = {}): Promise<OutgoingMessage> {
    const sizeBytes = Buffer.byteLength(text, 'utf8')
    if (sizeBytes > MAX_TEXT_BYTES) throw new MessageTooLongError(sizeBytes, MAX_TEXT_BYTES)
    return this.#conversations.send(peer, text, options)
  }

  async settled(message: OutgoingMessage, options: { signal: AbortSignal }): Promise<OutgoingMessage> {
    return this.#conversations.settled(message, options)
  }

  typing(peer: string): void {
    this.#conversations.typing(peer)
  }

  async accept(peer: string): Promise<readonly IncomingMessage[]> {
    return this.#conversations.accept(peer)
  }

  async ignore(peer: string): Promise<void> {
    await this.#conversations.ignore(peer)
  }

  async block(peer: string): Promise<void> {
    await this.#conversations.block(peer)
    const connections = this.#host.libp2p.getConnections(peerIdFromString(peer))
    await Promise.all(connections.map(async (connection) => connection.close().catch(() => undefined)))
  }

  async unblock(peer: string): Promise<void> {
    await this.#profile.book.unblock(peer)
  }

  async history(peer: string, limit: number): Promise<readonly StoredMessage[]> {
    return this.#store.history(peer, { limit })
  }

  // --- inside

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
      lan: this.#lan,
      protocol: this.#conversations.protocol,
      ownEnvelope: () => this.#presence.own.envelope
    })
  }

  async #connect(peer: string, signal: AbortSignal): Promise<Connection> {
    const connection = await this.#reach.connect(peer, { signal })
    await this.#profile.book.rememberAddress(peer, connection.remoteAddr.toString())
    return connection
  }

  #addressesOf(peer: string): readonly string[] {
    const said = this.#presence.entry(peer)?.record.record.addresses.map((address) => address.toString()) ?? []
    const contact = this.#profile.book.contact(peer)?.addresses ?? []
    return [...this.#lan.peers.addressesOf(peer), ...(this.#learned.get(peer) ?? []), ...said, ...contact]
  }

  #learn(peer: string, address: Multiaddr): void {
    const known = this.#learned.get(peer) ?? []
    this.#learned.set(peer, [...new Set([address.toString(), ...known])])
    this.#conversations.wake(peer)
  }

  #isLan(peer: string): boolean {
    const connection = this.#reach.connection(peer)
    return connection !== undefined && isLocal(connection.remoteAddr)
  }

  #knownPeers(): KnownPeers {
    const roster: NamedPeer[] = this.#presence.entries().map((entry) => ({
      peer: entry.peer,
      name: entry.record.record.nickname
    }))
    const connected = this.#host.libp2p
      .getPeers()
      .map((id) => ({ peer: id.toString(), name: this.name(id.toString()) }))
    return { self: this.peerId, contacts: this.contacts(), roster, others: [...connected, ...this.blocked()] }
  }

  #rows(entries: ReturnType<Presence['entries']>): readonly RosterRow[] {
    const around = {
      contacts: this.contacts(),
      connectionAddress: (peer: string) => this.#reach.connection(peer)?.remoteAddr
    }
    return entries.map((entry) => rosterRow(entry, around))
  }

  #onSighting(peer: string): void {
    this.#lan.dialing.sighted(peer)
    this.#conversations.wake(peer)
  }

  #onDirectory(view: DirectoryView): void {
    this.#news.wake()
    this.#tell('directory', view)
  }

  #onRosterChanges(changes: readonly RosterChange[]): void {
    for (const change of changes) {
      if (change.kind === 'gone') continue
      void this.#nameContact(change.entry.peer, change.entry.record.record.nickname).catch(() => undefined)
      this.#conversations.wake(change.entry.peer)
    }
    this.#news.wake()
    this.#tell('roster', {
      joined: this.#rows(changes.flatMap((change) => (change.kind === 'joined' ? [change.entry] : []))),
      changed: this.#rows(changes.flatMap((change) => (change.kind === 'changed' ? [change.entry] : []))),
      left: this.#rows(changes.flatMap((change) => (change.kind === 'gone' ? [change.was] : [])))
    })
  }

  /** A contact that was chosen by its address is named as soon as it says its nickname. */
  async #nameContact(peer: string, nickname: string): Promise<void> {
    const { book } = this.#profile
    if (nickname !== '' && book.contact(peer)?.name === shortId(peer)) await book.accept(peer, nickname, Date.now())
  }

  async #onNetworkChange(): Promise<void> {
    this.#directories.wake()
    this.#conversations.wakeAll()
    await this.#refreshAddresses()
  }

  async #refreshAddresses(): Promise<void> {
    if (this.#state === 'started') await this.#presence.refreshAddresses()
  }

  async #rememberPort(): Promise<void> {
    const { port, instead } = this.#port
    if (instead !== undefined) {
      this.#tell('notice', { code: 'port-taken', text: `port ${instead} is taken: listening on ${port} this time` })
    } else if (this.#profile.book.port === undefined && this.#config.settings.port === undefined) {
      await this.#profile.book.setPort(port)
    }
  }

  #startingName(): string {
    const { settings, sources } = this.#config
    return normaliseText(sources.name === 'default' ? defaultName(this.#profile.name) : settings.name)
  }

  #conversationEvents(): ConstructorParameters<typeof Conversations>[0]['events'] {
    const name = (peer: string): string => this.name(peer)
    return {
      message: (message) => this.#tell('message', { message, name: name(message.peer), arrival: message.state }),
      request: (view) => this.#tell('request', view),
      delivery: (message) => this.#tell('delivery', { message, state: message.state }),
      refused: (peer, reason, retryAfterMs) => this.#tell('refused', { peer, name: name(peer), reason, retryAfterMs }),
      state: (peer, state) => this.#tell('conversation', { peer, name: name(peer), state }),
      entered: (peer) => this.#tell('entered', { peer, name: name(peer) }),
      typing: (peer) => this.#tell('typing', { peer, name: name(peer) }),
      left: (peer, reason) => this.#tell('left', { peer, name: name(peer), reason }),
      fault: (peer, error) => {
        const why = error instanceof Error ? error.message : String(error)
        this.#tell('notice', { code: 'fault', text: `something failed in the conversation with ${name(peer)}: ${why}` })
      }
    }
  }

  #tell<K extends keyof ChatNodeEvents>(type: K, detail: ChatNodeEvents[K]['detail']): void {
    if (this.#state !== 'stopped') this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}
