// Where directories see a UDP socket of this machine, as far as they answer STUN: it shows
// the router before it, or that no UDP gets through. The socket is closed afterwards.
import { isIPv4 } from 'node:net'
import { peerIdFromString } from '@libp2p/peer-id'
import { hasErrorCode } from '../../../lib/index.ts'
import { lookOverIpv4, type Mapping, type StunServer } from '../../../direct/stun/index.ts'

export interface UdpEvidence {
  /** The places that were asked, over IPv4. */
  readonly asked: readonly { readonly host: string; readonly port: number }[]
  /** Where they saw the socket. */
  readonly seenAt: readonly { readonly host: string; readonly port: number }[]
  readonly mapping: Mapping
  /** The system forbade to send. */
  readonly isForbidden: boolean
}

/** @param peer the own peer ID, as text */
export async function lookOverUdp(
  servers: readonly StunServer[],
  peer: string,
  signal: AbortSignal
): Promise<UdpEvidence> {
  const places = servers.filter(({ host }) => isIPv4(host))
  const asked = places.map(({ host, port }) => ({ host, port }))
  if (places.length === 0) return { asked, seenAt: [], mapping: 'unknown', isForbidden: false }
  let isForbidden = false
  const onUnsent = (error: Error): void => {
    isForbidden ||= hasErrorCode(error, 'EPERM', 'EACCES')
  }
  try {
    const seen = await lookOverIpv4({ servers: places, peerId: peerIdFromString(peer), signal, onUnsent })
    const seenAt = seen.sightings.map(({ address, port }) => ({ host: address, port }))
    return { asked, seenAt, mapping: seen.mapping, isForbidden }
  } catch (error) {
    // No time is left: what was not seen by then counts as not seen.
    if (!signal.aborted) throw error
    return { asked, seenAt: [], mapping: 'unknown', isForbidden }
  }
}
