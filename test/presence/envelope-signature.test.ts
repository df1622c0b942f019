import { generateKeyPair } from '@libp2p/crypto/keys'
import { RecordEnvelope } from '@libp2p/peer-record'
import * as fc from 'fast-check'
import { expect, it, vi } from 'vitest'
import { isSignedFor, sealEnvelope } from '../../src/presence/index.ts'
import { identity } from './records.ts'

const domain = 'some-domain'
const ada = await identity(1)
const eve = await identity(2)

async function sealed(payload: Uint8Array, key: Parameters<typeof RecordEnvelope.seal>[1] = ada.key) {
  const record = { domain, codec: Uint8Array.of(1, 2), marshal: () => payload, equals: () => false }
  return RecordEnvelope.createFromProtobuf((await RecordEnvelope.seal(record, key)).marshal())
}

it('an envelope of any length is signed by its key for its own domain alone', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 20_000, size: 'max' }), async (payload) => {
      const envelope = await sealed(payload)
      expect(await isSignedFor(domain, envelope)).toBe(true)
      expect(await isSignedFor('other-domain', envelope)).toBe(false)
      expect(await isSignedFor(domain, altered(envelope, { publicKey: eve.key.publicKey }))).toBe(false)
    }),
    { numRuns: 20 }
  )
})

it('a sealed envelope has the bytes of libp2p’s, by a key of any kind', async () => {
  const codec = Uint8Array.of(1, 2)
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 20_000, size: 'max' }), async (payload) => {
      const ours = await sealEnvelope({ domain, codec, payload }, ada.key)
      expect(Buffer.compare(ours.marshal(), (await sealed(payload)).marshal())).toBe(0)
    }),
    { numRuns: 20 }
  )
  const other = await sealEnvelope({ domain, codec, payload: Uint8Array.of(7) }, await generateKeyPair('secp256k1'))
  expect(await isSignedFor(domain, other)).toBe(true)
})

it('one bit that was changed anywhere makes it a forgery', async () => {
  const envelope = await sealed(Uint8Array.from({ length: 60 }, (_, index) => index))
  for (const field of ['payload', 'payloadType', 'signature'] as const) {
    for (let at = 0; at < envelope[field].subarray().byteLength; at++) {
      const bytes = Uint8Array.from(envelope[field].subarray())
      bytes[at] = (bytes[at] ?? 0) ^ 1
      expect(await isSignedFor(domain, altered(envelope, { [field]: bytes })), `${field} ${at}`).toBe(false)
    }
  }
})

it('libp2p decides about what libsodium refuses, so that nodes with it and without agree', async () => {
  const envelope = altered(await sealed(Uint8Array.of(7)), { signature: new Uint8Array(64) })
  const validate = vi.spyOn(envelope, 'validate').mockResolvedValue(true)
  expect(await isSignedFor(domain, envelope)).toBe(true)
  expect(validate).toHaveBeenCalledWith(domain, {})
})

it('keys of other kinds are checked too', async () => {
  const envelope = await sealed(Uint8Array.of(7), await generateKeyPair('secp256k1'))
  expect(await isSignedFor(domain, envelope)).toBe(true)
  expect(await isSignedFor('other-domain', envelope)).toBe(false)
})

it('a signature of another length ends as libp2p ends it', async () => {
  const envelope = altered(await sealed(Uint8Array.of(7)), { signature: new Uint8Array(63) })
  await expect(isSignedFor(domain, envelope)).rejects.toThrow('64 bytes')
})

it('an aborted check is not made', async () => {
  const envelope = await sealed(Uint8Array.of(7))
  const validate = vi.spyOn(envelope, 'validate')
  await expect(isSignedFor(domain, envelope, AbortSignal.abort(new Error('stopped')))).rejects.toThrow('stopped')
  expect(validate).not.toHaveBeenCalled()
})

function altered(envelope: RecordEnvelope, fields: Partial<RecordEnvelope>): RecordEnvelope {
  const { publicKey, payloadType, payload, signature } = envelope
  return new RecordEnvelope({ publicKey, payloadType, payload, signature, ...fields })
}
