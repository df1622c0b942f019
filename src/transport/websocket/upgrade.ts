// The opening handshake of a WebSocket, on both sides: what is asked, whether it is
// granted, and what the answer means. Extensions and subprotocols are neither offered nor
// taken. It reads heads of HTTP messages, and opens no socket.
// https://www.rfc-editor.org/rfc/rfc6455#section-4

import { createHash, randomBytes } from 'node:crypto'
import type { HttpHead } from './http-head.ts'
import { hostHeader, type WebSocketPlace } from './websocket-address.ts'

const VERSION = '13'
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
const CHALLENGE_BYTES = 16
/** Sixteen bytes in base64. */
const keyForm = /^[+/\w]{22}==$/u

/** What answers at the URL has not opened a WebSocket. */
export class WebSocketRefusedError extends Error {
  override readonly name = 'WebSocketRefusedError'
  /** Of HTTP; undefined when the answer is not HTTP, or breaks the rules of WebSocket. */
  readonly status: number | undefined

  constructor(message: string, status?: number) {
    super(message)
    this.status = status
  }
}

export interface UpgradeRequest {
  readonly key: string
  readonly bytes: string
}

export function upgradeRequest(
  place: WebSocketPlace,
  key = randomBytes(CHALLENGE_BYTES).toString('base64')
): UpgradeRequest {
  const lines = [
    `GET ${place.path} HTTP/1.1`,
    `Host: ${hostHeader(place)}`,
    'User-Agent: parley',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Version: ${VERSION}`,
    `Sec-WebSocket-Key: ${key}`
  ]
  return { key, bytes: `${lines.join('\r\n')}\r\n\r\n` }
}

/** @throws WebSocketRefusedError unless the head answers that request with a WebSocket */
export function checkUpgradeResponse({ start, headers }: HttpHead, key: string): void {
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/u.exec(start)?.[1]
  if (status === undefined) throw new WebSocketRefusedError('the answer is not HTTP')
  if (status !== '101') throw new WebSocketRefusedError(`the answer was ${status}`, Number(status))
  const isAccepted =
    hasToken(headers, 'upgrade', 'websocket') &&
    hasToken(headers, 'connection', 'upgrade') &&
    headers.get('sec-websocket-accept') === acceptKey(key) &&
    !headers.has('sec-websocket-extensions') &&
    !headers.has('sec-websocket-protocol')
  if (!isAccepted) throw new WebSocketRefusedError('the answer breaks the rules of WebSocket')
}

export type UpgradeAnswer =
  | { readonly is: 'accepted'; readonly response: string }
  | { readonly is: 'refused'; readonly response: string; readonly why: string }

/**
 * A page in a browser has an `Origin`, and is refused: no site may use its visitors' browsers to reach a directory that
 * they can reach and it can't, or to take places in their name.
 */
export function answerUpgrade({ start, headers }: HttpHead): UpgradeAnswer {
  if (!/^GET \/[\x21-\x7e]* HTTP\/1\.1$/u.test(start)) return refuseUpgrade('405 Method Not Allowed', 'it is not a GET')
  if (!hasToken(headers, 'upgrade', 'websocket') || !hasToken(headers, 'connection', 'upgrade')) {
    return refuseUpgrade('426 Upgrade Required', 'it does not ask for a WebSocket')
  }
  if (headers.get('sec-websocket-version') !== VERSION) {
    return refuseUpgrade('426 Upgrade Required', 'it asks for another version of WebSocket')
  }
  if (headers.has('origin')) return refuseUpgrade('403 Forbidden', 'pages in browsers may not connect')
  const key = headers.get('sec-websocket-key') ?? ''
  const hasBody = headers.has('transfer-encoding') || (headers.get('content-length') ?? '0') !== '0'
  if (!keyForm.test(key) || hasBody || !/^[^\s,]+$/u.test(headers.get('host') ?? '')) {
    return refuseUpgrade('400 Bad Request', 'it breaks the rules of WebSocket')
  }
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Accept: ${acceptKey(key)}`
  ]
  return { is: 'accepted', response: `${lines.join('\r\n')}\r\n\r\n` }
}

/** @param why in words, as the end of a sentence about the request */
export function refuseUpgrade(status: string, why: string): UpgradeAnswer & { readonly is: 'refused' } {
  const text = `This is a directory of Parley, which programs reach by WebSocket. The request is refused: ${why}.\n`
  const lines = [
    `HTTP/1.1 ${status}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(text)}`,
    'X-Content-Type-Options: nosniff',
    ...(status.startsWith('426') ? ['Upgrade: websocket', `Sec-WebSocket-Version: ${VERSION}`] : []),
    ...(status.startsWith('405') ? ['Allow: GET'] : [])
  ]
  return { is: 'refused', why, response: `${lines.join('\r\n')}\r\n\r\n${text}` }
}

function acceptKey(key: string): string {
  return createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64')
}

function hasToken(headers: HttpHead['headers'], name: string, token: string): boolean {
  const tokens = (headers.get(name) ?? '').split(',').map((one) => one.trim().toLowerCase())
  return tokens.includes(token)
}
