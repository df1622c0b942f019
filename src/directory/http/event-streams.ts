// The readers of /api/events: pages that look on. They share a number of places by
// address class, and of a full room the largest holder's oldest gives way. Knows
// nothing of what the events say.
import type { IncomingMessage, ServerResponse } from 'node:http'
import { Shares } from '../../wire/index.ts'
import type { Eviction } from './http-connections.ts'
import type { DirectoryFigures } from './metrics.ts'
import { encodeEvent } from './roster-feed.ts'
import type { RosterFeed } from './roster-feed.ts'

/** Pages that look on at one time. Of a fuller room the largest holder's oldest gives way. */
export const MAX_EVENT_STREAMS = 256

/** A sign of life: a page that has heard nothing for three of these connects anew. */
const BEAT_MS = 5_000

/** An answer that nobody reads ends after this. */
export const HTTP_STALL_TIMEOUT_MS = 15_000

/** One that gave way comes back after this: sooner it would take the place of one of its neighbours. */
export const EVICTED_READER_RETRY_MS = 30_000

interface EventStreamsInit {
  readonly feed: RosterFeed
  readonly onEviction: (eviction: Eviction) => void
  readonly metrics?: Pick<DirectoryFigures['http'], 'streams' | 'streamDropped'> | undefined
  readonly wallNow?: (() => number) | undefined
  readonly stallMs?: number | undefined
  readonly beatMs?: number | undefined
}

export class EventStreams {
  readonly #init: EventStreamsInit
  readonly #open = new Set<EventStream>()
  readonly #shares = new Shares<EventStream>({ capacity: MAX_EVENT_STREAMS })
  #beat: ReturnType<typeof setInterval> | undefined

  constructor(init: EventStreamsInit) {
    this.#init = init
  }

  start(): void {
    this.#beat ??= setInterval(() => this.#giveSignsOfLife(), this.#init.beatMs ?? BEAT_MS)
  }

  stop(): void {
    clearInterval(this.#beat)
    this.#beat = undefined
    for (const stream of this.#open) stream.end()
  }

  /** @param holder the address class of the client */
  answer(url: URL, request: IncomingMessage, response: ServerResponse, holder: string): void {
    response.setTimeout(0)
    response.writeHead(200, {
      'cache-control': 'no-store',
      'content-type': 'text/event-stream; charset=utf-8',
      // nginx would gather events otherwise.
      'x-accel-buffering': 'no'
    })
    if (request.method === 'HEAD') {
      response.end()
      return
    }
    const { feed, metrics, stallMs = HTTP_STALL_TIMEOUT_MS } = this.#init
    const header = request.headers['last-event-id']
    const lastId = (typeof header === 'string' ? header : undefined) ?? url.searchParams.get('after') ?? undefined
    const stream = new EventStream({
      response,
      feed,
      lastId,
      stallMs,
      onEnd: (why) => {
        this.#open.delete(stream)
        this.#shares.delete(stream)
        if (why === 'too-slow') metrics?.streamDropped()
        metrics?.streams(this.#open.size)
      }
    })
    this.#makeRoom(holder)
    this.#open.add(stream)
    this.#shares.add(stream, holder)
    metrics?.streams(this.#open.size)
    stream.start()
  }

  /** The largest holder's own newcomers may fill the room, so that pages behind one address have all of it. */
  #makeRoom(newcomer: string): void {
    const shares = this.#shares
    const [largest] = shares.holders()
    if (largest === undefined || !shares.isUnderPressure) return
    if (!shares.isFull && shares.countOf(newcomer) >= largest.count) return
    const victim = shares.toEvict()
    if (victim === undefined) return
    shares.delete(victim)
    victim.evict('too many pages are open from your address: this one gave way to others')
    const { holder, count } = largest
    this.#init.onEviction({ what: 'event-stream', holder, held: count, capacity: MAX_EVENT_STREAMS })
  }

  #giveSignsOfLife(): void {
    if (this.#open.size === 0) return
    const beat = encodeEvent('beat', { now: (this.#init.wallNow ?? Date.now)() })
    for (const stream of this.#open) stream.beat(beat)
  }
}

type StreamEnd = 'closed' | 'too-slow' | 'evicted'

interface EventStreamInit {
  readonly response: ServerResponse
  readonly feed: RosterFeed
  /** The id of the last event that the reader has had. */
  readonly lastId: string | undefined
  readonly stallMs: number
  readonly onEnd: (why: StreamEnd) => void
}

/**
 * One reader: a snapshot, or what it has missed, then changes as they come. The next event is written only when the last
 * has left, so that a slow reader costs one event of memory; one that takes nothing, or falls out of the log, is dropped
 * and may come back.
 */
class EventStream {
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
    const end = encodeEvent('end', { reason, retryAfterMs: EVICTED_READER_RETRY_MS })
    response.setTimeout(this.#init.stallMs, () => response.destroy())
    response.end(Buffer.concat([Buffer.from(`retry: ${EVICTED_READER_RETRY_MS}\n`), end]))
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
    this.#stalled = setTimeout(() => this.#drop(), this.#init.stallMs)
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
