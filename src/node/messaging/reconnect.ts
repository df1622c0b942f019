// Keeps trying to have a chat session with each peer that is wanted: with
// back-off and jitter, woken by any news of the peer, for as long as it is
// wanted. It knows neither how a peer is reached nor what is said to it.
import type { Backoff } from '../../lib/index.ts'
import type { ConversationState } from '../api/chat-events.ts'
import { LruMap, PrioritySemaphore, Wakeup } from '../../lib/index.ts'

/**
 * A peer whose conversation is on the screen, or which was talked with a moment ago, is tried at least this often; others
 * wait for longer, or for a sighting.
 */
export const URGENT_REDIAL_MAX_MS = 30_000

/**
 * A moment ago, after the last message or receipt of the peer: the time of a restart, a reboot or an update. Where no
 * directory and no LAN shows that it is back, and it has nothing to send, only a try finds out.
 */
export const LATELY_HEARD_MS = 10 * 60_000

/** Peers that are remembered for that; others wait as if it was longer ago. */
const MAX_LATELY_HEARD = 1_000

/** After a session of this length the back-off starts over, even if no message was exchanged. */
export const STEADY_SESSION_MS = 30_000

/** News of a peer never makes tries follow each other faster than this. */
export const MIN_REDIAL_GAP_MS = 250

/** … nor faster than this part of the back-off: a peer that hangs up on us is asked every two seconds at last. */
const REDIAL_GAP_PART = 1 / 16

/**
 * A try that has taken so long when the network changes, or takes so long after that, begins anew: dials that nobody
 * answers on the network that was would hold it for seconds. Most that lead anywhere are over by then.
 */
export const OUTDATED_TRY_MS = 1_000

/** Peers that are dialled at the same time: many absent friends are no dial storm. */
export const MAX_RECONNECTS_AT_ONCE = 12

/**
 * Dials that must stay free for peers of a higher priority, by priority: never reached, reached before, just written to
 * or just heard of, and on the screen. An absent peer holds its dial for five seconds, so a friend who is online would
 * wait for minutes behind a thousand of them.
 */
export const DIALS_KEPT_FREE = [4, 4, 2, 0] as const

/** A peer that was written to or heard of within this time is dialled before others: as long as one round of dials takes. */
const RECENT_NEWS_MS = 30_000

export interface ReconnectInit {
  /** True while a chat session with the peer is open. */
  readonly hasSession: (peer: string) => boolean
  /** One attempt to have one; resolves after the Hello. */
  readonly attempt: (peer: string, options: { signal: AbortSignal }) => Promise<void>
  /** Whether there will never be one, by why an attempt failed. */
  readonly isFutile: (error: unknown) => boolean
  /** Whether an attempt has failed because no address is known. Default never. */
  readonly lacksAddress?: (error: unknown) => boolean
  /** It is no longer looked for, for that reason. */
  readonly onFutile: (peer: string, error: unknown) => void
  readonly backoff: () => Backoff
  /** The user looks at the conversation: its peer is tried more often. */
  readonly isUrgent: (peer: string) => boolean
  readonly onState: (peer: string, state: ConversationState) => void
  readonly now: () => number
}

/** Why a peer is looked for now; without any of it, for messages that have waited since before the start. */
export interface Want {
  /** Default: the user has just written to it or chosen it. */
  readonly isNew?: boolean
  /** There was a conversation with it, in this run or an earlier one. */
  readonly wasReached?: boolean
}

/** Who is dialled first; see `DIALS_KEPT_FREE`. */
const priorities = { neverReached: 0, reachedBefore: 1, recent: 2, onScreen: 3 } as const

interface Search {
  readonly life: AbortController
  readonly news: Wakeup
  /** When the user wrote to it last, or something was heard of it. */
  recentAtMs: number
  wasReached: boolean
  /** Since the last try the peer has stored something of ours, or written. */
  hasProgressed: boolean
  /** While it tries: the network has changed since it began. */
  outdate: (() => void) | undefined
  /** While it waits whatever is heard of the peer: a change of the network ends that. */
  gap: Wakeup | undefined
  done: Promise<void>
}

/** Why there is no session, and whether the network has changed since it was tried. */
interface Failure {
  readonly error: unknown
  readonly isOutdated: boolean
}

export class Reconnect {
  readonly #init: ReconnectInit
  readonly #searches = new Map<string, Search>()
  /** When each peer stored something of ours or wrote last, the latest last. */
  readonly #heardAtMs = new LruMap<string, number>(MAX_LATELY_HEARD)
  readonly #dials = new PrioritySemaphore(MAX_RECONNECTS_AT_ONCE, DIALS_KEPT_FREE)

  constructor(init: ReconnectInit) {
    this.#init = init
  }

  isWanted(peer: string): boolean {
    return this.#searches.has(peer)
  }

  /** Looks for the peer until {@link unwant}; when it does already, it tries now. */
  want(peer: string, { isNew = true, wasReached = false }: Want = {}): void {
    if (this.#searches.has(peer)) {
      this.wake(peer)
      return
    }
    const search: Search = {
      life: new AbortController(),
      news: new Wakeup(),
      recentAtMs: isNew ? this.#init.now() : -Infinity,
      wasReached,
      hasProgressed: false,
      outdate: undefined,
      gap: undefined,
      done: Promise.resolve()
    }
    this.#searches.set(peer, search)
    search.done = this.#run(peer, search)
  }

  unwant(peer: string): void {
    const search = this.#searches.get(peer)
    this.#searches.delete(peer)
    search?.life.abort()
  }

  /** There is news of the peer: a record, a sighting, a connection, a session that opened or closed. */
  wake(peer: string): void {
    const search = this.#searches.get(peer)
    if (search === undefined) return
    search.recentAtMs = this.#init.now()
    search.news.wake()
    // It may be waiting for a dial already, behind peers without news.
    this.#dials.serve()
  }

  /** The peer has stored something of ours, or written: what it is dialled for is done. */
  progressed(peer: string): void {
    this.#heardAtMs.set(peer, this.#init.now())
    const search = this.#searches.get(peer)
    if (search !== undefined) search.hasProgressed = true
  }

  /** The network has changed: what failed before may work now, and what is tried now was begun on the network that was. */
  wakeAll(): void {
    for (const search of this.#searches.values()) search.outdate?.()
    this.relayCame()
  }

  /** A relay has come into use: what failed before may work now, and what is tried now asks it too. */
  relayCame(): void {
    for (const search of this.#searches.values()) {
      search.gap?.wake()
      search.news.wake()
    }
  }

  async stop(): Promise<void> {
    const searches = [...this.#searches.values()]
    for (const peer of this.#searches.keys()) this.unwant(peer)
    await Promise.all(searches.map(async (search) => search.done))
  }

  async #run(peer: string, search: Search): Promise<void> {
    const { signal } = search.life
    const backoff = this.#init.backoff()
    let isAgain = false
    while (!signal.aborted) {
      const failure = await this.#tryOnce(peer, search, { isAgain })
      if (failure !== undefined && !signal.aborted && this.#init.isFutile(failure.error)) {
        this.#searches.delete(peer)
        this.#init.onFutile(peer, failure.error)
        return
      }
      if (failure === undefined) {
        search.wasReached = true
        const openedAtMs = this.#init.now()
        while (!signal.aborted && this.#init.hasSession(peer)) await search.news.sleep(signal)
        // A Hello costs nothing: a peer that says it and hangs up is dialled less and less often.
        if (search.hasProgressed || this.#init.now() - openedAtMs >= STEADY_SESSION_MS) backoff.reset()
        search.hasProgressed = false
      }
      if (signal.aborted) return
      isAgain = failure?.isOutdated === true
      if (isAgain) continue
      const patientMs = backoff.nextMs()
      const waitMs = this.#isTriedOften(peer) ? Math.min(patientMs, URGENT_REDIAL_MAX_MS) : patientMs
      this.#init.onState(peer, {
        name: 'waiting',
        why: failure === undefined ? 'the connection was lost' : whyOf(failure.error),
        retryAtMs: this.#init.now() + waitMs,
        ...(failure !== undefined && this.#init.lacksAddress?.(failure.error) === true ? { lacksAddress: true } : {})
      })
      // A part that no news of the peer can end: each try that comes as far as a connection makes news itself.
      const gapMs = Math.max(MIN_REDIAL_GAP_MS, Math.min(waitMs, URGENT_REDIAL_MAX_MS) * REDIAL_GAP_PART)
      await new Wakeup().sleep(signal, MIN_REDIAL_GAP_MS)
      search.gap = new Wakeup()
      await search.gap.sleep(signal, gapMs - MIN_REDIAL_GAP_MS)
      search.gap = undefined
      await search.news.sleep(signal, waitMs - gapMs)
    }
  }

  /**
   * @param options.isAgain the try before it was outdated: this one is not, so that a directory that comes and goes all
   *   the time does not end every try
   * @returns undefined when there is a session
   */
  async #tryOnce(peer: string, search: Search, options: { readonly isAgain: boolean }): Promise<Failure | undefined> {
    const { signal } = search.life
    await this.#dials.take(signal, () => this.#priorityOf(peer, search))
    const startedAtMs = this.#init.now()
    const life = new AbortController()
    let timer: NodeJS.Timeout | undefined
    search.outdate = () => {
      if (options.isAgain) return
      timer ??= setTimeout(() => life.abort(), Math.max(0, startedAtMs + OUTDATED_TRY_MS - this.#init.now()))
    }
    try {
      if (this.#init.hasSession(peer)) return undefined
      if (!options.isAgain) this.#init.onState(peer, { name: 'connecting' })
      await this.#init.attempt(peer, { signal: AbortSignal.any([signal, life.signal]) })
      return undefined
    } catch (error) {
      return { error, isOutdated: timer !== undefined }
    } finally {
      clearTimeout(timer)
      search.outdate = undefined
      this.#dials.giveBack()
    }
  }

  #isTriedOften(peer: string): boolean {
    const heardAtMs = this.#heardAtMs.get(peer) ?? -Infinity
    return this.#init.isUrgent(peer) || this.#init.now() - heardAtMs < LATELY_HEARD_MS
  }

  #priorityOf(peer: string, { recentAtMs, wasReached }: Search): number {
    if (this.#init.isUrgent(peer)) return priorities.onScreen
    if (this.#init.now() - recentAtMs < RECENT_NEWS_MS) return priorities.recent
    return wasReached ? priorities.reachedBefore : priorities.neverReached
  }
}

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
