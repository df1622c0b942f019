import { expect, test } from 'vitest'
import { addressesOnLink, MAX_MULTICAST_LINKS, multicastLinks } from '../../../src/node/discovery/links.ts'
import { peerIdFromString } from '@libp2p/peer-id'
import { interfaces } from './own-networks.ts'

const everything = (): boolean => true
const self = peerIdFromString('12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2')

test('each interface with an address is a link, by IPv4, by link-local IPv6, or by both', () => {
  const { links, unused } = multicastLinks(
    interfaces({ eth0: ['192.168.1.20/24', 'fe80::20/64'], wlan0: ['fe80::30/64'], tun0: ['2001:db8::1/64'] }),
    everything
  )
  expect(links.map(({ name, ipv4, zone }) => [name, ipv4, zone])).toEqual([
    ['lo', '127.0.0.1', undefined],
    ['eth0', '192.168.1.20', 'eth0'],
    ['wlan0', undefined, 'wlan0']
  ])
  expect(unused).toEqual([])
})

test('an interface that cannot multicast is named with the reason, and loopback is used', () => {
  const { links, unused } = multicastLinks(interfaces({ wg0: ['10.0.0.2/32'] }), () => false)
  expect(links.map(({ name }) => name)).toEqual(['lo'])
  expect(unused).toEqual([{ name: 'wg0', why: 'it cannot multicast' }])
})

test('interfaces beyond the limit are named with the reason', () => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`br${i}`, [`10.0.${i}.1/24`]]))
  const { links, unused } = multicastLinks(interfaces(many), everything)
  expect(links).toHaveLength(MAX_MULTICAST_LINKS)
  expect(unused.map(({ name }) => name)).toEqual(['br15', 'br16', 'br17', 'br18', 'br19'])
})

test('a link answers with its own addresses and no others', () => {
  const { links } = multicastLinks(
    interfaces({ eth0: ['192.168.1.20/24', '203.0.113.20/24', 'fe80::20/64'], vpn0: ['10.8.0.2/24'] }),
    everything
  )
  const answered = (places: { host: string; port: number }[]): readonly (readonly string[])[] =>
    links.map((link) => addressesOnLink(link, places, self).map((address) => address.split('/')[2] ?? ''))
  const [all, all6] = [
    { host: '0.0.0.0', port: 4001 },
    { host: '::', port: 4001 }
  ]
  expect(answered([all, all6])).toEqual([
    ['127.0.0.1', '::1'],
    ['192.168.1.20', '203.0.113.20', 'fe80::20'],
    ['10.8.0.2']
  ])
  expect(answered([{ host: '127.0.0.1', port: 4001 }])).toEqual([['127.0.0.1'], [], []])
  expect(answered([{ host: 'fe80::20%eth0', port: 4001 }])).toEqual([[], ['fe80::20'], []])
})
