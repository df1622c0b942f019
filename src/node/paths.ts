// The path to each peer as it is now: over what it runs, how long it takes there
// and back, and why there is none. It looks at connections and conversations, and
// changes neither.
import type { Connection } from '@libp2p/interface'
import { distanceOf, withDeadline } from '../wire/index.ts'
import { isLocal, withoutPeerId } from './address.ts'
import type { ConversationState, PathView } from './chat-events.ts'
import { PATH_ANSWER_MS } from './constants.ts'
import { PathWatch } from './path-watch.ts'

export interface PathsInit {
  /** The open connection to the peer. */
  readonly connection: (peer: string) => Connection | undefined
  readonly state: (peer: string) => ConversationState
  readonly isBlocked: (peer: string) => boolean
  /** The path to a peer on the screen, or its round-trip time, is another. */
  readonly onPath: (peer: string, path: PathView) => void
}

export class Paths {
  readonly #init: PathsInit
  /** Of the peers whose conversation is open on a screen. */
  readonly onScreen: PathWatch

  constructor(init: PathsInit) {
    this.#init = init
    this.onScreen = new PathWatch({
      pathOf: (peer) => this.of(peer),
      measure: async (peer, withinMs) => this.#ask(peer, withinMs).catch(() => undefined), // a link that ends says so itself
      onPath: init.onPath
    })
  }

  of(peer: string): PathView {
    const connection = this.#init.connection(peer)
    if (connection === undefined) return this.#none(peer)
    const { remoteAddr } = connection
    return {
      kind: isLocal(remoteAddr) ? 'lan' : 'direct',
      address: withoutPeerId(remoteAddr).toString(),
      ...rttOf(connection)
    }
  }

  /** How the conversation stands: what it says of an open connection's path is what {@link of} says. */
  ofConversation(peer: string): ConversationState {
    const state = this.#init.state(peer)
    const path = this.of(peer)
    if (state.name !== 'open' || path.kind === 'none') return state
    return {
      name: 'open',
      dialect: state.dialect,
      path: path.kind,
      ...(path.rttMs === undefined ? {} : { rttMs: path.rttMs })
    }
  }

  /** Asks how far the peer is, and waits for the answer for a moment. */
  async measure(peer: string, options: { readonly signal?: AbortSignal } = {}): Promise<PathView> {
    const asking = this.#ask(peer, 0)
    // Without an answer what is known says how long it has taken already.
    await withDeadline('read', PATH_ANSWER_MS, options.signal, async () => asking).catch(() => undefined)
    options.signal?.throwIfAborted()
    return this.of(peer)
  }

  async #ask(peer: string, withinMs: number): Promise<void> {
    const connection = this.#init.connection(peer)
    const distance = connection === undefined ? undefined : distanceOf(connection)
    if (distance !== undefined && distance.ageMs >= withinMs) await distance.measure()
  }

  #none(peer: string): PathView {
    if (this.#init.isBlocked(peer)) return { kind: 'none', why: 'the peer is blocked' }
    const state = this.#init.state(peer)
    switch (state.name) {
      case 'waiting':
        return { kind: 'none', why: state.why, retryAtMs: state.retryAtMs }
      case 'connecting':
        return { kind: 'none', why: 'a way to the peer is being looked for' }
      case 'open':
        return { kind: 'none', why: 'the connection was lost a moment ago' }
      case 'closed':
        return { kind: 'none', why: 'nothing has asked for a connection' }
    }
  }
}

/** In whole milliseconds, those begun counted, where it has been measured. */
export function rttOf(connection: Connection | undefined): { readonly rttMs?: number } {
  const ms = connection === undefined ? undefined : distanceOf(connection)?.ms
  return ms === undefined ? {} : { rttMs: Math.ceil(ms) }
}
