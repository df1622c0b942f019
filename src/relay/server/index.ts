// The directory's part in circuits: who may use it as a relay, and how much.
export { circuitLimits } from './circuit-places.ts'
export type { RelayFigures, RelayInit } from './relay-service.ts'
export { relay, RelayService } from './relay-service.ts'
