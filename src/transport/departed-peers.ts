// Forgets peers that have left. libp2p's peer store keeps what it learned of
// each peer, some 13 KB, for six hours: a directory that many pass through, or a
// chat that strangers connect to with one key after another, would grow for as
// long. Knows the peer store and connections, and nothing of what they are for.
import type { Libp2pEvents, PeerId, PeerStore, Startable } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { TypedEventTarget } from 'main-event'

/**
 * What libp2p knows of a peer is forgotten so long after its last connection: a peer that comes back within it is no
 * stranger, and everything that libp2p itself does at the end of a connection is done.
 */
export const FORGET_DEPARTED_MS = 30_000

interface Components {
  readonly peerStore: Pick<PeerStore, 'delete'>
  readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
  readonly events: TypedEventTarget<Libp2pEvents>
}

export interface DepartedPeersInit {
  /** Peers that stay in the peer store. Default: none. */
  readonly isKept?: (peer: PeerId) => boolean
  /** Default: {@link FORGET_DEPARTED_MS}. */
  readonly forgetAfterMs?: number
}

/** A libp2p service that deletes peers from the peer store some time after their last connection. */
export function departedPeers(init: DepartedPeersInit = {}): (components: Components) => Startable {
  return (components) => new DepartedPeers(components, init)
}

class DepartedPeers implements Startable {
  readonly [Symbol.toStringTag] = '@parley/departed-peers'
  readonly #components: Components
  readonly #isKept: (peer: PeerId) => boolean
  readonly #forgetAfterMs: number
  /** Peers by their IDs as text, in the order in which they left. */
  #departed = new Map<string, PeerId>()
  #sweep: NodeJS.Timeout | undefined

  constructor(components: Components, init: DepartedPeersInit) {
    this.#components = components
    this.#isKept = init.isKept ?? (() => false)
    this.#forgetAfterMs = init.forgetAfterMs ?? FORGET_DEPARTED_MS
  }

  start(): void {
    this.#components.events.addEventListener('peer:disconnect', this.#onDisconnect)
  }

  stop(): void {
    this.#components.events.removeEventListener('peer:disconnect', this.#onDisconnect)
    clearTimeout(this.#sweep)
    this.#sweep = undefined
    this.#departed.clear()
  }

  readonly #onDisconnect = ({ detail: peer }: CustomEvent<PeerId>): void => {
    this.#departed.set(peer.toString(), peer)
    this.#sweep ??= setTimeout(() => void this.#forget(), this.#forgetAfterMs).unref()
  }

  /** One sweep for all who have left since the last one. */
  async #forget(): Promise<void> {
    const departed = this.#departed
    this.#departed = new Map()
    this.#sweep = undefined
    const { peerStore, connectionManager } = this.#components
    for (const peer of departed.values()) {
      if (this.#isKept(peer) || connectionManager.getConnections(peer).length > 0) continue
      // Other parts of libp2p may delete it as well.
      await peerStore.delete(peer).catch(() => undefined)
    }
  }
}
