/** Lines and framed text as transforms: the split into reads never matters, and no line grows without end. */
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  LineTooLongError,
  decodeFramedTexts,
  decodeLines,
  encodeFramedTexts,
  encodeLines
} from '../../src/chat-protocol/text-dialects.ts'
import { FrameTooLargeError } from '../../src/wire/index.ts'
import { lengthPrefixed } from './harness.ts'

async function* reads(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const at = [0, ...cuts.map((cut) => cut % (bytes.byteLength + 1)).toSorted((a, b) => a - b), bytes.byteLength]
  for (const [index, from] of at.slice(0, -1).entries()) yield bytes.subarray(from, at[index + 1])
}

const nothingTooLong = (sizeBytes: number): void => {
  throw new Error(`a text of ${sizeBytes} bytes was skipped`)
}

async function collect(source: AsyncIterable<string[]>): Promise<string[]> {
  const all: string[] = []
  for await (const batch of source) all.push(...batch)
  return all
}

async function encoded(texts: string[], encode: typeof encodeLines | typeof encodeFramedTexts): Promise<Uint8Array> {
  let written = 0
  async function* source() {
    yield texts.map((text) => ({ text, written: () => void written++ }))
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of encode(source())) chunks.push(chunk.subarray())
  expect(written).toBe(texts.length)
  return Buffer.concat(chunks)
}

const line = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 }).filter((text) => !/[\r\n]/.test(text))
const cuts = fc.array(fc.nat(), { maxLength: 8 })

describe('lines', () => {
  test('come back as they were, however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 10 }), cuts, async (texts, at) => {
        const bytes = await encoded(texts, encodeLines)
        expect(await collect(decodeLines(nothingTooLong)(reads(bytes, at)))).toEqual(texts)
      })
    )
  })

  test('empty ones are dropped, a carriage return goes with the newline, and the end of the stream ends a line', async () => {
    const bytes = Buffer.from('one\r\n\n\r\ntwo\n\nthree')
    expect(await collect(decodeLines(nothingTooLong)(reads(bytes, [4, 5])))).toEqual(['one', 'two', 'three'])
  })

  test('a text of several lines becomes several, without empty ones', async () => {
    expect(Buffer.from(await encoded(['a\n\nb\r\nc'], encodeLines)).toString()).toBe('a\nb\nc\n')
  })

  test('a line over the limit is skipped and told, between the ones around it', async () => {
    const full = Buffer.alloc(65_536, 0x61)
    const long = Buffer.alloc(200_000, 0x62)
    const end = Buffer.from('\n')
    for (const at of [[], [65_530, 65_600, 300_000], Array.from({ length: 200 }, (_, index) => index * 2_000)]) {
      const tooLong: number[] = []
      const bytes = Buffer.concat([
        full,
        Buffer.from('\r\n'),
        long,
        end,
        full,
        Buffer.from('c\n'),
        Buffer.from('next\n')
      ])
      const read = await collect(decodeLines((size) => tooLong.push(size))(reads(bytes, at)))
      expect(read.map((text) => text.length)).toEqual([65_536, 4])
      expect(tooLong).toEqual([200_000, 65_537])
    }
  })

  test('a line that never ends is cut off, after the lines before it, and none of it is kept', async () => {
    let pulled = 0
    async function* endless() {
      yield Buffer.from('fine\n')
      for (const chunk = Buffer.alloc(64 * 1024, 0x61); ; pulled += chunk.byteLength) yield chunk
    }
    const seen: string[] = []
    const reading = (async () => {
      for await (const batch of decodeLines(nothingTooLong)(endless())) seen.push(...batch)
    })()
    await expect(reading).rejects.toBeInstanceOf(LineTooLongError)
    expect(seen).toEqual(['fine'])
    expect(pulled).toBeLessThanOrEqual(16 * 1024 * 1024)
  })

  test('a window of one-letter lines comes in batches that are bounded', async () => {
    let largest = 0
    for await (const batch of decodeLines(nothingTooLong)(reads(Buffer.from('a\n'.repeat(100_000)), []))) {
      largest = Math.max(largest, batch.length)
    }
    expect(largest).toBe(1024)
  })
})

describe('framed text', () => {
  const decode = decodeFramedTexts(nothingTooLong)

  test('comes back as it was, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(line, { maxLength: 10 }), cuts, async (texts, at) => {
        const bytes = await encoded(texts, encodeFramedTexts)
        expect(await collect(decode(reads(bytes, at)))).toEqual(texts)
      })
    )
  })

  test('keeps a text of several lines together, and drops empty ones and one line end', async () => {
    const bytes = await encoded(['a\n\nb', '', 'c\n'], encodeFramedTexts)
    expect(await collect(decode(reads(bytes, [])))).toEqual(['a\n\nb', 'c\n'])
  })

  test('one over the limit is skipped and told, between the ones around it', async () => {
    const tooLong: number[] = []
    const bytes = Buffer.concat([
      lengthPrefixed('a\n'),
      lengthPrefixed('x'.repeat(70_000)),
      lengthPrefixed('y'.repeat(65_537)),
      lengthPrefixed('z'.repeat(65_536) + '\n')
    ])
    const read = await collect(decodeFramedTexts((size) => tooLong.push(size))(reads(bytes, [3, 40_000, 70_010])))
    expect(read.map((text) => text.length)).toEqual([1, 65_536])
    expect(tooLong).toEqual([70_000, 65_537])
  })

  test('a length that no text has ends the stream', async () => {
    const bytes = Buffer.concat([lengthPrefixed('a\n'), Buffer.of(0x81, 0x80, 0x80, 0x08)])
    await expect(collect(decode(reads(bytes, [])))).rejects.toBeInstanceOf(FrameTooLargeError)
  })
})
