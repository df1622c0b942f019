import fc from 'fast-check'
import { expect, test } from 'vitest'
import { MAX_HTTP_HEAD_BYTES, readHttpHead, type HttpHead } from '../../../src/transport/websocket/http-head.ts'
import {
  answerUpgrade,
  checkUpgradeResponse,
  upgradeRequest,
  WebSocketRefusedError
} from '../../../src/transport/websocket/upgrade.ts'
import { webSocketAddress, webSocketPlaceOf } from '../../../src/transport/websocket/websocket-address.ts'

function headOf(text: string): HttpHead {
  const reading = readHttpHead(Buffer.from(text, 'latin1'))
  if (reading.is !== 'complete') throw new Error(JSON.stringify(reading))
  return reading.head
}

const place = webSocketPlaceOf(webSocketAddress('wss://directory.example/parley') ?? raise())

function raise(): never {
  throw new Error('no address')
}

const { bytes: honest, key } = upgradeRequest(place ?? raise(), 'dGhlIHNhbXBsZSBub25jZQ==')
const lines = honest.trimEnd().split('\r\n')

/** The honest request with these headers beside or in place of its own; `undefined` leaves one out. */
function request(change: Readonly<Record<string, string | undefined>>, start = lines[0]): HttpHead {
  const kept = lines.slice(1).filter((line) => !Object.keys(change).includes(line.split(':')[0]?.toLowerCase() ?? ''))
  const added = Object.entries(change).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`]))
  return headOf(`${[start, ...kept, ...added].join('\r\n')}\r\n\r\n`)
}

test('the example of RFC 6455 is accepted, and its answer too', () => {
  expect(lines[0]).toBe('GET /parley HTTP/1.1')
  expect(lines).toContain('Host: directory.example')
  const answer = answerUpgrade(headOf(honest))
  expect(answer.response).toContain('Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n')
  expect(() => checkUpgradeResponse(headOf(answer.response), key)).not.toThrow()
})

test.each([
  ['from a page in a browser', request({ origin: 'https://evil.example' }), '403'],
  ['from a page without an origin of its own', request({ origin: 'null' }), '403'],
  ['that is no GET', request({}, 'POST /parley HTTP/1.1'), '405'],
  ['of HTTP/1.0', request({}, 'GET /parley HTTP/1.0'), '405'],
  ['of the whole URL, as to a proxy', request({}, 'GET http://directory.example/ HTTP/1.1'), '405'],
  ['for a page', request({ upgrade: undefined, connection: 'keep-alive' }), '426'],
  ['to another protocol', request({ upgrade: 'h2c' }), '426'],
  ['of an older version', request({ 'sec-websocket-version': '8' }), '426'],
  ['without a key', request({ 'sec-websocket-key': undefined }), '400'],
  ['with two keys', request({ 'sec-websocket-key': `${key}, ${key}` }), '400'],
  ['with a key of another length', request({ 'sec-websocket-key': 'YWJj' }), '400'],
  ['with a body', request({ 'content-length': '5' }), '400'],
  ['with a body of no stated length', request({ 'transfer-encoding': 'chunked' }), '400'],
  ['without a host', request({ host: undefined }), '400'],
  ['with two hosts', request({ host: 'a.example, b.example' }), '400']
])('a request %s is refused', (_what, head, status) => {
  const answer = answerUpgrade(head)
  expect(answer).toMatchObject({ is: 'refused' })
  expect(answer.response).toContain(`HTTP/1.1 ${status} `)
})

test.each([
  ['a web server without such a path', 'HTTP/1.1 404 Not Found\r\n\r\n', 404],
  ['a proxy without its directory', 'HTTP/1.1 502 Bad Gateway\r\nServer: nginx\r\n\r\n', 502],
  ['another protocol', 'SSH-2.0-OpenSSH_9.2\r\n\r\n', undefined],
  [
    'a WebSocket for another key',
    'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
    undefined
  ]
])('the answer of %s opens nothing, and says what it was', (_what, text, status) => {
  const check = (): void => checkUpgradeResponse(headOf(text), key)
  expect(check).toThrow(WebSocketRefusedError)
  expect(check).toThrow(expect.objectContaining({ status }))
})

test('an answer with an extension that nobody asked for opens nothing', () => {
  const { response } = answerUpgrade(headOf(honest))
  const extended = response.replace('\r\n\r\n', '\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n')
  expect(() => checkUpgradeResponse(headOf(extended), key)).toThrow(WebSocketRefusedError)
})

test('a head is read once it is whole, whatever follows it', () => {
  const bytes = Buffer.from(`${honest}first bytes of Noise`)
  for (let length = 0; length < honest.length; length++) {
    expect(readHttpHead(bytes.subarray(0, length)).is).toBe('incomplete')
  }
  expect(readHttpHead(bytes)).toMatchObject({ is: 'complete', byteLength: honest.length })
})

test.each([
  ['more bytes than it may', `GET / HTTP/1.1\r\nX: ${'a'.repeat(MAX_HTTP_HEAD_BYTES)}`],
  ['more headers than it may', `GET / HTTP/1.1\r\n${'A: b\r\n'.repeat(65)}\r\n`],
  ['a header over two lines', 'GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n'],
  ['a space before the colon', 'GET / HTTP/1.1\r\nHost : a\r\n\r\n'],
  ['a line without a colon', 'GET / HTTP/1.1\r\nHost\r\n\r\n'],
  ['a line feed alone', 'GET / HTTP/1.1\nHost: a\r\n\r\n'],
  ['a control character', 'GET / HTTP/1.1\r\nHost: a\u0000b\r\n\r\n'],
  ['no first line', '\r\n\r\n']
])('a head with %s is none', (_what, text) => {
  expect(readHttpHead(Buffer.from(text, 'latin1'))).toMatchObject({ is: 'invalid' })
})

test('random bytes are no head that is taken for a request', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      const reading = readHttpHead(Buffer.concat([bytes, Buffer.from('\r\n\r\n')]))
      if (reading.is === 'complete') expect(answerUpgrade(reading.head).is).toBe('refused')
    })
  )
})
