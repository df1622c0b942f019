// The list of all connections, kept instead of made. libp2p's connection manager
// makes it anew, joining one array per peer, each time a connection comes: twice
// for each accept, in time that grows with the square of the connections. At
// 3,000 that was more than a third of what a directory did.
import type { Connection, PeerId, Libp2pEvents } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { TypedEventTarget } from 'main-event'
import { defaultTuning } from './tuning.ts'
import type { Tuning } from './tuning.ts'

interface Components {
  readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
  readonly events: TypedEventTarget<Libp2pEvents>
}

/** A libp2p service: `getConnections()` without a peer answers from the events; without `connectionList` it changes nothing. */
export function connectionList(
  tuning: Pick<Tuning, 'connectionList'> = defaultTuning()
): (components: Components) => { readonly [Symbol.toStringTag]: string } {
  const service = { [Symbol.toStringTag]: '@parley/connection-list' }
  return ({ connectionManager, events }) => {
    if (!tuning.connectionList) return service
    const ofPeer = connectionManager.getConnections.bind(connectionManager)
    let all: Connection[] = []
    events.addEventListener('connection:open', ({ detail }) => {
      if (detail.status === 'open') all.push(detail)
    })
    events.addEventListener('connection:close', ({ detail }) => {
      // A copy: callers may be iterating.
      all = all.filter((connection) => connection !== detail)
    })
    connectionManager.getConnections = (peer?: PeerId) => (peer === undefined ? all : ofPeer(peer))
    return service
  }
}
