// The remote ends of connections, as they are ranked and shown.
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import {
  formatAddress,
  hostPortOf,
  isPunched,
  pathKindOf,
  pathRankOf,
  remotePlaceOf
} from '../../../src/node/dialing/address.ts'

const peer = '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2'

test.each([
  ['/ip4/11.22.33.44/udp/40123', 'direct'],
  ['/ip6/2a00:77::7/udp/40123', 'direct'],
  [`/ip4/11.22.33.44/udp/40123/p2p/${peer}`, 'direct'],
  ['/ip4/192.168.1.7/udp/40123', 'lan'],
  ['/ip6/fd00::7/udp/40123', 'lan'],
  ['/ip6zone/eth0/ip6/fe80::7/udp/40123', 'lan'],
  ['/ip4/11.22.33.44/tcp/4001', 'direct'],
  ['/ip4/192.168.1.7/tcp/4001', 'lan'],
  [`/p2p/${peer}/p2p-circuit`, 'relayed'],
  [`/ip4/192.168.1.7/tcp/4001/p2p/${peer}/p2p-circuit`, 'relayed']
])('a connection with %s is %s', (address, kind) => {
  expect(pathKindOf(multiaddr(address))).toBe(kind)
})

test('a path on the LAN is better than a direct one, by TCP or UDP, and these are better than a relay', () => {
  const [relayed, udp, tcp, lan] = [
    `/p2p/${peer}/p2p-circuit`,
    '/ip4/11.22.33.44/udp/40123',
    '/ip4/11.22.33.44/tcp/4001',
    '/ip4/192.168.1.7/udp/40123'
  ].map((address) => pathRankOf(multiaddr(address)))
  expect(tcp).toBe(udp)
  expect([relayed, udp, lan]).toEqual([0, 1, 2])
})

describe('the UDP port of a path through routers', () => {
  test.each([
    ['/ip4/11.22.33.44/udp/40123', { host: '11.22.33.44', port: 40123 }, '11.22.33.44:40123/udp'],
    ['/ip6/2a00:77::7/udp/40123', { host: '2a00:77::7', port: 40123 }, '[2a00:77::7]:40123/udp']
  ])('%s is shown, and is no place to dial', (text, place, shown) => {
    const address = multiaddr(text)
    expect(isPunched(address)).toBe(true)
    expect(remotePlaceOf(address)).toEqual(place)
    expect(formatAddress(address)).toBe(shown)
    expect(hostPortOf(address)).toBeUndefined()
  })

  test.each(['/ip4/11.22.33.44/udp/4001/quic-v1', '/ip4/11.22.33.44/tcp/4001', '/dns/host.example/udp/4001'])(
    '%s is none',
    (text) => {
      expect(isPunched(multiaddr(text))).toBe(false)
    }
  )
})
