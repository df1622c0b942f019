import fc from 'fast-check'
import { encode } from 'it-length-prefixed'
import { pipe } from 'it-pipe'
import { setImmediate as turn } from 'node:timers/promises'
import { Uint8ArrayList } from 'uint8arraylist'
import { describe, expect, test } from 'vitest'
import {
  BadLengthPrefixError,
  decodeFrames,
  encodeFrames,
  FrameTooLargeError,
  MAX_FRAMES_PER_BATCH,
  TruncatedFrameError,
  WireError
} from '../../src/wire/index.ts'
import { collect } from './collect.ts'

const LIMIT = 1000

/** Frames read before the end or the error, and the error. */
async function decoded(
  chunks: Iterable<Uint8Array | Uint8ArrayList>,
  maxFrameBytes = LIMIT
): Promise<{ frames: Uint8Array[]; batches: number; error: unknown }> {
  const frames: Uint8Array[] = []
  let batches = 0
  try {
    for await (const batch of decodeFrames({ maxFrameBytes })(chunks)) {
      expect(batch.length).toBeGreaterThan(0)
      expect(batch.length).toBeLessThanOrEqual(MAX_FRAMES_PER_BATCH)
      frames.push(...batch.map((frame) => frame.slice()))
      batches++
    }
  } catch (error) {
    return { frames, batches, error }
  }
  return { frames, batches, error: undefined }
}

async function encoded(batches: Iterable<Uint8Array[]>, maxFrameBytes = LIMIT): Promise<Uint8Array> {
  const all = new Uint8ArrayList()
  for await (const bytes of encodeFrames({ maxFrameBytes })(batches)) {
    all.append(bytes)
  }
  return all.subarray()
}

/** The bytes cut at the given places (taken modulo their length); every other piece as a list of two. */
function split(bytes: Uint8Array, cuts: readonly number[]): (Uint8Array | Uint8ArrayList)[] {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length].toSorted((a, b) => a - b)
  return places.slice(1).map((end, index) => {
    const piece = bytes.subarray(places[index], end)
    const middle = piece.length >> 1
    return index % 2 === 0 ? piece : new Uint8ArrayList(piece.subarray(0, middle), piece.subarray(middle))
  })
}

const frameArbitrary = fc.oneof(
  fc.uint8Array({ maxLength: 4 }),
  fc.uint8Array({ minLength: 120, maxLength: 140, size: 'max' }),
  fc.uint8Array({ maxLength: LIMIT, size: 'max' })
)

describe('encoding', () => {
  test('writes what the usual length-prefix encoder writes', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frameArbitrary), async (frames) => {
        const usual = new Uint8ArrayList()
        for (const piece of encode(frames)) {
          usual.append(piece)
        }
        expect(await encoded([frames])).toEqual(usual.subarray())
      })
    )
  })

  test('makes one write of a batch and none of an empty one', async () => {
    const writes: Uint8ArrayList[] = []
    for await (const bytes of encodeFrames({ maxFrameBytes: LIMIT })([
      [],
      [Uint8Array.of(1), new Uint8Array(0), Uint8Array.of(2, 3)]
    ])) {
      writes.push(bytes)
    }
    expect(writes.map((bytes) => [...bytes.subarray()])).toEqual([[1, 1, 0, 2, 2, 3]])
  })

  test('refuses a batch with a frame over the limit and writes nothing of it', async () => {
    const source = encodeFrames({ maxFrameBytes: LIMIT })([[Uint8Array.of(1), new Uint8Array(LIMIT + 1)]])
    await expect(source.next()).rejects.toMatchObject({
      name: 'FrameTooLargeError',
      stage: 'write',
      sizeBytes: LIMIT + 1,
      limitBytes: LIMIT
    })
  })
})

describe('decoding', () => {
  test('gives the same frames however the bytes are split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(frameArbitrary), fc.array(fc.nat()), async (frames, cuts) => {
        const bytes = await encoded([frames])
        const result = await decoded(split(bytes, cuts))
        expect(result.error).toBeUndefined()
        expect(result.frames).toEqual(frames)
      })
    )
  })

  test('gives the same frames and the same error for random bytes, however they are split', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 4000, size: 'max' }), fc.array(fc.nat()), async (bytes, cuts) => {
        const whole = await decoded([bytes])
        const pieces = await decoded(split(bytes, cuts))
        expect(pieces.frames).toEqual(whole.frames)
        expect(pieces.error).toEqual(whole.error)
        expect(whole.error === undefined || whole.error instanceof WireError).toBe(true)
        expect(whole.frames.every((frame) => frame.length <= LIMIT)).toBe(true)
      }),
      { numRuns: 500 }
    )
  })

  test('hands on all frames of one read as one batch', async () => {
    const frames = Array.from({ length: 100 }, (_, index) => Uint8Array.of(index))
    expect(await decoded([await encoded([frames])])).toEqual({ frames, batches: 1, error: undefined })
  })

  test('limits a batch, so that a read full of empty frames is not as many objects at once', async () => {
    const result = await decoded([new Uint8Array(3 * MAX_FRAMES_PER_BATCH + 1)])
    expect(result.error).toBeUndefined()
    expect(result.frames.length).toBe(3 * MAX_FRAMES_PER_BATCH + 1)
    expect(result.batches).toBe(4)
  })

  test('leaves a turn to others after each full batch: a read may hold a million frames', async () => {
    let turns = 0
    const reading = decoded([new Uint8Array(20 * MAX_FRAMES_PER_BATCH)])
    const isDone = reading.then(() => true)
    while (!(await Promise.race([isDone, turn(false)]))) turns += 1
    expect(turns).toBeGreaterThanOrEqual(19)
  })

  test('takes a frame of exactly the limit and refuses one byte more at its announcement', async () => {
    const fits = await decoded([await encoded([[new Uint8Array(LIMIT)]])])
    expect(fits.frames.map((frame) => frame.length)).toEqual([LIMIT])

    const prefixOnly = (await encoded([[new Uint8Array(LIMIT + 1)]], LIMIT + 1)).subarray(0, 2)
    const refused = await decoded([prefixOnly])
    expect(refused.error).toBeInstanceOf(FrameTooLargeError)
    expect(refused.error).toMatchObject({ stage: 'read', sizeBytes: LIMIT + 1, limitBytes: LIMIT })
  })

  test('refuses 2 GB from the five bytes that announce it and hands on the frames before', async () => {
    const result = await decoded([Uint8Array.of(1, 7, 0x80, 0x80, 0x80, 0x80, 0x08)])
    expect(result.frames).toEqual([Uint8Array.of(7)])
    expect(result.error).toMatchObject({ name: 'FrameTooLargeError', sizeBytes: 2 ** 31 })
  })

  test('refuses prefixes that are over-long or longer than any number may be', async () => {
    expect((await decoded([Uint8Array.of(0x81, 0x00, 1)])).error).toBeInstanceOf(BadLengthPrefixError)
    expect((await decoded([new Uint8Array(9).fill(0xff)])).error).toBeInstanceOf(BadLengthPrefixError)
    expect((await decoded([new Uint8Array(8).fill(0xff)])).error).toBeInstanceOf(TruncatedFrameError)
  })

  test('tells how much was there when the bytes end within a frame', async () => {
    expect((await decoded([Uint8Array.of(5, 1, 2)])).error).toMatchObject({
      name: 'TruncatedFrameError',
      receivedBytes: 2,
      frameBytes: 5
    })
    expect((await decoded([Uint8Array.of(5)])).error).toMatchObject({ receivedBytes: 0, frameBytes: 5 })
    expect((await decoded([Uint8Array.of(0x80)])).error).toMatchObject({ receivedBytes: 1, frameBytes: undefined })
  })

  test('puts a large frame together from single bytes in linear time', async () => {
    const maxFrameBytes = 128 * 1024
    const frame = Uint8Array.from({ length: maxFrameBytes }, (_, index) => index)
    const bytes = await encoded([[frame]], maxFrameBytes)
    const singles = Array.from(bytes, (byte) => Uint8Array.of(byte))
    const result = await decoded(singles, maxFrameBytes)
    expect(result.frames).toEqual([frame])
  })

  test('composes with it-pipe', async () => {
    const frames = [Uint8Array.of(1), Uint8Array.of(2, 3)]
    const batches = await pipe(
      [frames],
      encodeFrames({ maxFrameBytes: LIMIT }),
      decodeFrames({ maxFrameBytes: LIMIT }),
      async (source) => collect(source)
    )
    expect(batches).toEqual([frames])
  })
})
