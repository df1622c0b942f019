// The exchange of presence records between connected peers, /chat/record/1.0.0: it
// answers "is it Parley?", keeps one stream for each pair of peers, and reports the
// records of the peers. It knows no roster, no discovery and no dialling.
import { EventEmitter, setMaxListeners } from 'node:events'
import { setImmediate as turnEnds } from 'node:timers/promises'
import type {
  ComponentLogger,
  Connection,
  Libp2pEvents,
  PeerId,
  Stream,
  StreamHandler,
  TypedEventTarget
} from '@libp2p/interface'
import { backoffMs } from '../lib/index.ts'
import { orAborted, preferredOpener, steadyNow, toError, withDeadline } from '../wire/index.ts'
import type { Opener, StreamRegistrar } from '../wire/index.ts'
import { LEASE_MS } from './roster.ts'
import { ProtocolCache } from './protocol-cache.ts'
import type { ProbeAnswer } from './protocol-cache.ts'
import type { VerifiedRecord } from './presence-record.ts'
import { RecordLink } from './record-link.ts'
import { RecordStream, WITHDRAW_TIMEOUT_MS } from './record-stream.ts'

/** Serves and probes the exchange of records between peers. */
export const RECORD_PROTOCOL = '/chat/record/1.0.0'

/** Peers with whom a record stream stays open: a large LAN party; about 14 KB of memory each. */
const MAX_RECORD_PEERS = 256

/** Record streams that one connection may have open towards us: ours to keep, one more while it is replaced. */
const MAX_RECORD_STREAMS_PER_CONNECTION = 4

/** "Is it Parley?" must be answered before a person waits for it; a LAN answers in milliseconds. */
const PROBE_TIMEOUT_MS = 5_000

/** A Parley that dials opens its stream in the packet that ends the handshake; after this, the other side asks. */
export const RECORD_PATIENCE_MS = 500

/** A stream that was lost while its connection lives is opened again after this, doubling up to the second. */
const REOPEN_BACKOFF = { firstMs: 1_000, maxMs: 60_000, jitter: 0 } as const

/** The side with the larger peer ID waits longer, since the smaller one's stream is the one that is kept. */
const REOPEN_LARGER_FACTOR = 3

/** A peer whose stream is not kept is asked again within its lease. */
const REEXCHANGE_MS = LEASE_MS / 2

export interface RecordServiceInit {
  /** Our current sealed record. Asked for each stream. */
  ownEnvelope(): Uint8Array
  /** Records of other networks are not reported. */
  readonly network: string
  /** Peers with whom a stream stays open. */
  readonly maxPeers?: number
  readonly now?: () => number
}

/** What libp2p gives to a service, as far as this one needs it. */
export interface RecordServiceComponents {
  readonly peerId: PeerId
  readonly logger: ComponentLogger
  readonly events: TypedEventTarget<Libp2pEvents>
  readonly connectionManager: { getConnections(peer?: PeerId): Connection[] }
  readonly registrar: StreamRegistrar
}

export interface RecordServiceEvents {
  /** A peer of our network has sent a newer record. */
  record: [{ readonly peer: PeerId; readonly verified: VerifiedRecord }]
  /** A peer has left, as its own signed record says. */
  withdraw: [{ readonly peer: PeerId; readonly verified: VerifiedRecord }]
  /**
   * No stream with the peer is left. lost: so is the connection, or the stream
   * failed. unkept: one side has no room to keep it; its record is emitted again
   * within a lease, and `lost` when the connection ends.
   */
  end: [{ readonly peer: PeerId; readonly cause: 'lost' | 'unkept' }]
}

/** A libp2p service: `createLibp2p({ services: { record: recordExchange({ … }) } })`. */
export function recordExchange(init: RecordServiceInit): (components: RecordServiceComponents) => RecordService {
  return (components) => new RecordService(components, init)
}

export class RecordService extends EventEmitter<RecordServiceEvents> {
  readonly #components: RecordServiceComponents
  readonly #init: RecordServiceInit
  readonly #log: ReturnType<ComponentLogger['forComponent']>
  readonly #now: () => number
  readonly #links = new Map<string, RecordLink>()
  readonly #probes = new ProtocolCache()
  readonly #tasks = new Set<Promise<void>>()
  /** Peers that have dialled us have a moment to open the stream themselves. */
  readonly #awaited = new Map<Connection, NodeJS.Timeout>()
  #life: AbortController | undefined
  #hasLeft = false

  constructor(components: RecordServiceComponents, init: RecordServiceInit) {
    super()
    this.#components = components
    this.#init = init
    this.#now = init.now ?? steadyNow
    this.#log = components.logger.forComponent('parley:record')
  }

  readonly [Symbol.toStringTag] = '@parley/record'

  /** Serves the protocol and exchanges records with all connected peers. */
  async start(): Promise<void> {
    if (this.#life !== undefined) return
    this.#life = new AbortController()
    setMaxListeners(Infinity, this.#life.signal)
    this.#hasLeft = false
    const { registrar, events, connectionManager } = this.#components
    await registrar.handle(RECORD_PROTOCOL, this.#onStream, {
      maxInboundStreams: MAX_RECORD_STREAMS_PER_CONNECTION,
      runOnLimitedConnection: true
    })
    events.addEventListener('connection:open', this.#onOpen)
    events.addEventListener('connection:close', this.#onClose)
    for (const connection of connectionManager.getConnections()) this.#meet(connection)
  }

  /** Ends every stream without a farewell; call `withdraw` first, to leave at once and not after a grace. */
  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    const { registrar, events } = this.#components
    events.removeEventListener('connection:open', this.#onOpen)
    events.removeEventListener('connection:close', this.#onClose)
    await registrar.unhandle(RECORD_PROTOCOL)
    for (const link of this.#links.values()) clearTimeout(link.reopen)
    for (const timer of this.#awaited.values()) clearTimeout(timer)
    this.#awaited.clear()
    life.abort(new Error('the exchange of records was stopped'))
    await Promise.allSettled(this.#tasks)
    this.#links.clear()
    this.#probes.reopen()
  }

  /**
   * Asks whether the other end of a connection is Parley, once for each connection. A peer that was Parley once stays so.
   *
   * @param options.signal ends the wait, not the question
   */
  async probe(connection: Connection, options: { readonly signal?: AbortSignal } = {}): Promise<ProbeAnswer> {
    options.signal?.throwIfAborted()
    const known = this.#probes.answer(connection)
    if (known !== 'undecided') return known
    return await orAborted(this.#exchange(connection), options.signal)
  }

  /** Sends a new record to every peer with whom a stream is open. */
  announce(envelope: Uint8Array): void {
    this.#hasLeft = false
    for (const stream of this.#streams()) stream.send({ type: 'record', envelope })
  }

  /** Says farewell to every peer, and waits until they have it, for a moment at most. */
  async withdraw(envelope: Uint8Array): Promise<void> {
    this.#hasLeft = true
    for (const stream of this.#streams()) {
      stream.send({ type: 'withdraw', envelope })
      stream.end()
    }
    const flushed = Promise.allSettled(this.#tasks).then(() => undefined)
    await withDeadline('close', WITHDRAW_TIMEOUT_MS, this.#life?.signal, () => flushed).catch((error: unknown) =>
      this.#log('not all peers read our farewell - %e', error)
    )
  }

  readonly #onStream: StreamHandler = (stream, connection) => {
    this.#probes.settle(connection, 'parley')
    if (this.#life === undefined || this.#hasLeft) {
      stream.abort(new Error('this peer has left'))
      return
    }
    this.#serve(stream, connection, 'them')
  }

  readonly #onOpen = (event: CustomEvent<Connection>): void => {
    const connection = event.detail
    if (connection.direction === 'outbound') return this.#meet(connection)
    // Two streams, one from each side, would carry the same twice. A caller that needs to know earlier probes.
    const timer = setTimeout(() => {
      this.#awaited.delete(connection)
      this.#meet(connection)
    }, RECORD_PATIENCE_MS)
    timer.unref()
    this.#awaited.set(connection, timer)
  }

  readonly #onClose = (event: CustomEvent<Connection>): void => {
    const connection = event.detail
    clearTimeout(this.#awaited.get(connection))
    this.#awaited.delete(connection)
    const link = this.#links.get(connection.remotePeer.toString())
    if (link === undefined || link.streams.size > 0) return
    if (this.#connectionsTo(link.peer).length === 0) this.#forget(link)
    else if (link.isWorthAsking) this.#goOnElsewhere(link)
  }

  #meet(connection: Connection): void {
    const link = this.#links.get(connection.remotePeer.toString())
    // A second connection with a peer needs no second stream, unless the first one's is lost.
    if (link !== undefined && link.streams.size > 0) return
    this.#track(this.#exchange(connection).then(() => undefined))
  }

  /** Asks and, on the same stream, exchanges records. */
  #exchange(connection: Connection): Promise<ProbeAnswer> {
    const answer = this.#probes.answer(connection)
    if (this.#life === undefined || this.#hasLeft || connection.status !== 'open') return Promise.resolve(answer)
    return this.#probes.ask(connection, () => this.#open(connection))
  }

  async #open(connection: Connection): Promise<ProbeAnswer> {
    let stream: Stream
    try {
      stream = await withDeadline('negotiate', PROBE_TIMEOUT_MS, this.#life?.signal, (signal) =>
        connection.newStream(RECORD_PROTOCOL, { signal, runOnLimitedConnection: true })
      )
    } catch (error) {
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
        return this.#probes.settle(connection, 'foreign')
      }
      this.#log('%p did not answer whether it is Parley - %e', connection.remotePeer, error)
      this.#reopenLater(connection.remotePeer)
      return this.#probes.answer(connection)
    }
    if (this.#life === undefined || this.#hasLeft) {
      stream.abort(new Error('this peer has left'))
      return 'parley'
    }
    this.#serve(stream, connection, 'us')
    return this.#probes.settle(connection, 'parley')
  }

  #serve(stream: Stream, connection: Connection, openedBy: Opener): void {
    const signal = this.#life?.signal
    if (signal === undefined) return
    const link = this.#linkOf(connection.remotePeer)
    const one = new RecordStream(stream, connection, openedBy, this.#init.ownEnvelope())
    link.streams.add(one)
    // The record can wait for the turn to end: what else was sent on a new connection goes first.
    const run = turnEnds()
      .then(() =>
        one.run(
          signal,
          () => link.rate.takeOne(this.#now()),
          (verified) => this.#onRecord(link, one, verified)
        )
      )
      .then(
        () => this.#onEnd(link, one, undefined),
        (error: unknown) => this.#onEnd(link, one, toError(error))
      )
    this.#track(run)
  }

  #onRecord(link: RecordLink, stream: RecordStream, verified: VerifiedRecord): void {
    const { peer } = link
    // A peer that was on our network and has moved to another one has left ours.
    if (verified.record.network !== this.#init.network) this.#reportEnd(link, 'lost')
    const heard = link.hear(verified, this.#init.network)
    if (heard === 'other-network' || verified.record.withdrawn) stream.end()
    else {
      link.isKept ||= this.#keptPeers() < (this.#init.maxPeers ?? MAX_RECORD_PEERS)
      for (const surplus of link.surplus(this.#preferredOpener(peer))) surplus.end()
    }
    if (heard === 'news') this.emit('record', { peer, verified })
    if (heard === 'farewell') this.emit('withdraw', { peer, verified })
  }

  #onEnd(link: RecordLink, stream: RecordStream, error: Error | undefined): void {
    link.streams.delete(stream)
    if (error !== undefined) this.#log('record stream with %p ended - %e', link.peer, error)
    if (link.streams.size > 0 || this.#life === undefined) return
    link.isKept = false
    if (this.#connectionsTo(link.peer).length === 0) {
      this.#forget(link)
      return
    }
    if (!link.isWorthAsking) return
    // What may have ended with its connection goes on over another one.
    const isElsewhere = this.#connectionsTo(link.peer).some((connection) => connection !== stream.connection)
    this.#reportEnd(link, error === undefined || isElsewhere ? 'unkept' : 'lost')
    if (error === undefined) this.#reopenLater(link.peer, REEXCHANGE_MS)
    else this.#reopenLater(link.peer)
  }

  #reopenLater(peer: PeerId, fixedMs?: number): void {
    if (this.#life === undefined || this.#hasLeft) return
    // It has gone meanwhile.
    if (this.#connectionsTo(peer).length === 0) return
    const link = this.#linkOf(peer)
    if (link.reopen !== undefined) return
    const waitMs = backoffMs(REOPEN_BACKOFF, link.failures++)
    const delayMs = fixedMs ?? waitMs * (this.#preferredOpener(peer) === 'us' ? 1 : REOPEN_LARGER_FACTOR)
    link.reopen = setTimeout(() => {
      link.reopen = undefined
      const [connection] = this.#connectionsTo(peer)
      if (connection === undefined && link.streams.size === 0) this.#forget(link)
      if (connection === undefined || link.streams.size > 0 || this.#life === undefined || this.#hasLeft) return
      this.#track(this.#open(connection).then(() => undefined))
    }, delayMs)
    link.reopen.unref()
  }

  /** The peer is still connected, by another way. */
  #goOnElsewhere(link: RecordLink): void {
    clearTimeout(link.reopen)
    link.reopen = undefined
    this.#reopenLater(link.peer)
  }

  #forget(link: RecordLink): void {
    clearTimeout(link.reopen)
    this.#links.delete(link.peer.toString())
    this.#reportEnd(link, 'lost')
  }

  #reportEnd(link: RecordLink, cause: 'lost' | 'unkept'): void {
    if (link.end(cause)) this.emit('end', { peer: link.peer, cause })
  }

  #connectionsTo(peer: PeerId): Connection[] {
    return this.#components.connectionManager.getConnections(peer).filter(({ status }) => status === 'open')
  }

  #keptPeers(): number {
    let kept = 0
    for (const { isKept } of this.#links.values()) if (isKept) kept++
    return kept
  }

  #preferredOpener(peer: PeerId): Opener {
    return preferredOpener(this.#components.peerId, peer)
  }

  #streams(): RecordStream[] {
    return [...this.#links.values()].flatMap((link) => [...link.streams])
  }

  #linkOf(peer: PeerId): RecordLink {
    const id = peer.toString()
    const link = this.#links.get(id) ?? new RecordLink(peer, this.#now())
    this.#links.set(id, link)
    return link
  }

  #track(task: Promise<void>): void {
    const settled = task.catch((error: unknown) => this.#log.error('exchange of records - %e', error))
    this.#tasks.add(settled)
    void settled.finally(() => this.#tasks.delete(settled))
  }
}
