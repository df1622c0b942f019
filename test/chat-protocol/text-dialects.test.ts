/** Lines and framed text as transforms: the split into reads never matters, and no line grows without end. */
import * as fc from 'fast-check'
import { pipe } from 'it-pipe'
import { describe, expect, test } from 'vitest'
import { LineTooLongError } from '../../src/chat-protocol/errors.ts'
import {
  decodeFramedTexts,
  decodeLines,
  encodeFramedTexts,
  encodeLines
} from '../../src/chat-protocol/text-dialects.ts'
import { decodeFrames } from '../../src/wire/index.ts'

async function* reads(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  const at = [0, ...cuts.map((cut) => cut % (bytes.byteLength + 1)).toSorted((a, b) => a - b), bytes.byteLength]
  for (const [index, from] of at.slice(0, -1).entries()) yield bytes.subarray(from, at[index + 1])
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
        expect(await collect(decodeLines(reads(bytes, at)))).toEqual(texts)
      })
    )
  })

  test('empty ones are dropped, a carriage return goes with the newline, and the end of the stream ends a line', async () => {
    const bytes = Buffer.from('one\r\n\n\r\ntwo\n\nthree')
    expect(await collect(decodeLines(reads(bytes, [4, 5])))).toEqual(['one', 'two', 'three'])
  })

  test('a text of several lines becomes several, without empty ones', async () => {
    expect(Buffer.from(await encoded(['a\n\nb\r\nc'], encodeLines)).toString()).toBe('a\nb\nc\n')
  })

  test('a line that never ends is cut off, after the lines before it', async () => {
    async function* endless() {
      yield Buffer.from('fine\n')
      for (;;) yield Buffer.alloc(1000, 0x61)
    }
    const seen: string[] = []
    const reading = (async () => {
      for await (const batch of decodeLines(endless())) seen.push(...batch)
    })()
    await expect(reading).rejects.toBeInstanceOf(LineTooLongError)
    expect(seen).toEqual(['fine'])
  })

  test('64 KiB pass with either line end, and a byte more does not', async () => {
    const full = Buffer.alloc(65_536, 0x61)
    for (const end of ['\n', '\r\n']) {
      const [read] = await collect(decodeLines(reads(Buffer.concat([full, Buffer.from(end)]), [65_530])))
      expect(read).toHaveLength(65_536)
    }
    const more = decodeLines(reads(Buffer.concat([full, Buffer.from('b\n')]), []))
    await expect(collect(more)).rejects.toBeInstanceOf(LineTooLongError)
  })

  test('a window of one-letter lines comes in batches that are bounded', async () => {
    let largest = 0
    for await (const batch of decodeLines(reads(Buffer.from('a\n'.repeat(100_000)), []))) {
      largest = Math.max(largest, batch.length)
    }
    expect(largest).toBe(1024)
  })
})

describe('framed text', () => {
  const decode = (source: AsyncIterable<Uint8Array>) =>
    pipe(source, decodeFrames({ maxFrameBytes: 65_538 }), decodeFramedTexts)

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
})
