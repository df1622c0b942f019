/** The PROXY protocol, both versions, from hostile bytes. Pure. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readProxyHeader } from '../../src/transport/proxy-header.ts'

const signature = '0d0a0d0a000d0a515549540a'
const v2 = (hex: string): Uint8Array => Buffer.from(signature + hex.replaceAll(' ', ''), 'hex')
const text = (line: string): Uint8Array => Buffer.from(line, 'latin1')

describe('a header of version 1', () => {
  test('tells the address and port of the client', () => {
    const line = 'PROXY TCP4 203.0.113.7 192.0.2.1 51000 8000\r\n'
    expect(readProxyHeader(text(`${line}and more`))).toEqual({
      is: 'complete',
      byteLength: line.length,
      source: { address: '203.0.113.7', port: 51_000 }
    })
    expect(readProxyHeader(text('PROXY TCP6 2001:db8::7 2001:db8::1 51000 8000\r\n'))).toMatchObject({
      source: { address: '2001:db8::7', port: 51_000 }
    })
  })

  test('may say that the client is not known', () => {
    const longest = `PROXY UNKNOWN ${'ffff:'.repeat(7)}ffff ${'ffff:'.repeat(7)}ffff 65535 65535\r\n`
    expect(longest.length).toBe(107)
    for (const line of ['PROXY UNKNOWN\r\n', longest]) {
      expect(readProxyHeader(text(line))).toEqual({ is: 'complete', byteLength: line.length })
    }
  })

  test.each([
    'GET / HTTP/1.1\r\n',
    'PROXY TCP4 203.0.113.7 192.0.2.1 51000\r\n',
    'PROXY TCP4 203.0.113.7 192.0.2.1 51000 8000 more\r\n',
    'PROXY TCP4 2001:db8::7 192.0.2.1 51000 8000\r\n',
    'PROXY TCP4 203.0.113.777 192.0.2.1 51000 8000\r\n',
    'PROXY TCP4 203.0.113.7 192.0.2.1 65536 8000\r\n',
    'PROXY TCP4 203.0.113.7 192.0.2.1 -1 8000\r\n',
    'PROXY TCP6 fe80::1%eth0 2001:db8::1 51000 8000\r\n',
    `PROXY TCP4 ${'1'.repeat(120)}`
  ])('%j is refused', (line) => {
    expect(readProxyHeader(text(line))).toEqual({ is: 'invalid' })
  })
})

describe('a header of version 2', () => {
  test('tells the address and port of the client, and its extensions are skipped', () => {
    const header = v2('21 11 0010 cb007107 c0000201 c738 1f40 04000100')
    expect(readProxyHeader(Buffer.concat([header, text('more')]))).toEqual({
      is: 'complete',
      byteLength: 32,
      source: { address: '203.0.113.7', port: 51_000 }
    })
    const ipv6 = `20010db8${'0'.repeat(22)}0720010db8${'0'.repeat(22)}01`
    expect(readProxyHeader(v2(`21 21 0024 ${ipv6} c738 1f40`))).toMatchObject({
      is: 'complete',
      source: { address: '2001:db8:0:0:0:0:0:7', port: 51_000 }
    })
  })

  test('of a health check, or of no TCP address, names no client', () => {
    expect(readProxyHeader(v2('20 00 0000'))).toEqual({ is: 'complete', byteLength: 16 })
    expect(readProxyHeader(v2('21 00 0000'))).toEqual({ is: 'complete', byteLength: 16 })
  })

  test.each([
    ['of version 3', '31 11 000c cb007107 c0000201 c738 1f40'],
    ['with an unknown command', '22 11 000c cb007107 c0000201 c738 1f40'],
    ['too short for its addresses', '21 11 0008 cb007107 c0000201'],
    ['too long', '21 11 ffff cb007107']
  ])('%s is refused', (_what, hex) => {
    expect(readProxyHeader(v2(hex))).toEqual({ is: 'invalid' })
  })
})

test('a header that comes in pieces is incomplete until it is whole', () => {
  for (const whole of [
    text('PROXY TCP4 203.0.113.7 192.0.2.1 1 2\r\n'),
    v2('21 11 000c cb007107 c0000201 c738 1f40')
  ]) {
    for (let length = 0; length < whole.byteLength; length++) {
      expect(readProxyHeader(whole.subarray(0, length))).toEqual({ is: 'incomplete' })
    }
    expect(readProxyHeader(whole)).toMatchObject({ is: 'complete', byteLength: whole.byteLength })
  }
})

test('any bytes are read without an error, and no header is longer than what came', () => {
  const start = fc.constantFrom(text(''), text('PROXY '), text('PROXY TCP4 '), v2(''), v2('2111'), v2('21210024'))
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, tail) => {
      const bytes = Buffer.concat([head, tail])
      const header = readProxyHeader(bytes)
      if (header.is === 'complete') expect(header.byteLength).toBeLessThanOrEqual(bytes.byteLength)
    })
  )
})
