/** IP addresses as bytes, and back. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ipBytes, ipText } from '../../src/wire/index.ts'

test('addresses survive the way into bytes and back', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (address) => {
      const bytes = ipBytes(address)
      if (bytes === undefined) throw new Error(`${address} was not read`)
      const text = ipText(bytes)
      if (text === undefined) throw new Error(`${address} was not written`)
      expect(ipBytes(text)).toEqual(bytes)
    })
  )
  expect(ipText(ipBytes('2001:DB8:0:0:0:0:0:1') ?? new Uint8Array())).toBe('2001:db8::1')
  expect(ipBytes('::ffff:203.0.113.7')).toEqual(Uint8Array.of(203, 0, 113, 7))
  expect(ipBytes('fe80::1%eth0')?.at(-1)).toBe(1)
  expect(ipBytes('example.org')).toBeUndefined()
  expect(ipText(new Uint8Array(5))).toBeUndefined()
})
