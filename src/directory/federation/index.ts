// The federation of a directory with others: one roster for several.
export { MAX_FEDERATION_PEERS, type FederationRefusal } from '../federation-frames.ts'
export { federation, type FederationService } from './federation-service.ts'
