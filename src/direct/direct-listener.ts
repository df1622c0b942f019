// Where direct paths are asked for: at no address of its own, as they are agreed on over
// relayed connections. It ties what answers to the life of the node.
import { TypedEventEmitter, type Listener, type ListenerEvents } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

export class DirectListener extends TypedEventEmitter<ListenerEvents> implements Listener {
  readonly #open: () => Promise<void>
  readonly #close: () => Promise<void>

  constructor(open: () => Promise<void>, close: () => Promise<void>) {
    super()
    this.#open = open
    this.#close = close
  }

  async listen(): Promise<void> {
    await this.#open()
    this.safeDispatchEvent('listening')
  }

  async close(): Promise<void> {
    await this.#close()
    this.safeDispatchEvent('close')
  }

  getAddrs(): Multiaddr[] {
    return []
  }

  updateAnnounceAddrs(): void {
    // It has none.
  }
}
