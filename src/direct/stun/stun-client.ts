// How a peer learns where its UDP socket is seen from outside: it asks directories by
// STUN. The socket is the caller's, as probes to other peers leave from the same one.
import type { PeerId } from '@libp2p/interface'
import type { Sighting } from './sighting.ts'

/** Where a directory answers: one address and one port of it. */
export interface StunServer {
  readonly directory: PeerId
  /** An IP address. */
  readonly host: string
  readonly port: number
}

/** The other end of a datagram. */
export interface UdpPlace {
  readonly host: string
  readonly port: number
}

/**
 * How the router before the socket maps it: to the same address and port towards every destination, or to others
 * towards each (RFC 4787, 4.1). Of IPv4 where there is an answer over IPv4.
 */
export type Mapping = 'unknown' | 'independent' | 'varying'

export interface StunLook {
  readonly servers: readonly StunServer[]
  /** Who asks. */
  readonly peerId: PeerId
  /** 16 random bytes, of this attempt. */
  readonly nonce: Uint8Array
  readonly signal: AbortSignal
}

export interface StunSeen {
  /** Verified, each directory, address and port once. */
  readonly sightings: readonly Sighting[]
  readonly mapping: Mapping
}

export interface StunClient {
  /**
   * A datagram came to the socket.
   *
   * @returns whether it was an answer that this client waits for; others are the caller's
   */
  received(bytes: Uint8Array, from: UdpPlace): boolean
  /**
   * Asks all servers at once; ends when all have answered, or soon after the first one has.
   *
   * @returns nothing seen where no server answered in time
   * @throws the signal's reason
   */
  look(look: StunLook): Promise<StunSeen>
}

/** Sends a datagram from the socket that is looked at; must not throw. */
export type SendDatagram = (bytes: Uint8Array, to: UdpPlace) => void
