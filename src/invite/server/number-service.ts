// The numbers of invitations at a directory, /chat/numbers/1.0.0, as a libp2p service:
// a registered peer claims some while its stream is open, and anybody may ask who has
// one, also at the directories that are joined. It never learns the words of a code.
import type { ComponentLogger, Connection, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import {
  addressClassOf,
  FrameStream,
  RateLimiter,
  ServedStreams,
  steadyNow,
  type Rate,
  type StreamRegistrar
} from '../../wire/index.ts'
import { findNumber } from '../numbers/number-client.ts'
import { MAX_HOLDERS, NUMBERS_PROTOCOL, numberFrames, type Holder, type NumberFrame } from '../numbers/number-frames.ts'
import { NumberRegister, type Holder as HoldingStream } from './number-register.ts'

/** A peer's claims, a question, and one more of each while that ends. */
const MAX_NUMBER_STREAMS_PER_CONNECTION = 4

/** Streams of all peers: those with claims stay open. */
const MAX_NUMBER_STREAMS = 20_000

/** Claims of one address class: one for each invitation, and some more where a number is taken. */
export const CLAIM_RATE: Rate = { burst: 32, perSecond: 0.5 }

/** Questions of one address class: a person types a code a few times a minute. Each is put to the joined directories. */
export const FIND_RATE: Rate = { burst: 20, perSecond: 1 }

/** Questions about what this directory itself keeps: those that other directories put, for all their clients. */
const FIND_OWN_RATE: Rate = { burst: 200, perSecond: 50 }

/** Address classes that are told apart at a time. */
const MAX_CLASSES = 10_000

/** A joined directory that does not answer so soon is not waited for: a person is. */
const FEDERATION_ANSWER_MS = 2_000

/** Joined directories that are asked: more than a federation has that one looks through. */
const MAX_ASKED_DIRECTORIES = 32

interface NumberServiceInit {
  readonly network: string
  /** Whether the peer is registered at this directory now. */
  isAnnounced(peer: string): boolean
  /** The directories that are joined with this one now. */
  federationPeers(): readonly PeerId[]
  readonly now?: () => number
}

/** What libp2p gives to a service, as far as this one needs it. */
interface NumberServiceComponents {
  readonly peerId: PeerId
  readonly logger: ComponentLogger
  readonly connectionManager: { getConnections(peer?: PeerId): Connection[] }
  readonly registrar: StreamRegistrar
}

/** A libp2p service: `createLibp2p({ services: { numbers: numbers({ … }) } })`. */
export function numbers(init: NumberServiceInit): (components: NumberServiceComponents) => NumberService {
  return (components) => new NumberService(components, init)
}

/** One stream of a peer. */
interface Session {
  readonly connection: Connection
  readonly frames: FrameStream<NumberFrame>
  readonly holder: HoldingStream
  readonly claimed: Set<number>
}

class NumberService {
  readonly [Symbol.toStringTag] = '@parley/numbers'
  readonly #components: NumberServiceComponents
  readonly #init: NumberServiceInit
  readonly #log: ReturnType<ComponentLogger['forComponent']>
  readonly #now: () => number
  readonly #register = new NumberRegister()
  readonly #claims = new RateLimiter(CLAIM_RATE, MAX_CLASSES)
  readonly #finds = new RateLimiter(FIND_RATE, MAX_CLASSES)
  readonly #ownFinds = new RateLimiter(FIND_OWN_RATE, MAX_CLASSES)
  readonly #streams: ServedStreams

  constructor(components: NumberServiceComponents, init: NumberServiceInit) {
    this.#components = components
    this.#init = init
    this.#now = init.now ?? steadyNow
    this.#log = components.logger.forComponent('parley:numbers')
    this.#streams = new ServedStreams({
      registrar: components.registrar,
      protocol: NUMBERS_PROTOCOL,
      log: this.#log,
      maxPerConnection: MAX_NUMBER_STREAMS_PER_CONNECTION,
      maxStreams: MAX_NUMBER_STREAMS,
      serve: async (stream, connection, signal) => this.#serve(stream, connection, signal)
    })
  }

  async start(): Promise<void> {
    await this.#streams.start()
  }

  async stop(): Promise<void> {
    await this.#streams.stop(new Error('the directory was stopped'))
  }

  /** Numbers that are claimed now. */
  get size(): number {
    return this.#register.size
  }

  async #serve(stream: Stream, connection: Connection, signal: AbortSignal): Promise<void> {
    const frames = new FrameStream(stream, numberFrames, signal)
    const holder = { peer: connection.remotePeer.toString(), addressClass: addressClassOf(connection.remoteAddr) }
    const session: Session = { connection, frames, holder, claimed: new Set() }
    try {
      await this.#converse(session, signal)
    } finally {
      for (const number of session.claimed) this.#register.release(number, holder)
    }
  }

  async #converse(session: Session, signal: AbortSignal): Promise<void> {
    const { frames, claimed } = session
    while (!signal.aborted) {
      // A stream that holds nothing is not worth its place.
      const frame = await frames.read(claimed.size > 0 ? Infinity : undefined)
      const answer = await this.#answer(session, frame, signal)
      if (answer !== undefined) await frames.write(answer)
      if (frame.type === 'find') return frames.close()
    }
  }

  async #answer(session: Session, frame: NumberFrame, signal: AbortSignal): Promise<NumberFrame | undefined> {
    switch (frame.type) {
      case 'claim':
        return this.#claim(session, frame, signal)
      case 'find':
        return this.#find(session, frame, signal)
      case 'release':
        if (session.claimed.delete(frame.number)) this.#register.release(frame.number, session.holder)
        return undefined
      case 'claimed':
      case 'found':
      case 'refuse':
        throw new Error(`a client sends no frame "${frame.type}"`)
    }
  }

  async #claim(
    { holder, claimed }: Session,
    { network, number }: Extract<NumberFrame, { type: 'claim' }>,
    signal: AbortSignal
  ): Promise<NumberFrame> {
    const { peer, addressClass } = holder
    const nowMs = this.#now()
    if (network !== this.#init.network) return { type: 'refuse', reason: 'other-network' }
    if (!this.#init.isAnnounced(peer)) return { type: 'refuse', reason: 'not-registered' }
    if (this.#claims.of(addressClass, nowMs).takeOne(nowMs) > 0) return { type: 'refuse', reason: 'too-fast' }
    const isOwn = this.#register.holder(number) === peer
    const outcome = this.#register.claim(number, holder)
    if (outcome !== 'claimed') return { type: 'refuse', reason: outcome }
    if (isOwn) {
      // It was free elsewhere when it was claimed first. An older stream of the peer no longer holds it.
      claimed.add(number)
      return { type: 'claimed', number }
    }
    // Held from now on, so that of two who claim it at the same time one gets it here.
    const elsewhere = await this.#findElsewhere(number, signal)
    if (elsewhere.some((other) => other.peer.toString() !== peer)) {
      this.#register.release(number, holder)
      return { type: 'refuse', reason: 'taken' }
    }
    claimed.add(number)
    return { type: 'claimed', number }
  }

  async #find(
    { connection }: Session,
    { network, number, own }: Extract<NumberFrame, { type: 'find' }>,
    signal: AbortSignal
  ): Promise<NumberFrame> {
    const nowMs = this.#now()
    const rate = (own ? this.#ownFinds : this.#finds).of(addressClassOf(connection.remoteAddr), nowMs)
    if (rate.takeOne(nowMs) > 0) return { type: 'refuse', reason: 'too-fast' }
    if (network !== this.#init.network) return { type: 'refuse', reason: 'other-network' }
    const holder = this.#register.holder(number)
    const here: readonly Holder[] =
      holder === undefined ? [] : [{ peer: peerIdFromString(holder), directory: this.#components.peerId }]
    const elsewhere = own ? [] : await this.#findElsewhere(number, signal)
    return { type: 'found', holders: [...here, ...elsewhere].slice(0, MAX_HOLDERS) }
  }

  /** What the joined directories keep themselves: each may speak for itself alone. */
  async #findElsewhere(number: number, signal: AbortSignal): Promise<readonly Holder[]> {
    const { network } = this.#init
    const connections = this.#init
      .federationPeers()
      .flatMap((peer) => this.#components.connectionManager.getConnections(peer).slice(0, 1))
      .slice(0, MAX_ASKED_DIRECTORIES)
    const inTime = AbortSignal.any([signal, AbortSignal.timeout(FEDERATION_ANSWER_MS)])
    const answers = await Promise.all(
      connections.map(async (connection) => {
        try {
          const holders = await findNumber(connection, { network, number, own: true, signal: inTime })
          return holders.filter(({ directory }) => directory.equals(connection.remotePeer)).slice(0, 1)
        } catch (error) {
          this.#log('%p did not answer about a number - %e', connection.remotePeer, error)
          return []
        }
      })
    )
    return answers.flat()
  }
}
