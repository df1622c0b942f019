import fc from 'fast-check'
import { expect, test } from 'vitest'
import { inviteFrames, InviteProtocolError, type InviteFrame } from '../../src/invite/invite-frames.ts'
import { numberFrames, NumberProtocolError, type NumberFrame } from '../../src/invite/numbers/number-frames.ts'
import { identity } from '../presence/records.ts'

const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(7)

test('each frame of an invitation is read as it was written', async () => {
  const { peer } = await identity(1)
  const frames: readonly InviteFrame[] = [
    { type: 'ask', network: 'test', number: 7, directory: peer, nonce: bytes(16) },
    { type: 'ask', network: 'test', number: 99_999, directory: undefined, nonce: bytes(16) },
    { type: 'offer', nonce: bytes(16) },
    { type: 'refuse', reason: 'too-many-tries' },
    { type: 'share', share: bytes(32) },
    { type: 'answer', share: bytes(32), proof: bytes(64) },
    { type: 'proof', proof: bytes(64), sealed: bytes(200) },
    { type: 'record', sealed: bytes(200), isForMany: true }
  ]
  for (const frame of frames) expect(inviteFrames.decode(inviteFrames.encode(frame))).toEqual(frame)
})

test('each frame about numbers is read as it was written', async () => {
  const { peer } = await identity(1)
  const { peer: directory } = await identity(2)
  const frames: readonly NumberFrame[] = [
    { type: 'claim', network: 'test', number: 7 },
    { type: 'claimed', number: 7 },
    { type: 'release', number: 7 },
    { type: 'find', network: 'test', number: 7, own: true },
    { type: 'found', holders: [{ peer, directory }] },
    { type: 'found', holders: [] },
    { type: 'refuse', reason: 'taken' }
  ]
  for (const frame of frames) expect(numberFrames.decode(numberFrames.encode(frame))).toEqual(frame)
})

test('fields of another length, numbers that are none and unknown reasons', () => {
  const decoded = (frame: InviteFrame) => inviteFrames.decode(inviteFrames.encode(frame))
  expect(() => decoded({ type: 'offer', nonce: bytes(15) })).toThrow('a field has 15 bytes; it must have 16')
  const ask = { type: 'ask', network: 'test', number: 0, directory: undefined, nonce: bytes(16) } as const
  expect(() => decoded(ask)).toThrow('0 is not the number of an invitation')
  expect(() => decoded({ ...ask, number: 100_000 })).toThrow(InviteProtocolError)
  expect(() => decoded({ ...ask, number: 7, network: 'x'.repeat(65) })).toThrow(InviteProtocolError)
  expect(() => numberFrames.decode(numberFrames.encode({ type: 'claimed', number: 0 }))).toThrow(NumberProtocolError)
})

test('any bytes are a frame or are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (some) => {
      for (const [codec, error] of [
        [inviteFrames, InviteProtocolError],
        [numberFrames, NumberProtocolError]
      ] as const) {
        try {
          codec.decode(some)
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(error)
        }
      }
    })
  )
})
