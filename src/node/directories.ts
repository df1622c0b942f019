// The directories that this peer uses: those that were named, else those that
// are found, remembered or looked for on this machine. Of the found ones two are
// used at a time and the others stand by, to step in when one is lost or farther.
import type { Connection } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import {
  DirectoryClient,
  DirectoryLostError,
  type DirectoryAnswer,
  type DirectoryEntries,
  type DirectoryState,
  type Judgement,
  type VerifiedRecord
} from '../directory/index.ts'
import { addressClass, Shares } from '../wire/index.ts'
import { formatAddress, hostPortOf, isLoopback, peerIdOf, withPeerId } from './address.ts'
import type { DirectoryView } from './chat-events.ts'
import { DEFAULT_DIRECTORY_PORTS, MAX_FORGED_ENTRIES, MAX_FOUND_DIRECTORIES } from './constants.ts'
import type { Origin } from './directory-choice.ts'
import { DirectoryDistances } from './directory-distances.ts'
import { Findings, type SeenBy } from './directory-findings.ts'
import { isListed, isWatching, newMember, viewOf, type Member } from './directory-member.ts'
import { DirectoryPlaces } from './directory-places.ts'
import { shortId } from './short-id.ts'

export interface DirectoriesInit {
  readonly network: string
  /** Named by the user: all of them are used, and no others. */
  readonly named: readonly Multiaddr[]
  /** Used before, newest first. */
  readonly remembered: readonly string[]
  /** Whether to look on this machine's default ports, where nothing else is named. */
  readonly useDefaults: boolean
  /** False for one who only looks. */
  readonly announce: boolean
  readonly dial: (address: Multiaddr, options: { signal: AbortSignal }) => Promise<Connection>
  /** Finds a way to a directory that the LAN shows, by {@link Directories.addressesOf} and whatever else is known. */
  readonly connect: (peer: string, options: { signal: AbortSignal }) => Promise<Connection>
  readonly ownRecord: () => VerifiedRecord
  /** A directory knows a newer record of ours; resolves when the own one is above it. */
  readonly supersede: (newest: VerifiedRecord) => Promise<void>
  readonly onEntries: (said: DirectoryEntries) => void
  readonly onLost: (source: string) => void
  readonly onView: (view: DirectoryView) => void
  /** Something about them is not as it was: more often than there is a view to tell. */
  readonly onChange: () => void
  readonly remember: (address: string) => Promise<void>
  /** How a peer is called where findings are told. */
  readonly nameOf: (peer: string) => string
  /** Directories differed about a peer, and this is what is true. `tellers` show it. */
  readonly onJudged: (judgement: Judgement, tellers: readonly string[]) => void
  /** Through which directories these peers are seen has changed. */
  readonly onVouchers: (peers: readonly string[]) => void
  /** A directory was found to be stale, or to withhold. */
  readonly onNotice: (text: string) => void
}

export class Directories {
  readonly #init: DirectoriesInit
  readonly #members = new Map<string, Member>()
  readonly #places = new DirectoryPlaces(() => [...this.#members.values()])
  readonly #distances: DirectoryDistances
  /** Who vouches for whom, and where they differ. */
  readonly #findings: Findings
  #started = false
  /** How often one of them was reached so far. */
  #taken = 0

  constructor(init: DirectoriesInit) {
    this.#init = init
    this.#distances = new DirectoryDistances({
      network: init.network,
      members: () => [...this.#members.values()],
      reach: async (member, options) => this.#reach(member, options),
      onNearer: (give, take) => this.#places.handOver(give, take)
    })
    this.#findings = new Findings({
      nameOf: init.nameOf,
      directoryName: (directory) => this.#nameOf(directory),
      lookup: async (directory, peer, options) => this.#lookup(directory, peer, options),
      onJudged: init.onJudged,
      onVerdict: (directory) => this.#usedAs(directory).forEach((member) => this.#tell(member)),
      onVouchers: init.onVouchers,
      onForged: (directory, count) => this.#usedAs(directory).forEach((member) => this.#onForged(member, count)),
      onNotice: init.onNotice
    })
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    this.#places.open()
    this.#findings.start()
    const { named, remembered, useDefaults } = this.#init
    for (const address of named) this.#add(address, 'named')
    if (named.length > 0) return
    this.#distances.start()
    for (const address of remembered.slice(0, MAX_FOUND_DIRECTORIES)) this.#add(multiaddr(address), 'remembered')
    if (!useDefaults) return
    for (const port of DEFAULT_DIRECTORY_PORTS) this.#add(multiaddr(`/ip4/127.0.0.1/tcp/${port}`), 'default')
  }

  async stop(): Promise<void> {
    this.#started = false
    this.#places.close()
    const members = [...this.#members.values()]
    this.#members.clear()
    await Promise.all([
      this.#distances.stop(),
      this.#findings.stop(),
      ...members.map(async ({ client }) => client.stop())
    ])
  }

  /** A directory was seen on the LAN. */
  sighted(peer: string, addresses: readonly string[]): void {
    if (!this.#started || this.#init.named.length > 0) return
    const known = [...this.#members.values()].find(
      (member) => member.peer === peer || peerIdOf(member.address) === peer
    )
    if (known !== undefined) {
      known.sightedAt = addresses
      return
    }
    // mDNS tells of loopback too, which is another machine's: one to show, and all to try.
    const shown = addresses.map((address) => multiaddr(address)).toSorted(byLoopback)[0]
    if (shown === undefined || !this.#makeRoom(shown)) return
    this.#add(withPeerId(shown, peer), 'found', addresses)
  }

  /** Where a directory may be reached that was seen on the LAN. */
  addressesOf(peer: string): readonly string[] {
    const member = [...this.#members.values()].find(({ address }) => peerIdOf(address) === peer)
    return member === undefined ? [] : [member.address.toString(), ...member.sightedAt]
  }

  /** Where those that are in use were reached, by their peer ID. */
  reachedAt(): readonly (readonly [string, Multiaddr])[] {
    const members = [...this.#members.values()].filter(({ hasPlace }) => hasPlace)
    return members.flatMap(({ peer, reachedAt }) =>
      peer === undefined || reachedAt === undefined ? [] : [[peer, reachedAt] as const]
    )
  }

  /** The own record has changed. */
  reannounce(): void {
    for (const { client } of this.#members.values()) client.reannounce()
  }

  /** The network has changed: try now what was to be tried later. */
  wake(): void {
    for (const { client } of this.#members.values()) client.wake()
  }

  async withdraw(farewell: VerifiedRecord): Promise<void> {
    await Promise.all([...this.#members.values()].map(async ({ client }) => client.withdraw(farewell.envelope)))
  }

  views(): readonly DirectoryView[] {
    const members = [...this.#members.values()]
    return members.filter((member) => isListed(member, members)).map((member) => this.#view(member))
  }

  /** By which directories the peer is seen. */
  seenBy(peer: string): SeenBy {
    return this.#findings.seenBy(peer)
  }

  /** True once every directory has either told its whole roster or failed once. */
  get haveAnswered(): boolean {
    return [...this.#members.values()].every(({ state, hasTold }) =>
      isWatching(state) ? hasTold : state.state !== 'connecting'
    )
  }

  /** @returns whether there is room for one more that was found; a machine that shows many gives one up for another's */
  #makeRoom(newcomer: Multiaddr): boolean {
    const shares = new Shares<Member>({ capacity: MAX_FOUND_DIRECTORIES })
    for (const member of this.#members.values()) {
      if (member.origin === 'found') shares.add(member, holderOf(member.address))
    }
    if (!shares.isFull) return true
    const victim = shares.toEvict(({ hasPlace }) => hasPlace)
    const holder = victim === undefined ? undefined : shares.holderOf(victim)
    if (victim === undefined || holder === undefined) return false
    if (shares.countOf(holder) <= shares.countOf(holderOf(newcomer)) + 1) return false
    this.#members.delete(victim.address.toString())
    // A directory that is not in use has no events.
    victim.client.removeAllListeners()
    void victim.client.stop()
    return true
  }

  #add(address: Multiaddr, origin: Origin, sightedAt: readonly string[] = []): void {
    const key = address.toString()
    if (this.#members.has(key)) return
    const client = new DirectoryClient({
      network: this.#init.network,
      announce: this.#init.announce,
      connect: async (options) => this.#connect(member, options),
      ownEnvelope: async () => this.#init.ownRecord().envelope,
      onStale: async (newest) => this.#init.supersede(newest)
    })
    const member = newMember({ address, origin, client, sightedAt })
    this.#members.set(key, member)
    client.on('state', (next) => this.#onState(member, next))
    client.on('entries', (said) => {
      member.hasTold ||= said.complete !== undefined
      member.total = said.total
      if (said.refused > 0) this.#onForged(member, said.refused)
      this.#init.onEntries(said)
      this.#findings.says(said)
      this.#init.onChange()
    })
    client.start()
  }

  async #connect(member: Member, options: { signal: AbortSignal }): Promise<Connection> {
    this.#places.check(member)
    const connection = await this.#reach(member, options)
    options.signal.throwIfAborted()
    member.peer = connection.remotePeer.toString()
    member.reachedAt = connection.remoteAddr
    this.#places.take(member)
    member.lastTaken = ++this.#taken
    return connection
  }

  async #reach(member: Member, options: { signal: AbortSignal }): Promise<Connection> {
    const peer = peerIdOf(member.address)
    if (peer === undefined || member.sightedAt.length === 0) return this.#init.dial(member.address, options)
    return this.#init.connect(peer, options)
  }

  #onState(member: Member, state: DirectoryState): void {
    const before = member.state
    member.state = state
    const isFreed = member.hasPlace && state.state !== 'connecting' && state.state !== 'connected'
    if (!isWatching(state) && state.state !== 'connecting') member.hasPlace = false
    if (isWatching(before) && !isWatching(state)) {
      member.hasTold = false
      if (member.peer !== undefined) {
        this.#init.onLost(member.peer)
        this.#findings.lost(member.peer)
      }
    }
    if (!isWatching(before) && isWatching(state)) void this.#places.ready(member)
    if (isFreed) this.#places.freed(member)
    if (state.state === 'connected' && before.state !== 'connected') this.#remember(member)
    this.#init.onChange()
    this.#tell(member)
  }

  /** Each state is told once; the numbers beside it are for whoever looks. */
  #tell(member: Member): void {
    const view = this.#view(member)
    const { retryAtMs: _retry, rttMs: _rtt, peers: _peers, total: _total, registered: _registered, ...facts } = view
    const told = JSON.stringify(facts)
    if (told === member.told || view.state === 'standby' || !isListed(member, [...this.#members.values()])) return
    if (view.state === 'connecting' && member.told !== undefined) return // a new try is no new state
    member.told = told
    this.#init.onView(view)
  }

  #view(member: Member): DirectoryView {
    const { peer, state, hasPlace, forged } = member
    const isUsed = peer !== undefined && isWatching(state) && hasPlace
    return viewOf(member, isUsed ? this.#findings.of(peer, forged) : undefined)
  }

  #nameOf(directory: string): string {
    const [used] = this.#usedAs(directory)
    return used === undefined ? shortId(directory) : formatAddress(used.address)
  }

  #usedAs(directory: string): readonly Member[] {
    return [...this.#members.values()].filter(({ peer, hasPlace }) => hasPlace && peer === directory)
  }

  async #lookup(directory: string, peer: string, options: { signal: AbortSignal }): Promise<DirectoryAnswer> {
    const [member] = this.#usedAs(directory)
    if (member === undefined) throw new DirectoryLostError()
    return member.client.lookup(peerIdFromString(peer), options)
  }

  /** Nobody makes so many mistakes: this directory's word is worth nothing. */
  #onForged(member: Member, count: number): void {
    member.forged += count
    if (member.forged <= MAX_FORGED_ENTRIES) return
    void member.client.stop().then(() => {
      member.state = { state: 'waiting', retryAtMs: Infinity, why: new Error('it tells of peers who did not say so') }
      this.#tell(member)
    })
  }

  #remember({ address, reachedAt, sightedAt }: Member): void {
    const used = sightedAt.length > 0 && reachedAt !== undefined ? reachedAt : address
    if (!isLoopback(used)) void this.#init.remember(used.toString()).catch(() => undefined)
  }
}

function holderOf(address: Multiaddr): string {
  return addressClass(hostPortOf(address)?.host ?? '')
}

function byLoopback(a: Multiaddr, b: Multiaddr): number {
  return Number(isLoopback(a)) - Number(isLoopback(b))
}
