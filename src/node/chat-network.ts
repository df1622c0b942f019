// The network side of a ChatNode: it composes presence, the peers around, their
// addresses, the dialer, the directories, the LAN and the ways by which others reach this
// peer, and starts and stops them. It does not know what goes over a connection.
import type { Multiaddr } from '@multiformats/multiaddr'
import { normaliseText, type RosterChange, type RosterEntry } from '../presence/index.ts'
import { defaultRoutes, InterfaceWatch, networkInterfaces } from '../transport/index.ts'
import type { ChatEvents } from './api/chat-events.ts'
import type { Notice } from './api/notices.ts'
import type { ChatHost } from './chat-host.ts'
import type { Config } from './config/config.ts'
import { AddressBook } from './dialing/address-book.ts'
import { Dialer } from './dialing/dialer.ts'
import type { TrialDialer } from './dialing/path-trials.ts'
import { LinkDoubts } from './dialing/link-doubts.ts'
import { Directories } from './directories/directories.ts'
import { ownNetworkNow } from './dialing/own-network.ts'
import { LanSearch } from './discovery/lan-search.ts'
import { FirstLook } from './first-look.ts'
import { admit } from './messaging/reception.ts'
import { PeerDirectory } from './peers/peer-directory.ts'
import { PeerConnections } from './peer-connections.ts'
import { PeerResolver } from './peers/peer-resolver.ts'
import { Presence } from './peers/presence.ts'
import { nicknameOf, type Profile } from './profile/profile.ts'
import { Reachability } from './reachability/reachability.ts'

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
interface Codes {
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
  readonly transfers: { wake(peer: string): void }
  /** With whom there are conversations or requests. */
  readonly talks: { talked(): Promise<readonly string[]> }
}

export class ChatNetwork {
  readonly #init: ChatNetworkInit
  readonly presence: Presence
  readonly peers: PeerDirectory
  readonly addresses: AddressBook
  readonly connections: PeerConnections
  readonly lan: LanSearch
  readonly directories: Directories
  readonly reachability: Reachability
  readonly firstLook: FirstLook
  /** PEER in all its forms. */
  readonly resolver: PeerResolver
  readonly #dialer: Dialer
  readonly #interfaces: InterfaceWatch
  readonly #doubts: LinkDoubts
  #bound: Bound | undefined
  readonly #ownNetwork = ownNetworkNow()
  #isOpen = false
  #reportedAddresses = ''

  constructor(init: ChatNetworkInit) {
    this.#init = init
    const { profile, observe } = init
    const { book } = profile
    const notice = (one: Notice): void => this.#notice(one)
    this.lan = this.#searchLan()
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
        seenBy: (peer) => this.directories.seenBy(peer),
        programs: () => {
          const { programs } = this.lan
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
      addressesOf: (peer) => [...this.addresses.addressesOf(peer), this.reachability.circuitsTo(peer)],
      isBlocked: (peer) => book.isBlocked(peer),
      isContact: (peer) => book.contact(peer) !== undefined,
      relays: () => this.#host.circuits.relays,
      lostRelays: () => this.reachability.lostRelays(),
      isSighted: (peer) => this.lan.peers.isThere(peer)
    })
    this.addresses = new AddressBook({
      book,
      ownNetwork: this.#ownNetwork,
      sources: {
        announcedBy: (peer) => announcedBy(this.presence.entry(peer)),
        sightedAt: (peer) => [...this.lan.addressesOf(peer), ...this.directories.addressesOf(peer)],
        directoriesOf: (peer) => {
          const attachments = this.presence.entry(peer)?.attachments ?? []
          return this.directories.attaching(
            peer,
            attachments.map(({ source }) => source)
          )
        },
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
      libp2p: () => this.#host.libp2p,
      kindOf: async (...asked) => this.#host.kindOf(...asked),
      isDirectoryInUse: (peer) => this.directories.views().some((view) => view.peer === peer)
    })
    this.directories = this.#makeDirectories()
    this.firstLook = new FirstLook({
      haveDirectoriesAnswered: () => this.directories.haveAnswered,
      hasPeers: () => this.presence.entries().length > 0,
      searchesLan: init.config.settings.mdns
    })
    this.reachability = new Reachability({
      self: profile.id,
      settings: init.config.settings,
      observe,
      namedRelays: init.namedRelays,
      libp2p: () => this.#host.libp2p,
      circuits: () => this.#host.circuits,
      directories: () => this.directories,
      connection: (directory) => this.connections.connection(directory),
      connect: async (address, options) => this.#dialer.dial(address, options),
      notice,
      onRelay: (relay) => {
        if (relay === 'named') this.#dialer.forgetFailures()
        this.#dialer.relayCame()
        this.#searches.relayCame()
      },
      onAddresses: () => void this.#refreshAddresses()
    })
    this.resolver = new PeerResolver({
      book,
      peers: this.peers,
      addresses: this.addresses,
      dialer: this.#dialer,
      lookAround: async (signal) => this.firstLook.once(signal, { thorough: false }),
      isDirectory: async (peer, asked) =>
        asked === undefined ? this.connections.isDirectory(peer) : this.connections.answersAsDirectory(asked),
      away: async () => this.peers.away(await this.#made.talks.talked()),
      meet: async (text, signal) => this.#made.codes.meet(text, signal),
      notice
    })
    this.#doubts = new LinkDoubts({
      links: () => this.#host.links,
      connection: (peer) => this.connections.connection(peer),
      directories: () => this.directories.views().flatMap(({ peer }) => peer ?? [])
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
      const peer = detail.remotePeer.toString()
      this.#dialer.connected(peer)
      this.#searches.wake(peer)
      this.#bound?.transfers.wake(peer)
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
    this.directories.start()
    this.reachability.start()
    this.#interfaces.start()
  }

  /** Stops without a farewell; call {@link withdraw} first, to leave the rosters at once. */
  async stop(): Promise<void> {
    this.#isOpen = false
    this.#interfaces.stop()
    await Promise.all([this.reachability.stop(), this.lan.stop()])
    this.#dialer.stop()
    await this.directories.stop()
    this.presence.stop()
  }

  /** Takes this peer off every roster. */
  async withdraw(): Promise<void> {
    this.#isOpen = false // an address that changes now must not announce us again
    const farewell = await this.presence.farewell()
    await Promise.all([this.presence.withdraw(farewell), this.directories.withdraw(farewell)])
  }

  /** What tries single paths, for who asks about them. */
  get trialDialer(): TrialDialer {
    return this.#dialer
  }

  /** Reports the nickname and the addresses as they are now. */
  reportSelf(): void {
    const { nickname } = this.presence
    this.#init.events.tell('self', () => ({ nickname, addresses: this.ownAddresses() }))
  }

  /** Multiaddrs with the own peer ID, as others may dial them. */
  ownAddresses(): readonly string[] {
    return this.reachability.addresses().map((address) => address.toString())
  }

  /** Contacts that may be reached now: those that are connected, then those on the roster. */
  contactsInReach(): readonly string[] {
    const { book } = this.#init.profile
    const peers = book.contacts().flatMap(({ peer }) => (book.isBlocked(peer) ? [] : [peer]))
    const isConnected = (peer: string): boolean => this.connections.connection(peer) !== undefined
    return [
      ...peers.filter(isConnected),
      ...peers.filter((peer) => !isConnected(peer) && this.presence.entry(peer) !== undefined)
    ]
  }

  /** Peer IDs of the directories that are in use or stand by, and of relays that the user named: they are not people. */
  serverPeers(): ReadonlySet<string> {
    return new Set([...this.directories.views().flatMap(({ peer }) => peer ?? []), ...this.#host.circuits.named])
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

  #searchLan(): LanSearch {
    return new LanSearch({
      self: this.#init.profile.id,
      ownNetwork: this.#ownNetwork,
      dialer: {
        // Another connection is none on the LAN, and a sighting is no reason to ask a relay.
        isConnected: (peer) => this.connections.isLan(peer),
        connect: async (peer, options) => this.#dialer.connectBetter(peer, options)
      },
      onPeer: (peer) => {
        this.#dialer.forgetFailures(peer)
        this.#searches.wake(peer)
      },
      onDirectory: (...seen) => this.directories.sighted(...seen),
      onProgram: (peer) => {
        this.#searches.wake(peer)
        this.#tellSeen('programs')
      },
      onLinks: () => this.#tellSeen('lan'),
      notice: (notice) => this.#notice(notice)
    })
  }

  #presence(): Presence {
    const { config, profile, observe } = this.#init
    return new Presence({
      key: profile.key,
      self: profile.id,
      network: observe ? '' : config.settings.network,
      nickname: normaliseText(nicknameOf(config, profile)),
      status: normaliseText(config.settings.status),
      addresses: () => this.reachability.addresses(),
      onChanges: (changes) => this.#onRosterChanges(changes),
      onOwnRecord: () => this.directories.reannounce(),
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
      this.reachability.directoriesChanged()
      this.firstLook.changed()
    })
    directories.on('registered', (directory) => {
      this.reachability.directoryRegistered(directory)
      void this.#made.codes.registered(directory)
    })
    directories.on('notice', (text) => this.#notice({ code: 'directory', text }))
    return directories
  }

  /** Whether a row is shown: for contacts, and strangers that the policy admits without asking. */
  #isShown(peer: string): boolean {
    const { config, profile } = this.#init
    const isContact = profile.book.contact(peer) !== undefined
    const sender = { isContact, isBlocked: profile.book.isBlocked(peer), isLan: this.connections.isLan(peer) }
    return admit(sender, config.settings.accept) === 'accept'
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
    this.firstLook.changed()
    this.peers.rosterChanged(changes)
  }

  async #onNetworkChange(): Promise<void> {
    this.#doubts.networkChanged()
    this.#dialer.forgetFailures()
    this.directories.wake()
    this.reachability.networkChanged()
    this.#searches.wakeAll()
    await this.#refreshAddresses()
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
