// Whether the dial of an address waits for a name server. Its host name is looked up by the system, or by libp2p where the
// name stands for whole addresses.
import type { Multiaddr } from '@multiformats/multiaddr'
import { nameLookups } from '../../transport/index.ts'
import { hostPortOf, isDnsaddr } from './address.ts'

export class AddressLookup {
  readonly #address: Multiaddr
  #isResolved = false

  constructor(address: Multiaddr) {
    this.#address = address
  }

  /** For libp2p's dial: the addresses that the name stands for are known. */
  readonly onProgress = ({ type }: { readonly type: string }): void => {
    if (type === 'dial-queue:calculated-addresses') this.#isResolved = true
  }

  get isUnderWay(): boolean {
    if (isDnsaddr(this.#address)) return !this.#isResolved
    const host = hostPortOf(this.#address)?.host
    return host !== undefined && nameLookups.isUnderWay(host)
  }
}
