import type { IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { clientAddress } from '../../../src/directory/http/request-guard.ts'

const proxies = new Set(['10.0.0.1', '10.0.0.2', '::ffff:10.0.0.3'])

function of(remoteAddress: string, forwarded?: string): string {
  // As much of a request as is looked at.
  const request = { socket: { remoteAddress }, headers: { 'x-forwarded-for': forwarded } } as unknown as IncomingMessage
  return clientAddress(request, (address) => proxies.has(address))
}

test.each([
  ['nobody is believed who is no proxy', '203.0.113.7', '192.0.2.1', '203.0.113.7'],
  ['a proxy is', '10.0.0.1', '192.0.2.1', '192.0.2.1'],
  ['the client wrote the first, the proxy the last', '10.0.0.1', '127.0.0.1, 192.0.2.1', '192.0.2.1'],
  ['proxies behind each other', '10.0.0.1', '1.1.1.1, 192.0.2.1, 10.0.0.2', '192.0.2.1'],
  ['a proxy that asks for itself', '10.0.0.1', undefined, '10.0.0.1'],
  ['all of them proxies', '10.0.0.1', '10.0.0.2', '10.0.0.2'],
  ['with a port', '10.0.0.1', '192.0.2.1:5000', '192.0.2.1'],
  ['IPv6 with a port', '10.0.0.1', '[2001:db8::1]:5000', '2001:db8::1'],
  ['IPv6', '::ffff:10.0.0.3', '2001:db8::1', '2001:db8::1'],
  ['no address', '10.0.0.1', '192.0.2.1, unknown', '10.0.0.1'],
  ['nothing', '10.0.0.1', '', '10.0.0.1']
])('%s: %s with %j is %s', (_what, remoteAddress, forwarded, client) => {
  expect(of(remoteAddress, forwarded)).toBe(client)
})
