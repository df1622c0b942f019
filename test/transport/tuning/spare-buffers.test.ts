import { expect, it, onTestFinished } from 'vitest'
import {
  cutFromSmallPieces,
  MAX_SPARE_BUFFERS,
  PIECE_BYTES,
  SPARE_BUFFER_BYTES,
  giveBack,
  lendBuffer
} from '../../../src/transport/tuning/spare-buffers.ts'

it('what was given back is lent again, what was not is nobody else’s', () => {
  const [one, other] = [lendBuffer(10_000), lendBuffer(20_000)]
  expect([one.byteLength, other.byteLength]).toEqual([10_000, 20_000])
  expect(one.buffer).not.toBe(other.buffer)
  giveBack(one)
  const third = lendBuffer(30_000)
  expect(third.buffer).toBe(one.buffer)
  expect(lendBuffer(5_000).buffer).not.toBe(other.buffer)
})

it('what is given back twice, or was never lent, is lent to nobody', () => {
  const one = lendBuffer(1_000)
  giveBack(one)
  giveBack(one)
  expect(lendBuffer(1).buffer).toBe(one.buffer)
  expect(lendBuffer(1).buffer).not.toBe(one.buffer)
  const foreign = new Uint8Array(SPARE_BUFFER_BYTES)
  giveBack(foreign)
  expect(lendBuffer(1).buffer).not.toBe(foreign.buffer)
})

it('keeps no more than its bound, and lends what is larger only once', () => {
  const lent = Array.from({ length: 2 * MAX_SPARE_BUFFERS }, () => lendBuffer(1))
  for (const bytes of lent) giveBack(bytes)
  const places = new Set(lent.map(({ buffer }) => buffer))
  const again = Array.from({ length: 2 * MAX_SPARE_BUFFERS }, () => lendBuffer(1))
  expect(again.filter(({ buffer }) => places.has(buffer))).toHaveLength(MAX_SPARE_BUFFERS)
  const large = lendBuffer(SPARE_BUFFER_BYTES + 1)
  giveBack(large)
  expect(lendBuffer(SPARE_BUFFER_BYTES + 1).buffer).not.toBe(large.buffer)
})

it('a small buffer of a directory keeps a small piece of memory', () => {
  const { poolSize } = Buffer
  onTestFinished(() => void (Buffer.poolSize = poolSize))
  cutFromSmallPieces()
  // What is left of the piece that Node cuts from now.
  for (let used = 0; used < poolSize; used += 1_000) Buffer.allocUnsafe(1_000)
  expect(Buffer.allocUnsafe(36).buffer.byteLength).toBe(PIECE_BYTES)
})
