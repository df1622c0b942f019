// The connections to other peers, as conversations use them: one is dialled, the best of
// several is used, and relayed ones beside it are let go. Where a peer may be is not its
// business.
import type { Connection, Libp2p } from '@libp2p/interface'
import { NoDirectPathError, type DirectPaths } from '../direct/index.ts'
import { addressClassOf, toError, UNKNOWN_ADDRESS_CLASS } from '../wire/index.ts'
import { carriesMoreThanRecords, type ChatHost } from './chat-host.ts'
import type { AddressBook } from './dialing/address-book.ts'
import { hostPortOf, isLocal } from './dialing/address.ts'
import type { Dialer } from './dialing/dialer.ts'
import { OpenConnections } from './dialing/open-connections.ts'
import type { PeerNetwork } from './messaging/peer-sessions.ts'
import { IDENTIFY_TIMEOUT_MS, isDirectory } from './peers/peer-kind.ts'

export interface PeerConnectionsInit {
  readonly dialer: Dialer
  /** Keeps where a peer was reached. */
  readonly addresses: Pick<AddressBook, 'keep'>
  /** See {@link LinkDoubts.unanswered}. */
  readonly unanswered: (peer: string) => void
  /** Undefined where the user wants no direct paths through routers. */
  readonly direct: () => Pick<DirectPaths, 'punch'> | undefined
  readonly libp2p: () => Pick<Libp2p, 'getConnections' | 'peerStore'>
  readonly kindOf: ChatHost['kindOf']
  /** Or one that stands by. */
  readonly isDirectoryInUse: (peer: string) => boolean
}

export class PeerConnections implements PeerNetwork {
  readonly whyNotStrangers = new NoDirectPathError('stranger').message
  readonly #init: PeerConnectionsInit
  readonly #open: OpenConnections
  /** Connections that are closed, which takes a moment. */
  readonly #closing = new WeakSet<Connection>()

  constructor(init: PeerConnectionsInit) {
    this.#init = init
    this.#open = new OpenConnections(init.libp2p)
  }

  /** @throws UnreachableError, KeyChangedError */
  async connect(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection> {
    return this.#kept(peer, await this.#init.dialer.connect(peer, options))
  }

  /** See {@link Dialer.connectBetter}. */
  async connectBetter(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection> {
    return this.#kept(peer, await this.#init.dialer.connectBetter(peer, options))
  }

  /** See {@link DirectPaths.punch}. */
  async punch(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection> {
    const direct = this.#init.direct()
    if (direct === undefined) throw new NoDirectPathError('off')
    return direct.punch(peer, options)
  }

  unanswered(peer: string): void {
    this.#init.unanswered(peer)
  }

  /** The best connection to the peer that is open. */
  connection(peer: string): Connection | undefined {
    return this.#open.best(peer)
  }

  /** Closes relayed and punched connections beside a better one. @returns how many stay, as they are in use */
  closeSuperseded(peer: string): number {
    let used = 0
    for (const connection of this.#open.superseded(peer)) {
      if (this.#closing.has(connection)) continue
      if (carriesMoreThanRecords(connection)) used++
      else {
        this.#closing.add(connection)
        connection.close().catch((error: unknown) => connection.abort(toError(error)))
      }
    }
    return used
  }

  /** Whether the open connection to the peer stays on this machine or its LAN. */
  isLan(peer: string): boolean {
    const connection = this.connection(peer)
    return connection !== undefined && isLocal(connection.remoteAddr)
  }

  /** The address class of the open connection; behind a relay, the source that the relay states. */
  originOf(peer: string): string {
    const connection = this.connection(peer)
    return connection === undefined ? UNKNOWN_ADDRESS_CLASS : addressClassOf(connection.remoteAddr)
  }

  /** Whether identify, or a stream that was open, has shown that the peer is a directory. */
  async isDirectory(peer: string): Promise<boolean> {
    return isDirectory(this.#init.libp2p().peerStore, peer)
  }

  /** Asks the peer whether it is a directory, and closes the connection to one that is not in use. */
  async answersAsDirectory(asked: { readonly connection: Connection; readonly signal: AbortSignal }): Promise<boolean> {
    const { connection } = asked
    const peer = connection.remotePeer.toString()
    if (!(await this.isDirectory(peer))) {
      const signal = AbortSignal.any([asked.signal, AbortSignal.timeout(IDENTIFY_TIMEOUT_MS)])
      // A peer that does not answer counts as no directory.
      await this.#init.kindOf(connection, { signal }).catch(() => undefined)
      asked.signal.throwIfAborted()
      if (!(await this.isDirectory(peer))) return false
    }
    if (!this.#init.isDirectoryInUse(peer)) await connection.close().catch(() => undefined)
    return true
  }

  #kept(peer: string, connection: Connection): Connection {
    // The port that a peer dials from does not listen, nor does one that was opened for a punched path; and a relay is no place of the peer's.
    const isPlace = connection.direction === 'outbound' && hostPortOf(connection.remoteAddr) !== undefined
    if (isPlace) void this.#init.addresses.keep(peer, connection.remoteAddr.toString())
    return connection
  }
}
