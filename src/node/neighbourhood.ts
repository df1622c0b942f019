// Who is around and how to get there: presence, the directories in use, what the
// LAN shows, the addresses that were learned, and connecting. It knows peers and
// connections; what is said over them is not its business.
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { chatProtocolId } from '../chat-protocol/index.ts'
import { LruMap } from '../lib/index.ts'
import { addressClass } from '../wire/index.ts'
import { hostPortOf, isLocal } from './address.ts'
import { DIRECTORY_PROTOCOL, normaliseText, type RosterChange, type RosterEntry } from '../directory/index.ts'
import type { ToldAddresses } from './candidates.ts'
import type { ChatNodeEvents, DirectoryView, Notice, PeerTrust, RosterRow } from './chat-events.ts'
import type { ChatHost } from './chat-host.ts'
import type { Config } from './config.ts'
import { FIRST_LOOK_MS, IDENTIFY_TIMEOUT_MS, KEPT_RECORD_ADDRESSES, MAX_REMEMBERED_NAMES } from './constants.ts'
import { Directories } from './directories.ts'
import { nearest, vantageOf, whyNotDialled, type Vantage } from './dialable.ts'
import { InterfaceWatch } from './interface-watch.ts'
import { KnownNames, NameShapes, NamesakeWatch } from './known-names.ts'
import { LanDialing } from './lan-dialing.ts'
import { LanSightings, whyNoMulticast } from './lan.ts'
import { ownNetworkNow } from './own-network.ts'
import { rttOf } from './paths.ts'
import { PeerResolver, type PeerTarget, type ResolveOptions } from './peer-resolver.ts'
import type { KnownPeers } from './peer-words.ts'
import { Presence } from './presence.ts'
import { nicknameOf, type Profile } from './profile.ts'
import { Reach } from './reach.ts'
import { compareRows, rosterRow } from './roster-rows.ts'
import { isShortFormOf, nameOrShortId } from './short-id.ts'
import { Wakeup } from './wakeup.ts'

export interface NeighbourhoodInit {
  readonly config: Config
  readonly profile: Profile
  /** Directories that were named by the user. */
  readonly named: readonly Multiaddr[]
  /** Look without being seen. */
  readonly observe: boolean
  /** The host, once it is made. */
  readonly host: () => ChatHost
  /** There is news of this peer: a way to it may be open now. */
  readonly onNews: (peer: string) => void
  /** The network itself has changed: a way to anybody may be open now. */
  readonly onNetworkChange: () => void
  readonly onRoster: (change: ChatNodeEvents['roster']['detail']) => void
  readonly onDirectory: (view: DirectoryView) => void
  readonly notice: (notice: Notice) => void
  /** Why there is no way to a peer that is looked for. */
  readonly whyNoWay: (peer: string) => string | undefined
}

export class Neighbourhood {
  readonly #init: NeighbourhoodInit
  readonly presence: Presence
  /** What the host needs to look at the LAN. */
  readonly sightings: { readonly peers: LanSightings; readonly directories: LanSightings }
  readonly #lanDialing: LanDialing
  readonly #reach: Reach
  readonly #directories: Directories
  readonly #resolver: PeerResolver
  readonly #interfaces: InterfaceWatch
  readonly #news = new Wakeup()
  /** Addresses that the user gave or a handshake taught, newest first. */
  readonly #learned = new Map<string, string[]>()
  /** Nicknames of peers that have gone, so that a request of theirs can still be named; the oldest first. */
  readonly #lastNames = new LruMap<string, string>(MAX_REMEMBERED_NAMES)
  readonly #ownNetwork = ownNetworkNow()
  readonly #namesakes = new NamesakeWatch(Date.now())
  readonly #shapes = new NameShapes()
  #isOpen = false
  /** Whether the first look is over. */
  #hasLooked = false

  constructor(init: NeighbourhoodInit) {
    this.#init = init
    const { config, profile } = init
    const { settings } = config
    this.sightings = {
      peers: new LanSightings({ onSighting: (peer, addresses) => this.#onSighting(peer, addresses) }),
      directories: new LanSightings({ onSighting: (peer, addresses) => this.#directories.sighted(peer, addresses) })
    }
    this.presence = new Presence({
      key: profile.key,
      self: profile.id,
      network: init.observe ? '' : settings.network,
      nickname: normaliseText(nicknameOf(config, profile)),
      status: normaliseText(settings.status),
      addresses: () => init.host().libp2p.getMultiaddrs(),
      onChanges: (changes) => this.#onRosterChanges(changes),
      onOwnRecord: () => this.#directories.reannounce(),
      now: Date.now
    })
    this.#reach = new Reach({
      libp2p: () => init.host().libp2p,
      dialer: () => init.host().dialer,
      addressesOf: (peer) => this.#addressesOf(peer),
      isBlocked: (peer) => profile.book.isBlocked(peer),
      isContact: (peer) => profile.book.contact(peer) !== undefined
    })
    this.#lanDialing = new LanDialing({
      self: profile.id,
      isConnected: (peer) => this.#reach.connection(peer) !== undefined,
      connect: async (peer, options) => this.#reach.connect(peer, options)
    })
    this.#directories = new Directories({
      network: settings.network,
      named: init.named,
      remembered: profile.book.directories(),
      useDefaults: settings.defaultDirectories,
      announce: !init.observe,
      dial: async (address, options) => this.#reach.dial(address, options),
      connect: async (peer, options) => this.#reach.connect(peer, options),
      ownRecord: () => this.presence.own,
      supersede: async (newest) => this.presence.supersede(newest),
      onEntries: (said) => {
        this.presence.directorySays(said)
        this.#news.wake()
      },
      onLost: (source) => this.presence.directoryLost(source),
      onView: init.onDirectory,
      onChange: () => this.#news.wake(),
      remember: async (address) => profile.book.rememberDirectory(address),
      nameOf: (peer) => this.name(peer),
      onJudged: ({ newest }, tellers) => this.presence.judged(newest, tellers),
      onVouchers: (peers) => this.#onVouchers(peers),
      onNotice: (text) => init.notice({ code: 'directory', text })
    })
    this.#resolver = new PeerResolver({
      book: profile.book,
      known: () => this.#knownPeers(),
      lookAround: async (signal) => {
        if (!this.#hasLooked) await this.firstLook(signal, { thorough: false })
      },
      nameOf: (peer) => this.name(peer),
      dial: async (address, options) => this.#reach.dial(address, options),
      isDirectory: async (peer, asked) =>
        asked === undefined ? this.isDirectory(peer) : this.#answersAsDirectory(asked),
      onAddress: (peer, address) => this.#learn(peer, address),
      notice: init.notice
    })
    this.#interfaces = new InterfaceWatch(() => void this.#onNetworkChange())
  }

  /** Listens for news. Call it before the host starts, so that nothing is missed. */
  follow(): void {
    const { libp2p, records } = this.#init.host()
    libp2p.addEventListener('peer:connect', ({ detail }) => {
      this.#reach.met(detail.toString())
      this.#init.onNews(detail.toString())
    })
    libp2p.addEventListener('self:peer:update', () => void this.#refreshAddresses())
    this.presence.follow(records)
  }

  /** Tells others where we are and begins to look for them. The host has to run. */
  async start(): Promise<void> {
    this.#isOpen = true
    await this.presence.refreshAddresses()
    this.#directories.start()
    this.#interfaces.start()
    if (!this.#init.config.settings.mdns) return
    const why = await whyNoMulticast()
    if (why !== undefined) this.#init.notice({ code: 'no-multicast', text: why })
  }

  /** Goes without a word; {@link withdraw} first, to be missed at once. */
  async stop(): Promise<void> {
    this.#isOpen = false
    this.#interfaces.stop()
    await this.#lanDialing.stop()
    await this.#directories.stop()
    this.presence.stop()
  }

  /** Takes this peer off every roster. */
  async withdraw(): Promise<void> {
    this.#isOpen = false // an address that changes now must not bring us back
    const farewell = await this.presence.farewell()
    await Promise.all([this.presence.withdraw(farewell), this.#directories.withdraw(farewell)])
  }

  /** Resolves when the first answers about who is online are in, or there is no hope for quick ones. */
  async firstLook(signal: AbortSignal | undefined, options: { readonly thorough: boolean }): Promise<void> {
    const timeout = AbortSignal.timeout(FIRST_LOOK_MS)
    const over = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    while (!over.aborted) {
      const isAnswerEnough = !options.thorough && this.presence.entries().length > 0
      const lanMayAnswer = this.#init.config.settings.mdns && !isAnswerEnough
      if (this.#directories.haveAnswered && !lanMayAnswer) break
      await this.#news.sleep(over)
    }
    this.#hasLooked ||= signal?.aborted !== true
  }

  /** @throws UnreachableError, KeyChangedError */
  async connect(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection> {
    const connection = await this.#reach.connect(peer, options)
    // Where a peer dials from is no place to dial it at.
    if (connection.direction === 'outbound') void this.#remember(peer, connection.remoteAddr.toString())
    return connection
  }

  async resolve(words: readonly string[], options: ResolveOptions): Promise<PeerTarget> {
    return this.#resolver.resolve(words, options)
  }

  /** The open connection to the peer. */
  connection(peer: string): Connection | undefined {
    return this.#reach.connection(peer)
  }

  /** Whether the open connection to the peer stays on this machine or its LAN. */
  isLan(peer: string): boolean {
    const connection = this.#reach.connection(peer)
    return connection !== undefined && isLocal(connection.remoteAddr)
  }

  /** The address class of the open connection. Behind a relay it is not known: the relay's address is everybody's. */
  originOf(peer: string): string {
    const connection = this.#reach.connection(peer)
    return addressClass((connection === undefined ? undefined : hostPortOf(connection.remoteAddr)?.host) ?? '')
  }

  /** Asks who answers; a connection to a directory that is not one of those in use has no further use. */
  async #answersAsDirectory(asked: { connection: Connection; signal: AbortSignal }): Promise<boolean> {
    const { connection } = asked
    const peer = connection.remotePeer.toString()
    if (!(await this.isDirectory(peer))) {
      const signal = AbortSignal.any([asked.signal, AbortSignal.timeout(IDENTIFY_TIMEOUT_MS)])
      // Who does not tell what it is, is none that we know of.
      await this.#init
        .host()
        .kindOf(connection, { signal })
        .catch(() => undefined)
      asked.signal.throwIfAborted()
      if (!(await this.isDirectory(peer))) return false
    }
    const isInUse = this.#directories.views().some((view) => view.peer === peer)
    if (!isInUse) await connection.close().catch(() => undefined)
    return true
  }

  /** What identify, or a stream that was open, has told of the peer. */
  async isDirectory(peer: string): Promise<boolean> {
    const known = await this.#init
      .host()
      .libp2p.peerStore.get(peerIdFromString(peer))
      .catch(() => undefined)
    const protocols = known?.protocols ?? []
    return protocols.includes(DIRECTORY_PROTOCOL) && !protocols.includes(chatProtocolId)
  }

  roster(): readonly RosterRow[] {
    return this.#rows(this.presence.entries()).toSorted(compareRows)
  }

  directories(): readonly DirectoryView[] {
    return this.#directories.views()
  }

  /** The contact's name, else the nickname, else the short ID. */
  name(peer: string): string {
    return nameOrShortId(this.#init.profile.book.contact(peer)?.name ?? this.#nickname(peer), peer)
  }

  #addressesOf(peer: string): readonly ToldAddresses[] {
    const contact = this.#init.profile.book.contact(peer)?.addresses ?? []
    const seen = [...this.sightings.peers.addressesOf(peer), ...this.#directories.addressesOf(peer)]
    return [
      { addresses: this.#learned.get(peer) ?? [], from: 'user' },
      { addresses: this.#announced(peer), from: this.#vantageOf(peer) },
      { addresses: seen, from: 'known' },
      { addresses: contact, from: 'known' }
    ]
  }

  /** What the peer's record says. */
  #announced(peer: string): readonly string[] {
    return this.presence.entry(peer)?.record.record.addresses.map((address) => address.toString()) ?? []
  }

  /** How near the peer is: by where it was connected, and by where the directories are that it is attached to. */
  #vantageOf(peer: string): Vantage {
    const own = this.#ownNetwork()
    const reachedAt = new Map(this.#directories.reachedAt())
    const attachedTo = [...this.#directories.seenBy(peer).via.keys()].filter((directory) => reachedAt.has(directory))
    const tellers = this.presence.entry(peer)?.attachments.map(({ source }) => source) ?? []
    // Where a directory is that only another one knows is not known: the word of the one that tells of it counts.
    const places = (attachedTo.length > 0 ? attachedTo : tellers).flatMap((directory) => reachedAt.get(directory) ?? [])
    const isContact = this.#init.profile.book.contact(peer) !== undefined
    return nearest([
      this.#reach.metAt(peer) ?? 'elsewhere',
      ...places.map((place) => vantageOf(place, own)),
      ...(isContact ? (['contact'] as const) : [])
    ])
  }

  /**
   * Keeps where a contact is to be found, as the user named it or the contact itself says: what waits for it must find
   * it after a restart too, also when it was never reached, or always was the one who dialled.
   */
  async keepAddresses(peer: string): Promise<void> {
    const contact = this.#init.profile.book.contact(peer)
    if (contact === undefined) return
    const [own, from] = [this.#ownNetwork(), this.#vantageOf(peer)]
    const said = this.#announced(peer).filter((address) => whyNotDialled(multiaddr(address), from, own) === undefined)
    const named = this.#learned.get(peer) ?? []
    const known = new Set(contact.addresses.map(withoutOwner))
    const news = [...said.slice(0, KEPT_RECORD_ADDRESSES), ...named.slice(0, 1)]
    for (const address of news) if (!known.has(withoutOwner(address))) await this.#remember(peer, address)
  }

  /** A disk that is full keeps nobody from talking. */
  async #remember(peer: string, address: string): Promise<void> {
    await this.#init.profile.book.rememberAddress(peer, address).catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error)
      this.#init.notice({ code: 'fault', text: `the address of ${this.name(peer)} could not be saved: ${why}` })
    })
  }

  #learn(peer: string, address: Multiaddr): void {
    const known = this.#learned.get(peer) ?? []
    this.#learned.set(peer, [...new Set([address.toString(), ...known])])
    this.#init.onNews(peer)
  }

  #knownPeers(): KnownPeers {
    const { profile, host } = this.#init
    const roster = this.presence.entries().map((entry) => ({
      peer: entry.peer,
      name: entry.record.record.nickname
    }))
    const directories = new Set(this.#directories.views().map(({ peer }) => peer))
    const connected = host()
      .libp2p.getPeers()
      .map(String)
      .filter((peer) => !directories.has(peer))
      .map((peer) => ({ peer, name: this.name(peer) }))
    const others = [...connected, ...profile.book.blocked()]
    return { self: profile.id, contacts: profile.book.contacts(), roster, others }
  }

  #rows(entries: ReturnType<Presence['entries']>): readonly RosterRow[] {
    const { book } = this.#init.profile
    const around = {
      names: this.#knownNames(),
      isBlocked: (peer: string) => book.isBlocked(peer),
      connectionAddress: (peer: string) => this.#reach.connection(peer)?.remoteAddr,
      rttMs: (peer: string) => rttOf(this.#reach.connection(peer)).rttMs,
      whyNoWay: this.#init.whyNoWay,
      seenBy: (peer: string) => this.#directories.seenBy(peer)
    }
    return entries.map((entry) => rosterRow(entry, around))
  }

  #onSighting(peer: string, addresses: readonly string[]): void {
    this.#reach.forgetFailures(peer)
    const [newest = ''] = addresses
    this.#lanDialing.sighted(peer, addressClass(hostPortOf(multiaddr(newest))?.host ?? ''))
    this.#init.onNews(peer)
  }

  #onRosterChanges(changes: readonly RosterChange[]): void {
    for (const change of changes) {
      if (change.kind === 'gone') {
        this.#lastNames.set(change.was.peer, change.was.record.record.nickname)
        continue
      }
      if (change.kind === 'joined' || hasMoved(change.entry, change.was)) this.#reach.forgetFailures(change.entry.peer)
      void this.#nameContact(change.entry.peer, change.entry.record.record.nickname).catch(() => undefined)
      void this.keepAddresses(change.entry.peer)
      this.#init.onNews(change.entry.peer)
    }
    this.#news.wake()
    const joined = this.#rows(changes.flatMap((change) => (change.kind === 'joined' ? [change.entry] : [])))
    const changed = this.#rows(changes.flatMap((change) => (change.kind === 'changed' ? [change.entry] : [])))
    const left = this.#rows(changes.flatMap((change) => (change.kind === 'gone' ? [change.was] : [])))
    this.#init.onRoster({ joined, changed, left })
    for (const notice of this.#namesakes.look([...joined, ...changed], Date.now())) this.#init.notice(notice)
  }

  /** What the user thinks of the peer is another, and so perhaps of who goes by its name: the same rows, told anew. */
  retell(peer: string): void {
    const changed = this.roster().filter((row) => row.peer === peer || row.sameNameAs?.peer === peer)
    if (changed.length > 0) this.#init.onRoster({ joined: [], changed, left: [] })
  }

  /** How far the peer is who it seems to be. */
  trust(peer: string): PeerTrust {
    const contact = this.#init.profile.book.contact(peer)
    const nickname = this.#nickname(peer) ?? contact?.name ?? ''
    const sameNameAs = this.#knownNames().ownerOf(peer, nickname)
    return {
      ...(contact?.verified === undefined ? {} : { verifiedSinceMs: contact.verified.sinceMs }),
      ...(sameNameAs === undefined ? {} : { sameNameAs })
    }
  }

  /** As it names itself, or did before it went. */
  #nickname(peer: string): string | undefined {
    return this.presence.entry(peer)?.record.record.nickname ?? this.#lastNames.get(peer)
  }

  #knownNames(): KnownNames {
    const { profile, observe } = this.#init
    const self = observe ? {} : { self: { peer: profile.id, nickname: this.presence.nickname } }
    return new KnownNames({ contacts: profile.book.contacts(), shapes: this.#shapes, ...self })
  }

  /** On whose word alone they are seen is another: the same rows, told anew. */
  #onVouchers(peers: readonly string[]): void {
    const entries = peers.flatMap((peer) => (peer === this.#init.profile.id ? [] : (this.presence.entry(peer) ?? [])))
    if (entries.length > 0) this.#init.onRoster({ joined: [], changed: this.#rows(entries), left: [] })
  }

  /** A contact that was chosen by its address is named as soon as it says its nickname. */
  async #nameContact(peer: string, nickname: string): Promise<void> {
    const { book } = this.#init.profile
    const name = book.contact(peer)?.name
    if (nickname === '' || name === undefined || !isShortFormOf(name, peer)) return
    await book.accept(peer, nickname, Date.now())
  }

  async #onNetworkChange(): Promise<void> {
    this.#reach.forgetFailures()
    this.#directories.wake()
    this.#init.onNetworkChange()
    await this.#refreshAddresses()
  }

  async #refreshAddresses(): Promise<void> {
    if (this.#isOpen) await this.presence.refreshAddresses()
  }
}

function hasMoved(now: RosterEntry, before: RosterEntry): boolean {
  return now.record.record.addresses.join(' ') !== before.record.record.addresses.join(' ')
}

/** The same place, whether its peer ID stands there or not. */
function withoutOwner(address: string): string {
  return address.replace(/\/p2p\/[^/]+$/u, '')
}
