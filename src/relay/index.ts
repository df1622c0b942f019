/**
 * Circuits: two peers that can't reach each other talk through a directory that
 * both use. `server` is the directory's part, `client` that of the peers.
 */

export { circuitAddress, circuitRoute, type CircuitRoute } from './circuit-address.ts'
export { Circuits, type CircuitsInit, RelayNotInUseError, RelayRefusedError } from './client/circuits.ts'
export { type NamedRelayState, NamedRelays } from './client/named-relays.ts'
export type { RelayStatus } from './relay-frames.ts'
export type { RelayFigures, RelayInit, RelayMetrics, RequestOutcome } from './server/relay-service.ts'
export { circuitLimits } from './server/circuit-places.ts'
export { relay, RelayService } from './server/relay-service.ts'
