// The network side of a ChatNode: it composes presence, the peers around, their
// addresses, the dialer, the directories and the LAN, and starts and stops them. It does
// not know what goes over a connection.
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { StunServer } from '../direct/stun/index.ts'
import { onAbort } from '../lib/index.ts'
import { normaliseText, type RosterChange, type RosterEntry } from '../presence/index.ts'
import { NamedRelays } from '../relay/index.ts'
import { defaultRoutes, InterfaceWatch, networkInterfaces } from '../transport/index.ts'
import { addressBlock, addressRange } from '../wire/index.ts'
import type { PeerTarget, ResolveOptions } from './api/chat-api.ts'
import type { ChatEvents, ConversationState, DirectoryView, LinkView, Notice, RouterView } from './api/chat-events.ts'
import type { ChatHost, ChatHostInit } from './chat-host.ts'
import type { Config } from './config/config.ts'
import { relayNotice } from './connection-notices.ts'
import { AddressBook } from './dialing/address-book.ts'
import { hostPortOf } from './dialing/address.ts'
import { Dialer } from './dialing/dialer.ts'
import type { TrialDialer } from './dialing/path-trials.ts'
import { LinkDoubts } from './dialing/link-doubts.ts'
import { Directories } from './directories/directories.ts'
import { ownNetworkNow } from './dialing/own-network.ts'
import { LanDialing } from './discovery/lan-dialing.ts'
import { LanSightings } from './discovery/lan.ts'
import { MdnsPorts } from './discovery/mdns-port.ts'
import { LanNotices } from './discovery/multicast.ts'
import { admit } from './messaging/reception.ts'
import { PeerDirectory } from './peers/peer-directory.ts'
import { PeerConnections } from './peer-connections.ts'
import { IDENTIFY_TIMEOUT_MS } from './peers/peer-kind.ts'
import { PeerResolver } from './peers/peer-resolver.ts'
import { Presence } from './peers/presence.ts'
import { nicknameOf, type Profile } from './profile/profile.ts'
import { OwnPortMapping } from './own-port-mapping.ts'
import { RelaysInUse } from './relays-in-use.ts'

/** How long the first look waits for a roster before it reports that nobody else is online. */
const FIRST_LOOK_MS = 1_500

export interface ChatNetworkInit {
  readonly config: Config
  readonly profile: Profile
  /** Directories that the user named. */
  readonly namedDirectories: readonly Multiaddr[]
  /** Relays that the user named. */
  readonly namedRelays: readonly Multiaddr[]
  /** Only look: announce nothing. */
  readonly observe: boolean
  readonly events: Pick<ChatEvents, 'tell'>
}

/** Those who look for peers, and hear from the network when to try again. */
export interface Searches {
  /** There is news of this peer: it may be reachable now. */
  wake(peer: string): void
  /** The network itself has changed: any peer may be reachable now. */
  wakeAll(): void
  /** The same by a relay that has come into use. */
  relayCame(): void
  /** Why there is no way to a peer that is looked for. */
  whyNoWay(peer: string): string | undefined
}

/** The invitations of this node, as far as the network needs them. */
export interface Codes {
  /** Goes to the maker of the code of an invitation. @returns undefined for a text that is no code */
  meet(text: string, signal: AbortSignal | undefined): Promise<{ peer: string; name: string } | undefined>
  /** The directory has registered this peer. */
  registered(directory: string): Promise<void>
}

/** What is made after the network, and needs it to be made. */
interface Bound {
  readonly host: ChatHost
  readonly searches: Searches
  readonly codes: Codes
}

export class ChatNetwork {
  readonly #init: ChatNetworkInit
  readonly presence: Presence
  readonly peers: PeerDirectory
  readonly addresses: AddressBook
  readonly connections: PeerConnections
  /** What the host needs to look at the LAN. */
  readonly sightings: ChatHostInit['lan']
  readonly #lanPorts: MdnsPorts
  readonly #lanDialing: LanDialing
  readonly #dialer: Dialer
  readonly #directories: Directories
  readonly #namedRelays: NamedRelays
  readonly #relays: RelaysInUse
  readonly #portMapping: OwnPortMapping
  readonly #resolver: PeerResolver
  readonly #interfaces: InterfaceWatch
  readonly #doubts: LinkDoubts
  /** Callers that wait for the next change: it wakes all of them. */
  readonly #news = new Set<() => void>()
  #bound: Bound | undefined
  readonly #ownNetwork = ownNetworkNow()
  #isOpen = false
  #reportedAddresses = ''
  /** Whether the first look is over. */
  #hasLooked = false

  constructor(init: ChatNetworkInit) {
    this.#init = init
    const { profile, observe } = init
    const { book } = profile
    const notice = (one: Notice): void => this.#notice(one)
    const lanNotices = new LanNotices(notice)
    this.#lanPorts = new MdnsPorts({
      isOwn: (ip) => this.#ownNetwork().isOwn(ip),
      onChange: () => {
        lanNotices.look(this.#lanPorts.links(), this.#lanPorts.problems())
        this.#tellSeen('lan')
      }
    })
    this.sightings = this.#lanSightings()
    this.presence = this.#presence()
    this.peers = new PeerDirectory({
      self: profile.id,
      book,
      presence: this.presence,
      observe,
      sightings: {
        connection: (peer) => this.connections.connection(peer),
        connectedPeers: () => this.#host.libp2p.getPeers().map(String),
        directories: () => this.serverPeers(),
        seenBy: (peer) => this.#directories.seenBy(peer),
        programs: () => {
          const { programs } = this.sightings
          return programs.peers().map((peer) => ({ peer, addresses: programs.addressesOf(peer) }))
        }
      },
      isShown: (peer) => this.#isShown(peer),
      whyNoWay: (peer) => this.#searches.whyNoWay(peer),
      onRoster: (change) => init.events.tell('roster', () => change),
      notice
    })
    this.#dialer = new Dialer({
      libp2p: () => this.#host.libp2p,
      addressDialer: () => this.#host.dialer,
      addressesOf: (peer) => [...this.addresses.addressesOf(peer), this.#relays.circuitsTo(peer)],
      isBlocked: (peer) => book.isBlocked(peer),
      isContact: (peer) => book.contact(peer) !== undefined,
      relays: () => this.#host.circuits.relays,
      lostRelays: () => this.#relays.lost(),
      isSighted: (peer) => this.sightings.peers.isThere(peer)
    })
    this.addresses = new AddressBook({
      book,
      ownNetwork: this.#ownNetwork,
      sources: {
        announcedBy: (peer) => announcedBy(this.presence.entry(peer)),
        sightedAt: (peer) => this.#sightedAt(peer),
        directoriesOf: (peer) => this.#directoriesOf(peer),
        lastVantage: (peer) => this.#dialer.lastVantage(peer)
      },
      nameOf: (peer) => this.peers.name(peer),
      onLearned: (peer) => this.#searches.wake(peer),
      notice
    })
    this.connections = new PeerConnections({
      dialer: this.#dialer,
      addresses: this.addresses,
      unanswered: (peer) => this.#doubts.unanswered(peer),
      direct: () => this.#host.direct,
      libp2p: () => this.#host.libp2p
    })
    this.#lanDialing = new LanDialing(profile.id, {
      // Another connection is none on the LAN, and a sighting is no reason to ask a relay.
      isConnected: (peer) => this.connections.isLan(peer),
      connect: async (peer, options) => this.#dialer.connectBetter(peer, options)
    })
    this.#directories = this.#makeDirectories()
    this.#relays = new RelaysInUse({
      circuits: () => this.#host.circuits,
      directories: () => this.#directories,
      connection: (directory) => this.connections.connection(directory),
      onNew: () => this.#relayCame()
    })
    this.#portMapping = new OwnPortMapping({
      self: peerIdFromString(profile.id),
      port: () => hostPortOf(this.#host.libp2p.getMultiaddrs()[0] ?? multiaddr('/'))?.port ?? 0,
      stunServers: () => this.stunServers(),
      notice,
      onChange: () => void this.#refreshAddresses()
    })
    this.#namedRelays = new NamedRelays({
      circuits: { reserveNamed: async (...reservation) => this.#host.circuits.reserveNamed(...reservation) },
      connect: async (address, options) => this.#dialer.dial(address, options),
      onState: (address, state) => {
        this.#relays.namedRelayChanged(address, state)
        notice(relayNotice(address, state))
        if (state.is === 'lost') return
        this.#dialer.forgetFailures()
        this.#relayCame()
      }
    })
    this.#resolver = new PeerResolver({
      book,
      peers: this.peers,
      addresses: this.addresses,
      dialer: this.#dialer,
      lookAround: async (signal) => this.lookAround(signal),
      isDirectory: async (peer, asked) =>
        asked === undefined ? this.connections.isDirectory(peer) : this.#answersAsDirectory(asked),
      meet: async (text, signal) => this.#made.codes.meet(text, signal),
      notice
    })
    this.#doubts = new LinkDoubts({
      links: () => this.#host.links,
      connection: (peer) => this.connections.connection(peer),
      directories: () => this.#directories.views().flatMap(({ peer }) => peer ?? [])
    })
    this.#interfaces = new InterfaceWatch(() => void this.#onNetworkChange(), networkInterfaces, defaultRoutes)
  }

  /** Gives it what was made after it. Call it once, before anything but its `presence` is used. */
  bind(bound: Bound): void {
    this.#bound = bound
  }

  /** Listens for news. Call it before the host starts, so that nothing is missed. */
  follow(): void {
    const { libp2p, records } = this.#host
    libp2p.addEventListener('connection:open', ({ detail }) => {
      this.#dialer.connected(detail.remotePeer.toString())
      this.#searches.wake(detail.remotePeer.toString())
    })
    libp2p.addEventListener('peer:disconnect', ({ detail }) => this.#doubts.disconnected(detail.toString()))
    libp2p.addEventListener('self:peer:update', () => void this.#refreshAddresses())
    this.presence.follow(records)
  }

  /** Announces this peer and begins to look for others. The host has to run. */
  async start(): Promise<void> {
    this.#isOpen = true
    this.#reportedAddresses = this.ownAddresses().join(' ')
    await this.presence.refreshAddresses()
    this.#directories.start()
    if (!this.#init.observe) this.#namedRelays.start(this.#init.namedRelays)
    this.#interfaces.start()
    const { portMapping, host } = this.#init.config.settings
    if (portMapping && !this.#init.observe && addressRange(host ?? '') !== 'loopback') this.#portMapping.start()
  }

  /** Stops without a farewell; call {@link withdraw} first, to leave the rosters at once. */
  async stop(): Promise<void> {
    this.#isOpen = false
    this.#interfaces.stop()
    await Promise.all([this.#portMapping.stop(), this.#lanDialing.stop()])
    await this.#namedRelays.stop()
    this.#dialer.stop()
    await this.#directories.stop()
    this.presence.stop()
  }

  /** Takes this peer off every roster. */
  async withdraw(): Promise<void> {
    this.#isOpen = false // an address that changes now must not announce us again
    const farewell = await this.presence.farewell()
    await Promise.all([this.presence.withdraw(farewell), this.#directories.withdraw(farewell)])
  }

  /** Resolves when the first answers about who is online have arrived, or none can be expected soon. */
  async firstLook(signal: AbortSignal | undefined, options: { readonly thorough: boolean }): Promise<void> {
    const timeout = AbortSignal.timeout(FIRST_LOOK_MS)
    const over = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
    while (!over.aborted) {
      const isAnswerEnough = !options.thorough && this.presence.entries().length > 0
      const lanMayAnswer = this.#init.config.settings.mdns && !isAnswerEnough
      if (this.#directories.haveAnswered && !lanMayAnswer) break
      await this.news(over)
    }
    this.#hasLooked ||= signal?.aborted !== true
  }

  /** Resolves when each directory has answered or failed once. */
  async directoriesTried(signal: AbortSignal): Promise<void> {
    while (!this.#directories.haveAnswered && !signal.aborted) await this.news(signal)
  }

  /** Resolves when a peer or a directory has come, changed or gone, or when the signal aborts. */
  async news(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const { promise, resolve } = Promise.withResolvers<void>()
    const unlisten = onAbort(signal, resolve)
    this.#news.add(resolve)
    await promise
    this.#news.delete(resolve)
    unlisten()
  }

  /** Those around have had time to appear. */
  async lookedAround(signal: AbortSignal): Promise<void> {
    if (!this.#hasLooked) await this.firstLook(signal, { thorough: true })
  }

  /** What tries single paths, for who asks about them. */
  get trialDialer(): TrialDialer {
    return this.#dialer
  }

  /** The same, once: later it resolves at once. */
  async lookAround(signal: AbortSignal | undefined): Promise<void> {
    if (!this.#hasLooked) await this.firstLook(signal, { thorough: false })
  }

  /** Uses a directory that the user has scanned, beside the others. */
  useDirectory(address: Multiaddr): void {
    this.#directories.use(address)
  }

  async resolve(words: readonly string[], options: ResolveOptions): Promise<PeerTarget> {
    return this.#resolver.resolve(words, options)
  }

  /** The state of the conversation with the peer has changed. */
  conversationChanged(peer: string, state: ConversationState): void {
    this.peers.conversationChanged(peer, state)
  }

  /** Reports the nickname and the addresses as they are now. */
  reportSelf(): void {
    const { nickname } = this.presence
    this.#init.events.tell('self', () => ({ nickname, addresses: this.ownAddresses() }))
  }

  /** Multiaddrs with the own peer ID, as others may dial them. */
  ownAddresses(): readonly string[] {
    return this.#addressesNow().map((address) => address.toString())
  }

  directories(): readonly DirectoryView[] {
    return this.#directories.views()
  }

  /** Whether the router lets others in. */
  router(): RouterView {
    return this.#portMapping.view()
  }

  /** Where this peer may ask how its UDP sockets are seen from outside. */
  stunServers(): readonly StunServer[] {
    return this.#relays.stunServers()
  }

  /** Peer IDs of the directories that are in use or stand by, and of relays that the user named: they are not people. */
  serverPeers(): ReadonlySet<string> {
    return new Set([...this.#directories.views().flatMap(({ peer }) => peer ?? []), ...this.#host.circuits.named])
  }

  /** The links on which peers are looked for by mDNS. */
  lan(): readonly LinkView[] {
    return this.#lanPorts.links()
  }

  get #host(): ChatHost {
    return this.#made.host
  }

  get #searches(): Searches {
    return this.#made.searches
  }

  get #made(): Bound {
    if (this.#bound === undefined) throw new TypeError('the network is used before it is bound to its host')
    return this.#bound
  }

  #notice(notice: Notice): void {
    this.#init.events.tell('notice', () => notice)
  }

  /** The peers and directories seen on the LAN have changed. */
  #tellSeen(part: 'programs' | 'lan'): void {
    this.#init.events.tell('snapshot', () => ({ part }))
  }

  #lanSightings(): ChatHostInit['lan'] {
    const [ports, ownNetwork] = [this.#lanPorts, this.#ownNetwork]
    return {
      peers: new LanSightings({ ports, ownNetwork, onSighting: (...seen) => this.#onSighting(...seen) }),
      directories: new LanSightings({ ports, ownNetwork, onSighting: (...seen) => this.#directories.sighted(...seen) }),
      // Not all of these chat: they are dialled only when the user chooses one.
      programs: new LanSightings({
        ports,
        ownNetwork,
        onSighting: (peer) => {
          this.#searches.wake(peer)
          this.#tellSeen('programs')
        }
      })
    }
  }

  #presence(): Presence {
    const { config, profile, observe } = this.#init
    return new Presence({
      key: profile.key,
      self: profile.id,
      network: observe ? '' : config.settings.network,
      nickname: normaliseText(nicknameOf(config, profile)),
      status: normaliseText(config.settings.status),
      addresses: () => this.#addressesNow(),
      onChanges: (changes) => this.#onRosterChanges(changes),
      onOwnRecord: () => this.#directories.reannounce(),
      now: Date.now
    })
  }

  #makeDirectories(): Directories {
    const { config, profile, namedDirectories, observe, events } = this.#init
    const directories = new Directories({
      network: config.settings.network,
      named: namedDirectories,
      useDefaults: config.settings.defaultDirectories,
      announce: !observe,
      dialer: this.#dialer,
      presence: this.presence,
      peers: this.peers,
      book: profile.book
    })
    directories.on('view', (view) => events.tell('directory', () => view))
    directories.on('change', () => {
      this.#relays.releaseUnused()
      this.#tellNews()
    })
    directories.on('registered', (directory) => {
      void this.#relays.reserve(directory)
      void this.#made.codes.registered(directory)
      this.#portMapping.directoryRegistered()
    })
    directories.on('notice', (text) => this.#notice({ code: 'directory', text }))
    return directories
  }

  #sightedAt(peer: string): readonly string[] {
    const { peers, programs } = this.sightings
    return [...peers.addressesOf(peer), ...programs.addressesOf(peer), ...this.#directories.addressesOf(peer)]
  }

  /** The address of a directory that is not in use is not known: the address of the one that reports it counts. */
  #directoriesOf(peer: string): readonly Multiaddr[] {
    const reachedAt = new Map(this.#directories.reachedAt())
    const attachedTo = [...this.#directories.seenBy(peer).via.keys()].filter((directory) => reachedAt.has(directory))
    const sources = this.presence.entry(peer)?.attachments.map(({ source }) => source) ?? []
    return (attachedTo.length > 0 ? attachedTo : sources).flatMap((directory) => reachedAt.get(directory) ?? [])
  }

  /** Asks the peer whether it is a directory, and closes the connection to one that is not in use. */
  async #answersAsDirectory(asked: { connection: Connection; signal: AbortSignal }): Promise<boolean> {
    const { connection } = asked
    const peer = connection.remotePeer.toString()
    if (!(await this.connections.isDirectory(peer))) {
      const signal = AbortSignal.any([asked.signal, AbortSignal.timeout(IDENTIFY_TIMEOUT_MS)])
      // A peer that does not answer counts as no directory.
      await this.#host.kindOf(connection, { signal }).catch(() => undefined)
      asked.signal.throwIfAborted()
      if (!(await this.connections.isDirectory(peer))) return false
    }
    const isInUse = this.#directories.views().some((view) => view.peer === peer)
    if (!isInUse) await connection.close().catch(() => undefined)
    return true
  }

  /** Whether a row is shown: for contacts, and strangers that the policy admits without asking. */
  #isShown(peer: string): boolean {
    const { config, profile } = this.#init
    const isContact = profile.book.contact(peer) !== undefined
    const sender = { isContact, isBlocked: profile.book.isBlocked(peer), isLan: this.connections.isLan(peer) }
    return admit(sender, config.settings.accept) === 'accept'
  }

  #onSighting(peer: string, addresses: readonly string[]): void {
    this.#dialer.forgetFailures(peer)
    const [newest = ''] = addresses
    this.#lanDialing.sighted(peer, addressBlock(hostPortOf(multiaddr(newest))?.host ?? ''))
    this.#searches.wake(peer)
  }

  #onRosterChanges(changes: readonly RosterChange[]): void {
    for (const change of changes) {
      if (change.kind === 'gone') continue
      const { peer } = change.entry
      if (change.kind === 'changed') this.#doubts.moved(peer, addressesIn(change.entry), addressesIn(change.was))
      if (change.kind === 'joined' || hasMoved(change.entry, change.was)) this.#dialer.forgetFailures(peer)
      void this.addresses.keepAddresses(peer)
      this.#searches.wake(peer)
    }
    this.#tellNews()
    this.peers.rosterChanged(changes)
  }

  #relayCame(): void {
    this.#dialer.relayCame()
    this.#searches.relayCame()
  }

  #tellNews(): void {
    for (const tell of this.#news) tell()
  }

  async #onNetworkChange(): Promise<void> {
    this.#doubts.networkChanged()
    this.#dialer.forgetFailures()
    this.#directories.wake()
    this.#namedRelays.wake()
    this.#portMapping.networkChanged()
    this.#searches.wakeAll()
    await this.#refreshAddresses()
  }

  /** Those of its own interfaces, and what of the router leads here. */
  #addressesNow(): readonly Multiaddr[] {
    return [...this.#host.libp2p.getMultiaddrs(), ...this.#portMapping.addresses()]
  }

  async #refreshAddresses(): Promise<void> {
    if (!this.#isOpen) return
    const addresses = this.ownAddresses().join(' ')
    if (addresses !== this.#reportedAddresses) {
      this.#reportedAddresses = addresses
      this.reportSelf()
    }
    await this.presence.refreshAddresses()
  }
}

function announcedBy(entry: RosterEntry | undefined): readonly string[] {
  return entry === undefined ? [] : addressesIn(entry).map(String)
}

function addressesIn({ record }: RosterEntry): readonly Multiaddr[] {
  return record.record.addresses
}

function hasMoved(now: RosterEntry, before: RosterEntry): boolean {
  return addressesIn(now).join(' ') !== addressesIn(before).join(' ')
}
