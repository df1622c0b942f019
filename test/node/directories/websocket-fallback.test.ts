import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import { webSocketOf } from '../../../src/node/directories/websocket-fallback.ts'

const id = '12D3KooWCbJ6SGTETXjRjthKhrvKTo5tVSxsKx6aR75CZMtUCfbw'
const usual = '/dns/directory.example/tcp/443/tls/ws'

test.each([
  ['/dns/directory.example/tcp/8000', undefined, usual],
  [`/dns4/directory.example/tcp/8000/p2p/${id}`, undefined, `${usual}/p2p/${id}`],
  [
    '/dns/directory.example/tcp/8000',
    '/dns4/directory.example/tcp/8443/tls/ws/http-path/chat',
    '/dns4/directory.example/tcp/8443/tls/ws/http-path/chat'
  ],
  ['/ip4/11.22.33.44/tcp/8000', '/ip4/11.22.33.44/tcp/80/ws', '/ip4/11.22.33.44/tcp/80/ws'],
  // What names another host, is no WebSocket, or none of this version, is not believed.
  ['/dns/directory.example/tcp/8000', '/dns/victim.example/tcp/443/tls/ws', usual],
  ['/dns/directory.example/tcp/8000', '/dns/directory.example/tcp/443/tls/sni/victim.example/ws', usual],
  ['/dns/directory.example/tcp/8000', '/dns/directory.example/tcp/25', usual],
  ['/dns/directory.example/tcp/8000', 'nonsense', usual],
  // An IP address has no certificate, as a rule; this machine has no web server for it; and there is no third way.
  ['/ip4/11.22.33.44/tcp/8000', undefined, undefined],
  ['/dns/localhost/tcp/8000', undefined, undefined],
  [usual, undefined, undefined],
  [usual, usual, undefined],
  ['/dns/localhost/tcp/80/ws', undefined, undefined],
  // It has moved to another path; and what was TLS stays TLS.
  [`${usual}/http-path/old/p2p/${id}`, `${usual}/http-path/new`, `${usual}/http-path/new/p2p/${id}`],
  [usual, '/dns/directory.example/tcp/80/ws', undefined],
  ['/dnsaddr/directory.example', undefined, undefined]
])('a directory at %s that names %s is asked at %s', (address, said, way) => {
  expect(webSocketOf(multiaddr(address), said)?.toString()).toBe(way)
})
