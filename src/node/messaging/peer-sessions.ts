// The chat session with each peer: it is looked for while the peer is wanted, moves to
// a better path, has a state that faces show, and begins with what its Hello says of our
// log. What is said in it is not its business.
import { randomBytes } from 'node:crypto'
import type { Connection } from '@libp2p/interface'
import type { ChatService, ChatSession } from '../../chat-protocol/index.ts'
import { Backoff } from '../../lib/index.ts'
import type { LogPosition, MessageStore, OwnPosition } from '../../storage/index.ts'
import { orAborted } from '../../wire/index.ts'
import type { ConversationState, NoDirectView, PathKind } from '../api/chat-events.ts'
import { DirectoryPeerError, NoAddressError } from '../api/errors.ts'
import { pathKindOf } from '../dialing/address.ts'
import { rttOf } from '../dialing/paths.ts'
import type { PeerDirectory } from '../peers/peer-directory.ts'
import { BETTER_PATH_BACKOFF, BetterPaths } from './better-paths.ts'
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
  /** Dials the peer's own addresses, also beside a relayed connection. */
  connectBetter(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection>
  /** Makes a direct path through the routers between the two, beside a relayed connection. */
  punch(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection>
  /** Why it makes none to a peer that is not a contact, in words. */
  readonly whyNotStrangers: string
  /** The best connection to the peer that is open. */
  connection(peer: string): Connection | undefined
  /** Closes relayed connections beside a better one. @returns how many stay, as they are in use */
  closeSuperseded(peer: string): number
  /** What was sent to the peer brings no answer: the connection may be dead. */
  unanswered(peer: string): void
  isLan(peer: string): boolean
  /** The address class that the peer's connection comes from. */
  originOf(peer: string): string
  isDirectory(peer: string): Promise<boolean>
}

/** Whom the sessions are for. */
export interface SessionOwner {
  /** Whether the conversation is open on this side's screen. */
  isOnScreen(peer: string): boolean
  /** The user has chosen the peer. */
  isContact(peer: string): boolean
  stateChanged(peer: string, state: ConversationState): void
  sessionOpened(session: ChatSession): void
  sessionClosed(peer: string): void
  /** There will never be a session with this peer, for that reason. Never rejects. */
  sessionIsFutile(peer: string, why: string): Promise<void>
}

export interface PeerSessionsInit {
  readonly store: Pick<MessageStore, 'peersWithPending' | 'heldPosition'>
  readonly network: Omit<PeerNetwork, 'isLan' | 'originOf'>
  readonly peers: Pick<PeerDirectory, 'name'>
  readonly owner: SessionOwner
  readonly now: () => number
}

export class PeerSessions {
  readonly #init: PeerSessionsInit
  readonly #reconnect: Reconnect
  readonly #betterPaths: BetterPaths
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
      lacksAddress: (error) => error instanceof NoAddressError,
      onFutile: (peer, error) => this.#endInVain(peer, error),
      backoff: () => new Backoff(REDIAL_BACKOFF),
      isUrgent: (peer) => init.owner.isOnScreen(peer),
      onState: (peer, state) => this.#setState(peer, state),
      now: init.now
    })
    const { network, owner } = init
    this.#betterPaths = new BetterPaths({
      carriers: (peer) => {
        const session = this.#sessions.get(peer)
        const own = session === undefined ? undefined : this.#chat?.ownConnection(session.peer)
        return { session: session?.connection, own }
      },
      connection: (peer) => network.connection(peer),
      connectBetter: async (peer, options) => network.connectBetter(peer, options),
      punch: async (peer, options) => network.punch(peer, options),
      // A dial or a punched path shows this side's address: a stranger behind a relay does not get it by a request.
      mayDial: (peer) => owner.isContact(peer),
      whyNotStrangers: network.whyNotStrangers,
      move: async (connection) => this.#chat?.move(connection),
      closeSuperseded: (peer) => network.closeSuperseded(peer),
      backoff: () => new Backoff(BETTER_PATH_BACKOFF),
      now: init.now
    })
  }

  start(chat: ChatService): void {
    this.#chat = chat
    chat.addEventListener('session:open', ({ detail }) => this.#opened(detail.session, detail))
    chat.addEventListener('session:moved', ({ detail }) => this.#moved(detail.peer.toString()))
    chat.addEventListener('session:close', ({ detail }) => this.#lost(detail.peer.toString()))
  }

  /** Looks for no peer any more. */
  async stop(): Promise<void> {
    await Promise.all([this.#reconnect.stop(), this.#betterPaths.stop()])
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
    this.#betterPaths.look(peer)
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
    this.#betterPaths.look(peer)
  }

  wakeAll(): void {
    this.#reconnect.wakeAll()
    this.#betterPaths.lookAll()
  }

  /** See {@link BetterPaths.whyRelayed}. */
  whyRelayed(peer: string): NoDirectView | undefined {
    return this.#betterPaths.whyRelayed(peer)
  }

  /** One side has chosen the other: only contacts make direct paths, so one may be made now. */
  chosen(peer: string): void {
    this.#betterPaths.look(peer)
  }

  relayCame(): void {
    this.#reconnect.relayCame()
    this.#betterPaths.lookAll()
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

  #opened(session: ChatSession, { resumed }: { readonly resumed: boolean }): void {
    const peer = session.peer.toString()
    this.#sessions.set(peer, session)
    // To the user a session that resumes is the same.
    if (!resumed) this.#setOpen(session)
    this.#init.owner.sessionOpened(session)
    this.wake(peer)
  }

  #moved(peer: string): void {
    const session = this.#sessions.get(peer)
    const state = this.#states.get(peer)
    if (session !== undefined && state?.name === 'open' && state.path !== pathOf(session)) this.#setOpen(session)
    this.#betterPaths.look(peer)
  }

  #setOpen(session: ChatSession): void {
    const { peer, dialect, connection } = session
    this.#setState(peer.toString(), { name: 'open', dialect, path: pathOf(session), ...rttOf(connection) })
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

function pathOf({ connection }: ChatSession): PathKind {
  return connection === undefined ? 'direct' : pathKindOf(connection.remoteAddr)
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
