// The claims in mDNS responses, and which of them count.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { describe, expect, test } from 'vitest'
import { hostPortOf } from '../../../src/node/dialing/address.ts'
import {
  LAN_PRESENCE_MS,
  LAN_SIGHTING_TTL_MS,
  SIGHTING_RATE_OF_SENDER,
  LanSightings
} from '../../../src/node/discovery/lan.ts'
import { network } from './own-networks.ts'

const own = network({ eth0: ['192.168.1.20/24', '2001:db8:7::20/64', 'fe80::20/64'], wlan0: ['fe80::30/64'] })
const peers = await Promise.all(
  Array.from({ length: 200 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')))
)
const [anna] = peers
if (anna === undefined) throw new TypeError('there are two hundred')

function seen(): { sightings: LanSightings; shownPeers: [string, readonly string[]][]; clock: { ms: number } } {
  const shownPeers: [string, readonly string[]][] = []
  const clock = { ms: 0 }
  const sightings = new LanSightings({
    onSighting: (peer, addresses) => shownPeers.push([peer, addresses]),
    now: () => clock.ms,
    ownNetwork: () => own
  })
  return { sightings, shownPeers, clock }
}

function claim(id: PeerId, hosts: readonly string[], port = 4001) {
  return { id, multiaddrs: hosts.map((host) => multiaddr(`/ip${host.includes(':') ? 6 : 4}/${host}/tcp/${port}`)) }
}

function hostsOf(addresses: readonly string[]): readonly string[] {
  return addresses.map((address) => address.split('/')[2] ?? '')
}

/** Hosts with their zones. */
function placesOf(addresses: readonly string[]): readonly string[] {
  return addresses.map((address) => hostPortOf(multiaddr(address))?.host ?? '')
}

test('a peer that answers no more is soon not there, and is looked for at its place for longer', () => {
  const { sightings, clock } = seen()
  const isThere = (): boolean => sightings.isThere(anna.toString())
  expect(isThere()).toBe(false)
  sightings.received(claim(anna, ['192.168.1.7']), '192.168.1.7')
  clock.ms = LAN_PRESENCE_MS
  expect(isThere()).toBe(true)
  clock.ms = LAN_PRESENCE_MS + 1
  expect(isThere()).toBe(false)
  expect(hostsOf(sightings.addressesOf(anna.toString()))).toEqual(['192.168.1.7'])
})

describe('a response', () => {
  const everywhere = ['127.0.0.1', '192.168.1.7', '192.168.1.8', '192.168.1.20', '10.0.0.1', '203.0.113.7', '8.8.8.8']

  test.each([
    ['of a machine on the link', '192.168.1.7', ['192.168.1.7']],
    ['of another that names it', '192.168.1.9', []],
    ['of this machine', '192.168.1.20', ['127.0.0.1', '192.168.1.20']],
    ['of this machine without a network', '127.0.0.1', ['127.0.0.1', '192.168.1.20']],
    ['of a machine behind a router', '203.0.113.7', []],
    ['of a private network that is not ours', '10.0.0.1', []],
    ['whose sender is not known', undefined, ['192.168.1.7']]
  ])('%s (%s) shows the way to its sender at most', (_whose, sender, shown) => {
    const { sightings, shownPeers } = seen()
    sightings.received(claim(anna, everywhere), sender)
    expect(shownPeers.map(([, addresses]) => hostsOf(addresses))).toEqual(shown.length === 0 ? [] : [shown])
    expect(hostsOf(sightings.addressesOf(anna.toString()))).toEqual(shown)
  })

  const local = ['fe80::7', 'fe80::8', 'fe80::20', '192.168.1.7', '::1']

  test.each([
    ['of a machine on the link', 'fe80::7%eth0', ['fe80::7%eth0']],
    ['of the same machine on another link', 'fe80::7%wlan0', ['fe80::7%wlan0']],
    ['of another machine that has the address of our other link', 'fe80::30%eth0', []],
    // Any machine on the link can send from our address, and would be taken for a program of this machine.
    ['from our own address on the link', 'fe80::20%eth0', []],
    ['from our own public address', '2001:db8:7::20', []],
    ['of a machine that names others', 'fe80::9%eth0', []]
  ])('over IPv6 %s (%s) shows the way to its sender, on the link that it came over', (_whose, sender, shown) => {
    const { sightings, shownPeers } = seen()
    sightings.received(claim(anna, local), sender)
    expect(shownPeers.map(([, addresses]) => placesOf(addresses))).toEqual(shown.length === 0 ? [] : [shown])
  })

  test('from the metadata service of a cloud is ignored', () => {
    const { sightings, shownPeers } = seen()
    sightings.received(claim(anna, ['fe80::a9fe:a9fe'], 80), 'fe80::a9fe:a9fe%eth0')
    expect(shownPeers).toEqual([])
  })

  test('with 24 ports causes no scan of its sender', () => {
    const { sightings } = seen()
    const ports = Array.from({ length: 24 }, (_, i) => multiaddr(`/ip4/192.168.1.7/tcp/${i + 1}`))
    sightings.received({ id: anna, multiaddrs: ports }, '192.168.1.7')
    expect(sightings.addressesOf(anna.toString())).toHaveLength(4)
  })

  test('that is forged does not hide the true one', () => {
    const { sightings } = seen()
    sightings.received(claim(anna, ['192.168.1.7']), '192.168.1.7')
    for (const last of [50, 51, 52, 53]) sightings.received(claim(anna, [`192.168.1.${last}`]), `192.168.1.${last}`)
    sightings.received(claim(anna, ['192.168.1.7']), '192.168.1.7')
    expect(hostsOf(sightings.addressesOf(anna.toString()))).toContain('192.168.1.7')
  })

  test('counts for as long as a sighting does', () => {
    const { sightings, clock } = seen()
    sightings.received(claim(anna, ['192.168.1.7']), '192.168.1.7')
    clock.ms = LAN_SIGHTING_TTL_MS + 1
    expect(sightings.addressesOf(anna.toString())).toEqual([])
  })
})

test('one sender may show some new peers at once, then one a second, and known peers without a limit', () => {
  const { sightings, shownPeers, clock } = seen()
  const show = (): number => {
    const before = new Set(shownPeers.map(([peer]) => peer)).size
    for (const peer of peers) sightings.received(claim(peer, ['192.168.1.7']), '192.168.1.7')
    return new Set(shownPeers.map(([peer]) => peer)).size - before
  }
  expect(show()).toBe(SIGHTING_RATE_OF_SENDER.burst)
  clock.ms = 10_000
  expect(show()).toBe(10 * SIGHTING_RATE_OF_SENDER.perSecond)
  sightings.received(claim(anna, ['192.168.1.8']), '192.168.1.8')
  expect(hostsOf(sightings.addressesOf(anna.toString()))).toContain('192.168.1.8')
})

test('a machine that uses many link-local addresses may show no more peers than any other', () => {
  const { sightings, shownPeers } = seen()
  peers.forEach((peer, i) => sightings.received(claim(peer, [`fe80::1:${i}`]), `fe80::1:${i}%eth0`))
  expect(shownPeers).toHaveLength(SIGHTING_RATE_OF_SENDER.burst)
})
