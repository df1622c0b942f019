import { expect, test } from 'vitest'
import { isTooWide, readCidr } from '../../../src/node/config/setting-values.ts'
import { TrustedProxies } from '../../../src/node/config/trusted-proxies.ts'

test('an address inside a range is a trusted proxy, in each notation that a socket has for it', () => {
  const proxies = new TrustedProxies(['10.0.0.0/8', '192.0.2.7', 'fd00:1::/32'])
  for (const inside of ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.7', 'fd00:1::7', 'fd00:1:0:0::7%eth0']) {
    expect(proxies.has(inside)).toBe(true)
  }
  for (const outside of ['11.0.0.1', '192.0.2.8', 'fd00:2::1', '::ffff:192.0.2.8', '', 'localhost', '10.1.2']) {
    expect(proxies.has(outside)).toBe(false)
  }
})

test('without a range nobody is one', () => {
  expect(new TrustedProxies([]).isEmpty).toBe(true)
  expect(new TrustedProxies([]).has('127.0.0.1')).toBe(false)
})

test.each([
  '10.0.0.0/33',
  'fd00::/129',
  '10.0.0/8',
  'proxy.example/24',
  '10.0.0.0/8/8',
  '10.0.0.0/',
  'fe80::1%eth0/64',
  ''
])('%j is refused, with how a range is written', (text) => {
  expect(() => new TrustedProxies([text])).toThrow(/is not a range of addresses: write one like 10\.0\.0\.0\/8/u)
})

test('a range that holds strangers is told from a network of one’s own', () => {
  const wide = ['0.0.0.0/0', '10.0.0.0/7', '::/0', '2000::/3']
  const own = ['10.0.0.0/8', '192.0.2.7', '127.0.0.0/8', 'fd00::/16', 'fd00:1::/32', '::1']
  expect([...wide, ...own].filter((range) => isTooWide(readCidr(range)))).toEqual(wide)
})
