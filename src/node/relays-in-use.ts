// The relays of this peer: directories in use that relay, and relays that the user
// named. A directory is reserved when this peer is registered there, and let go when it
// is used no more. It dials nobody.
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { StunServer } from '../direct/stun/index.ts'
import { circuitAddress, type Circuits, type NamedRelayState } from '../relay/index.ts'
import { lostRelayText } from './connection-notices.ts'
import type { LostRelay } from './dialing/dial-errors.ts'
import type { KnownAddresses } from './dialing/dialable.ts'
import type { Directories } from './directories/directories.ts'
import { stunServersAt } from './directories/stun-servers.ts'

/** A reservation takes two round trips; a directory that has none to give answers as soon. */
const RESERVE_TIMEOUT_MS = 10_000

export interface RelaysInUseInit {
  readonly circuits: () => Pick<Circuits, 'relays' | 'named' | 'reserve' | 'release' | 'stunPlaces'>
  readonly directories: () => Pick<Directories, 'reachedAt' | 'seenBy' | 'stunServers'>
  readonly connection: (directory: string) => Connection | undefined
  /** Peers may be reachable now that were not. */
  readonly onNew: () => void
}

export class RelaysInUse {
  readonly #init: RelaysInUseInit
  /** The relays that the user named, by the address that was given: why each can't be used, as a clause. */
  readonly #named = new Map<string, { readonly relay: string | undefined; readonly lost: string | undefined }>()

  constructor(init: RelaysInUseInit) {
    this.#init = init
  }

  /** Others reach this peer through the directory, and this peer reaches them, where it relays. */
  async reserve(directory: string): Promise<void> {
    const connection = this.#init.connection(directory)
    if (connection === undefined) return
    try {
      const signal = AbortSignal.timeout(RESERVE_TIMEOUT_MS)
      if (await this.#init.circuits().reserve(connection, { signal })) this.#init.onNew()
    } catch (error) {
      // It is asked again at the next renewal of the registration.
      connection.log('the directory does not relay for this peer - %e', error)
    }
  }

  /** A directory that is left behind relays no more, though the connection to it may stay open. */
  releaseUnused(): void {
    const circuits = this.#init.circuits()
    const inUse = new Map(this.#init.directories().reachedAt())
    for (const relay of circuits.relays) if (!inUse.has(relay)) circuits.release(relay)
  }

  /** What became of a relay that the user named. */
  namedRelayChanged(address: Multiaddr, state: NamedRelayState): void {
    const key = address.toString()
    const [relay, lost] =
      state.is === 'reserved'
        ? [state.relay, undefined]
        : [this.#named.get(key)?.relay, lostRelayText(address, state.why)]
    this.#named.set(key, { relay, lost })
  }

  /** Relays that the user named, and that can't be used now. */
  lost(): readonly LostRelay[] {
    return [...this.#named.values()].flatMap(({ relay, lost }) => (lost === undefined ? [] : [{ relay, text: lost }]))
  }

  /** Where this peer may ask how it is seen from outside: at directories in use, and at relays that it named. */
  stunServers(): readonly StunServer[] {
    return [...this.#init.directories().stunServers(), ...this.#init.circuits().stunPlaces().flatMap(stunServersAt)]
  }

  /** A peer that is announced at a relay in use is reached through it, whatever it announces; one behind a named relay may be. */
  circuitsTo(peer: string): KnownAddresses {
    const { via } = this.#init.directories().seenBy(peer)
    const circuits = this.#init.circuits()
    const relays = [...circuits.relays].filter(
      (relay) => via.has(relay) || (circuits.named.has(relay) && relay !== peer)
    )
    return { addresses: relays.map((relay) => circuitAddress(relay, peer).toString()), from: 'known' }
  }
}
