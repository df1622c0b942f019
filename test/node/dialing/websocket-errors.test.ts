import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { explainDialError } from '../../../src/node/dialing/dial-errors.ts'
import { WebSocketRefusedError } from '../../../src/transport/index.ts'

const address = multiaddr('/dns/directory.example/tcp/443/tls/ws/http-path/chat')

test.each([
  [
    new WebSocketRefusedError('the answer was 404', 404),
    'answered 404: this is a web server without a directory of Parley there'
  ],
  [
    new WebSocketRefusedError('the answer was 502', 502),
    'answered 502: its web server does not reach the directory behind it'
  ],
  [new WebSocketRefusedError('the answer was 200', 200), 'answered 200 instead of opening a WebSocket'],
  [new WebSocketRefusedError('the answer is not HTTP'), 'is not a WebSocket (the answer is not HTTP)'],
  [coded('CERT_HAS_EXPIRED'), 'has expired'],
  [coded('SELF_SIGNED_CERT_IN_CHAIN'), 'is not of an authority that this machine trusts'],
  [coded('ERR_TLS_CERT_ALTNAME_INVALID'), 'is for another name'],
  [coded('EPROTO'), 'does not speak TLS as it should'],
  [coded('ECONNREFUSED'), 'nothing listens at wss://directory.example/chat']
])('%s is explained', (error, words) => {
  const { message } = explainDialError(error, address, { timeoutMs: 5_000 })
  expect(message).toContain(words)
  expect(message).toContain('wss://directory.example/chat')
})

function coded(code: string): Error {
  return Object.assign(new Error(code), { code })
}
