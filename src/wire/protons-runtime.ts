/**
 * What the generated frames run on: protons-runtime, with one fault of its writer mended. It writes numbers from
 * 2^31 to 2^32 - 1 as one byte where it has reserved five, and what follows is whatever lay in that memory: the
 * frame cannot be read, and four bytes that were not meant for the peer go out. A duration of 25 days is such a
 * number. `scripts/proto.ts` makes the generated files import this one.
 *
 * Upstream, `LongBits` keeps the low half as a signed number (`lo | 0`) and `writeVarint64` compares it as if it
 * were unsigned (`val.lo > 127`): with `lo >>> 0` in the constructor this file is not needed. Its test fails then.
 */
import { writer } from 'protons-runtime'
import type { Writer } from 'protons-runtime'

export * from 'protons-runtime'

/** Below it the low half is no negative number; above it the high half is not 0, and another loop writes both. */
const firstFaulty = 2n ** 31n
const firstRight = 2n ** 32n

const prototype: Writer = Object.getPrototypeOf(writer())
const { uint64 } = prototype
prototype.uint64 = function (this: Writer, value: bigint): Writer {
  const isFaulty = value >= firstFaulty && value < firstRight
  return isFaulty ? this.uint64Number(Number(value)) : uint64.call(this, value)
}
