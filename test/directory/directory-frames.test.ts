import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  MAX_DIRECTORY_FRAME_BYTES,
  decodeClientFrame,
  decodeDirectoryFrame,
  encodeClientFrame,
  encodeDirectoryFrame,
  packEntries,
  MAX_FRAME_ENTRIES,
  MAX_CLIENT_FRAME_BYTES
} from '../../src/directory/directory-frames.ts'
import type { ClientFrame, DirectoryFrame } from '../../src/directory/directory-frames.ts'
import { recordFrameCodec, MAX_RECORD_FRAME_BYTES } from '../../src/presence/record-stream.ts'
import { identity } from '../presence/records.ts'
import { MAX_ENVELOPE_BYTES } from '../../src/presence/presence-record.ts'

const peers = await Promise.all([1, 2, 3].map(async (n) => (await identity(n)).peer))
const uint32 = fc.nat(0xffff_ffff)
const envelope = fc.uint8Array({ minLength: 1, maxLength: 300 })
const peer = fc.constantFrom(...peers)
const entry = fc.record({
  envelope,
  attachments: fc.array(fc.record({ directory: peer, forMs: fc.maxSafeNat() }), { maxLength: 16 })
})
const entries = fc.array(entry, { maxLength: 20 })

const port = fc.integer({ min: 1, max: 65_535 })

const clientFrame: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record({ type: fc.constant('announce' as const), envelope }),
  fc.record({ type: fc.constant('withdraw' as const), envelope }),
  fc.record({
    type: fc.constant('watch' as const),
    query: fc.string({ unit: 'grapheme' }),
    offset: uint32,
    limit: uint32
  }),
  fc.record({ type: fc.constant('lookup' as const), peer })
)
const directoryFrame: fc.Arbitrary<DirectoryFrame> = fc.oneof(
  fc.record(
    {
      type: fc.constant('welcome' as const),
      network: fc.string(),
      leaseMs: uint32,
      refreshAfterMs: uint32,
      acceptedSeq: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }),
      stun: fc.record(
        { port, otherPort: port, otherAddress: fc.constantFrom('203.0.113.7', '2001:db8::7') },
        { requiredKeys: ['port', 'otherPort'] }
      )
    },
    { requiredKeys: ['type', 'network', 'leaseMs', 'refreshAfterMs'] }
  ),
  fc.record({ type: fc.constant('snapshot' as const), entries, total: uint32, last: fc.boolean() }),
  fc.record({ type: fc.constant('changes' as const), entries, removed: fc.array(peer), total: uint32 }),
  fc.record(
    {
      type: fc.constant('refuse' as const),
      reason: fc.constantFrom('stale' as const, 'full' as const, 'bad-record' as const),
      retryAfterMs: uint32,
      newestEnvelope: envelope
    },
    { requiredKeys: ['type', 'reason', 'retryAfterMs'] }
  ),
  fc.record(
    {
      type: fc.constant('found' as const),
      peer,
      newestEnvelope: envelope,
      showing: fc.boolean(),
      statements: fc.array(envelope, { maxLength: 64 }),
      federationPeers: fc.array(peer, { maxLength: 64 }),
      epoch: fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
    },
    { requiredKeys: ['type', 'peer', 'showing', 'statements', 'federationPeers'] }
  )
)

/** Peer IDs as text: two objects of one peer ID may differ in what they have cached. */
function plain(frame: DirectoryFrame | ClientFrame | undefined): unknown {
  const show = (_: string, value: unknown) =>
    typeof value === 'bigint' ? `${value}n` : value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
  return JSON.parse(JSON.stringify(frame, show) ?? 'null')
}

describe('frames of presence', () => {
  it('decode to what was encoded', () => {
    fc.assert(
      fc.property(clientFrame, (frame) => {
        expect(plain(decodeClientFrame(encodeClientFrame(frame)))).toEqual(plain(frame))
      })
    )
    fc.assert(
      fc.property(directoryFrame, (frame) => {
        expect(plain(decodeDirectoryFrame(encodeDirectoryFrame(frame)))).toEqual(plain(frame))
      })
    )
  })

  it('decode to a frame, to nothing, or throw an Error, whatever the bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        for (const decode of [decodeClientFrame, decodeDirectoryFrame, (b: Uint8Array) => recordFrameCodec.decode(b)]) {
          try {
            decode(bytes)
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
          }
        }
      }),
      { numRuns: 1_000 }
    )
  })

  it('skip what a later version may send', () => {
    const later = new Uint8Array([0x7a, 2, 1, 2]) // field 15
    expect([decodeClientFrame(later), decodeDirectoryFrame(later), recordFrameCodec.decode(later)]).toEqual([
      undefined,
      undefined,
      undefined
    ])
  })

  it('refuse more entries than a frame may have', () => {
    const many = Array.from({ length: MAX_FRAME_ENTRIES + 1 }, () => ({ envelope: new Uint8Array(1), attachments: [] }))
    const frame = encodeDirectoryFrame({ type: 'snapshot', entries: many, total: 0, last: true })
    expect(() => decodeDirectoryFrame(frame)).toThrow(/too many elements/)
  })

  it('fit their limits when they carry the largest record', () => {
    const largest = new Uint8Array(MAX_ENVELOPE_BYTES)
    expect(encodeClientFrame({ type: 'announce', envelope: largest }).byteLength).toBeLessThan(MAX_CLIENT_FRAME_BYTES)
    expect(recordFrameCodec.encode({ type: 'record', envelope: largest }).byteLength).toBeLessThan(
      MAX_RECORD_FRAME_BYTES
    )
  })

  it('are packed so that every page fits into a frame, and none is lost', () => {
    const wide = fc.record({
      envelope: fc.integer({ min: 1, max: MAX_ENVELOPE_BYTES }).map((size) => new Uint8Array(size)),
      attachments: fc.array(fc.record({ directory: peer, forMs: fc.maxSafeNat() }), { maxLength: 16 })
    })
    fc.assert(
      fc.property(fc.array(wide, { maxLength: 120 }), (all) => {
        const pages = packEntries(all)
        expect(pages.flat()).toEqual(all)
        for (const page of pages) {
          const frame = encodeDirectoryFrame({ type: 'snapshot', entries: page, total: 0xffff_ffff, last: true })
          expect(frame.byteLength).toBeLessThanOrEqual(MAX_DIRECTORY_FRAME_BYTES)
        }
      }),
      { numRuns: 50 }
    )
  })
})

it('a Welcome of a directory without STUN, or with ports that are none, is read as one without', () => {
  const bare = { type: 'welcome', network: 'test', leaseMs: 60_000, refreshAfterMs: 30_000 } as const
  expect(decodeDirectoryFrame(encodeDirectoryFrame(bare))).toEqual(bare)
  for (const stun of [
    { port: 0, otherPort: 9_000 },
    { port: 8_000, otherPort: 65_536 }
  ]) {
    expect(decodeDirectoryFrame(encodeDirectoryFrame({ ...bare, stun }))).toEqual(bare)
  }
})

it('a client of an earlier version skips what it does not know of a Welcome', () => {
  const bare = { type: 'welcome', network: 'test', leaseMs: 60_000, refreshAfterMs: 30_000 } as const
  const stun = { port: 8_000, otherPort: 9_000, otherAddress: '2001:db8::7' }
  // The fields of STUN under numbers that no version knows: to this one what they are to an earlier one.
  const bytes = Buffer.from(encodeDirectoryFrame({ ...bare, stun }))
  for (const [known, unknown] of [
    [0x28, 0x78],
    [0x30, 0x70],
    [0x3a, 0x6a]
  ] as const) {
    const at = bytes.lastIndexOf(known)
    expect(at).toBeGreaterThan(0)
    bytes[at] = unknown
  }
  expect(decodeDirectoryFrame(bytes)).toEqual(bare)
})
