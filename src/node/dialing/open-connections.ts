// The open connections to each peer by their paths: which is the best, and which are not
// needed beside it. It neither opens nor closes one.
import type { Connection, Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { isPunched, isRelayed, pathRankOf } from './address.ts'

export class OpenConnections {
  readonly #libp2p: () => Pick<Libp2p, 'getConnections'>

  constructor(libp2p: () => Pick<Libp2p, 'getConnections'>) {
    this.#libp2p = libp2p
  }

  /** Of several the one with the best path, and of these the newest. */
  best(peer: string): Connection | undefined {
    return this.#of(peer)
      .toSorted((a, b) => pathRankOf(a.remoteAddr) - pathRankOf(b.remoteAddr))
      .at(-1)
  }

  /** The same, unless it leads through a relay. */
  direct(peer: string): Connection | undefined {
    const connection = this.best(peer)
    return connection === undefined || isRelayed(connection.remoteAddr) ? undefined : connection
  }

  /** Those, relayed or over UDP, beside a better one: both cost packets while nothing is said. */
  superseded(peer: string): readonly Connection[] {
    const best = this.best(peer)
    if (best === undefined) return []
    return this.#of(peer).filter(
      ({ remoteAddr }) =>
        pathRankOf(remoteAddr) < pathRankOf(best.remoteAddr) && (isRelayed(remoteAddr) || isPunched(remoteAddr))
    )
  }

  #of(peer: string): Connection[] {
    return this.#libp2p()
      .getConnections(peerIdFromString(peer))
      .filter(({ status }) => status === 'open')
  }
}
