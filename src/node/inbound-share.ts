// Of the handshakes that a node has under way at a time, the part that one
// address may have: who opens connections and says nothing on them keeps nobody
// else out. Knows addresses and nothing of who stands behind them.
import type { ConnectionGater, MultiaddrConnection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'

/** @returns what a libp2p node is given as its connection gater; the given one is asked too */
export function withInboundShare(gater: ConnectionGater, maxPendingOfOneAddress: number): ConnectionGater {
  const pending = new Map<string, number>()
  const ending = new WeakMap<MultiaddrConnection, () => void>()
  return {
    ...gater,
    denyInboundConnection: async (connection) => {
      const host = hostOf(connection.remoteAddr)
      const count = pending.get(host) ?? 0
      if (count >= maxPendingOfOneAddress) return true
      pending.set(host, count + 1)
      const end = (): void => {
        if (!ending.delete(connection)) return
        const left = (pending.get(host) ?? 1) - 1
        if (left === 0) pending.delete(host)
        else pending.set(host, left)
      }
      ending.set(connection, end)
      connection.addEventListener('close', end)
      return (await gater.denyInboundConnection?.(connection)) ?? false
    },
    denyInboundUpgradedConnection: async (peer, connection) => {
      ending.get(connection)?.()
      return (await gater.denyInboundUpgradedConnection?.(peer, connection)) ?? false
    }
  }
}

/** The IP address, without port and peer. */
function hostOf(address: Multiaddr): string {
  return address.getComponents()[0]?.value ?? ''
}
