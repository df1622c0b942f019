import { RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BadRecordError, compareRecords, nextSeq, openRecord } from '../../src/presence/index.ts'
import {
  MAX_ADDRESSES,
  MAX_ENVELOPE_BYTES,
  MAX_NICKNAME_CHARS,
  MAX_STATUS_CHARS,
  RECORD_CODEC,
  RECORD_DOMAIN
} from '../../src/presence/presence-record.ts'
import { Presence } from '../../src/presence/pb/presence.ts'
import { identity, presence, sealedBy } from './records.ts'

const ada = await identity(1)
const eve = await identity(2)

it('a sealed record keeps only its own memory, not the buffer that it was written into', async () => {
  const { envelope } = await sealedBy(ada)
  expect(envelope.buffer.byteLength).toBe(envelope.byteLength)
})

async function why(run: Promise<unknown>): Promise<string> {
  const error = await run.then(
    () => undefined,
    (thrown: unknown) => thrown
  )
  return error instanceof BadRecordError ? error.why : `no BadRecordError: ${String(error)}`
}

/** Seals any payload, as a hostile peer may. */
async function forge(payload: Uint8Array, key = ada.key, domain = RECORD_DOMAIN, codec = RECORD_CODEC) {
  const record = { domain, codec, marshal: () => payload, equals: () => false }
  return (await RecordEnvelope.seal(record, key)).marshal()
}

const fields = (over: Partial<Presence> = {}): Uint8Array =>
  Presence.encode({
    peerId: new Uint8Array(ada.peer.toMultihash().bytes),
    seq: 5n,
    nickname: 'ada',
    network: 'test',
    ...over
  })

describe('a presence record', () => {
  it('opens as it was sealed', async () => {
    const sealed = await sealedBy(ada)
    const opened = await openRecord(sealed.envelope, { expectedPeer: ada.peer })
    expect(opened.record.peer.toString()).toBe(ada.id)
    expect({ ...opened.record, peer: undefined, addresses: opened.record.addresses.map(String) }).toEqual({
      ...presence,
      withdrawn: false,
      peer: undefined,
      addresses: ['/ip4/192.0.2.7/tcp/4001']
    })
    expect(compareRecords(sealed, opened)).toBe(0)
    expect(Buffer.compare(sealed.envelope, opened.envelope)).toBe(0)
  })

  it.each(['\u200b', '\u3164', '\u2800\u2800', '\u0301', '\u{e0041}'])(
    'with the nickname %j can not be sealed, and one that was is opened as nameless',
    async (nickname) => {
      expect(await why(sealedBy(ada, { nickname }))).toBe('bad-nickname')
      expect((await openRecord(await forge(fields({ nickname })))).record.nickname).toBe('')
    }
  )

  it('composes and trims the nickname before it is measured', async () => {
    const long = `  ${'e\u0301'.repeat(MAX_NICKNAME_CHARS)}\n`
    expect((await sealedBy(ada, { nickname: long })).record.nickname).toBe('é'.repeat(MAX_NICKNAME_CHARS))
  })

  it('is not sealed over a limit', async () => {
    expect(await why(sealedBy(ada, { nickname: 'x'.repeat(MAX_NICKNAME_CHARS + 1) }))).toBe('bad-nickname')
    expect(await why(sealedBy(ada, { nickname: 'a\u001b[31mb' }))).toBe('bad-nickname')
    expect(await why(sealedBy(ada, { status: 'x'.repeat(MAX_STATUS_CHARS + 1) }))).toBe('bad-status')
    expect(await why(sealedBy(ada, { network: 'two\nlines' }))).toBe('bad-network')
    expect(await why(sealedBy(ada, { capabilities: ['two words'] }))).toBe('bad-capabilities')
    expect(await why(sealedBy(ada, { seq: 1n << 64n }))).toBe('bad-number')
    const address = multiaddr('/ip4/192.0.2.7/tcp/1')
    const many = Array.from({ length: MAX_ADDRESSES + 1 }, () => address)
    expect(await why(sealedBy(ada, { addresses: many }))).toBe('too-many-addresses')
    const long = Array.from({ length: MAX_ADDRESSES }, () => multiaddr(`/dns4/${'a'.repeat(300)}/tcp/1`))
    expect(await why(sealedBy(ada, { addresses: long }))).toBe('too-large')
  })

  it('is refused when another key signed it', async () => {
    expect(await why(openRecord(await forge(fields(), eve.key)))).toBe('other-key')
  })

  it('is refused when it belongs to another peer than expected', async () => {
    const { envelope } = await sealedBy(eve)
    expect(await why(openRecord(envelope, { expectedPeer: ada.peer }))).toBe('other-peer')
  })

  it('is refused when it was sealed for another purpose', async () => {
    expect(await why(openRecord(await forge(fields(), ada.key, 'libp2p-peer-record')))).toBe('bad-signature')
    expect(await why(openRecord(await forge(fields(), ada.key, RECORD_DOMAIN, new Uint8Array([3, 1]))))).toBe(
      'malformed'
    )
  })

  it('is refused when it breaks a limit that sealing would have enforced', async () => {
    expect(await why(openRecord(await forge(fields({ nickname: 'x'.repeat(65) }))))).toBe('bad-nickname')
    expect(await why(openRecord(await forge(fields({ status: 'a\u0000b' }))))).toBe('bad-status')
    const addresses = Array.from({ length: MAX_ADDRESSES + 1 }, () => new Uint8Array([1]))
    expect(await why(openRecord(await forge(fields({ addresses }))))).toBe('malformed')
    expect(await why(openRecord(new Uint8Array(MAX_ENVELOPE_BYTES + 1)))).toBe('too-large')
  })

  it('leaves out an address that it cannot read, or that names another peer', async () => {
    const addresses = [
      new Uint8Array([0xff, 0xff, 0x01]),
      new Uint8Array(multiaddr(`/ip4/192.0.2.9/tcp/1/p2p/${eve.id}`).bytes),
      new Uint8Array(multiaddr('/ip4/192.0.2.8/tcp/1').bytes)
    ]
    const { record } = await openRecord(await forge(fields({ addresses })))
    expect(record.addresses.map(String)).toEqual(['/ip4/192.0.2.8/tcp/1'])
  })

  it('drops what a third party appended to its envelope', async () => {
    const { envelope } = await sealedBy(ada)
    const padded = Buffer.concat([envelope, Buffer.from([0x7a, 3, 1, 2, 3])]) // field 15, unknown
    expect(Buffer.compare((await openRecord(padded)).envelope, envelope)).toBe(0)
  })

  it('is refused or unchanged after any one byte was changed', async () => {
    const sealed = await sealedBy(ada)
    const { envelope } = sealed
    const plain = fc.record({ at: fc.nat(envelope.byteLength - 1), flip: fc.integer({ min: 1, max: 255 }) })
    await fc.assert(
      fc.asyncProperty(plain, async ({ at, flip }) => {
        const bytes = envelope.slice()
        bytes[at] = (bytes[at] ?? 0) ^ flip
        const opened = await openRecord(bytes).catch((error: unknown) => error)
        // A protobuf tag may be written in several ways: such bytes must open as what was signed.
        if (opened instanceof BadRecordError) return
        expect(opened).toEqual(sealed)
      }),
      { numRuns: 300 }
    )
  })

  it('is not found in random bytes, which are refused with a typed error', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), async (bytes) => {
        expect(await openRecord(bytes).catch((error: unknown) => error)).toBeInstanceOf(BadRecordError)
      })
    )
  })

  it('gets a sequence number above the newest known one even when the clock is behind', () => {
    expect(nextSeq(0n, 1_234.9)).toBe(1_234n)
    expect(nextSeq(5_000n, 1_234)).toBe(5_001n)
  })
})
