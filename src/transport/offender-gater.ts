/**
 * A connection gater that refuses remotes that were cut for misbehaviour a moment
 * ago: a peer by its key, and an address class by the number of its offences.
 * Knows addresses and peer IDs, and not what an offence is.
 */

import type { ConnectionGater } from '@libp2p/interface'
import { addressClassOf, type Offenders } from '../wire/index.ts'

/**
 * @param gater is asked too
 * @param isKnown peers that the user or the operator has chosen: they come back after a first offence
 * @returns for `createLibp2p({ connectionGater })`
 */
export function offenderGater(
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
