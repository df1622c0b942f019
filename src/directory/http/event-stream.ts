// One reader of /api/events: a snapshot, or what it has missed, then changes as
// they come. It writes the next event only when the last has left, so that a slow
// reader costs one event of memory; one that takes nothing, or falls out of the
// log, is dropped and may come back. Knows nothing of what the events say.
import type { ServerResponse } from 'node:http'
import type { EndJson } from './roster-api.ts'
import type { RosterFeed } from './roster-feed.ts'
import { encodeEvent } from './roster-feed.ts'

/** An answer that nobody reads ends after this. */
export const HTTP_STALL_TIMEOUT_MS = 15_000

/** One that gave way comes back after this: sooner it would take the place of one of its neighbours. */
export const EVICTED_RETRY_MS = 30_000

export type StreamEnd = 'closed' | 'too-slow' | 'evicted'

interface EventStreamInit {
  readonly response: ServerResponse
  readonly feed: RosterFeed
  /** The id of the last event that the reader has had. */
  readonly lastId: string | undefined
  readonly stallMs?: number
  readonly onEnd: (why: StreamEnd) => void
}

export class EventStream {
  readonly #init: EventStreamInit
  #cursor: number
  #pages: readonly Buffer[] = []
  #stalled: ReturnType<typeof setTimeout> | undefined
  #isOpen = true

  constructor(init: EventStreamInit) {
    this.#init = init
    const { feed, lastId } = init
    const had = lastId === undefined ? undefined : feed.log.seqOf(lastId)
    if (had !== undefined && feed.log.after(had) !== 'lost') this.#cursor = had
    else {
      const { seq, pages } = feed.snapshot()
      this.#cursor = seq
      this.#pages = pages
    }
  }

  start(): void {
    const { response, feed } = this.#init
    response.on('drain', () => {
      clearTimeout(this.#stalled)
      this.#stalled = undefined
      this.#more()
    })
    response.once('close', () => this.#end('closed'))
    response.once('error', () => this.#end('closed'))
    feed.addReader(this.#more)
    this.#more()
  }

  /** A sign of life, unless something is on its way anyhow. */
  beat(bytes: Buffer): void {
    if (this.#isOpen && this.#stalled === undefined) this.#write(bytes)
  }

  /** Ends it in good order. */
  end(): void {
    this.#init.response.end()
    this.#end('closed')
  }

  /** Gives its place to others. Its last event says why, and when to come back. */
  evict(reason: string): void {
    const { response } = this.#init
    const isStalled = this.#stalled !== undefined
    this.#end('evicted')
    if (isStalled) {
      response.destroy()
      return
    }
    const end: EndJson = { reason, retryAfterMs: EVICTED_RETRY_MS }
    response.setTimeout(this.#stallMs, () => response.destroy())
    response.end(Buffer.concat([Buffer.from(`retry: ${EVICTED_RETRY_MS}\n`), encodeEvent('end', end)]))
  }

  get #stallMs(): number {
    return this.#init.stallMs ?? HTTP_STALL_TIMEOUT_MS
  }

  readonly #more = (): void => {
    while (this.#isOpen && this.#stalled === undefined) {
      const [page, ...pages] = this.#pages
      if (page !== undefined) {
        this.#pages = pages
        this.#write(page)
        continue
      }
      const next = this.#init.feed.log.after(this.#cursor)
      if (next === undefined) return
      if (next === 'lost') {
        this.#drop()
        return
      }
      this.#cursor = next.seq
      this.#write(next.bytes)
    }
  }

  #write(bytes: Buffer): void {
    if (this.#init.response.write(bytes)) return
    this.#stalled = setTimeout(() => this.#drop(), this.#stallMs)
  }

  #drop(): void {
    this.#end('too-slow')
    this.#init.response.destroy()
  }

  #end(why: StreamEnd): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    clearTimeout(this.#stalled)
    this.#init.feed.removeReader(this.#more)
    this.#init.onEnd(why)
  }
}
