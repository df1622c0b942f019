// The address of a peer behind a relay: `/p2p/RELAY/p2p-circuit/p2p/PEER`. The relay is
// named by its peer ID alone: a peer is reached only through a relay that both are
// connected with, so where the relay is adds nothing, and is not announced.
import { CODE_P2P, CODE_P2P_CIRCUIT, multiaddr, type Multiaddr } from '@multiformats/multiaddr'

/** @returns the address at which a peer is reached through the relay; without `peer` as its record has it */
export function circuitAddress(relay: string, peer?: string): Multiaddr {
  return multiaddr(`/p2p/${relay}/p2p-circuit${peer === undefined ? '' : `/p2p/${peer}`}`)
}

/** Both ends of a circuit that leads to `peer` through `relay`. */
export interface CircuitRoute {
  readonly relay: string
  readonly peer: string | undefined
}

/** @returns undefined for an address without a relay, or with several, or whose relay has no peer ID */
export function circuitRoute(address: Multiaddr): CircuitRoute | undefined {
  const parts = address.getComponents()
  const at = parts.findIndex(({ code }) => code === CODE_P2P_CIRCUIT)
  const [relay, behind] = [parts[at - 1], parts.slice(at + 1)]
  const isOneCircuit = behind.length <= 1 && behind.every(({ code }) => code === CODE_P2P)
  if (at < 1 || relay?.code !== CODE_P2P || relay.value === undefined || !isOneCircuit) return undefined
  return { relay: relay.value, peer: behind[0]?.value }
}
