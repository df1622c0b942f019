import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import * as fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  BadDirectFrameError,
  directFrames,
  MAX_OFFER_CANDIDATES,
  MAX_DIRECT_FRAME_BYTES,
  TOKEN_BYTES,
  type Candidate,
  type DirectFrame,
  type Offer
} from '../../src/direct/direct-frames.ts'
import { decodeProbe, encodeProbe, PROBE_BYTES, type ProbeKind } from '../../src/direct/probe.ts'
import { SIGHTING_NONCE_BYTES, SIGHTING_PROOF_BYTES } from '../../src/direct/stun/index.ts'

const directory = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
const bytesOf = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const candidate: fc.Arbitrary<Candidate> = fc.record({
  host: fc.oneof(fc.ipV4(), fc.constantFrom('2001:db8::1', 'fd00::7', '::1')),
  port: fc.integer({ min: 1, max: 65_535 }),
  sighted: fc.option(
    bytesOf(SIGHTING_PROOF_BYTES).map((proof) => ({ directory, proof })),
    { nil: undefined }
  )
})
const offer: fc.Arbitrary<Offer> = fc.record({
  type: fc.constant('offer'),
  token: bytesOf(TOKEN_BYTES),
  stream: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  mapping: fc.constantFrom('unknown', 'independent', 'varying'),
  nonce: bytesOf(SIGHTING_NONCE_BYTES),
  candidates: fc.array(candidate, { maxLength: MAX_OFFER_CANDIDATES })
})
const refusal: fc.Arbitrary<DirectFrame> = fc.record({
  type: fc.constant('refuse'),
  reason: fc.constantFrom('not-now', 'busy')
})

const shown = (frame: DirectFrame): string =>
  JSON.stringify(frame, (_key, value: unknown) =>
    value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  )

test('a frame that was encoded is decoded as it was, and is as small as it may be', () => {
  fc.assert(
    fc.property(fc.oneof(offer, refusal), (frame) => {
      const bytes = directFrames.encode(frame)
      expect(bytes.byteLength).toBeLessThanOrEqual(MAX_DIRECT_FRAME_BYTES)
      expect(shown(directFrames.decode(bytes))).toBe(shown(frame))
    })
  )
})

test('random bytes, and frames with a byte changed, fail as documented or are frames', () => {
  const changed = fc.tuple(offer, fc.nat(), fc.nat({ max: 255 })).map(([frame, at, value]) => {
    const bytes = Uint8Array.from(directFrames.encode(frame))
    bytes[at % bytes.byteLength] = value
    return bytes
  })
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 300 }), changed), (bytes) => {
      try {
        directFrames.decode(bytes)
      } catch (error) {
        expect(error).toBeInstanceOf(BadDirectFrameError)
      }
    })
  )
})

const valid: Offer = {
  type: 'offer',
  token: new Uint8Array(TOKEN_BYTES),
  stream: 7,
  mapping: 'independent',
  nonce: new Uint8Array(SIGHTING_NONCE_BYTES),
  candidates: [{ host: '203.0.113.7', port: 4_001, sighted: undefined }]
}

test.each([
  ['a token that is too short', { token: new Uint8Array(TOKEN_BYTES - 1) }],
  ['a nonce that is too long', { nonce: new Uint8Array(SIGHTING_NONCE_BYTES + 1) }],
  ['the port 0', { candidates: [{ host: '203.0.113.7', port: 0, sighted: undefined }] }],
  [
    'a proof that is too short',
    { candidates: [{ ...valid.candidates[0]!, sighted: { directory, proof: Uint8Array.of(1) } }] }
  ],
  [
    'more candidates than the limit',
    { candidates: Array.from({ length: MAX_OFFER_CANDIDATES + 1 }, () => valid.candidates[0]!) }
  ]
])('an offer with %s is refused', (_what, broken: Partial<Offer>) => {
  expect(() => directFrames.decode(directFrames.encode({ ...valid, ...broken }))).toThrow(BadDirectFrameError)
})

test('a probe says its kind to the owner of its token alone', () => {
  const token = Buffer.alloc(TOKEN_BYTES, 7)
  const kinds: ProbeKind[] = ['probe', 'answer', 'nominate', 'confirm']
  for (const kind of kinds) {
    const bytes = encodeProbe(kind, token)
    expect(bytes.byteLength).toBe(PROBE_BYTES)
    expect(decodeProbe(bytes, token)).toBe(kind)
    expect(decodeProbe(bytes, Buffer.alloc(TOKEN_BYTES, 8))).toBe(undefined)
    expect(decodeProbe(bytes.subarray(1), token)).toBe(undefined)
  }
  expect(decodeProbe(Buffer.concat([Buffer.from('NONE'), token]), token)).toBe(undefined)
})

test('the probe of the specification is one', () => {
  const page = readFileSync(new URL('../../docs/spec/direct-1.0.0.md', import.meta.url), 'utf8')
  const hex = /a probe is `([\da-f ]+)`/u.exec(page)?.[1]?.replaceAll(' ', '')
  const token = Uint8Array.from({ length: TOKEN_BYTES }, (_, at) => at)
  expect(hex).toBe(Buffer.from(encodeProbe('probe', token)).toString('hex'))
})
