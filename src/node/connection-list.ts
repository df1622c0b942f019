// The list of all connections, kept instead of made. libp2p's connection manager
// makes it anew, joining one array per peer, each time a connection comes: twice
// for each accept, in time that grows with the square of the connections. At
// 3,000 that was more than a third of what a directory did.
import type { Connection, PeerId } from '@libp2p/interface'
import type { ConnectionManager } from '@libp2p/interface-internal'
import type { TypedEventTarget } from 'main-event'
import type { Libp2pEvents } from '@libp2p/interface'

interface Components {
  readonly connectionManager: Pick<ConnectionManager, 'getConnections'>
  readonly events: TypedEventTarget<Libp2pEvents>
}

/** A libp2p service: `getConnections()` without a peer answers from what the events have told. */
export function connectionList(): (components: Components) => { readonly [Symbol.toStringTag]: string } {
  return ({ connectionManager, events }) => {
    const ofPeer = connectionManager.getConnections.bind(connectionManager)
    let all: Connection[] = []
    events.addEventListener('connection:open', ({ detail }) => {
      if (detail.status === 'open') all.push(detail)
    })
    events.addEventListener('connection:close', ({ detail }) => {
      // A new array: somebody may be on his way through the old one.
      all = all.filter((connection) => connection !== detail)
    })
    connectionManager.getConnections = (peer?: PeerId) => (peer === undefined ? all : ofPeer(peer))
    return { [Symbol.toStringTag]: '@parley/connection-list' }
  }
}
