/** The codec of STUN: the test vectors of RFC 5769, what Parley adds, and bytes that are none of it. */
import { createHmac } from 'node:crypto'
import { crc32 } from 'node:zlib'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  answerBytes,
  decodeAnswer,
  decodeRequest,
  encodeAnswer,
  encodeRequest,
  MAX_STUN_BYTES,
  type StunAnswer,
  type StunRequest
} from '../../../src/direct/stun/stun-message.ts'

const hex = (text: string): Uint8Array => new Uint8Array(Buffer.from(text.replaceAll(/\s/gu, ''), 'hex'))

const transaction = hex('b7e7a701bc34d686fa87dfae')

/** RFC 5769, 2.1 */
const sampleRequest = hex(`
  00010058 2112a442 b7e7a701bc34d686fa87dfae
  80220010 5354554e207465737420636c69656e74
  00240004 6e0001ff
  80290008 932ff9b151263b36
  00060009 6576746a3a68367659202020
  00080014 9aeaa70cbfd8cb56781ef2b5b2d3f249c1b571a2
  80280004 e57a3bcf`)

/** RFC 5769, 2.2 */
const sampleIpv4Answer = hex(`
  0101003c 2112a442 b7e7a701bc34d686fa87dfae
  8022000b 7465737420766563746f7220
  00200008 0001a147e112a643
  00080014 2b91f599fd9e90c38c7489f92af9ba53f06be7d7
  80280004 c07d4c96`)

/** RFC 5769, 2.3 */
const sampleIpv6Answer = hex(`
  01010048 2112a442 b7e7a701bc34d686fa87dfae
  8022000b 7465737420766563746f7220
  00200014 0002a1470113a9faa5d3f179bc25f4b5bed2b9d9
  00080014 a382954e4be67bf11784c97c8292c275bfe3ed41
  80280004 c8fb0b4c`)

test('the test vectors are those of the RFC: their check sums and their keyed hashes hold', () => {
  for (const message of [sampleRequest, sampleIpv4Answer, sampleIpv6Answer]) {
    const view = new DataView(message.buffer)
    const fingerprintAt = message.byteLength - 4
    expect(view.getUint32(fingerprintAt)).toBe((crc32(message.subarray(0, fingerprintAt - 4)) ^ 0x5354554e) >>> 0)
    const keyed = message.slice(0, fingerprintAt - 28)
    // The length, as it was when the hash was made: without the check sum behind it.
    new DataView(keyed.buffer).setUint16(2, message.byteLength - 28)
    const hash = createHmac('sha1', 'VOkJxbRl1RmTxUk/WvJxBt').update(keyed).digest()
    expect(Buffer.from(message.subarray(fingerprintAt - 24, fingerprintAt - 4))).toEqual(hash)
  }
})

test('answers of the RFC are read, for IPv4 and IPv6', () => {
  expect(decodeAnswer(sampleIpv4Answer)).toEqual({ transaction, address: '192.0.2.1', port: 32_853 })
  expect(decodeAnswer(sampleIpv6Answer)).toEqual({
    transaction,
    address: '2001:db8:1234:5678:11:2233:4455:6677',
    port: 32_853
  })
})

test('the mapped addresses of the RFC are written as they are there', () => {
  const ipv4 = encodeAnswer({ transaction, address: '192.0.2.1', port: 32_853 })
  expect(Buffer.from(ipv4.subarray(20))).toEqual(Buffer.from(sampleIpv4Answer.subarray(36, 48)))
  const ipv6 = encodeAnswer({ transaction, address: '2001:db8:1234:5678:11:2233:4455:6677', port: 32_853 })
  expect(Buffer.from(ipv6.subarray(20))).toEqual(Buffer.from(sampleIpv6Answer.subarray(36, 60)))
})

test('a request with an attribute that may not be skipped is none of ours; one that may be skipped is skipped', () => {
  expect(decodeRequest(sampleRequest)).toBeUndefined()
  const withSoftware = hex('00010014 2112a442 b7e7a701bc34d686fa87dfae 80220010 5354554e207465737420636c69656e74')
  expect(decodeRequest(withSoftware)).toEqual({ transaction })
})

test('requests and answers survive the way there and back', () => {
  const transactions = fc.uint8Array({ minLength: 12, maxLength: 12 })
  const tags = fc.option(fc.uint8Array({ minLength: 16, maxLength: 16 }), { nil: undefined })
  const proofs = fc.option(fc.uint8Array({ minLength: 72, maxLength: 72 }), { nil: undefined })
  const addresses = fc.constantFrom('192.0.2.1', '2001:db8::1')
  fc.assert(
    fc.property(
      transactions,
      tags,
      proofs,
      addresses,
      fc.integer({ min: 1, max: 65_535 }),
      (id, tag, proof, address, port) => {
        const request: StunRequest = { transaction: id, ...(tag === undefined ? {} : { tag }) }
        expect(decodeRequest(encodeRequest(request))).toEqual(request)
        const answer: StunAnswer = { transaction: id, address, port, ...(proof === undefined ? {} : { proof }) }
        expect(decodeAnswer(encodeAnswer(answer))).toEqual(answer)
      }
    )
  )
})

test('no request is shorter than its answer', () => {
  for (const tag of [undefined, new Uint8Array(16)]) {
    const request = encodeRequest({ transaction, ...(tag === undefined ? {} : { tag }) })
    const proof = tag === undefined ? {} : { proof: new Uint8Array(72) }
    const ipv4 = encodeAnswer({ transaction, address: '192.0.2.1', port: 1, ...proof })
    const ipv6 = encodeAnswer({ transaction, address: '2001:db8::1', port: 1, ...proof })
    expect(ipv4.byteLength).toBe(answerBytes(4, tag !== undefined))
    expect(ipv6.byteLength).toBe(answerBytes(16, tag !== undefined))
    expect(request.byteLength).toBeGreaterThanOrEqual(ipv6.byteLength)
  }
})

test('of any other bytes nothing is made, and nothing thrown', () => {
  const started = fc.uint8Array({ maxLength: 200 }).map((rest) => Uint8Array.of(...hex('0101'), ...rest))
  const fromMessages = fc
    .tuple(
      fc.constantFrom(sampleIpv4Answer, sampleIpv6Answer, encodeRequest({ transaction })),
      fc.nat(200),
      fc.nat(255)
    )
    .map(([message, at, byte]) => message.map((old, i) => (i === at % message.byteLength ? byte : old)))
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), started, fromMessages), (bytes) => {
      decodeAnswer(bytes)
      decodeRequest(bytes)
    })
  )
  expect(decodeAnswer(sampleIpv4Answer.subarray(0, -4))).toBeUndefined()
  expect(decodeAnswer(new Uint8Array(MAX_STUN_BYTES + 4))).toBeUndefined()
  expect(decodeRequest(sampleIpv4Answer)).toBeUndefined()
})
