// Keeps out those who were cut for misbehaviour a moment ago: the peer by its
// key, and ever new keys of one address class by their number. Knows addresses
// and peer IDs; what an offence is, is decided elsewhere.
import type { ConnectionGater } from '@libp2p/interface'
import { addressClassOf, type Offenders } from '../wire/index.ts'

/**
 * @param isKnown peers that the user or the operator has chosen: they come back after a first offence
 * @returns what a libp2p node is given as its connection gater; the given one is asked too
 */
export function withOffendersKeptOut(
  gater: ConnectionGater,
  offenders: Offenders,
  isKnown: (peer: string) => boolean
): ConnectionGater {
  const now = (): number => performance.now()
  return {
    ...gater,
    denyInboundConnection: async (connection) => {
      if (!offenders.mayConnect(addressClassOf(connection.remoteAddr), now())) return true
      return (await gater.denyInboundConnection?.(connection)) ?? false
    },
    denyInboundEncryptedConnection: async (peer, connection) => {
      const id = peer.toString()
      if (offenders.isRefused(id, now(), isKnown(id))) return true
      return (await gater.denyInboundEncryptedConnection?.(peer, connection)) ?? false
    }
  }
}
