// The way out through an HTTP proxy: a TCP connection to it, and CONNECT, which makes it a
// tunnel to any other host. The name of that host goes to the proxy, as networks with one
// often resolve no names of the outside. What runs in the tunnel is no concern of it.
// https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6

import { connect, isIPv6, type LookupFunction, type Socket } from 'node:net'
import type { HttpProxy } from '../../lib/index.ts'
import { toError } from '../../wire/index.ts'
import { readHttpHead } from './http-head.ts'

/** The proxy is not reached, or makes no tunnel. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  /** `HOST:PORT`, without the password. */
  readonly proxy: string
  /** Of HTTP; undefined when the proxy is not reached, or does not answer in HTTP. */
  readonly status: number | undefined

  constructor(proxy: string, what: string, options: { readonly status?: number; readonly cause?: unknown } = {}) {
    super(`the proxy ${proxy} ${what}`, options.cause === undefined ? {} : { cause: options.cause })
    this.proxy = proxy
    this.status = options.status
  }
}

export interface ThroughProxy {
  readonly proxy: HttpProxy
  readonly signal: AbortSignal
  readonly lookup: LookupFunction | undefined
}

/**
 * @returns a tunnel to the host
 * @throws {ProxyError}
 * @throws the signal's reason
 */
export async function openTunnel(
  to: { readonly host: string; readonly port: number },
  { proxy, signal, lookup }: ThroughProxy
): Promise<Socket> {
  signal.throwIfAborted()
  const { host, port, credentials } = proxy
  const name = place(proxy)
  const socket = connect({ host, port, noDelay: true, ...(lookup === undefined ? {} : { lookup }) })
  const { promise, resolve, reject } = Promise.withResolvers<undefined>()
  const onAbort = (): void => reject(toError(signal.reason))
  const onError = (cause: Error): void => reject(new ProxyError(name, `is not reached: ${cause.message}`, { cause }))
  const onClose = (): void => reject(new ProxyError(name, 'closed the connection before it answered'))
  let received: Uint8Array = new Uint8Array()
  const onData = (bytes: Uint8Array): void => {
    received = Buffer.concat([received, bytes])
    const reading = readHttpHead(received)
    if (reading.is === 'incomplete') return
    const status =
      reading.is === 'complete' ? /^HTTP\/1\.[01] (\d{3})(?: |$)/u.exec(reading.head.start)?.[1] : undefined
    if (status === undefined) return reject(new ProxyError(name, 'does not answer in HTTP'))
    if (!status.startsWith('2')) return reject(new ProxyError(name, `answered ${status}`, { status: Number(status) }))
    // Nothing can come through the tunnel yet: the other end waits for this side.
    if (reading.is === 'complete' && received.byteLength > reading.byteLength) {
      return reject(new ProxyError(name, 'sent more than an answer'))
    }
    socket.pause()
    resolve(undefined)
  }
  const onConnect = (): void => void socket.write(connectRequest(place(to), credentials))
  signal.addEventListener('abort', onAbort)
  socket.on('error', onError).on('close', onClose).on('data', onData).once('connect', onConnect)
  try {
    await promise
    return socket
  } catch (error) {
    socket.on('error', () => undefined)
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', onAbort)
    socket.off('error', onError).off('close', onClose).off('data', onData).off('connect', onConnect)
  }
}

function connectRequest(authority: string, credentials: string | undefined): string {
  const lines = [
    `CONNECT ${authority} HTTP/1.1`,
    `Host: ${authority}`,
    'User-Agent: parley',
    ...(credentials === undefined ? [] : [`Proxy-Authorization: Basic ${Buffer.from(credentials).toString('base64')}`])
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

function place({ host, port }: { readonly host: string; readonly port: number }): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}
