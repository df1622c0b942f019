// The directories that this peer uses: those that were named, else those that
// are found, remembered or looked for on this machine. Of the found ones two are
// used at a time and the others stand by, to step in when one is lost.
import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { DirectoryClient, type DirectoryEntries, type DirectoryState, type VerifiedRecord } from '../directory/index.ts'
import { formatAddress, isLoopback, peerIdOf, withPeerId } from './address.ts'
import type { DirectoryView } from './chat-events.ts'
import {
  DEFAULT_DIRECTORY_PORTS,
  DIRECTORIES_IN_USE,
  DIRECTORY_PRECEDENCE_MS,
  MAX_FOUND_DIRECTORIES,
  MAX_FORGED_ENTRIES
} from './constants.ts'

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
}

type Origin = 'named' | 'remembered' | 'found' | 'default'

interface Member {
  readonly address: Multiaddr
  readonly origin: Origin
  readonly client: DirectoryClient
  state: DirectoryState
  /** Whether its whole roster has been told since it was connected. */
  hasTold: boolean
  peer: string | undefined
  /** It is used, or is about to be: from the connection on, until that is lost. */
  hasPlace: boolean
  /** All that its last sighting on the LAN said; empty when there was none. */
  sightedAt: readonly string[]
  /** Where it was reached. */
  reachedAt: Multiaddr | undefined
  /** The view that was told last, as text. */
  told: string | undefined
  /** Entries without their owner's signature that it has told. */
  forged: number
}

/** Enough directories are in use: this one waits for its turn. */
class StandbyError extends Error {
  override readonly name = 'StandbyError'
}

export class Directories {
  readonly #init: DirectoriesInit
  readonly #members = new Map<string, Member>()
  #started = false
  /** Until then the directories are taken in their order; later whoever answers. */
  #precedenceUntilMs = 0

  constructor(init: DirectoriesInit) {
    this.#init = init
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    this.#precedenceUntilMs = performance.now() + DIRECTORY_PRECEDENCE_MS
    const { named, remembered, useDefaults } = this.#init
    for (const address of named) this.#add(address, 'named')
    if (named.length > 0) return
    for (const address of remembered.slice(0, MAX_FOUND_DIRECTORIES)) this.#add(multiaddr(address), 'remembered')
    if (!useDefaults) return
    for (const port of DEFAULT_DIRECTORY_PORTS) this.#add(multiaddr(`/ip4/127.0.0.1/tcp/${port}`), 'default')
  }

  async stop(): Promise<void> {
    this.#started = false
    const members = [...this.#members.values()]
    this.#members.clear()
    await Promise.all(members.map(async ({ client }) => client.stop()))
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
    const found = [...this.#members.values()].filter(({ origin }) => origin === 'found').length
    if (shown === undefined || found >= MAX_FOUND_DIRECTORIES) return
    this.#add(withPeerId(shown, peer), 'found', addresses)
  }

  /** Where a directory may be reached that was seen on the LAN. */
  addressesOf(peer: string): readonly string[] {
    const member = [...this.#members.values()].find(({ address }) => peerIdOf(address) === peer)
    return member === undefined ? [] : [...member.sightedAt, member.address.toString()]
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
    return [...this.#members.values()].map(viewOf)
  }

  /** True once every directory has either told its whole roster or failed once. */
  get haveAnswered(): boolean {
    return [...this.#members.values()].every(({ state, hasTold }) =>
      isWatching(state) ? hasTold : state.state !== 'connecting'
    )
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
    const state: DirectoryState = { state: 'connecting' }
    const peer = peerIdOf(address)
    const fresh = { hasTold: false, hasPlace: false, reachedAt: undefined, told: undefined, forged: 0 }
    const member: Member = { ...fresh, address, origin, client, state, peer, sightedAt }
    this.#members.set(key, member)
    client.on('state', (next) => this.#onState(member, next))
    client.on('entries', (said) => {
      member.hasTold ||= said.complete !== undefined
      if (said.refused > 0) this.#onForged(member, said.refused)
      this.#init.onEntries(said)
      this.#init.onChange()
    })
    client.start()
  }

  async #connect(member: Member, options: { signal: AbortSignal }): Promise<Connection> {
    this.#checkPlace(member)
    const connection = await this.#reach(member, options)
    options.signal.throwIfAborted()
    member.peer = connection.remotePeer.toString()
    member.reachedAt = connection.remoteAddr
    const others = [...this.#members.values()].filter((other) => other !== member)
    if (others.some(({ hasPlace, peer }) => hasPlace && peer === member.peer)) {
      throw new StandbyError('the same directory as one that is in use')
    }
    this.#checkPlace(member) // others have been faster, perhaps
    member.hasPlace = true
    return connection
  }

  async #reach(member: Member, options: { signal: AbortSignal }): Promise<Connection> {
    const peer = peerIdOf(member.address)
    if (peer === undefined || member.sightedAt.length === 0) return this.#init.dial(member.address, options)
    return this.#init.connect(peer, options)
  }

  /** @throws StandbyError when enough others are in use, or for a moment on their way to it before this one */
  #checkPlace(member: Member): void {
    if (member.origin === 'named') return
    const hasPrecedence = performance.now() < this.#precedenceUntilMs
    let count = 0
    let isBefore = true
    for (const other of this.#members.values()) {
      if (other === member) isBefore = false
      else if (other.origin === 'named' || other.state.state === 'refused') continue
      else if (other.hasPlace || (hasPrecedence && isBefore && other.state.state === 'connecting')) count++
    }
    if (count >= DIRECTORIES_IN_USE) throw new StandbyError('standing by: enough directories are in use')
  }

  #onState(member: Member, state: DirectoryState): void {
    const before = member.state
    member.state = state
    const isFreed = member.hasPlace && state.state !== 'connecting' && state.state !== 'connected'
    if (!isWatching(state) && state.state !== 'connecting') member.hasPlace = false
    if (isWatching(before) && !isWatching(state)) {
      member.hasTold = false
      if (member.peer !== undefined) this.#init.onLost(member.peer)
    }
    if (isFreed) for (const other of this.#members.values()) if (isStandby(other)) other.client.wake()
    if (state.state === 'connected' && before.state !== 'connected') this.#remember(member)
    this.#init.onChange()
    this.#tell(member)
  }

  /** Each state is told once. That nothing listens on a port where nobody asked for a directory is no news at all. */
  #tell(member: Member): void {
    const view = viewOf(member)
    const { retryAtMs: _retryAtMs, ...facts } = view
    const told = JSON.stringify(facts)
    const isNews = (member.origin !== 'default' || member.reachedAt !== undefined) && !isStandby(member)
    if (told === member.told || !isNews) return
    if (view.state === 'connecting' && member.told !== undefined) return // a new try is no new state
    member.told = told
    this.#init.onView(view)
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

function byLoopback(a: Multiaddr, b: Multiaddr): number {
  return Number(isLoopback(a)) - Number(isLoopback(b))
}

/** A directory that refuses to register this peer still tells its roster. */
function isWatching({ state }: DirectoryState): boolean {
  return state === 'connected' || state === 'refused'
}

function isStandby({ state }: Member): boolean {
  return state.state === 'waiting' && state.why instanceof StandbyError
}

function viewOf({ address, origin, state, peer }: Member): DirectoryView {
  const why = state.state === 'waiting' ? state.why.message : state.state === 'refused' ? state.reason : undefined
  return {
    address: formatAddress(address),
    peer,
    state: state.state === 'stopped' ? 'waiting' : state.state,
    isDefault: origin === 'default',
    ...(why === undefined ? {} : { why }),
    ...(state.state === 'waiting' ? { retryAtMs: state.retryAtMs } : {})
  }
}
