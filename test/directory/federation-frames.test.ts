import { multiaddr } from '@multiformats/multiaddr'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_ENVELOPE_BYTES } from '../../src/presence/presence-record.ts'
import {
  MAX_PAGE_UPDATES,
  decodeFederationFrame,
  decodeGossip,
  encodeFederationFrame,
  encodeGossip,
  packUpdates,
  packWithdrawals,
  MAX_FEDERATION_FRAME_BYTES,
  MAX_GOSSIP_BYTES,
  MAX_STATEMENT_BYTES
} from '../../src/directory/federation-frames.ts'
import type { FederationRefusal, FederationFrame } from '../../src/directory/federation-frames.ts'
import { identity } from '../presence/records.ts'

const north = (await identity(2)).peer
const bytes = (max: number) => fc.uint8Array({ minLength: 1, maxLength: max })
const ms = fc.nat()
const counter = fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })
const update = fc.record(
  { statement: bytes(300), record: bytes(300), forMs: ms },
  { requiredKeys: ['statement', 'forMs'] }
)
const gossip = fc.record(
  { updates: fc.array(update), withdrawals: fc.array(bytes(300)), heartbeat: bytes(300) },
  { requiredKeys: ['updates', 'withdrawals'] }
)
const frame: fc.Arbitrary<FederationFrame> = fc.oneof(
  fc.record({
    type: fc.constant('hello' as const),
    network: fc.string({ maxLength: 20 }),
    digests: fc.array(
      fc.record(
        {
          directory: fc.constant(north),
          epoch: counter,
          counter,
          digest: fc.uint8Array({ minLength: 32, maxLength: 32 }),
          count: fc.nat(),
          heartbeat: bytes(200),
          heardAgoMs: ms
        },
        { requiredKeys: ['directory', 'epoch', 'counter', 'digest', 'count', 'heardAgoMs'] }
      ),
      { maxLength: 5 }
    ),
    federationPeers: fc.constantFrom([], [{ peer: north, addresses: [multiaddr('/ip4/192.0.2.1/tcp/8000')] }])
  }),
  fc.record(
    { type: fc.constant('ask' as const), directory: fc.constant(north), epoch: counter, afterCounter: counter },
    { requiredKeys: ['type', 'directory', 'afterCounter'] }
  ),
  fc.constant({ type: 'ask-withdrawals' as const }),
  fc.record(
    {
      type: fc.constant('page' as const),
      directory: fc.constant(north),
      epoch: counter,
      updates: fc.array(update),
      last: fc.boolean()
    },
    { requiredKeys: ['type', 'directory', 'updates', 'last'] }
  ),
  fc.record({
    type: fc.constant('page-withdrawals' as const),
    withdrawals: fc.array(bytes(300)),
    last: fc.boolean()
  }),
  fc.record({
    type: fc.constant('refuse' as const),
    reason: fc.constantFrom<FederationRefusal[]>('places-taken', 'place-given', 'named-only', 'flooding', 'refused'),
    retryAfterMs: fc.nat()
  })
)

const plain = (value: unknown): unknown =>
  JSON.parse(
    JSON.stringify(value, (_, one: unknown) =>
      typeof one === 'bigint' ? `${one}n` : one instanceof Uint8Array ? Buffer.from(one).toString('hex') : one
    )
  )

describe('the messages of directories', () => {
  it('are read as they were written', () => {
    fc.assert(
      fc.property(gossip, (one) => {
        expect(plain(decodeGossip(encodeGossip(one)))).toEqual(plain(one))
      })
    )
    fc.assert(
      fc.property(frame, (one) => {
        expect(plain(decodeFederationFrame(encodeFederationFrame(one)))).toEqual(plain(one))
      })
    )
  })

  it('are errors or nothing when they are any other bytes', () => {
    for (const decode of [decodeGossip, decodeFederationFrame]) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 400 }), (any) => {
          try {
            decode(any)
          } catch (error) {
            expect(error).toBeInstanceOf(Error)
          }
        }),
        { numRuns: 500 }
      )
    }
    expect(decodeFederationFrame(Buffer.from('2a00', 'hex'))).toBeUndefined()
  })

  it('are refused with more in them than may be', () => {
    const one = { statement: new Uint8Array(1), forMs: 0 }
    const updates = Array.from({ length: MAX_PAGE_UPDATES + 1 }, () => one)
    expect(() => decodeGossip(encodeGossip({ updates, withdrawals: [] }))).toThrow(/too many elements/)
    const page = { type: 'page', directory: north, updates, last: true } as const
    expect(() => decodeFederationFrame(encodeFederationFrame(page))).toThrow(/too many elements/)
  })

  it('are packed so that each fits, and lose nothing', () => {
    const sized = fc.record({
      statement: fc.integer({ min: 1, max: MAX_STATEMENT_BYTES }).map((size) => new Uint8Array(size)),
      record: fc.integer({ min: 1, max: MAX_ENVELOPE_BYTES }).map((size) => new Uint8Array(size)),
      forMs: fc.constant(Number.MAX_SAFE_INTEGER)
    })
    const heartbeat = new Uint8Array(MAX_STATEMENT_BYTES)
    fc.assert(
      fc.property(fc.array(sized, { maxLength: 120 }), (updates) => {
        const pages = [...packUpdates(updates)]
        expect(pages.flat()).toEqual(updates)
        for (const page of pages) {
          expect(encodeGossip({ updates: page, withdrawals: [], heartbeat }).byteLength).toBeLessThanOrEqual(
            MAX_GOSSIP_BYTES
          )
          const framed = encodeFederationFrame({
            type: 'page',
            directory: north,
            epoch: 1n << 60n,
            updates: page,
            last: true
          })
          expect(framed.byteLength).toBeLessThanOrEqual(MAX_FEDERATION_FRAME_BYTES)
        }
      }),
      { numRuns: 40 }
    )
    const farewells = Array.from({ length: 1_200 }, () => new Uint8Array(30))
    expect([...packWithdrawals(farewells)].map((page) => page.length)).toEqual([512, 512, 176])
  })
})
