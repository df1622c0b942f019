// The directories that this peer uses: those that the user named, else those that are
// found on the LAN, remembered, or on this machine's default ports. Of these, two are
// used at a time; the others stand by, to replace one that is lost or farther away.
import { EventEmitter } from 'node:events'
import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { StunServer } from '../../direct/stun/index.ts'
import { DirectoryClient, measureDirectory, type DirectoryEntries, type DirectoryState } from '../../directory/index.ts'
import { type VerifiedRecord } from '../../presence/index.ts'
import type { PeerBook } from '../../storage/index.ts'
import { addressBlock, Shares } from '../../wire/index.ts'
import { hostPortOf, isLoopback, peerIdOf, withPeerId } from '../dialing/address.ts'
import type { DirectoryView } from '../api/chat-events.ts'
import { DEFAULT_DIRECTORY_PORTS } from '../config/setting-specs.ts'
import { DirectoryDistances } from './directory-distances.ts'
import { Findings, type FindingsPeers, type FindingsPresence } from './directory-findings.ts'
import { isWatching, Member, Members, type DirectoryDialer, type Origin } from './directory-member.ts'
import { DirectoryPlaces } from './directory-places.ts'
import type { SeenBy } from '../peers/roster-rows.ts'
import { stunServersAt } from './stun-servers.ts'

/** Found and remembered directories that are kept ready, the two in use included. */
export const MAX_FOUND_DIRECTORIES = 8

/** Records without their owner's signature that one directory may send before it is left alone. */
const MAX_FORGED_ENTRIES = 100

/** The own record, and the roster that directories fill. */
interface DirectoryPresence extends FindingsPresence {
  readonly own: VerifiedRecord
  /** The newest record that is held of a peer. */
  newest(peer: string): VerifiedRecord | undefined
  /** A directory knows a newer record of ours; resolves when the own one is above it. */
  supersede(newest: VerifiedRecord): Promise<void>
  applyEntries(entries: DirectoryEntries): void
  directoryLost(source: string): void
}

export interface DirectoriesInit {
  readonly network: string
  /** Named by the user: all of them are used, and no others. */
  readonly named: readonly Multiaddr[]
  /** Whether to look on this machine's default ports, where nothing else is named. */
  readonly useDefaults: boolean
  /** False for a node that only looks. */
  readonly announce: boolean
  readonly dialer: DirectoryDialer
  readonly presence: DirectoryPresence
  readonly peers: FindingsPeers
  /** The directories that were used before. */
  readonly book: Pick<PeerBook, 'directories' | 'rememberDirectory' | 'webSocketOf'>
}

export interface DirectoriesEvents {
  /** A directory's state, or what is held against it, has changed. */
  view: [DirectoryView]
  /** The directory with this peer ID has registered this peer, or renewed that. */
  registered: [string]
  /** Something about the directories has changed, whether a view shows it or not. */
  change: []
  /** A directory was found to be stale, or to withhold. */
  notice: [string]
}

export class Directories extends EventEmitter<DirectoriesEvents> {
  readonly #init: DirectoriesInit
  readonly #members = new Members()
  readonly #places = new DirectoryPlaces(this.#members)
  readonly #distances: DirectoryDistances
  /** Which directories attest which peers, and where they differ. */
  readonly #findings: Findings
  #started = false
  /** How often a directory was reached so far. */
  #taken = 0

  constructor(init: DirectoriesInit) {
    super()
    this.#init = init
    const { network, dialer, presence, peers } = init
    const members = this.#members
    this.#distances = new DirectoryDistances({ network, members, places: this.#places, dialer })
    this.#findings = new Findings({ members, presence, peers })
    this.#findings.on('verdict', (member) => this.#report(member))
    this.#findings.on('forged', (member, count) => this.#onForged(member, count))
    this.#findings.on('notice', (text) => this.emit('notice', text))
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    this.#places.open()
    this.#findings.start()
    const { named, book, useDefaults } = this.#init
    for (const address of named) this.#add(address, 'named')
    if (named.length > 0) return
    this.#distances.start()
    for (const address of book.directories().slice(0, MAX_FOUND_DIRECTORIES)) {
      this.#add(multiaddr(address), 'remembered')
    }
    if (!useDefaults) return
    for (const port of DEFAULT_DIRECTORY_PORTS) this.#add(multiaddr(`/ip4/127.0.0.1/tcp/${port}`), 'default')
  }

  async stop(): Promise<void> {
    this.#started = false
    this.#places.close()
    const members = this.#members.all()
    this.#members.clear()
    await Promise.all([
      this.#distances.stop(),
      this.#findings.stop(),
      ...members.map(async ({ client }) => client.stop())
    ])
  }

  /** The LAN shows a directory. */
  sighted(peer: string, addresses: readonly string[]): void {
    if (!this.#started || this.#init.named.length > 0) return
    const known = this.#members.all().find((member) => member.peer === peer || peerIdOf(member.address) === peer)
    if (known !== undefined) {
      known.sightedAt = addresses
      return
    }
    // mDNS reports loopback too, which is another machine's: one address is shown, all are tried.
    const shown = addresses.map((address) => multiaddr(address)).toSorted(byLoopback)[0]
    if (shown === undefined || !this.#makeRoom(shown)) return
    this.#add(withPeerId(shown, peer), 'found', addresses)
  }

  /** Uses a directory beside the others, from now until the end: the user has scanned where a number is known. */
  use(address: Multiaddr): void {
    if (this.#started) this.#add(address, 'named')
  }

  /** The addresses of a directory that the LAN shows. */
  addressesOf(peer: string): readonly string[] {
    const member = this.#members.all().find(({ address }) => peerIdOf(address) === peer)
    return member === undefined ? [] : [member.address.toString(), ...member.sightedAt]
  }

  /** The peer ID of each directory in use, with the address at which it was reached. */
  reachedAt(): readonly (readonly [string, Multiaddr])[] {
    const members = this.#members.all().filter(({ hasPlace }) => hasPlace)
    return members.flatMap(({ peer, reachedAt }) =>
      peer === undefined || reachedAt === undefined ? [] : [[peer, reachedAt] as const]
    )
  }

  /** Where the directories in use answer STUN. */
  stunServers(): readonly StunServer[] {
    return this.#members.all().flatMap(({ hasPlace, peer, reachedAt, client: { stun } }) => {
      const isAsked = hasPlace && peer !== undefined && reachedAt !== undefined && stun !== undefined
      return isAsked ? stunServersAt({ directory: peer, reachedAt, stun }) : []
    })
  }

  /** The own record has changed. */
  reannounce(): void {
    for (const { client } of this.#members.all()) client.reannounce()
  }

  /** The network has changed: directories that wait for their next try are tried now. */
  wake(): void {
    for (const { client } of this.#members.all()) client.wake()
  }

  async withdraw(farewell: VerifiedRecord): Promise<void> {
    await Promise.all(this.#members.all().map(async ({ client }) => client.withdraw(farewell.envelope)))
  }

  views(): readonly DirectoryView[] {
    const listed = this.#members.all().filter((member) => this.#members.isListed(member))
    return listed.map((member) => this.#view(member))
  }

  /** The directories that show the peer. */
  seenBy(peer: string): SeenBy {
    return this.#findings.seenBy(peer)
  }

  /**
   * The directories in use at which the peer is attached, as far as they say so; else those of its sources. The address of
   * a directory that is not in use is not known: the address of the one that reports it counts.
   *
   * @param sources peer IDs of directories that report the peer
   */
  attaching(peer: string, sources: readonly string[]): readonly Multiaddr[] {
    const reachedAt = new Map(this.reachedAt())
    const attachedTo = [...this.seenBy(peer).via.keys()].filter((directory) => reachedAt.has(directory))
    return (attachedTo.length > 0 ? attachedTo : sources).flatMap((directory) => reachedAt.get(directory) ?? [])
  }

  /** True once every directory has either sent its whole roster or failed once. */
  get haveAnswered(): boolean {
    return this.#members.all().every((member) => (member.isWatching ? member.hasAnswered : !member.isConnecting))
  }

  /** @returns whether there is room for one more; a machine that shows many directories gives one up for another's */
  #makeRoom(newcomer: Multiaddr): boolean {
    const shares = new Shares<Member>({ capacity: MAX_FOUND_DIRECTORIES })
    for (const member of this.#members.all()) {
      if (member.origin === 'found') shares.add(member, holderOf(member.address))
    }
    if (!shares.isFull) return true
    const victim = shares.toEvict(({ hasPlace }) => hasPlace)
    const holder = victim === undefined ? undefined : shares.holderOf(victim)
    if (victim === undefined || holder === undefined) return false
    if (shares.countOf(holder) <= shares.countOf(holderOf(newcomer)) + 1) return false
    this.#members.delete(victim)
    // No more events: the directory is not on any list.
    victim.client.removeAllListeners()
    void victim.client.stop()
    return true
  }

  #add(address: Multiaddr, origin: Origin, sightedAt: readonly string[] = []): void {
    if (this.#members.has(address)) return
    const webSocket = this.#init.book.webSocketOf(address.toString())
    const member = new Member({ address, origin, sightedAt, webSocket, client: (one) => this.#clientOf(one) })
    this.#members.add(member)
    member.client.start()
  }

  #clientOf(member: Member): DirectoryClient {
    const { network, announce, presence } = this.#init
    const client = new DirectoryClient({
      network,
      announce,
      held: presence,
      connect: async (options) => this.#connect(member, options),
      ownEnvelope: async () => presence.own.envelope,
      onStale: async (newest) => presence.supersede(newest)
    })
    client.on('state', (next) => this.#onState(member, next))
    client.on('entries', (entries) => this.#onEntries(member, entries))
    return client
  }

  #onEntries(member: Member, entries: DirectoryEntries): void {
    member.hasAnswered ||= entries.complete !== undefined
    member.total = entries.total
    if (entries.refused > 0) this.#onForged(member, entries.refused)
    this.#init.presence.applyEntries(entries)
    this.#findings.apply(entries)
    this.emit('change')
  }

  async #connect(member: Member, options: { signal: AbortSignal }): Promise<Connection> {
    try {
      this.#places.check(member)
    } catch (error) {
      if (member.isMissing) await this.#probe(member, options)
      throw error
    }
    const connection = await member.reach(this.#init.dialer, options)
    options.signal.throwIfAborted()
    member.reached(connection, Date.now())
    this.#places.take(member)
    member.lastTaken = ++this.#taken
    return connection
  }

  /** Connects to a directory that was lost, and closes again: only one that answers stands by. */
  async #probe(member: Member, options: { signal: AbortSignal }): Promise<void> {
    const startedAtMs = Date.now()
    const connection = await member.reach(this.#init.dialer, options)
    try {
      await measureDirectory(connection, { network: this.#init.network, ...options })
      member.reached(connection, Date.now())
    } finally {
      if (connection.timeline.open >= startedAtMs) await connection.close().catch(() => undefined)
    }
  }

  #onState(member: Member, state: DirectoryState): void {
    const before = member.state
    member.state = state
    if (state.state === 'waiting' && !member.isStandby) member.isMissing = true
    const isFreed = member.hasPlace && state.state !== 'connecting' && state.state !== 'connected'
    if (!member.isWatching && !member.isConnecting) member.hasPlace = false
    if (isWatching(before) && !member.isWatching) {
      member.hasAnswered = false
      if (member.peer !== undefined) {
        this.#init.presence.directoryLost(member.peer)
        this.#findings.lost(member.peer)
      }
    }
    if (!isWatching(before) && member.isWatching) void this.#places.ready(member)
    if (isFreed) this.#places.freed(member)
    if (state.state === 'connected' && before.state !== 'connected') this.#remember(member)
    if (state.state === 'connected' && state.registered) this.emit('registered', state.directory.toString())
    this.emit('change')
    this.#report(member)
  }

  /** Reports each state once. The numbers beside it change all the time, and views() has them. */
  #report(member: Member): void {
    const view = this.#view(member)
    const {
      retryAtMs: _retry,
      reachedAtMs: _reached,
      rttMs: _rtt,
      peers: _peers,
      total: _total,
      registered: _registered,
      ...facts
    } = view
    const reported = JSON.stringify(facts)
    if (reported === member.reported || view.state === 'standby' || !this.#members.isListed(member)) return
    if (view.state === 'connecting' && member.reported !== undefined) return // a new try is no new state
    member.reported = reported
    this.emit('view', view)
  }

  #view(member: Member): DirectoryView {
    return member.view(this.#findings.of(member))
  }

  /** Beyond a few no mistake explains them: the directory is not used any more. */
  #onForged(member: Member, count: number): void {
    member.forged += count
    if (member.forged <= MAX_FORGED_ENTRIES) return
    void member.client.stop().then(() => {
      member.state = { state: 'waiting', retryAtMs: Infinity, why: new Error('it shows peers with forged records') }
      this.#report(member)
    })
  }

  #remember(member: Member): void {
    const { address, reachedAt, sightedAt, client } = member
    const used = sightedAt.length > 0 && reachedAt !== undefined ? reachedAt : address
    member.webSocket = client.webSocket
    if (isLoopback(used)) return
    void this.#init.book.rememberDirectory(used.toString(), member.webSocket).catch(() => undefined)
  }
}

function holderOf(address: Multiaddr): string {
  return addressBlock(hostPortOf(address)?.host ?? '')
}

function byLoopback(a: Multiaddr, b: Multiaddr): number {
  return Number(isLoopback(a)) - Number(isLoopback(b))
}
