import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addressRange } from '../../src/wire/index.ts'

test.each([
  [
    'public',
    ['1.1.1.1', '203.0.113.7', '11.22.33.44', '2a00:1450::1', '2001:db8::1', '::ffff:1.1.1.1', '64:ff9b::1.1.1.1']
  ],
  [
    'private',
    ['10.0.0.1', '172.16.0.1', '172.31.255.255', '192.168.0.1', '100.64.0.1', '198.18.0.1', 'fc00::1', 'fdff::1']
  ],
  ['link-local', ['169.254.0.1', 'fe80::1', 'fe80::1%eth0', 'febf::1']],
  ['loopback', ['127.0.0.1', '127.255.255.254', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1']],
  [
    'metadata',
    ['169.254.169.254', '::ffff:a9fe:a9fe', 'fd00:ec2::254', 'fd00:0ec2:0::0254', '100.100.100.200', 'fe80::a9fe:a9fe']
  ],
  [
    'none',
    [
      '0.0.0.0',
      '0.1.2.3',
      '224.0.0.251',
      '239.1.1.1',
      '240.0.0.1',
      '255.255.255.255',
      '192.0.0.1',
      '192.88.99.1',
      '::',
      '::1.2.3.4',
      'ff02::fb',
      'fec0::1',
      '100::1',
      '2001::1',
      '2002:7f00:1::',
      '64:ff9b::7f00:1',
      '64:ff9b:1::1',
      '',
      'localhost',
      '1.2.3',
      'fe80'
    ]
  ]
] as const)('of the range %s are these', (range, addresses) => {
  expect(addresses.map((address) => [address, addressRange(address)])).toEqual(
    addresses.map((address) => [address, range])
  )
})

test('an IPv4 address is what it is in each notation of IPv6 that holds it', () => {
  fc.assert(
    fc.property(fc.ipV4(), (ip) => {
      const hex = ip.split('.').map((byte) => Number(byte).toString(16).padStart(2, '0'))
      expect(addressRange(`::ffff:${ip}`)).toBe(addressRange(ip))
      expect(addressRange(`::ffff:${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`)).toBe(addressRange(ip))
      const translated = addressRange(`64:ff9b::${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`)
      expect(translated).toBe(addressRange(ip) === 'public' ? 'public' : 'none')
    })
  )
})
