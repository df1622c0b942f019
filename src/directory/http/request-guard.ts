// Whether a request is answered at all: its method, whose name it was sent to,
// from which site, and its sender's pace. Knows no routes.
import type { IncomingMessage } from 'node:http'
import { TokenBucket } from '../../wire/index.ts'
import { HTTP_RATE, MAX_PACED_ADDRESSES } from './constants.ts'

export interface Refusal {
  readonly status: 400 | 403 | 405 | 421 | 429
  readonly why: string
  readonly headers?: Readonly<Record<string, string>>
}

export class RequestGuard {
  readonly #isLoopbackOnly: boolean
  readonly #now: () => number
  readonly #paces = new Map<string, TokenBucket>()

  /** @param host the address that is listened on */
  constructor(host: string, now: () => number) {
    this.#isLoopbackOnly = isLoopbackHost(host)
    this.#now = now
  }

  /** @returns why the request is refused; undefined when it may pass */
  check(request: IncomingMessage): Refusal | undefined {
    const { method = '', headers, socket } = request
    if (method !== 'GET' && method !== 'HEAD') {
      return {
        status: 405,
        why: `${method} changes things, and nothing can be changed here`,
        headers: { allow: 'GET, HEAD' }
      }
    }
    // A page of another site whose name was made to mean 127.0.0.1 sends that name: DNS rebinding.
    if (this.#isLoopbackOnly && !isLoopbackHost(hostnameOf(headers.host))) {
      return { status: 421, why: 'this directory answers to 127.0.0.1 and localhost only; see --http-host' }
    }
    // Browsers say so when another site asks; it could not read the answer, and shall not take a place either.
    if (headers['sec-fetch-site'] === 'cross-site' && headers['sec-fetch-mode'] !== 'navigate') {
      return { status: 403, why: 'other sites may not ask' }
    }
    const waitMs = this.#paceOf(socket.remoteAddress ?? '').takeOne(this.#now())
    if (waitMs > 0) {
      const seconds = Math.ceil(waitMs / 1000)
      const why = `more than ${HTTP_RATE.perSecond} requests a second: come back in ${seconds} s`
      return { status: 429, why, headers: { 'retry-after': String(seconds) } }
    }
    return undefined
  }

  #paceOf(address: string): TokenBucket {
    const known = this.#paces.get(address)
    if (known !== undefined) return known
    const oldest = this.#paces.keys().next()
    if (this.#paces.size >= MAX_PACED_ADDRESSES && oldest.done !== true) this.#paces.delete(oldest.value)
    const pace = new TokenBucket(HTTP_RATE, this.#now())
    this.#paces.set(address, pace)
    return pace
  }
}

/** The name in a Host header, without its port; an SSH tunnel may give any. */
function hostnameOf(host: string | undefined): string {
  return (host ?? '').replace(/:\d+$/u, '')
}

function isLoopbackHost(host: string): boolean {
  return /^(?:localhost|127(?:\.\d{1,3}){3}|\[?::1\]?)$/iu.test(host)
}
