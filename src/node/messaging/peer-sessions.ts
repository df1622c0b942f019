// The chat session with each peer: it is looked for while the peer is wanted, has a
// state that faces show, and begins with what its Hello says of our log. What is
// said in it is not its business.
import { randomBytes } from 'node:crypto'
import type { Connection } from '@libp2p/interface'
import type { ChatService, ChatSession } from '../../chat-protocol/index.ts'
import { Backoff } from '../../lib/index.ts'
import type { LogPosition, MessageStore, OwnPosition } from '../../storage/index.ts'
import { orAborted } from '../../wire/index.ts'
import type { ConversationState } from '../api/chat-events.ts'
import { DirectoryPeerError } from '../api/errors.ts'
import { pathKindOf } from '../dialing/address.ts'
import { rttOf } from '../dialing/paths.ts'
import type { PeerDirectory } from '../peers/peer-directory.ts'
import { Reconnect, type Want } from './reconnect.ts'
import { explainSessionError } from './refusals.ts'

/** How soon after a failure a wanted peer is dialled again: quickly at first, then with mercy. */
export const REDIAL_BACKOFF = { firstMs: 500, maxMs: 600_000 } as const

/** Goodbyes when the program ends: the user is waiting for the prompt of the shell. */
const FAREWELL_TIMEOUT_MS = 700

/** The length of a log's name; see docs/spec/chat-1.0.0.md. */
const LOG_BYTES = 8

/** The ways to other peers. */
export interface PeerNetwork {
  connect(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection>
  /** The open connection to the peer. */
  connection(peer: string): Connection | undefined
  isLan(peer: string): boolean
  /** The address class that the peer's connection comes from. */
  originOf(peer: string): string
  isDirectory(peer: string): Promise<boolean>
}

/** Whom the sessions are for. */
export interface SessionOwner {
  /** Whether the conversation is open on this side's screen. */
  isOnScreen(peer: string): boolean
  stateChanged(peer: string, state: ConversationState): void
  sessionOpened(session: ChatSession): void
  sessionClosed(peer: string): void
  /** There will never be a session with this peer, for that reason. Never rejects. */
  sessionIsFutile(peer: string, why: string): Promise<void>
}

export interface PeerSessionsInit {
  readonly store: Pick<MessageStore, 'peersWithPending' | 'heldPosition'>
  readonly network: Pick<PeerNetwork, 'connect' | 'connection' | 'isDirectory'>
  readonly peers: Pick<PeerDirectory, 'name'>
  readonly owner: SessionOwner
  readonly now: () => number
}

export class PeerSessions {
  readonly #init: PeerSessionsInit
  readonly #reconnect: Reconnect
  readonly #states = new Map<string, ConversationState>()
  readonly #sessions = new Map<string, ChatSession>()
  /** What {@link SessionOwner.sessionIsFutile} is doing. */
  readonly #endings = new Set<Promise<void>>()
  #chat: ChatService | undefined

  constructor(init: PeerSessionsInit) {
    this.#init = init
    this.#reconnect = new Reconnect({
      hasSession: (peer) => this.#sessions.has(peer),
      attempt: async (peer, options) => this.#open(peer, options),
      isFutile: (error) => error instanceof DirectoryPeerError,
      onFutile: (peer, error) => this.#endInVain(peer, error),
      backoff: () => new Backoff(REDIAL_BACKOFF),
      isUrgent: (peer) => init.owner.isOnScreen(peer),
      onState: (peer, state) => this.#setState(peer, state),
      now: init.now
    })
  }

  start(chat: ChatService): void {
    this.#chat = chat
    chat.addEventListener('session:open', ({ detail }) => this.#opened(detail.session))
    chat.addEventListener('session:close', ({ detail }) => this.#lost(detail.peer.toString()))
  }

  /** Looks for no peer any more. */
  async stop(): Promise<void> {
    await this.#reconnect.stop()
    await Promise.all(this.#endings)
  }

  /** Says goodbye to everybody within a short time. */
  async sayGoodbye(): Promise<void> {
    const farewells = [...this.#sessions.values()].map(async (session) => session.bye('quit'))
    await orAborted(Promise.allSettled(farewells), AbortSignal.timeout(FAREWELL_TIMEOUT_MS)).catch(() => undefined)
  }

  of(peer: string): ChatSession | undefined {
    return this.#sessions.get(peer)
  }

  state(peer: string): ConversationState {
    return this.#states.get(peer) ?? { name: 'closed' }
  }

  /** Looks for every peer for which something waits. */
  async resume(): Promise<void> {
    const { store } = this.#init
    for (const peer of await store.peersWithPending()) {
      this.want(peer, { isNew: false, wasReached: (await store.heldPosition(peer)) !== undefined })
    }
  }

  /** See {@link Reconnect.want}. */
  want(peer: string, want?: Want): void {
    this.#reconnect.want(peer, want)
  }

  unwant(peer: string): void {
    this.#reconnect.unwant(peer)
  }

  isWanted(peer: string): boolean {
    return this.#reconnect.isWanted(peer)
  }

  /** There is news of the peer: if it is wanted, it is tried now. */
  wake(peer: string): void {
    this.#reconnect.wake(peer)
  }

  wakeAll(): void {
    this.#reconnect.wakeAll()
  }

  /** See {@link Reconnect.progressed}. */
  progressed(peer: string): void {
    this.#reconnect.progressed(peer)
  }

  /** There is no conversation with the peer, and none is looked for. */
  closed(peer: string): void {
    this.#setState(peer, { name: 'closed' })
  }

  /** A peer is looked for as long as it is on the screen or something waits for it. */
  async restIfDone(peer: string): Promise<void> {
    const { store, owner } = this.#init
    if (owner.isOnScreen(peer) || !this.isWanted(peer)) return
    const waiting = await store.peersWithPending()
    if (waiting.includes(peer) || owner.isOnScreen(peer)) return
    this.unwant(peer)
    if (this.of(peer) === undefined) this.closed(peer)
  }

  async #open(peer: string, { signal }: { signal: AbortSignal }): Promise<void> {
    const { network, peers } = this.#init
    try {
      const connection = await network.connect(peer, { signal })
      await this.#chat?.open(connection, { signal })
    } catch (error) {
      signal.throwIfAborted()
      throw explainSessionError(error, (await network.isDirectory(peer)) ? peers.name(peer) : undefined)
    }
  }

  #opened(session: ChatSession): void {
    const peer = session.peer.toString()
    const { network, owner } = this.#init
    this.#sessions.set(peer, session)
    const connection = network.connection(peer)
    const path = connection === undefined ? 'direct' : pathKindOf(connection.remoteAddr)
    this.#setState(peer, { name: 'open', dialect: session.dialect, path, ...rttOf(connection) })
    owner.sessionOpened(session)
    this.wake(peer)
  }

  #lost(peer: string): void {
    this.#sessions.delete(peer)
    this.#init.owner.sessionClosed(peer)
    if (!this.isWanted(peer)) this.closed(peer)
    this.wake(peer)
  }

  #endInVain(peer: string, error: unknown): void {
    this.closed(peer)
    const ending = this.#init.owner.sessionIsFutile(peer, error instanceof Error ? error.message : String(error))
    this.#endings.add(ending)
    void ending.then(() => this.#endings.delete(ending))
  }

  #setState(peer: string, state: ConversationState): void {
    if (state.name === 'closed') this.#states.delete(peer)
    else this.#states.set(peer, state)
    this.#init.owner.stateChanged(peer, state)
  }
}

type Logs = Pick<MessageStore, 'ownPosition' | 'heldPosition' | 'startNewLog'>

/** Nothing is stored for a peer that was never written to: any stranger can say Hello. */
export async function helloFor(store: Logs, peer: string): Promise<{ log: string; held?: LogPosition }> {
  const log = (await store.ownPosition(peer))?.log ?? randomBytes(LOG_BYTES).toString('hex')
  const held = await store.heldPosition(peer)
  return held === undefined ? { log } : { log, held }
}

/**
 * Begins another log when the other side holds more of ours than was ever sent from here, or a log of ours that this
 * history knows nothing of: its later part was lost with a copy that was restored, perhaps for the second time.
 */
export async function heed(store: Logs, peer: string, held: LogPosition | undefined): Promise<void> {
  if (held === undefined) return
  const own = await store.ownPosition(peer)
  if (own !== undefined && !isFromHere(held, own)) await store.startNewLog(peer, held.log)
}

/** What the other side holds was sent from this history. */
export function isFromHere(held: LogPosition, own: OwnPosition): boolean {
  return held.log === own.log ? held.seq <= own.sentSeq : held.log === own.follows
}
