/**
 * STUN with sightings: how a peer learns where its UDP socket is seen from outside, and
 * proves it to another one. `StunClient` is the peer's part, `stunResponder` the
 * directory's.
 */

export { lookOverIpv4 } from './look-over-ipv4.ts'
export {
  isSigned,
  MAX_SIGHTING_AGE_MS,
  SIGHTING_NONCE_BYTES,
  SIGHTING_PROOF_BYTES,
  type Sighting,
  type SightingOwner,
  sightingTag,
  signSighting,
  verifySighting
} from './sighting.ts'
export {
  type Mapping,
  type SendDatagram,
  StunClient,
  type StunSeen,
  type StunServer,
  type UdpPlace
} from './stun-client.ts'
export {
  type StunMetrics,
  type StunOutcome,
  type StunResponder,
  stunResponder,
  type StunResponderInit
} from './stun-responder.ts'
export type { StunPorts } from './stun-sockets.ts'
