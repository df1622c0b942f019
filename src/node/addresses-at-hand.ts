// The own addresses for mDNS, which asks for them at each query of anybody on the
// LAN, for whatever service, and each time libp2p asks the system for all of its
// interfaces: a fifth of what a chat at rest did. Knows no query.
import type { AddressManager } from '@libp2p/interface-internal'
import type { Multiaddr } from '@multiformats/multiaddr'
import { INTERFACE_POLL_MS } from './constants.ts'

type AsksForAddresses = Pick<AddressManager, 'getAddresses'>

export interface AddressesAtHandInit<T extends AsksForAddresses> {
  readonly addressManager: T
  /** False for a module that asks and never answers: it needs none. */
  readonly announce: boolean
  readonly now: () => number
}

/** The same address manager, but it looks no more often than the machine's addresses are looked at anyway. */
export function addressesAtHand<T extends AsksForAddresses>(init: AddressesAtHandInit<T>): T {
  const { addressManager, announce, now } = init
  let kept: Multiaddr[] = []
  let keptAtMs = Number.NEGATIVE_INFINITY
  const getAddresses = (): Multiaddr[] => {
    if (!announce) return []
    // There are none while the node starts, and the next who asks is to hear of those that come.
    if (kept.length === 0 || now() - keptAtMs >= INTERFACE_POLL_MS) {
      kept = addressManager.getAddresses()
      keptAtMs = now()
    }
    return kept
  }
  return Object.assign(Object.create(addressManager), { getAddresses })
}
