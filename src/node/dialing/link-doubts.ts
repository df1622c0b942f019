// When links may be dead without having said so, and are asked: after a change of this
// machine's network, a lost directory, a peer that has moved. How they are asked, and
// what becomes of those that don't answer, is decided elsewhere.
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { LinkWatch } from '../../wire/index.ts'
import { hostPortOf, remotePlaceOf } from './address.ts'
import { OwnNetwork } from './own-network.ts'

export interface LinkDoubtsInit {
  readonly links: () => Pick<LinkWatch, 'ask' | 'doubt'>
  /** The open connection to the peer. */
  readonly connection: (peer: string) => Connection | undefined
  /** Peer IDs of those that are known. */
  readonly directories: () => readonly string[]
  /** Whether this machine has an address now. */
  readonly isOnNetwork?: () => boolean
}

export class LinkDoubts {
  readonly #init: LinkDoubtsInit

  constructor(init: LinkDoubtsInit) {
    this.#init = init
  }

  /** The addresses of this machine have changed, or it has slept. */
  networkChanged(): void {
    const { links, isOnNetwork = () => new OwnNetwork().isOnNetwork } = this.#init
    // While there is no network, waiting costs less than connecting again: a Wi-Fi that is back in a moment cuts nothing.
    if (isOnNetwork()) links().doubt()
  }

  /** There is no connection to this peer any more. */
  disconnected(peer: string): void {
    // What cut the link to a directory, a router with a new address say, may have cut the others without a word.
    if (this.#init.directories().includes(peer)) this.#init.links().doubt()
  }

  /**
   * What was sent to the peer brings no answer. A router that has another address cuts connections with a directory as soon
   * as one is used, so these are asked too; a path over UDP ends in silence.
   */
  unanswered(peer: string): void {
    const { links, connection, directories } = this.#init
    for (const one of [peer, ...directories()]) {
      const open = connection(one)
      if (open !== undefined) links().ask(open)
    }
  }

  /** The peer announces other addresses: where its connection leads to one that it has left, it may not have closed it. */
  moved(peer: string, now: readonly Multiaddr[], was: readonly Multiaddr[]): void {
    const connection = this.#init.connection(peer)
    const host = connection === undefined ? undefined : remotePlaceOf(connection.remoteAddr)?.host
    if (host === undefined) return
    const isAmong = (addresses: readonly Multiaddr[]): boolean =>
      addresses.some((address) => hostPortOf(address)?.host === host)
    if (isAmong(was) && !isAmong(now)) this.#init.links().doubt(connection)
  }
}
