// Whose request it is, and whether it is answered at all: its method and form, the name
// that it was sent to, from which site, and its client's pace; and whether a client's
// connection is taken. Clients that keep sending what no honest one sends, or what was just
// refused, get only some of their connections for a while, by address class, as
// others may share the address. Knows no routes but the one that holds a place open.
import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { LruMap } from '../../lib/index.ts'
import { addressClass, addressRange, forwardedFor, RateLimiter, TokenBucket } from '../../wire/index.ts'

/** Addresses whose pace is remembered; the oldest is forgotten, and begins anew. */
const MAX_PACED_ADDRESSES = 4_096

/** … and how many of them: a browser sends about fifteen, and each proxy adds a few. */
export const MAX_HTTP_HEADERS = 64

/** Requests of one address, but for the page's own files: each page opens one stream, and a program asks now and then. */
const HTTP_RATE = { burst: 60, perSecond: 20 } as const

interface Refusal {
  readonly status: 400 | 403 | 405 | 421 | 429 | 431
  readonly why: string
  readonly headers?: Readonly<Record<string, string>>
}

export class RequestGuard {
  readonly #names: HostNames
  readonly #now: () => number
  readonly #paces = new RateLimiter(HTTP_RATE, MAX_PACED_ADDRESSES)

  constructor(init: HostNamesInit, now: () => number) {
    this.#names = new HostNames(init)
    this.#now = now
  }

  /**
   * @param asked.client whose request it is
   * @param asked.path what is asked for
   * @param asked.isFile a file of the page costs no more than its refusal would, and is not counted: a whole class
   *   behind one address can open the page at once
   * @returns why the request is refused; undefined when it may pass
   */
  check(
    request: IncomingMessage,
    asked: { readonly client: string; readonly path: string; readonly isFile: boolean }
  ): Refusal | undefined {
    const { client, path, isFile } = asked
    const refusal = checkForm(request) ?? this.#checkHost(request, client) ?? checkSite(request, path)
    return refusal ?? (isFile ? undefined : this.#checkPace(client))
  }

  #checkHost({ headers, headersDistinct, socket }: IncomingMessage, client: string): Refusal | undefined {
    // Of two names one could be looked at here and the other by a proxy before it.
    if ((headersDistinct['host']?.length ?? 0) > 1) return { status: 400, why: 'there is more than one Host header' }
    const why = this.#names.refusal({ host: headers.host ?? '', localAddress: socket.localAddress ?? '', client })
    return why === undefined ? undefined : { status: 421, why }
  }

  #checkPace(client: string): Refusal | undefined {
    const nowMs = this.#now()
    const waitMs = this.#paces.of(addressClass(client), nowMs).takeOne(nowMs)
    if (waitMs === 0) return undefined
    const seconds = Math.ceil(waitMs / 1000)
    const why = `more than ${HTTP_RATE.perSecond} requests a second: come back in ${seconds} s`
    return { status: 429, why, headers: { 'retry-after': String(seconds) } }
  }
}

function checkForm({ method = '', headers, rawHeaders }: IncomingMessage): Refusal | undefined {
  if (method !== 'GET' && method !== 'HEAD') {
    return {
      status: 405,
      why: `${method} changes things, and nothing can be changed here`,
      headers: { allow: 'GET, HEAD' }
    }
  }
  // Names and values stand one after the other.
  if (rawHeaders.length / 2 > MAX_HTTP_HEADERS) {
    return { status: 431, why: `more than ${MAX_HTTP_HEADERS} headers` }
  }
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) !== 0
  return hasBody ? { status: 400, why: 'a question has no body' } : undefined
}

/**
 * Browsers say which site asks. Another site can't read the answer, and shall not take a place either; it may lead
 * people here by a link. A site of the same domain is another site. Programs say nothing of the kind.
 */
function checkSite({ headers }: IncomingMessage, path: string): Refusal | undefined {
  const refusal = { status: 403, why: 'other sites may not ask' } as const
  const { origin } = headers
  const site = headers['sec-fetch-site']
  if (site === 'same-origin' || site === 'none') return undefined
  if (site === undefined) {
    // An old browser, or a program.
    const isForeign = origin !== undefined && URL.parse(origin)?.host !== headers.host?.toLowerCase()
    return isForeign ? refusal : undefined
  }
  const isLink = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document'
  return isLink && path !== '/api/events' ? undefined : refusal
}

/** Names that cannot be owned on the Internet (RFC 6761, 6762, 8375, and what home routers use). */
const localSuffixes = ['localhost', 'local', 'lan', 'home', 'internal', 'home.arpa', 'localdomain']

interface HostNamesInit {
  /** The address that is listened on. */
  readonly host: string
  /** Names that the operator has given it. */
  readonly names: readonly string[]
}

interface Asked {
  /** The `Host` header, with or without a port. */
  readonly host: string
  /** Where the connection has come in, and whose request it is. */
  readonly localAddress: string
  readonly client: string
}

/**
 * Under which names the HTTP side may be asked for. A site whose name was made to mean an address of this network (DNS
 * rebinding) sends that name as `Host`, and would read the roster through its visitor's browser: so a name that can be
 * owned on the Internet is refused where the page is only reachable from this machine or its network.
 */
class HostNames {
  readonly #isLoopbackOnly: boolean
  readonly #names: ReadonlySet<string>

  constructor({ host, names }: HostNamesInit) {
    this.#isLoopbackOnly = isLoopbackHost(host)
    this.#names = new Set(names.map(plainName))
  }

  /** @returns why the name is refused; undefined when it may be answered to */
  refusal({ host, localAddress, client }: Asked): string | undefined {
    const name = plainName(host)
    if (this.#names.has(name) || isLoopbackHost(name)) return undefined
    if (this.#isLoopbackOnly) {
      return 'this directory answers to 127.0.0.1 and localhost only; see --http-host and --http-name'
    }
    if (isIP(name) !== 0 || !name.includes('.') || localSuffixes.some((suffix) => name.endsWith(`.${suffix}`))) {
      return undefined
    }
    // An attacker who can reach a public address from anywhere needs no visitor's browser for it.
    const isWithinNetwork = addressRange(localAddress) !== 'public' && addressRange(client) !== 'public'
    if (!isWithinNetwork) return undefined
    return 'this directory does not know that name: ask for its IP address, or start it with --http-name'
  }
}

/** The name in a Host header: without port, brackets and the dot at its end, in lower case. */
function plainName(host: string): string {
  return host
    .replace(/:\d+$/u, '')
    .replace(/^\[(.*)\]$/u, '$1')
    .replace(/\.$/u, '')
    .toLowerCase()
}

function isLoopbackHost(host: string): boolean {
  return host === 'localhost' || (isIP(host) !== 0 && addressRange(host) === 'loopback')
}

/** Requests of one address that are no HTTP, or come faster than they may: a client that is broken, and no mistake. */
export const HTTP_OFFENCE_RATE = { burst: 100, perSecond: 2 } as const

/** Beyond that its connections are held back for so long after the last one … */
export const HTTP_HELD_BACK_MS = 30_000

/** … and so many of them are taken all the same: others may be behind the address. */
export const HTTP_HELD_BACK_RATE = { burst: 4, perSecond: 2 } as const

interface HeldBack {
  readonly untilMs: number
  readonly connections: TokenBucket
}

export class ThrottledClients {
  readonly #offences = new RateLimiter(HTTP_OFFENCE_RATE, MAX_PACED_ADDRESSES)
  readonly #heldBack = new LruMap<string, HeldBack>(MAX_PACED_ADDRESSES)

  /** Counts an offence. @returns whether it is by this one that the client is held back */
  note(holder: string, nowMs: number): boolean {
    if (this.#offences.of(holder, nowMs).takeOne(nowMs) === 0) return false
    const isNew = (this.#heldBack.get(holder)?.untilMs ?? -Infinity) <= nowMs
    const connections = this.#heldBack.get(holder)?.connections ?? new TokenBucket(HTTP_HELD_BACK_RATE, nowMs)
    this.#heldBack.set(holder, { untilMs: nowMs + HTTP_HELD_BACK_MS, connections })
    return isNew
  }

  /** Whether one more connection of the client is taken. */
  mayConnect(holder: string, nowMs: number): boolean {
    const held = this.#heldBack.get(holder)
    if (held === undefined) return true
    if (held.untilMs > nowMs) return held.connections.take(1, nowMs) === 1
    this.#heldBack.delete(holder)
    return true
  }
}

/**
 * Whose request it is: the address of the connection, or what a trusted reverse proxy says of it.
 *
 * @returns an IP address as text; empty when the connection is gone already
 */
export function clientAddress(
  { socket, headers }: Pick<IncomingMessage, 'socket' | 'headers'>,
  isTrustedProxy: (address: string) => boolean
): string {
  const header = headers['x-forwarded-for']
  return forwardedFor(
    socket.remoteAddress ?? '',
    Array.isArray(header) ? header.join(',') : (header ?? ''),
    isTrustedProxy
  )
}
