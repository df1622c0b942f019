/**
 * STUN with sightings: how a peer learns where its UDP socket is seen from outside, and
 * proves it to another one. `StunClient` is the peer's part.
 */

export {
  isSigned,
  MAX_SIGHTING_AGE_MS,
  NONCE_BYTES,
  PROOF_BYTES,
  type Sighting,
  type SightingClaim,
  type SightingOwner,
  sightingTag,
  signSighting,
  verifySighting,
  type VerifySightingInit
} from './sighting.ts'
export type { Mapping, SendDatagram, StunClient, StunLook, StunSeen, StunServer, UdpPlace } from './stun-client.ts'
