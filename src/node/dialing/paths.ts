// The path to each peer as it is now: what it runs over, the round-trip time, and
// why there is none. For peers whose conversation is on a screen it measures now and
// then, and reports changes. It reads connections and conversations, and changes
// neither.
import type { Connection } from '@libp2p/interface'
import { distanceOf, withDeadline } from '../../wire/index.ts'
import { pathKindOf, relayOf, remotePlaceOf, withoutPeerId } from './address.ts'
import type { ConversationState, NoDirectView, PathView } from '../api/chat-events.ts'

/** A caller waits this long for a measurement; after that the last known time is the answer. */
const PATH_ANSWER_MS = 2_000

/**
 * How often a peer whose conversation is open on a screen is asked for its round-trip time, when nothing else has shown
 * it: often enough to see a path become slow, and 24 bytes there and back.
 */
export const PATH_LOOK_MS = 10_000

export interface PathsInit {
  /** The open connection to the peer. */
  readonly connection: (peer: string) => Connection | undefined
  readonly state: (peer: string) => ConversationState
  readonly isBlocked: (peer: string) => boolean
  /** Why there is no direct path beside the relayed one. */
  readonly whyRelayed: (peer: string) => NoDirectView | undefined
  /** The path to a peer on the screen, or its round-trip time, has changed. */
  readonly onPath: (peer: string, path: PathView) => void
}

export class Paths {
  readonly #init: PathsInit
  /** The peers whose conversation is open on a screen. */
  readonly onScreen: PathWatch

  constructor(init: PathsInit) {
    this.#init = init
    this.onScreen = new PathWatch({
      pathOf: (peer) => this.of(peer),
      measure: async (peer, withinMs) => this.#ask(peer, withinMs).catch(() => undefined), // the end of a connection is reported anyway
      onPath: init.onPath
    })
  }

  of(peer: string): PathView {
    const connection = this.#init.connection(peer)
    if (connection === undefined) return this.#none(peer)
    const { remoteAddr } = connection
    const relay = relayOf(remoteAddr)
    const host = remotePlaceOf(remoteAddr)?.host
    const noDirect = relay === undefined ? undefined : this.#init.whyRelayed(peer)
    return {
      kind: pathKindOf(remoteAddr),
      ...(relay === undefined ? {} : { relay }),
      address: withoutPeerId(remoteAddr).toString(),
      ...(host === undefined ? {} : { host }),
      ...rttOf(connection),
      ...(noDirect === undefined ? {} : { noDirect })
    }
  }

  /** The state of the conversation, with the path as {@link of} shows it. */
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

  /** Measures the round-trip time, and waits for the answer for a moment. */
  async measure(peer: string, options: { readonly signal?: AbortSignal } = {}): Promise<PathView> {
    const asking = this.#ask(peer, 0)
    // Without an answer, the known time says how long the question has waited.
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
        return { kind: 'none', why: state.why, ...(state.lacksAddress ? {} : { retryAtMs: state.retryAtMs }) }
      case 'connecting':
        return { kind: 'none', why: 'looking for a path to the peer' }
      case 'open':
        return { kind: 'none', why: 'the connection was lost a moment ago' }
      case 'closed':
        return { kind: 'none', why: 'no connection is needed' }
    }
  }
}

/** Rounded up to whole milliseconds; empty where it has not been measured. */
export function rttOf(connection: Connection | undefined): { readonly rttMs?: number } {
  const ms = connection === undefined ? undefined : distanceOf(connection)?.ms
  return ms === undefined ? {} : { rttMs: Math.ceil(ms) }
}

const timesOfTries: ReadonlySet<string> = new Set<keyof NoDirectView>(['triedAtMs', 'retryAtMs'])

export interface PathWatchInit {
  readonly pathOf: (peer: string) => PathView
  /** Measures the round-trip time, unless it was measured within so many milliseconds; never rejects. */
  readonly measure: (peer: string, withinMs: number) => Promise<void>
  readonly onPath: (peer: string, path: PathView) => void
}

export class PathWatch {
  readonly #init: PathWatchInit
  /** The last report about each peer that is on a screen, as text. */
  readonly #reported = new Map<string, string>()
  #timer: NodeJS.Timeout | undefined

  constructor(init: PathWatchInit) {
    this.#init = init
  }

  /** The conversation is on the screen until {@link unwatch}. */
  watch(peer: string): void {
    if (!this.#reported.has(peer)) this.#reported.set(peer, '')
    this.#timer ??= setInterval(() => this.#lookAll(), PATH_LOOK_MS).unref()
    this.look(peer)
  }

  unwatch(peer: string): void {
    this.#reported.delete(peer)
    if (this.#reported.size === 0) this.stop()
  }

  /** There may be another path to the peer now, or none. */
  look(peer: string): void {
    if (!this.#reported.has(peer)) return
    this.#report(peer)
    void this.#init.measure(peer, PATH_LOOK_MS).then(() => this.#report(peer))
  }

  stop(): void {
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#reported.clear()
  }

  #lookAll(): void {
    for (const peer of this.#reported.keys()) this.look(peer)
  }

  #report(peer: string): void {
    const before = this.#reported.get(peer)
    if (before === undefined) return
    const path = this.#init.pathOf(peer)
    // When a direct path was tried is asked for, and no news.
    const text = JSON.stringify(path, (key, value: unknown) => (timesOfTries.has(key) ? undefined : value))
    if (text === before) return
    this.#reported.set(peer, text)
    this.#init.onPath(peer, path)
  }
}
