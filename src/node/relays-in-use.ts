// The relays of this peer: directories in use that relay. Each is reserved when this
// peer is registered there, and let go when it is used no more. It dials nobody.
import type { Connection } from '@libp2p/interface'
import { circuitAddress, type Circuits } from '../relay/index.ts'
import type { KnownAddresses } from './dialing/dialable.ts'
import type { Directories } from './directories/directories.ts'

/** A reservation takes two round trips; a directory that has none to give answers as soon. */
const RESERVE_TIMEOUT_MS = 10_000

export interface RelaysInUseInit {
  readonly circuits: () => Pick<Circuits, 'relays' | 'named' | 'reserve' | 'release'>
  readonly directories: () => Pick<Directories, 'reachedAt' | 'seenBy'>
  readonly connection: (directory: string) => Connection | undefined
  /** Peers may be reachable now that were not. */
  readonly onNew: () => void
}

export class RelaysInUse {
  readonly #init: RelaysInUseInit

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
