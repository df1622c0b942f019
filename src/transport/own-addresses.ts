// Confirms the addresses of this machine's own interfaces to libp2p, which announces
// a public address only after another peer has confirmed it. No peer does that in
// Parley, so a server's only address would never be announced. A libp2p service.
import type { Libp2pEvents, Startable } from '@libp2p/interface'
import type { AddressManager } from '@libp2p/interface-internal'
import type { TypedEventTarget } from 'main-event'
import { InterfaceWatch } from './network-interfaces.ts'

interface Components {
  readonly addressManager: Pick<AddressManager, 'getAddressesWithMetadata' | 'confirmObservedAddr'>
  readonly events: TypedEventTarget<Libp2pEvents>
}

/** For `createLibp2p({ services: { ownAddresses: ownAddresses() } })`. */
export function ownAddresses(): (components: Components) => OwnAddresses {
  return (components) => new OwnAddresses(components)
}

class OwnAddresses implements Startable {
  readonly #components: Components
  readonly #interfaces = new InterfaceWatch(() => this.#confirm())
  readonly #onListening = (): void => this.#confirm()

  constructor(components: Components) {
    this.#components = components
  }

  start(): void {
    this.#components.events.addEventListener('transport:listening', this.#onListening)
    this.#interfaces.start()
    this.#confirm()
  }

  stop(): void {
    this.#components.events.removeEventListener('transport:listening', this.#onListening)
    this.#interfaces.stop()
  }

  /** Listeners' addresses are those of own interfaces. Addresses that other peers have observed are left alone. */
  #confirm(): void {
    const { addressManager } = this.#components
    for (const { multiaddr, type, verified } of addressManager.getAddressesWithMetadata()) {
      if (type === 'transport' && !verified) addressManager.confirmObservedAddr(multiaddr, { type: 'transport' })
    }
  }
}
