/**
 * `/chat/1.0.0` as a libp2p service: registers the protocol, finds the link of a peer for each stream, opens streams,
 * and emits what happened. Knows no storage, no directory and no screen.
 */
import { TypedEventEmitter, UnsupportedProtocolError } from '@libp2p/interface'
import type {
  ComponentLogger,
  Connection,
  Logger,
  PeerId,
  Startable,
  Stream,
  StreamHandler,
  TypedEventTarget
} from '@libp2p/interface'
import { LruSet } from '../lib/index.ts'
import { NEGOTIATE_TIMEOUT_MS, orAborted, toError, withDeadline } from '../wire/index.ts'
import type { Opener, StreamRegistrar } from '../wire/index.ts'
import type { ChatEvents, ChatServiceInit, ChatSession } from './application.ts'
import { linesProtocolId } from './chat-stream.ts'
import { PeerLink } from './peer-link.ts'
import type { PeerKind } from './dialect.ts'
import { ChatError } from './frames.ts'
import type { LinkContext } from './peer-link.ts'
import { StreamReplacedError } from './session.ts'
import { StrangerPace } from './stranger-pace.ts'

/** It is not known what the peer speaks, so nothing was sent to it. */
export class PeerUndecidedError extends ChatError {
  override readonly name = 'PeerUndecidedError'
  constructor(options?: ErrorOptions) {
    super('The peer did not answer what kind of program it is, so nothing was sent to it: try again', options)
  }
}

/** The peer does not serve /chat/1.0.0 at all. */
export class ChatUnsupportedError extends ChatError {
  override readonly name = 'ChatUnsupportedError'
  constructor(options?: ErrorOptions) {
    super('The peer does not serve /chat/1.0.0: it is no chat program, or its chat is switched off', options)
  }
}

/** The peer has opened a chat before, and serves none: most examples that dial do so. */
export class CallerOnlyError extends ChatError {
  override readonly name = 'CallerOnlyError'
  constructor(options?: ErrorOptions) {
    super('The chat program there can open a conversation and cannot be called: it must connect again', options)
  }
}

/** The service is not started, or is stopping. */
class ChatNotStartedError extends ChatError {
  override readonly name = 'ChatNotStartedError'
  constructor() {
    super('The chat service is not running: start the node first')
  }
}

/** Spoken in the wild by the chat examples of libp2p too: see dialect.ts for how they are told apart. */
export const chatProtocolId = '/chat/1.0.0'

/** One stream is the rule, two when both sides dial at once; the rest is for quick reconnects. Per connection. */
const MAX_INBOUND_CHAT_STREAMS = 8

/** As inbound: one of ours, and a few that are still closing. */
const MAX_OUTBOUND_CHAT_STREAMS = 8

/** Peers whose marker was seen. 100 bytes each; the oldest is forgotten first, and is then asked for its kind again. */
const MAX_KNOWN_PARLEY = 65_536

/** Peers that have opened a chat themselves: the words for one that takes none depend on it, and nothing else does. */
const MAX_CALLERS = 1024

/** What kind of program the peer is: one probe stream, over a link of several seconds at worst. */
const KIND_TIMEOUT_MS = 10_000

/** What the service needs of libp2p. */
export interface ChatComponents {
  readonly peerId: PeerId
  readonly logger: ComponentLogger
  readonly registrar: StreamRegistrar
}

export interface ChatService extends Startable, TypedEventTarget<ChatEvents> {
  /**
   * The session with the peer of this connection: the live one if there is one; otherwise a stream is opened and
   * both Hellos are exchanged. Calls for one peer share one attempt.
   *
   * @throws {PeerUndecidedError} when it is not known what the peer speaks; nothing was sent to it
   * @throws {ChatUnsupportedError} when the peer serves no chat, or {CallerOnlyError} though it has opened one itself
   * @throws {ChatNotStartedError} before start() and after stop()
   * @throws a WireError when the stream was lost or a deadline passed
   */
  open(connection: Connection, options?: { readonly signal?: AbortSignal }): Promise<ChatSession>
  session(peer: PeerId): ChatSession | undefined
  /** The connection of the stream that this side has opened to the peer, if it has. */
  ownConnection(peer: PeerId): Connection | undefined
  /**
   * Opens on this connection, once more, the stream that this side has opened on another: it takes the place of the older
   * one, and the session resumes. The peer does the same with its own. Calls for one peer share one attempt.
   *
   * @returns whether there was something to move: a Parley session, with a stream of this side on another connection
   * @throws as {@link open}; the session then stays where it is
   */
  move(connection: Connection): Promise<boolean>
}

/**
 * @example
 * const node = await createLibp2p({ ..., services: { chat: chat(init) } })
 * node.services.chat.addEventListener('session:open', ({ detail }) => resend(detail.session))
 */
export function chat(init: ChatServiceInit): (components: ChatComponents) => ChatService {
  return (components) => new Libp2pChat(components, init)
}

class Libp2pChat extends TypedEventEmitter<ChatEvents> implements ChatService {
  readonly #components: ChatComponents
  readonly #init: ChatServiceInit
  readonly #log: Logger
  readonly #links = new Map<string, PeerLink>()
  readonly #opening = new Map<string, Promise<ChatSession>>()
  readonly #moving = new Map<string, Promise<boolean>>()
  readonly #asking = new Map<Connection, Promise<PeerKind>>()
  readonly #tasks = new Set<Promise<unknown>>()
  /** Insertion order is age. */
  readonly #knownParley = new LruSet<string>(MAX_KNOWN_PARLEY)
  /** Peers that have opened a stream themselves. */
  readonly #callers = new LruSet<string>(MAX_CALLERS)
  #life: { readonly controller: AbortController; readonly context: LinkContext } | undefined

  constructor(components: ChatComponents, init: ChatServiceInit) {
    super()
    this.#components = components
    this.#init = init
    this.#log = components.logger.forComponent('parley:chat')
  }

  async start(): Promise<void> {
    if (this.#life !== undefined) return
    const controller = new AbortController()
    this.#life = { controller, context: this.#contextOf(controller.signal) }
    const limits = { maxInboundStreams: MAX_INBOUND_CHAT_STREAMS, maxOutboundStreams: MAX_OUTBOUND_CHAT_STREAMS }
    const accept: StreamHandler = (stream, connection) => this.#accept(stream, connection)
    await this.#components.registrar.handle(chatProtocolId, accept, limits)
    await this.#components.registrar.handle(linesProtocolId, accept, limits)
  }

  /** Cuts all streams and waits for the callbacks that are under way: none runs after it. */
  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    await this.#components.registrar.unhandle(chatProtocolId)
    await this.#components.registrar.unhandle(linesProtocolId)
    life.controller.abort(new ChatNotStartedError())
    await Promise.allSettled([...this.#tasks, ...this.#opening.values(), ...this.#moving.values()])
  }

  session(peer: PeerId): ChatSession | undefined {
    return this.#links.get(peer.toString())?.session
  }

  async open(connection: Connection, options: { readonly signal?: AbortSignal } = {}): Promise<ChatSession> {
    const life = this.#life
    if (life === undefined) throw new ChatNotStartedError()
    const key = connection.remotePeer.toString()
    const live = this.#links.get(key)?.session
    if (live !== undefined) return live
    let opening = this.#opening.get(key)
    if (opening === undefined) {
      opening = this.#open(connection, life.context).finally(() => this.#opening.delete(key))
      this.#opening.set(key, opening)
    }
    return await orAborted(opening, AbortSignal.any([life.controller.signal, ...toList(options.signal)]))
  }

  ownConnection(peer: PeerId): Connection | undefined {
    return this.#links.get(peer.toString())?.ownConnection
  }

  async move(connection: Connection): Promise<boolean> {
    const life = this.#life
    if (life === undefined) throw new ChatNotStartedError()
    const key = connection.remotePeer.toString()
    let moving = this.#moving.get(key)
    if (moving === undefined) {
      moving = this.#move(connection, life.context).finally(() => this.#moving.delete(key))
      this.#moving.set(key, moving)
    }
    return await orAborted(moving, life.controller.signal)
  }

  async #move(connection: Connection, context: LinkContext): Promise<boolean> {
    const { remotePeer } = connection
    const own = this.ownConnection(remotePeer)
    if (this.session(remotePeer)?.dialect !== 'parley' || own === undefined || own === connection) return false
    const stream = await this.#agree(connection, context)
    const link = this.#linkOf(remotePeer, context)
    void this.#run(link, stream, connection, 'us')
    return true
  }

  async #open(connection: Connection, context: LinkContext): Promise<ChatSession> {
    const { remotePeer } = connection
    // Who has dialled agrees on the stream while the question is under way, and says nothing on it before the answer.
    const early = connection.direction === 'outbound' ? this.#agree(connection, context) : undefined
    early?.catch(() => {}) // waited for below, if it is needed
    if (!context.isParley(remotePeer)) {
      const { kind } = await context.kindOf(connection)
      const live = this.session(remotePeer)
      if (live !== undefined || kind === 'undecided') {
        const needless = live === undefined ? new PeerUndecidedError() : new StreamReplacedError()
        early?.then((stream) => stream.abort(needless)).catch(() => {})
        if (live !== undefined) return live
        throw needless
      }
    }
    const stream = await (early ?? this.#agree(connection, context))
    const link = this.#linkOf(remotePeer, context)
    return await link.opened(this.#run(link, stream, connection, 'us'))
  }

  async #agree(connection: Connection, context: LinkContext): Promise<Stream> {
    const { remotePeer } = connection
    const protocols = context.isParley(remotePeer) ? chatProtocolId : [chatProtocolId, linesProtocolId]
    return await withDeadline('negotiate', NEGOTIATE_TIMEOUT_MS, context.signal, (signal) =>
      connection.newStream(protocols, { signal })
    ).catch((thrown: unknown) => {
      const cause = toError(thrown)
      if (cause.name !== UnsupportedProtocolError.name) throw cause
      throw this.#callers.has(remotePeer.toString())
        ? new CallerOnlyError({ cause })
        : new ChatUnsupportedError({ cause })
    })
  }

  #accept(stream: Stream, connection: Connection): void {
    const life = this.#life
    this.#callers.add(connection.remotePeer.toString())
    if (life === undefined) stream.abort(new ChatNotStartedError())
    else void this.#run(this.#linkOf(connection.remotePeer, life.context), stream, connection, 'them')
  }

  /** Never rejects. */
  #run(link: PeerLink, stream: Stream, connection: Connection, openedBy: Opener): Promise<Error | undefined> {
    const key = link.peer.toString()
    const task = link.run(stream, openedBy, connection).finally(() => {
      this.#tasks.delete(task)
      if (link.idle && this.#links.get(key) === link) this.#links.delete(key)
    })
    this.#tasks.add(task)
    return task
  }

  #linkOf(peer: PeerId, context: LinkContext): PeerLink {
    const key = peer.toString()
    const known = this.#links.get(key)
    if (known !== undefined) return known
    const link = new PeerLink(peer, context)
    this.#links.set(key, link)
    return link
  }

  #contextOf(signal: AbortSignal): LinkContext {
    return {
      init: this.#init,
      self: this.#components.peerId,
      pace: new StrangerPace((peer) => this.#init.paceOf(peer) === 'stranger'),
      signal,
      emit: (type, detail) => {
        this.safeDispatchEvent(type, { detail })
      },
      isParley: (peer) => this.#knownParley.has(peer.toString()),
      sawParley: (peer) => this.#knownParley.add(peer.toString()),
      kindOf: (connection) => this.#kindOf(connection, signal),
      log: this.#log
    }
  }

  /** One question at a time for each connection. No answer in time, or a failure, is `undecided`. */
  #kindOf(connection: Connection, life: AbortSignal): Promise<PeerKind> {
    const asking = this.#asking.get(connection)
    if (asking !== undefined) return asking
    const ask = async (): Promise<PeerKind> => {
      try {
        const kind = await withDeadline('negotiate', KIND_TIMEOUT_MS, life, (signal) =>
          this.#init.kindOf(connection, { signal })
        )
        if (kind.kind === 'parley') this.#knownParley.add(connection.remotePeer.toString())
        return kind
      } catch (thrown) {
        this.#log('could not tell what %p is - %e', connection.remotePeer, toError(thrown))
        return { kind: 'undecided' }
      } finally {
        this.#asking.delete(connection)
      }
    }
    const answer = ask()
    this.#asking.set(connection, answer)
    return answer
  }
}

function toList<T>(item: T | undefined): T[] {
  return item === undefined ? [] : [item]
}
