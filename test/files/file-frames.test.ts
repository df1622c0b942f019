/** The frames, and that docs/spec/file-1.0.0.md says the same: the bytes of its examples, and every value that it gives. */
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { sourceConstants } from '../../scripts/source-constants.ts'
import { fileBatches } from '../../src/files/file-batches.ts'
import {
  fileCodec,
  FileProtocolError,
  MAX_DATA_BYTES,
  MAX_FILE_FRAME_BYTES,
  type FileFrame
} from '../../src/files/file-frames.ts'
import { MAX_LEAVES } from '../../src/files/file-tree.ts'
import { joinFrames } from '../../src/wire/index.ts'

const file = '108d829d10fa6149f8134d692be9521f8f651c53231c1f7b9fa1ef124b3ce09c'
const decoded = (frame: FileFrame) => fileCodec.decode(fileCodec.encode(frame))

test('each frame is read as it was written', () => {
  const frames: readonly FileFrame[] = [
    { type: 'have', request: 1, file },
    { type: 'layer', request: 2, file },
    { type: 'get', request: 4_294_967_295, file, leaf: 65_535, count: 8 },
    { type: 'cancel', request: 3 },
    { type: 'leaves', request: 1, bitmap: new Uint8Array(8192).fill(255) },
    { type: 'hashes', request: 2, hashes: new Uint8Array(MAX_DATA_BYTES).fill(3) },
    { type: 'data', request: 3, bytes: new Uint8Array(MAX_DATA_BYTES).fill(4) },
    { type: 'data', request: 3, bytes: new Uint8Array() },
    { type: 'queued', place: 3 },
    { type: 'refuse', request: 3, reason: 'changed' }
  ]
  for (const frame of frames) expect(decoded(frame)).toEqual(frame)
})

test('a batch is written as the generated code writes its frames', () => {
  const given: readonly FileFrame[] = [
    { type: 'data', request: 0, bytes: new Uint8Array() },
    { type: 'data', request: 127, bytes: new Uint8Array(1).fill(1) },
    { type: 'data', request: 128, bytes: new Uint8Array(127).fill(2) },
    { type: 'data', request: 16_384, bytes: new Uint8Array(128).fill(3) },
    { type: 'have', request: 1, file },
    { type: 'data', request: 4_294_967_295, bytes: new Uint8Array(MAX_DATA_BYTES).fill(4) },
    { type: 'queued', place: 3 }
  ]
  const written = given.map((frame) => joinFrames([fileCodec.encode(frame)], MAX_FILE_FRAME_BYTES))
  expect(Buffer.concat(fileBatches.encodeBatch(given))).toEqual(Buffer.concat(written))
})

test('what is out of its bounds is refused', () => {
  const refused: readonly FileFrame[] = [
    { type: 'get', request: 1, file, leaf: 0, count: 0 },
    { type: 'get', request: 1, file, leaf: 0, count: 9 },
    { type: 'leaves', request: 1, bitmap: new Uint8Array(MAX_LEAVES / 8 + 1) },
    { type: 'hashes', request: 1, hashes: new Uint8Array(33) },
    { type: 'hashes', request: 1, hashes: new Uint8Array() },
    { type: 'data', request: 1, bytes: new Uint8Array(MAX_DATA_BYTES + 1) }
  ]
  for (const frame of refused) expect(() => decoded(frame)).toThrow(FileProtocolError)
  expect(() => fileCodec.encode({ type: 'have', request: 1, file: 'abc' })).toThrow(TypeError)
})

test('a kind of frame of a later version is skipped, and two in one are refused', () => {
  expect(fileCodec.decode(Uint8Array.of(0xa2, 0x06, 0))).toBeUndefined()
  const both = Buffer.concat([
    fileCodec.encode({ type: 'cancel', request: 1 }),
    fileCodec.encode({ type: 'queued', place: 1 })
  ])
  expect(() => fileCodec.decode(both)).toThrow('2 kinds of frame in one')
})

test('any bytes are a frame, are skipped or are refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (some) => {
      try {
        fileCodec.decode(some)
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(FileProtocolError)
      }
    })
  )
})

const spec = readFileSync(new URL('../../docs/spec/file-1.0.0.md', import.meta.url), 'utf8')

/** The bytes of the block ```hex NAME: each line is bytes, then two spaces or more and what they are. */
function example(name: string): string {
  const block = new RegExp('```hex ' + name + '\n([^`]*)```').exec(spec)?.[1] ?? ''
  const lines = block.split('\n').map((line) => line.trim().split(/ {2,}/)[0] ?? '')
  return lines.join('').replaceAll(' ', '')
}

test.each<[string, FileFrame]>([
  ['get', { type: 'get', request: 7, file, leaf: 5, count: 1 }],
  ['refuse', { type: 'refuse', request: 7, reason: 'no-such-leaf' }]
])('the specification shows the bytes of %s as they are', (name, frame) => {
  const written = joinFrames([fileCodec.encode(frame)], MAX_DATA_BYTES)
  expect(example(name)).toBe(Buffer.from(written).toString('hex'))
})

test('the specification names constants that exist, and gives their values', () => {
  const actual = new Map(sourceConstants('files').map((constant) => [constant.name, constant.value]))
  for (const [, name = '', value] of spec.matchAll(/`([A-Z]+(?:_[A-Z]+)+)`(?: \((\d+)\))?/g)) {
    expect(actual.has(name), name).toBe(true)
    if (value !== undefined) expect(actual.get(name), name).toBe(Number(value))
  }
})
