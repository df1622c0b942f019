import fc from 'fast-check'
import { multiaddr } from '@multiformats/multiaddr'
import { expect, test } from 'vitest'
import {
  addressBlock,
  addressClass,
  addressClassOf,
  PRESSURE_PART,
  Shares,
  UNKNOWN_ADDRESS_CLASS
} from '../../src/wire/index.ts'

test('an address class is an IPv4 address or the first 64 bits of an IPv6 address, however it is written', () => {
  expect(addressClass('203.0.113.7')).toBe('203.0.113.7')
  expect(addressClass('::ffff:203.0.113.7')).toBe('203.0.113.7')
  expect(addressClass('::ffff:cb00:7107')).toBe('203.0.113.7')
  expect(addressClass('2001:db8::1')).toBe('2001:db8::/64')
  expect(addressClass('2001:0DB8:0:0:ffff::')).toBe('2001:db8::/64')
  expect(addressClass('2001:db8:0:1:2:3:4:5')).toBe('2001:db8:0:1::/64')
  expect(addressClass('::1')).toBe('::/64')
  expect(addressClass('64:ff9b::192.0.2.1')).toBe('64:ff9b::/64')
  for (const none of ['', 'localhost', '1.2.3', '1.2.3.4.5', '2001:db8']) {
    expect(addressClass(none)).toBe(UNKNOWN_ADDRESS_CLASS)
  }
})

test('a multiaddr is of the class of its first IP address', () => {
  expect(addressClassOf(multiaddr('/ip4/203.0.113.7/tcp/4001'))).toBe('203.0.113.7')
  expect(addressClassOf(multiaddr('/ip6/2001:db8::2/tcp/9'))).toBe('2001:db8::/64')
  expect(addressClassOf(multiaddr('/ip6/::ffff:203.0.113.7/tcp/4001'))).toBe('203.0.113.7')
  expect(addressClassOf(multiaddr('/dns4/example.org/tcp/4001'))).toBe(UNKNOWN_ADDRESS_CLASS)
})

test('each link-local IPv6 address is a class of its own on its link, so that a neighbour shares with no other', () => {
  expect(addressClass('fe80::1%eth0')).toBe('fe80::1%eth0')
  expect(addressClass('FE80:0::1%eth0')).toBe('fe80::1%eth0')
  expect(addressClass('febf::1')).toBe('febf::1')
  expect(addressClass('fec0::1')).toBe('fec0::/64')
  const classOf = (text: string): string => addressClassOf(multiaddr(text))
  expect(classOf('/ip6zone/eth0/ip6/fe80::1/tcp/4001')).toBe('fe80::1%eth0')
  expect(classOf('/ip6zone/wlan0/ip6/fe80::1/tcp/4001')).toBe('fe80::1%wlan0')
  // The sender of a datagram may have written any of them.
  expect(addressBlock('fe80::1%eth0')).toBe('fe80::/64')
})

test('two IPv6 addresses are of one block exactly when their first 64 bits are the same', () => {
  const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16))
  const half = fc.tuple(group, group, group, group).map((groups) => groups.join(':'))
  fc.assert(
    fc.property(half, half, half, half, (prefix, other, host, otherHost) => {
      expect(addressBlock(`${prefix}:${host}`)).toBe(addressBlock(`${prefix}:${otherHost}`))
      expect(addressBlock(`${prefix}:${host}`) === addressBlock(`${other}:${host}`)).toBe(prefix === other)
    })
  )
})

test('there is no pressure while a quarter of the room is free, whichever holder has the rest', () => {
  const shares = new Shares<number>({ capacity: 8 })
  for (let item = 0; item < 6; item++) shares.add(item, 'one router')
  expect(shares.isUnderPressure).toBe(false)
  shares.add(6, 'one router')
  expect(shares.isUnderPressure).toBe(true)
  expect(shares.isFull).toBe(false)
})

test('the oldest item of the largest holder gives way, and one that is counted again is no longer the oldest', () => {
  const shares = new Shares<string>({ capacity: 4 })
  shares.add('a1', 'a')
  shares.add('b1', 'b')
  shares.add('b2', 'b')
  expect(shares.toEvict()).toBe('b1')
  shares.add('b1', 'b')
  expect(shares.toEvict()).toBe('b2')
  expect(shares.holders()).toEqual([
    { holder: 'b', count: 2 },
    { holder: 'a', count: 1 }
  ])
})

test('protected items never give way and do not count against their holder', () => {
  const shares = new Shares<string>({ capacity: 4 })
  for (const contact of ['a1', 'a2', 'a3']) shares.add(contact, 'a')
  shares.add('b1', 'b')
  expect(shares.toEvict((item) => item.startsWith('a'))).toBe('b1')
  expect(shares.toEvict(() => true)).toBeUndefined()
})

test('with eviction under pressure no flood takes a place from a holder that is smaller than the largest', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('flood', 'flood', 'flood', 'b', 'c'), { maxLength: 200 }),
      fc.integer({ min: 8, max: 40 }),
      (arrivals, capacity) => {
        const shares = new Shares<number>({ capacity })
        arrivals.forEach((holder, item) => {
          shares.add(item, holder)
          if (!shares.isUnderPressure) return
          const evicted = shares.toEvict()
          const largest = shares.holders()[0]
          expect(evicted).toBeDefined()
          if (evicted === undefined) return
          expect(shares.countOf(shares.holderOf(evicted) ?? '')).toBe(largest?.count)
          shares.delete(evicted)
        })
        expect(shares.size).toBeLessThanOrEqual(Math.ceil(capacity * PRESSURE_PART))
      }
    )
  )
})

test('weighted items take as many places as they weigh, and the heaviest of the largest holder is named', () => {
  const bytes = new Shares<string>({ capacity: 100 })
  bytes.add('a1', 'a', 30)
  bytes.add('b1', 'b', 10)
  bytes.add('b2', 'b', 25)
  expect(bytes.size).toBe(65)
  expect(bytes.isUnderPressure).toBe(false)
  expect(bytes.heaviest()).toBe('b2')
  bytes.add('b1', 'b', 10)
  expect(bytes.itemsOf('b')).toEqual(['b2', 'b1'])
  bytes.delete('b2')
  expect([bytes.size, bytes.countOf('b'), bytes.heaviest()]).toEqual([40, 10, 'a1'])
  bytes.add('a1', 'a', 70)
  expect(bytes.isUnderPressure).toBe(true)
})

test('of several holders with the most the one that is named gives way, and else the one that came first', () => {
  const shares = new Shares<string>({ capacity: 4 })
  for (const item of ['a1', 'b1', 'b2', 'a2']) shares.add(item, item.slice(0, 1))
  expect(shares.mostHeld()).toEqual(['a1', 'a2'])
  expect(shares.mostHeld(undefined, 'b')).toEqual(['b1', 'b2'])
  expect(shares.mostHeld((item) => item === 'b1', 'b')).toEqual(['a1', 'a2'])
  expect(shares.mostHeld(undefined, 'none')).toEqual(['a1', 'a2'])
  expect([shares.largestHolder(), shares.largestHolder('b'), shares.largestHolder('none')]).toEqual(['a', 'b', 'a'])
  shares.delete('b1')
  expect(shares.largestHolder('b')).toBe('a')
})
