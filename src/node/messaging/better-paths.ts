// Moves the conversation with each peer to the best path that there is. While it is
// relayed, this looks for a better one: at any news of the peer, and else with
// back-off. It knows neither the addresses of a peer nor what is said.
import type { Connection } from '@libp2p/interface'
import { PrioritySemaphore, Wakeup, type Backoff } from '../../lib/index.ts'
import { toError } from '../../wire/index.ts'
import type { NoDirectView } from '../api/chat-events.ts'
import { isRelayed, pathRankOf } from '../dialing/address.ts'
import { MIN_REDIAL_GAP_MS, URGENT_REDIAL_MAX_MS } from './reconnect.ts'

/** A peer that was never reached but through a relay is dialled this often: a network may change and not say so. */
export const BETTER_PATH_BACKOFF = { firstMs: 2_000, maxMs: 300_000 } as const

/** News never makes tries follow each other faster than this part of the back-off: most news is no new path. */
const NEWS_GAP_PART = 1 / 16

/**
 * A path through the routers is looked for so long after the peer's own addresses are dialled, or when none answers: a
 * handshake on a LAN is over by then, and is better.
 */
const PUNCH_AFTER_MS = 250

/** Peers that are dialled for a better path at a time. Those that are not reached at all have dials of their own. */
const MAX_BETTER_PATH_DIALS = 4

export interface BetterPathsInit {
  /** The connections of the peer's session. */
  readonly carriers: (peer: string) => Carriers
  /** The best connection to the peer that is open. */
  readonly connection: (peer: string) => Connection | undefined
  /** Dials the peer's own addresses, also beside a relayed connection. */
  readonly connectBetter: (peer: string, options: { readonly signal: AbortSignal }) => Promise<Connection>
  /** Makes a direct path through the routers between the two, beside a relayed connection. */
  readonly punch: (peer: string, options: { readonly signal: AbortSignal }) => Promise<Connection>
  /** Whether this side may dial the peer for nothing but a better path. */
  readonly mayDial: (peer: string) => boolean
  /** Why there is no direct path where it may not, in words. */
  readonly whyNotStrangers: string
  /** The session goes on over this connection, as far as this side has opened its streams. */
  readonly move: (connection: Connection) => Promise<unknown>
  /** Closes relayed connections beside a better one. @returns how many stay, as they are in use */
  readonly closeSuperseded: (peer: string) => number
  readonly backoff: () => Backoff
  /** Milliseconds since 1970. */
  readonly now: () => number
}

interface Carriers {
  /** What is sent goes on this one. */
  readonly session: Connection | undefined
  /** The stream that this side has opened is on this one. */
  readonly own: Connection | undefined
}

interface Search {
  readonly life: AbortController
  readonly news: Wakeup
  /** What came of the last try to leave the relay. */
  failed: { readonly why: string; readonly atMs: number } | undefined
  /** Meaningless while it tries. */
  retryAtMs: number
  done: Promise<void>
}

export class BetterPaths {
  readonly #init: BetterPathsInit
  readonly #searches = new Map<string, Search>()
  readonly #dials = new PrioritySemaphore(MAX_BETTER_PATH_DIALS, [0])
  #isOpen = true

  constructor(init: BetterPathsInit) {
    this.#init = init
  }

  /** There may be a better path to the peer now: a session was opened or has moved, or there is news of the peer. */
  look(peer: string): void {
    const running = this.#searches.get(peer)
    if (running !== undefined) return running.news.wake()
    if (!this.#isOpen || this.#settle(peer)) return
    const search: Search = {
      life: new AbortController(),
      news: new Wakeup(),
      failed: undefined,
      retryAtMs: 0,
      done: Promise.resolve()
    }
    this.#searches.set(peer, search)
    search.done = this.#run(peer, search)
  }

  /** Why the conversation with the peer is still relayed; undefined where no try has failed. */
  whyRelayed(peer: string): NoDirectView | undefined {
    const { mayDial, whyNotStrangers } = this.#init
    const search = this.#searches.get(peer)
    if (search === undefined || !this.#isRelayed(peer)) return undefined
    if (!mayDial(peer)) return { why: whyNotStrangers }
    const { failed, retryAtMs } = search
    return failed === undefined ? undefined : { why: failed.why, triedAtMs: failed.atMs, retryAtMs }
  }

  /** The network has changed. */
  lookAll(): void {
    for (const { news } of this.#searches.values()) news.wake()
  }

  async stop(): Promise<void> {
    this.#isOpen = false
    const searches = [...this.#searches.values()]
    for (const { life } of searches) life.abort()
    await Promise.all(searches.map(async ({ done }) => done))
  }

  async #run(peer: string, search: Search): Promise<void> {
    const { life, news } = search
    const { signal } = life
    const backoff = this.#init.backoff()
    while (!signal.aborted) {
      await this.#improve(peer, search)
      if (signal.aborted || this.#settle(peer)) break
      const waitMs = backoff.nextMs()
      search.retryAtMs = this.#init.now() + waitMs
      // A part that no news can end: each try that comes as far as a connection makes news itself.
      const gapMs = Math.max(MIN_REDIAL_GAP_MS, Math.min(waitMs, URGENT_REDIAL_MAX_MS) * NEWS_GAP_PART)
      await new Wakeup().sleep(signal, gapMs)
      await news.sleep(signal, waitMs - gapMs)
    }
    this.#searches.delete(peer)
  }

  /** The first better connection, by whichever side. What is still tried goes on, as it may lead to an even better one. */
  async #connect(peer: string, news: Wakeup, signal: AbortSignal): Promise<void> {
    const { connectBetter, punch } = this.#init
    const dial = async (): Promise<void> => {
      const { remoteAddr } = await connectBetter(peer, { signal })
      // An attempt that another caller has begun may answer with a relay.
      if (isRelayed(remoteAddr)) throw new Error('only a relay has answered')
    }
    const dialled = dial()
    const punchThrough = async (): Promise<void> => {
      const dialIsOver = new Wakeup()
      void dialled.finally(() => dialIsOver.wake()).catch(() => undefined)
      await dialIsOver.sleep(signal, PUNCH_AFTER_MS)
      signal.throwIfAborted()
      if (this.#isRelayed(peer)) await punch(peer, { signal })
    }
    const over = new AbortController()
    try {
      const tried = Promise.any([dialled, punchThrough()])
      await Promise.race([tried, this.#reachedByPeer(peer, news, AbortSignal.any([signal, over.signal]))])
    } finally {
      over.abort()
    }
  }

  /** Resolves when the peer itself has made a better connection. News of anything else count for the next try. */
  async #reachedByPeer(peer: string, news: Wakeup, signal: AbortSignal): Promise<void> {
    let isNews = false
    while (this.#isRelayed(peer) && !signal.aborted) {
      await news.sleep(signal)
      isNews ||= !signal.aborted
    }
    if (signal.aborted && isNews) news.wake()
  }

  #isRelayed(peer: string): boolean {
    const open = this.#init.connection(peer)
    return open !== undefined && isRelayed(open.remoteAddr)
  }

  /** Lets go of relayed connections that are not needed any more. @returns whether nothing is left to improve */
  #settle(peer: string): boolean {
    const { session, own } = this.#init.carriers(peer)
    if (session === undefined) return true
    const best = this.#init.connection(peer)
    if (best === undefined) return true
    if (isRelayed(best.remoteAddr)) return false
    const isBehind = [session, own].some((one) => one !== undefined && isBetter(best, one))
    return this.#init.closeSuperseded(peer) === 0 && !isBehind
  }

  async #improve(peer: string, search: Search): Promise<void> {
    const { carriers, connection, mayDial, move, now } = this.#init
    const { signal } = search.life
    try {
      if (this.#isRelayed(peer) && mayDial(peer)) {
        await this.#dials.take(signal, () => 0)
        try {
          await this.#connect(peer, search.news, signal)
        } finally {
          this.#dials.giveBack()
        }
      }
      const best = connection(peer)
      const { own } = carriers(peer)
      if (best !== undefined && own !== undefined && isBetter(best, own)) await move(best)
    } catch (error) {
      // It stays where it is, until the next try.
      if (signal.aborted) return
      const reasons: readonly unknown[] = error instanceof AggregateError ? error.errors : [error]
      // The last one is about the direct path, and says more than how the dials of the peer's addresses failed.
      search.failed = { why: toError(reasons.at(-1)).message, atMs: now() }
      for (const one of reasons) connection(peer)?.log('there is no better path yet - %e', toError(one))
    }
  }
}

function isBetter(one: Connection, other: Connection): boolean {
  return pathRankOf(one.remoteAddr) > pathRankOf(other.remoteAddr)
}
