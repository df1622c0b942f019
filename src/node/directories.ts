// The directories that this peer uses: those that were named, else those that
// are found, remembered or looked for on this machine. Of the found ones two are
// used at a time and the others stand by, to step in when one is lost.
import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { DirectoryClient, type DirectoryEntries, type DirectoryState, type VerifiedRecord } from '../directory/index.ts'
import { formatAddress, isLoopback, peerIdOf, withPeerId } from './address.ts'
import type { DirectoryView } from './chat-events.ts'
import { DEFAULT_DIRECTORY_PORTS, DIRECTORIES_IN_USE, MAX_FOUND_DIRECTORIES } from './constants.ts'

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
  readonly ownRecord: () => VerifiedRecord
  /** A directory knows a newer record of ours; resolves when the own one is above it. */
  readonly supersede: (newest: VerifiedRecord) => Promise<void>
  readonly onEntries: (said: DirectoryEntries) => void
  readonly onLost: (source: string) => void
  readonly onView: (view: DirectoryView) => void
  readonly remember: (address: string) => Promise<void>
}

type Origin = 'named' | 'found' | 'default'

interface Member {
  readonly address: Multiaddr
  readonly origin: Origin
  readonly client: DirectoryClient
  state: DirectoryState
  /** Whether its whole roster has been told since it was connected. */
  hasTold: boolean
  peer: string | undefined
}

/** Enough directories are in use: this one waits for its turn. */
class StandbyError extends Error {
  override readonly name = 'StandbyError'
}

export class Directories {
  readonly #init: DirectoriesInit
  readonly #members = new Map<string, Member>()
  #started = false

  constructor(init: DirectoriesInit) {
    this.#init = init
  }

  start(): void {
    if (this.#started) return
    this.#started = true
    const { named, remembered, useDefaults } = this.#init
    for (const address of named) this.#add(address, 'named')
    if (named.length > 0) return
    for (const address of remembered.slice(0, MAX_FOUND_DIRECTORIES)) this.#add(multiaddr(address), 'found')
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
    const [first] = addresses
    if (first === undefined || this.#knows(peer, addresses)) return
    const found = [...this.#members.values()].filter(({ origin }) => origin === 'found').length
    if (found < MAX_FOUND_DIRECTORIES) this.#add(withPeerId(multiaddr(first), peer), 'found')
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

  #knows(peer: string, addresses: readonly string[]): boolean {
    return [...this.#members.values()].some(
      (member) =>
        member.peer === peer || peerIdOf(member.address) === peer || addresses.includes(member.address.toString())
    )
  }

  #add(address: Multiaddr, origin: Origin): void {
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
    const member: Member = { address, origin, client, state, hasTold: false, peer: peerIdOf(address) }
    this.#members.set(key, member)
    client.on('state', (next) => this.#onState(member, next))
    client.on('entries', (said) => {
      member.hasTold ||= said.complete !== undefined
      this.#init.onEntries(said)
    })
    client.start()
  }

  async #connect(member: Member, options: { signal: AbortSignal }): Promise<Connection> {
    if (member.origin !== 'named' && this.#inUse(member) >= DIRECTORIES_IN_USE) {
      throw new StandbyError('standing by: enough directories are in use')
    }
    const connection = await this.#init.dial(member.address, options)
    member.peer = connection.remotePeer.toString()
    const twin = [...this.#members.values()].find(
      ({ peer, state }) => peer === member.peer && (state.state === 'connected' || state.state === 'connecting')
    )
    if (twin !== undefined && twin !== member) throw new StandbyError('the same directory as one that is in use')
    return connection
  }

  /** Found directories that are connected, or on their way to it before this one. */
  #inUse(member: Member): number {
    let count = 0
    for (const other of this.#members.values()) {
      if (other === member) return count + this.#connectedAfter(member)
      if (other.origin !== 'named' && (other.state.state === 'connected' || other.state.state === 'connecting')) count++
    }
    return count
  }

  #connectedAfter(member: Member): number {
    const members = [...this.#members.values()]
    const later = members.slice(members.indexOf(member) + 1)
    return later.filter(({ origin, state }) => origin !== 'named' && state.state === 'connected').length
  }

  #onState(member: Member, state: DirectoryState): void {
    const before = member.state
    member.state = state
    if (isWatching(before) && !isWatching(state)) {
      member.hasTold = false
      if (member.peer !== undefined) this.#init.onLost(member.peer)
    }
    if (state.state !== 'connected' && state.state !== 'connecting' && !isStandby(member)) {
      for (const other of this.#members.values()) if (isStandby(other)) other.client.wake()
    }
    if (state.state === 'connected' && !isLoopback(member.address)) {
      void this.#init.remember(member.address.toString()).catch(() => undefined)
    }
    this.#init.onView(viewOf(member))
  }
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
