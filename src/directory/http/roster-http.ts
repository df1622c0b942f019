// The directory's HTTP side: the page, the roster as JSON and as events, health
// and figures. It changes nothing, answers GET only, and is bounded in
// connections, streams, bytes and time; where these are scarce, the client that holds the
// most gives way. Knows no libp2p: what it shows comes through the feed.
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { once } from 'node:events'
import { isIPv6, Socket } from 'node:net'
import { errorCode } from '../../lib/index.ts'
import { addressClass, canonicalIp, Shares, steadyNow } from '../../wire/index.ts'
import { EventStreams, HTTP_STALL_TIMEOUT_MS } from './event-streams.ts'
import {
  clientAddress,
  HTTP_HELD_BACK_MS,
  HTTP_HELD_BACK_RATE,
  MAX_HTTP_HEADERS,
  RequestGuard,
  ThrottledClients
} from './request-guard.ts'
import { say, securityHeaders, sendFile, sendJson } from './http-answers.ts'
import { EvictionReports, type Eviction, type EvictionReport, HttpConnections } from './http-connections.ts'
import type { PageFiles } from './http-answers.ts'
import type { DirectoryFigures } from './metrics.ts'
import { RosterFeed } from './roster-feed.ts'
import type { RosterFeedInit } from './roster-feed.ts'
import { readRosterQuery, RosterAnswers } from './roster-answers.ts'

/** A request's line and headers: a browser sends well under 2 KB, and a query is 64 characters. */
const MAX_HTTP_HEADER_BYTES = 8 * 1024

/** Headers have come by then, or the connection goes. */
const HTTP_HEADERS_TIMEOUT_MS = 5_000

/** The whole request has. */
const HTTP_REQUEST_TIMEOUT_MS = 10_000

/** How often connections are looked at for those that are late with their request. */
const HTTP_LATE_CHECK_MS = 1_000

/** An idle connection that may be used again: longer than a browser takes to fetch a page's parts. */
const HTTP_KEEP_ALIVE_MS = 5_000

/** An answer has been read by then, however slowly: a roster of megabytes takes half of it on a slow line. */
const HTTP_ANSWER_TIMEOUT_MS = 60_000

/** Requests on one connection that are being answered: browsers wait for each answer, and more cost much to refuse. */
export const MAX_HTTP_PIPELINED = 4

/** Answers of one query each that are being made or sent: each may be as large as the roster. */
const MAX_QUERY_ANSWERS = 16

/** What a client was held back for. */
export interface HttpMisbehaviour {
  /** As people write it: `203.0.113.7:51234`. */
  readonly address: string
  readonly breach: string
  readonly what: string
  readonly action: string
}

interface RosterHttpInit extends RosterFeedInit {
  /** An IP address; a loopback one lets nobody else in. */
  readonly host: string
  /** Names that it is asked for by, beside its addresses. */
  readonly names?: readonly string[]
  /** Whose word about the address of a client counts. */
  readonly isTrustedProxy?: (address: string) => boolean
  /** A client's oldest connection, stream or query gave way, because it holds most of the room. */
  readonly onPressure?: (report: EvictionReport) => void
  /** A client is held back for what it sends. */
  readonly onMisbehaviour?: (misbehaviour: HttpMisbehaviour) => void
  /** Connections that are open at a time. Default MAX_HTTP_CONNECTIONS. */
  readonly maxConnections?: number
  /** The files of the page; none where it was not built. */
  readonly page: PageFiles
  readonly metrics?: Pick<DirectoryFigures, 'contentType' | 'text'> & DirectoryFigures['http']
  readonly stallMs?: number
  readonly beatMs?: number
}

/** The type of the first record of a TLS connection (RFC 8446 §5.1). */
const TLS_HANDSHAKE = 0x16

/** What clients are held back for, as the end of a sentence about them. */
const offences = {
  'no-http': 'sent the roster page what is no HTTP, again and again',
  'too-fast': 'asked the roster page faster than it may, and did not stop when it was refused',
  pipelined: 'asked the roster page again and again without reading the answers'
} as const
const heldBack =
  `Only ${HTTP_HELD_BACK_RATE.perSecond} of its connections a second are taken ` +
  `until it has stopped for ${HTTP_HELD_BACK_MS / 1_000} s`

/** Routes as they are counted: any other path may be made up. */
const routes = new Set([
  '/',
  '/page.js',
  '/page.css',
  '/icon.svg',
  '/api/roster',
  '/api/events',
  '/healthz',
  '/metrics'
])

export class RosterHttp {
  readonly #init: RosterHttpInit
  readonly #now: () => number
  readonly #feed: RosterFeed
  readonly #answers: RosterAnswers
  readonly #guard: RequestGuard
  readonly #isTrustedProxy: (address: string) => boolean
  readonly #connections: HttpConnections
  readonly #streams: EventStreams
  readonly #queryShares = new Shares<ServerResponse>({ capacity: MAX_QUERY_ANSWERS })
  readonly #reports = new EvictionReports()
  readonly #throttled = new ThrottledClients()
  #life: { readonly server: Server; readonly startedMs: number } | undefined

  constructor(init: RosterHttpInit) {
    this.#init = init
    this.#now = init.now ?? steadyNow
    this.#feed = new RosterFeed(init)
    this.#answers = new RosterAnswers(this.#feed, init)
    const { metrics, wallNow, stallMs, beatMs } = init
    this.#streams = new EventStreams({
      feed: this.#feed,
      onEviction: (eviction) => this.#onEviction(eviction),
      metrics,
      wallNow,
      stallMs,
      beatMs
    })
    this.#guard = new RequestGuard({ host: init.host, names: init.names ?? [] }, this.#now)
    this.#isTrustedProxy = init.isTrustedProxy ?? (() => false)
    this.#connections = new HttpConnections({
      isTrustedProxy: this.#isTrustedProxy,
      mayConnect: (holder) => this.#throttled.mayConnect(holder, this.#now()),
      onEviction: (eviction) => this.#onEviction(eviction),
      ...(init.maxConnections === undefined ? {} : { capacity: init.maxConnections })
    })
  }

  /** Where it listens; 0 when it doesn't. */
  get port(): number {
    const address = this.#life?.server.address()
    return typeof address === 'object' && address !== null ? address.port : 0
  }

  /** How many connections are open, and how many of them one address class holds at most. */
  get connections(): { readonly open: number; readonly ofLargest: number } {
    return { open: this.#connections.open, ofLargest: this.#connections.largest()?.count ?? 0 }
  }

  /**
   * @param port 0 for any that is free
   * @throws Error of the system, when it can't listen there
   */
  async start(port: number): Promise<void> {
    if (this.#life !== undefined) return
    const server = createServer(
      {
        maxHeaderSize: MAX_HTTP_HEADER_BYTES,
        headersTimeout: HTTP_HEADERS_TIMEOUT_MS,
        requestTimeout: HTTP_REQUEST_TIMEOUT_MS,
        keepAliveTimeout: HTTP_KEEP_ALIVE_MS,
        connectionsCheckingInterval: HTTP_LATE_CHECK_MS
      },
      (request, response) => this.#onRequest(request, response)
    )
    // Node forgets further headers without a word: of one too many the guard must see that it came.
    server.maxHeadersCount = MAX_HTTP_HEADERS + 1
    server.on('connection', (socket) => this.#connections.accept(socket))
    server.on('clientError', (error, socket) => {
      if (isNoHttp(error) && socket instanceof Socket) this.#offended(socket, socket.remoteAddress ?? '', 'no-http')
      if (socket.writable) socket.end(`HTTP/1.1 ${statusOf(error)}\r\nconnection: close\r\n\r\n`)
      // Not left half-closed: the other half would never be read.
      socket.once('finish', () => socket.destroy())
      if (!socket.writable) socket.destroy()
    })
    // Nothing here speaks another protocol over the same port.
    server.on('upgrade', (_request, socket) => socket.destroy())
    server.on('connect', (_request, socket) => socket.destroy())
    await listen(server, this.#init.host, port)
    this.#feed.start()
    this.#streams.start()
    this.#life = { server, startedMs: this.#now() }
  }

  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    this.#streams.stop()
    this.#feed.stop()
    const closed = once(life.server, 'close')
    life.server.close()
    life.server.closeAllConnections()
    await closed
  }

  #onRequest(request: IncomingMessage, response: ServerResponse): void {
    // A connection that breaks while it is answered is its reader's affair.
    response.on('error', () => undefined)
    request.on('error', () => undefined)
    // Of a connection that was ended the rest of what it had sent is still read.
    if (request.socket.destroyed) return
    request.resume()
    let path = ''
    response.once('close', () => this.#init.metrics?.answered(routes.has(path) ? path : 'other', response.statusCode))
    for (const [name, value] of Object.entries(securityHeaders)) response.setHeader(name, value)
    response.setTimeout(HTTP_STALL_TIMEOUT_MS, () => response.destroy())
    const url = readUrl(request.url)
    path = url?.pathname ?? ''
    const client = clientAddress(request, this.#isTrustedProxy)
    const { socket } = request
    const answers = this.#connections.answering(socket, client)
    response.once('close', () => this.#connections.answered(socket))
    if (answers > MAX_HTTP_PIPELINED) {
      this.#offended(socket, client, 'pipelined')
      socket.destroy()
      return
    }
    const refusal = this.#guard.check(request, { client, path, isFile: this.#init.page.has(path) })
    if (refusal !== undefined) {
      if (refusal.status === 429) this.#offended(socket, client, 'too-fast')
      // A body that nobody reads must not be taken for the next request.
      say(response, refusal.status, refusal.why, { ...refusal.headers, connection: 'close' })
    } else if (url === undefined) say(response, 400, 'that is no address')
    else {
      this.#route(url, request, response, addressClass(client)).catch((error: unknown) => {
        if (response.headersSent) response.destroy()
        else say(response, 500, error instanceof Error ? error.message : 'it did not work')
      })
    }
  }

  /** @param holder the address class of the client */
  async #route(url: URL, request: IncomingMessage, response: ServerResponse, holder: string): Promise<void> {
    if (url.pathname !== '/api/events') endInTime(response)
    switch (url.pathname) {
      case '/api/roster':
        return this.#sendRoster(url, request, response, holder)
      case '/api/events':
        return this.#streams.answer(url, request, response, holder)
      case '/healthz':
        return this.#sendHealth(response)
      case '/metrics':
        return this.#sendMetrics(response)
      default: {
        const file = this.#init.page.get(url.pathname)
        if (file !== undefined) sendFile(file, request, response)
        else if (url.pathname === '/') say(response, 404, 'the page was not built; /api/roster is there')
        else say(response, 404, 'there is nothing here; the page is at /')
      }
    }
  }

  async #sendRoster(url: URL, request: IncomingMessage, response: ServerResponse, holder: string): Promise<void> {
    const query = readRosterQuery(url.searchParams)
    if (typeof query === 'string') return say(response, 400, query)
    const etag = `"${this.#feed.log.idOf(this.#feed.log.seq)}"`
    const headers = { etag, 'cache-control': 'no-cache', 'content-type': 'application/json; charset=utf-8' }
    if (request.headers['if-none-match'] === etag) {
      response.writeHead(304, headers).end()
      return
    }
    if (this.#answers.isWhole(query)) {
      response.writeHead(200, headers).end(this.#answers.whole())
      return
    }
    if (!this.#makeRoomForQuery()) return say(response, 503, 'too many queries', { 'retry-after': '1' })
    this.#queryShares.add(response, holder)
    response.once('close', () => this.#queryShares.delete(response))
    response.writeHead(200, headers).end(this.#answers.matching(query))
  }

  /** Each answer is as large as the roster, and is held until it was read. @returns whether there is room */
  #makeRoomForQuery(): boolean {
    if (!this.#queryShares.isFull) return true
    const [largest] = this.#queryShares.holders()
    const victim = this.#queryShares.toEvict()
    // Of as many clients as there are places none takes more than its share.
    if (largest === undefined || victim === undefined || largest.count === 1) return false
    this.#queryShares.delete(victim)
    victim.destroy()
    this.#onEviction({ what: 'query', holder: largest.holder, held: largest.count, capacity: MAX_QUERY_ANSWERS })
    return true
  }

  /** @param client whose it is, behind a trusted proxy another than the socket's */
  #offended(socket: Socket, client: string, breach: keyof typeof offences): void {
    if (client === '' || this.#isTrustedProxy(client)) return
    if (!this.#throttled.note(addressClass(client), this.#now())) return
    const address = client === socket.remoteAddress ? placeOf(client, socket.remotePort) : client
    this.#init.onMisbehaviour?.({ address, breach: `http-${breach}`, what: offences[breach], action: heldBack })
  }

  #onEviction(eviction: Eviction): void {
    this.#init.metrics?.evicted(eviction.what)
    const report = this.#reports.note(eviction, this.#now())
    if (report !== undefined) this.#init.onPressure?.(report)
  }

  #sendHealth(response: ServerResponse): void {
    const life = this.#life
    const { network } = this.#init
    const uptimeMs = life === undefined ? 0 : Math.round(this.#now() - life.startedMs)
    const status = life === undefined ? 'stopping' : 'ok'
    sendJson(response, life === undefined ? 503 : 200, { status, network, peers: this.#feed.total, uptimeMs })
  }

  async #sendMetrics(response: ServerResponse): Promise<void> {
    const { metrics } = this.#init
    if (metrics === undefined) return say(response, 404, 'there are no figures')
    const text = await metrics.text()
    response.writeHead(200, { 'cache-control': 'no-store', 'content-type': metrics.contentType }).end(text)
  }
}

/** @returns the target of a request; undefined when it is none of ours */
function readUrl(target: string | undefined): URL | undefined {
  if (target === undefined || !target.startsWith('/')) return undefined
  // A path that begins with two slashes would be taken for a host.
  return URL.parse(`http://directory${target}`) ?? undefined
}

/** What a request that is none is answered with. */
function statusOf(error: Error): string {
  switch (errorCode(error)) {
    case 'HPE_HEADER_OVERFLOW':
      return '431 Request Header Fields Too Large'
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return '408 Request Timeout'
    default:
      return '400 Bad Request'
  }
}

/**
 * The parser's own errors; a connection that broke, or was late, is none of them. A try of https is none either: any site
 * can have its visitor's browser make one, and would shut the visitor out of the own page.
 */
function isNoHttp(error: Error): boolean {
  const isParsers = errorCode(error)?.startsWith('HPE_') === true
  const isTls = 'rawPacket' in error && error.rawPacket instanceof Uint8Array && error.rawPacket[0] === TLS_HANDSHAKE
  return isParsers && !isTls
}

function placeOf(address: string, port: number | undefined): string {
  const ip = canonicalIp(address) ?? ''
  return isIPv6(ip) ? `[${ip}]:${port ?? 0}` : `${ip}:${port ?? 0}`
}

/** One that is read a byte at a time would be held for good. */
function endInTime(response: ServerResponse): void {
  const timer = setTimeout(() => response.destroy(), HTTP_ANSWER_TIMEOUT_MS)
  response.once('close', () => clearTimeout(timer))
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen({ host, port })
  await once(server, 'listening')
}
