import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { webSocketAddress, webSocketPlaceOf, webSocketUrl } from '../../../src/transport/websocket/websocket-address.ts'

test.each([
  ['wss://directory.example', '/dns/directory.example/tcp/443/tls/ws', 'wss://directory.example/'],
  ['wss://Directory.Example:8443/', '/dns/directory.example/tcp/8443/tls/ws', 'wss://directory.example:8443/'],
  [
    'WSS://directory.example/a/b',
    '/dns/directory.example/tcp/443/tls/ws/http-path/a%2Fb',
    'wss://directory.example/a/b'
  ],
  [
    'wss://directory.example/a b',
    '/dns/directory.example/tcp/443/tls/ws/http-path/a%2520b',
    'wss://directory.example/a%20b'
  ],
  ['ws://127.0.0.1:8081', '/ip4/127.0.0.1/tcp/8081/ws', 'ws://127.0.0.1:8081/'],
  ['ws://[2001:db8::1]', '/ip6/2001:db8::1/tcp/80/ws', 'ws://[2001:db8::1]/']
])('%s is %s', (typed, address, shown) => {
  expect(webSocketAddress(typed)?.toString()).toBe(address)
  const place = webSocketPlaceOf(multiaddr(address))
  expect(place === undefined ? undefined : webSocketUrl(place)).toBe(shown)
})

test.each([
  'https://a.example',
  'wss://',
  'wss://user@a.example',
  'wss://a.example/?q=1',
  'wss://a.example/#part',
  'nonsense'
])('%s is no WebSocket', (typed) => {
  expect(webSocketAddress(typed)).toBeUndefined()
})

test('the older forms of libp2p are read: /wss, and a certificate for another name', () => {
  expect(webSocketPlaceOf(multiaddr('/dns4/a.example/tcp/443/wss'))).toMatchObject({
    isSecure: true,
    host: 'a.example'
  })
  expect(webSocketPlaceOf(multiaddr('/ip4/11.22.33.44/tcp/443/tls/sni/a.example/ws'))).toMatchObject({
    host: '11.22.33.44',
    serverName: 'a.example'
  })
  expect(webSocketPlaceOf(multiaddr('/ip6zone/eth0/ip6/fe80::1/tcp/80/ws'))).toMatchObject({ host: 'fe80::1%eth0' })
})

test.each([
  '/ip4/11.22.33.44/tcp/80',
  '/ip4/11.22.33.44/tcp/80/tls',
  '/ip4/11.22.33.44/udp/80/ws',
  '/dns4/a.example/tcp/443/tls/ws/p2p-circuit',
  // What is behind the path would be another header of the request.
  '/dns4/a.example/tcp/443/tls/ws/http-path/a%0D%0AHost%3A%20b'
])('%s is no place for a WebSocket', (address) => {
  expect(webSocketPlaceOf(multiaddr(address))).toBeUndefined()
})
