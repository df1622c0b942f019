import { multiaddr } from '@multiformats/multiaddr'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  dialCandidates,
  MAX_ADDRESSES_PER_DIAL,
  nearest,
  vantageOf,
  whyNotDialled,
  type Vantage
} from '../../../src/node/dialing/dialable.ts'
import { network } from '../discovery/own-networks.ts'

const own = network({
  eth0: ['192.168.1.20/24', 'fd12:3456:789a:1::20/64', 'fe80::20/64', '2001:db8:7::20/64'],
  vpn0: ['10.8.0.5/32'],
  wan0: ['203.0.113.20/25']
})

function isDialled(address: string, from: Vantage): boolean {
  return whyNotDialled(multiaddr(address), from, own) === undefined
}

/** Numbers below or near the ends of the special ranges are as likely as all others together. */
const byte = fc.oneof(
  fc.integer({ min: 0, max: 255 }),
  fc.constantFrom(0, 1, 10, 100, 127, 168, 169, 172, 192, 224, 254, 255)
)
const ipv4 = fc.tuple(
  fc.oneof(byte, fc.constantFrom(0, 10, 100, 127, 169, 172, 192, 198, 224, 239, 240, 255)),
  fc.oneof(byte, fc.constantFrom(0, 16, 18, 31, 64, 100, 168, 254)),
  fc.oneof(byte, fc.constantFrom(0, 1, 100, 113, 169, 170)),
  byte
)
const group = fc.oneof(fc.integer({ min: 0, max: 0xffff }), fc.constantFrom(0, 1, 0xffff))
const ipv6 = fc.tuple(
  fc.oneof(group, fc.constantFrom(0, 0x64, 0x2001, 0x2002, 0xfc00, 0xfd00, 0xfd12, 0xfe80, 0xfec0, 0xff02)),
  ...Array.from({ length: 7 }, () => group)
)
const reporters: readonly Vantage[] = ['elsewhere', 'contact', 'network', 'machine']

/** By arithmetic, and not by the tables of the code. */
function isForbidden4([a, b, c, d]: readonly number[], from: Vantage): boolean {
  const [first = 0, second = 0, third = 0, fourth = 0] = [a, b, c, d]
  const isLinkLocal = first === 169 && second === 254
  const isPrivate =
    first === 10 ||
    (first === 172 && second >= 16 && second < 32) ||
    (first === 192 && second === 168) ||
    (first === 100 && second >= 64 && second < 128) ||
    (first === 198 && (second === 18 || second === 19))
  const isOnLink = first === 192 && second === 168 && third === 1 && fourth !== 0 && fourth !== 255
  return (
    first === 0 ||
    first >= 224 ||
    isLinkLocal ||
    (first === 127 && from !== 'machine') ||
    (isPrivate &&
      from === 'elsewhere' &&
      !isOnLink &&
      !(first === 10 && second === 8 && third === 0 && fourth === 5)) ||
    (first === 192 && second === 0 && third === 0)
  )
}

describe('an address that others report', () => {
  test('is never dialled if its class is for nobody to name', () => {
    fc.assert(
      fc.property(ipv4, fc.constantFrom(...reporters), (bytes, from) => {
        if (isForbidden4(bytes, from)) expect(isDialled(`/ip4/${bytes.join('.')}/tcp/80`, from)).toBe(false)
      }),
      { numRuns: 5_000 }
    )
  })

  test('is never dialled in IPv6 where it is no unicast address, and private ones only on the own link', () => {
    fc.assert(
      fc.property(ipv6, fc.constantFrom(...reporters), (groups, from) => {
        const text = groups.map((one) => one.toString(16)).join(':')
        const [first] = groups
        const isGlobal = first >> 13 === 1
        const isUnique = first >> 9 === 0x7e
        const isMapped = groups.slice(0, 5).every((one) => one === 0) && groups[5] === 0xffff
        const isTranslated = first === 0x64
        if (isMapped || isTranslated) return
        const isLoopback = groups.slice(0, 7).every((one) => one === 0) && groups[7] === 1
        const isDialable =
          (isGlobal && first !== 0x2002 && !(first === 0x2001 && (groups[1] ?? 0) < 0x200)) ||
          (isUnique && from !== 'elsewhere') ||
          (isLoopback && from === 'machine') ||
          text.startsWith('fd12:3456:789a:1:')
        if (!isDialable) expect(isDialled(`/ip6/${text}/tcp/80`, from)).toBe(false)
      }),
      { numRuns: 5_000 }
    )
  })

  test('is what its IPv4 address is, where it holds one', () => {
    fc.assert(
      fc.property(ipv4, fc.constantFrom(...reporters), (bytes, from) => {
        const ip = bytes.join('.')
        const [a, b, c, d] = bytes
        const hex = `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
        if (!isForbidden4(bytes, from)) return
        expect(isDialled(`/ip6/::ffff:${hex}/tcp/80`, from)).toBe(false)
        expect(isDialled(`/ip6/::ffff:${ip}/tcp/80`, from)).toBe(false)
        expect(isDialled(`/ip6/64:ff9b::${hex}/tcp/80`, from)).toBe(false)
      }),
      { numRuns: 2_000 }
    )
  })

  test.each<[string, Vantage, string]>([
    ['/ip4/127.0.0.1/tcp/22', 'elsewhere', 'loopback'],
    ['/ip4/127.0.0.1/tcp/22', 'network', 'loopback'],
    ['/ip6/::1/tcp/22', 'contact', 'loopback'],
    ['/ip4/169.254.169.254/tcp/80', 'machine', 'metadata'],
    ['/ip6/fd00:ec2::254/tcp/80', 'network', 'metadata'],
    ['/ip4/169.254.7.7/tcp/80', 'network', 'another link'],
    ['/ip6/fe80::7/tcp/80', 'network', 'another link'],
    ['/ip4/224.0.0.251/tcp/80', 'machine', 'no machine'],
    ['/ip4/192.168.1.255/tcp/80', 'network', 'no machine'],
    ['/ip4/203.0.113.127/tcp/80', 'elsewhere', 'no machine'],
    ['/ip4/192.168.2.7/tcp/80', 'elsewhere', 'private network'],
    ['/ip4/172.16.0.7/tcp/80', 'contact', 'private network'],
    ['/ip4/11.22.33.44/tcp/0', 'elsewhere', 'no port'],
    ['/ip6zone/eth0/ip6/fe80::7/tcp/80', 'machine', 'TCP'],
    ['/ip4/11.22.33.44/udp/80', 'elsewhere', 'TCP'],
    ['/ip4/11.22.33.44/tcp/80/ws', 'elsewhere', 'TCP'],
    ['/dns4/metadata.google.internal/tcp/80', 'machine', 'name'],
    ['/dnsaddr/evil.example', 'elsewhere', 'name']
  ])('%s from %s is refused: %s', (address, from, why) => {
    expect(whyNotDialled(multiaddr(address), from, own)).toContain(why)
  })

  test.each<[string, Vantage]>([
    ['/ip4/11.22.33.44/tcp/22', 'elsewhere'],
    ['/ip6/2a00:1450::7/tcp/443', 'elsewhere'],
    ['/ip4/192.168.1.7/tcp/4001', 'elsewhere'],
    ['/ip4/192.168.1.20/tcp/4001', 'elsewhere'],
    ['/ip6/fd12:3456:789a:1::7/tcp/4001', 'elsewhere'],
    ['/ip4/10.99.0.7/tcp/4001', 'contact'],
    ['/ip6/fd12:3456:789a:2::7/tcp/4001', 'contact'],
    ['/ip4/172.16.0.7/tcp/4001', 'network'],
    ['/ip4/127.0.0.1/tcp/4001', 'machine'],
    ['/ip4/127.0.0.1/tcp/4001', 'known'],
    ['/ip4/10.99.0.7/tcp/4001', 'known'],
    ['/dns4/directory.example/tcp/4001', 'user'],
    ['/dnsaddr/directory.example', 'known'],
    ['/ip6zone/eth0/ip6/fe80::7/tcp/4001', 'known']
  ])('%s from %s is dialled', (address, from) => {
    expect(isDialled(address, from)).toBe(true)
  })
})

test.each([
  ['/ip4/127.0.0.1/tcp/1', 'machine'],
  ['/ip4/192.168.1.20/tcp/1', 'machine'],
  ['/ip6/::1/tcp/1', 'machine'],
  ['/ip4/192.168.1.7/tcp/1', 'network'],
  ['/ip4/172.16.0.7/tcp/1', 'network'],
  ['/ip4/203.0.113.7/tcp/1', 'network'],
  ['/ip6/2001:db8:7::7/tcp/1', 'network'],
  ['/ip4/203.0.113.200/tcp/1', 'elsewhere'],
  ['/dns4/localhost/tcp/1', 'elsewhere']
] as const)('who is connected from %s is %s', (address, vantage) => {
  expect(vantageOf(multiaddr(address), own)).toBe(vantage)
})

test('of several places the nearest counts', () => {
  expect(nearest(['elsewhere', 'contact', 'network'])).toBe('network')
  expect(nearest(['elsewhere'])).toBe('elsewhere')
  expect(nearest([])).toBe('elsewhere')
})

const peer = '12D3KooWPKXP6T6dBxTP941cjTLnApFNkEumGpUX35EqGnvgC16b'
const home = network({ eth0: ['192.168.1.20/24'] })

function candidates(...sources: string[][]): string[] {
  return dialled('known', ...sources)
}

function dialled(vantage: Vantage, ...sources: string[][]): string[] {
  const known = sources.map((addresses) => ({ addresses, from: vantage }))
  return dialCandidates(peer, known, home).dialled.map(({ address }) => address.toString().replace(`/p2p/${peer}`, ''))
}

describe('the addresses of a dial', () => {
  test("do not hold another machine's loopback address, where a third program may answer", () => {
    expect(candidates(['/ip4/127.0.0.1/tcp/4001', '/ip4/192.168.1.7/tcp/4001'])).toEqual(['/ip4/192.168.1.7/tcp/4001'])
  })

  test('hold the loopback address of a peer on this machine, and of one that has no other', () => {
    const here = ['/ip4/127.0.0.1/tcp/4001', '/ip4/192.168.1.20/tcp/4001']
    expect(candidates(here)).toEqual(here)
    expect(candidates(['/ip4/127.0.0.1/tcp/4001'])).toEqual(['/ip4/127.0.0.1/tcp/4001'])
  })

  test('hold addresses of every source, however many one of them has', () => {
    const flood = Array.from({ length: 200 }, (_, i) => `/ip4/10.0.0.${i}/tcp/1`)
    const real = ['/ip4/192.168.1.7/tcp/4001', '/ip4/192.168.1.8/tcp/4001']
    const chosen = candidates(flood, real)
    expect(chosen).toHaveLength(MAX_ADDRESSES_PER_DIAL)
    expect(chosen).toEqual(expect.arrayContaining(real))
  })

  test("do not hold texts that are no multiaddr, or another peer's address", () => {
    const other = '12D3KooWPJbUPDNXbx39JbNwuWDfZG38KkWDJQkneEnCapQrpt8U'
    expect(candidates(['/ip4/999.0.0.1/tcp/1', '/nonsense', `/ip4/10.0.0.1/tcp/1/p2p/${other}`])).toEqual([])
  })

  test('lead through relays in use, whatever place their relay is said to be at, and through no others', () => {
    const [inUse, other] = [
      '12D3KooWPJbUPDNXbx39JbNwuWDfZG38KkWDJQkneEnCapQrpt8U',
      '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2'
    ]
    const addresses = [
      `/ip4/127.0.0.1/tcp/22/p2p/${inUse}/p2p-circuit`,
      `/p2p/${inUse}/p2p-circuit`,
      `/ip4/203.0.113.7/tcp/4001/p2p/${other}/p2p-circuit`
    ]
    const found = dialCandidates(peer, [{ addresses, from: 'elsewhere' }], home, new Set([inUse]))
    expect(found.dialled.map(({ address }) => address.toString())).toEqual([`/p2p/${inUse}/p2p-circuit/p2p/${peer}`])
    expect(found.refused).toEqual([`/p2p/${other}/p2p-circuit/p2p/${peer} leads through a relay that is not in use`])
    expect(dialCandidates(peer, [{ addresses, from: 'user' }], home).dialled).toEqual([])
  })

  test('hold the loopback address of a peer that has no other but one behind a relay', () => {
    const relay = '12D3KooWPJbUPDNXbx39JbNwuWDfZG38KkWDJQkneEnCapQrpt8U'
    const addresses = ['/ip4/127.0.0.1/tcp/4001', `/p2p/${relay}/p2p-circuit`]
    expect(dialCandidates(peer, [{ addresses, from: 'known' }], home, new Set([relay])).dialled).toHaveLength(2)
  })

  test('come with the refused addresses, except those that another source may name', () => {
    const addresses = ['/ip4/127.0.0.1/tcp/22', '/ip4/169.254.169.254/tcp/80', '/ip4/203.0.113.7/tcp/4001']
    const reported = { addresses, from: 'elsewhere' } as const
    expect(dialCandidates(peer, [reported], home).refused).toEqual([
      "127.0.0.1:22 is another machine's own (loopback)",
      "169.254.169.254:80 is a cloud's metadata service"
    ])
    const named = { addresses: ['/ip4/127.0.0.1/tcp/22'], from: 'user' } as const
    expect(dialCandidates(peer, [reported, named], home).refused).toEqual([
      "169.254.169.254:80 is a cloud's metadata service"
    ])
  })
})
