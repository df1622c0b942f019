// Keeps trying to have a chat session with each peer that is wanted: with
// back-off and jitter, woken by any news of the peer, for as long as it is
// wanted. What a way to a peer is, and what is said on it, others know.
import type { Backoff } from './backoff.ts'
import type { ConversationState } from './chat-events.ts'
import {
  DIALS_KEPT_FREE,
  MAX_PURSUITS_AT_ONCE,
  MIN_REDIAL_GAP_MS,
  RECENT_NEWS_MS,
  REDIAL_GAP_PART,
  STEADY_SESSION_MS,
  URGENT_REDIAL_MAX_MS
} from './constants.ts'
import { PrioritySemaphore } from './priority-semaphore.ts'
import { Wakeup } from './wakeup.ts'

export interface PursuitInit {
  /** True while a chat session with the peer is open. */
  readonly hasSession: (peer: string) => boolean
  /** One attempt to have one; resolves after the Hello. */
  readonly attempt: (peer: string, options: { signal: AbortSignal }) => Promise<void>
  /** Whether there will never be one, by why an attempt failed. */
  readonly isFutile: (error: unknown) => boolean
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

interface Chase {
  readonly life: AbortController
  readonly news: Wakeup
  /** When the user wrote to it last, or something was heard of it. */
  recentAtMs: number
  wasReached: boolean
  /** Since the last try the peer has stored something of ours, or written. */
  hasProgressed: boolean
  done: Promise<void>
}

export class Pursuit {
  readonly #init: PursuitInit
  readonly #chases = new Map<string, Chase>()
  readonly #dials = new PrioritySemaphore(MAX_PURSUITS_AT_ONCE, DIALS_KEPT_FREE)

  constructor(init: PursuitInit) {
    this.#init = init
  }

  isWanted(peer: string): boolean {
    return this.#chases.has(peer)
  }

  /** Looks for the peer until {@link unwant}; when it does already, it tries now. */
  want(peer: string, { isNew = true, wasReached = false }: Want = {}): void {
    if (this.#chases.has(peer)) {
      this.wake(peer)
      return
    }
    const chase: Chase = {
      life: new AbortController(),
      news: new Wakeup(),
      recentAtMs: isNew ? this.#init.now() : -Infinity,
      wasReached,
      hasProgressed: false,
      done: Promise.resolve()
    }
    this.#chases.set(peer, chase)
    chase.done = this.#run(peer, chase)
  }

  unwant(peer: string): void {
    const chase = this.#chases.get(peer)
    this.#chases.delete(peer)
    chase?.life.abort()
  }

  /** There is news of the peer: a record, a sighting, a connection, a session that opened or closed. */
  wake(peer: string): void {
    const chase = this.#chases.get(peer)
    if (chase === undefined) return
    chase.recentAtMs = this.#init.now()
    chase.news.wake()
    // It may be waiting for a dial already, behind peers without news.
    this.#dials.serve()
  }

  /** The peer has stored something of ours, or written: what it is dialled for is done. */
  progressed(peer: string): void {
    const chase = this.#chases.get(peer)
    if (chase !== undefined) chase.hasProgressed = true
  }

  /** The network has changed: what failed before may work now. */
  wakeAll(): void {
    for (const chase of this.#chases.values()) chase.news.wake()
  }

  async stop(): Promise<void> {
    const chases = [...this.#chases.values()]
    for (const peer of this.#chases.keys()) this.unwant(peer)
    await Promise.all(chases.map(async (chase) => chase.done))
  }

  async #run(peer: string, chase: Chase): Promise<void> {
    const { signal } = chase.life
    const backoff = this.#init.backoff()
    while (!signal.aborted) {
      const failure = await this.#tryOnce(peer, chase)
      if (failure !== undefined && !signal.aborted && this.#init.isFutile(failure.error)) {
        this.#chases.delete(peer)
        this.#init.onFutile(peer, failure.error)
        return
      }
      if (failure === undefined) {
        chase.wasReached = true
        const openedAtMs = this.#init.now()
        while (!signal.aborted && this.#init.hasSession(peer)) await chase.news.sleep(signal)
        // A Hello costs nothing: a peer that says it and hangs up is dialled less and less often.
        if (chase.hasProgressed || this.#init.now() - openedAtMs >= STEADY_SESSION_MS) backoff.reset()
        chase.hasProgressed = false
      }
      if (signal.aborted) return
      const patientMs = backoff.nextMs()
      const waitMs = this.#init.isUrgent(peer) ? Math.min(patientMs, URGENT_REDIAL_MAX_MS) : patientMs
      this.#init.onState(peer, {
        name: 'waiting',
        why: failure === undefined ? 'the connection was lost' : whyOf(failure.error),
        retryAtMs: this.#init.now() + waitMs
      })
      // A part that no news can end: each try that comes as far as a connection makes news itself.
      const gapMs = Math.max(MIN_REDIAL_GAP_MS, Math.min(waitMs, URGENT_REDIAL_MAX_MS) * REDIAL_GAP_PART)
      await new Wakeup().sleep(signal, gapMs)
      await chase.news.sleep(signal, waitMs - gapMs)
    }
  }

  /** @returns undefined when there is a session */
  async #tryOnce(peer: string, chase: Chase): Promise<{ readonly error: unknown } | undefined> {
    const { signal } = chase.life
    await this.#dials.take(signal, () => this.#priorityOf(peer, chase))
    try {
      if (this.#init.hasSession(peer)) return undefined
      this.#init.onState(peer, { name: 'connecting' })
      await this.#init.attempt(peer, { signal })
      return undefined
    } catch (error) {
      return { error }
    } finally {
      this.#dials.giveBack()
    }
  }

  #priorityOf(peer: string, { recentAtMs, wasReached }: Chase): number {
    if (this.#init.isUrgent(peer)) return priorities.onScreen
    if (this.#init.now() - recentAtMs < RECENT_NEWS_MS) return priorities.recent
    return wasReached ? priorities.reachedBefore : priorities.neverReached
  }
}

function whyOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
