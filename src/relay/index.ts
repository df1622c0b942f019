/**
 * Circuits: two peers that can't reach each other talk through a directory that
 * both use. This is what peers need of it; `server`, with an entry point of its own, is the directory's part.
 */

export { circuitAddress, circuitRoute } from './circuit-address.ts'
export {
  Circuits,
  type CircuitsInit,
  RelayNotInUseError,
  RelayRefusedError,
  RESERVE_TIMEOUT_MS
} from './client/circuits.ts'
export { type NamedRelayState, NamedRelays } from './client/named-relays.ts'
export type { RelayStatus } from './relay-frames.ts'
