/** What a contact may say while a file is fetched from it, or by it. */
import {
  fileCodec,
  type FileFrame,
  fileFrameBytes,
  FileProtocolError,
  MAX_FILE_FRAME_BYTES
} from '../../../src/files/file-frames.ts'
import { LeafSet } from '../../../src/files/leaf-set.ts'
import { allow, promise, sameText, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, type InputReader } from '../input-reader.ts'

const file = '5a'.repeat(32)
const refusals = ['not-here', 'changed', 'no-such-leaf', 'too-fast'] as const
/** Of a file that fills no whole byte of a bitmap. */
const leaves = 13

function someFrame(reader: InputReader): FileFrame {
  const request = reader.uint32()
  switch (reader.below(9)) {
    case 0:
      return { type: 'have', request, file }
    case 1:
      return { type: 'layer', request, file }
    case 2:
      return { type: 'get', request, file, leaf: reader.uint32(), count: reader.byte() }
    case 3:
      return { type: 'cancel', request }
    case 4:
      return { type: 'leaves', request, bitmap: reader.some(64) }
    case 5:
      return { type: 'hashes', request, hashes: reader.bytes(32 * reader.below(5)) }
    case 6:
      return { type: 'data', request, bytes: reader.some() }
    case 7:
      return { type: 'queued', place: reader.uint32() }
    default:
      return { type: 'refuse', request, reason: reader.oneOf(refusals) }
  }
}

const seeds: readonly FileFrame[] = [
  { type: 'have', request: 1, file },
  { type: 'layer', request: 2, file },
  { type: 'get', request: 3, file, leaf: 7, count: 2 },
  { type: 'cancel', request: 3 },
  { type: 'leaves', request: 1, bitmap: Uint8Array.of(0xff, 0xf8) },
  { type: 'hashes', request: 2, hashes: new Uint8Array(64) },
  { type: 'data', request: 3, bytes: Uint8Array.of(1, 2, 3) },
  { type: 'queued', place: 4 },
  { type: 'refuse', request: 3, reason: 'changed' }
]

const frames: FuzzTarget = {
  name: 'file-frames',
  reaches: 'requests for the leaves of a file, their answers, and bitmaps of leaves',
  seeds: () => [...seeds.map((frame) => asIs(fileCodec.encode(frame))), choices(4, 9, 1, 255), choices(2, 8, 0, 3)],
  run(input) {
    const bytes = bytesOf(input, (reader) => fileCodec.encode(someFrame(reader)))
    const frame = allow([FileProtocolError], () => fileCodec.decode(bytes))
    if (frame === undefined) return
    const again = fileCodec.encode(frame)
    sameText(fileCodec.decode(again), frame, 'a frame, there and back')
    promise(
      again.byteLength <= Math.min(fileFrameBytes(frame), MAX_FILE_FRAME_BYTES),
      'a frame is larger than is counted'
    )
    if (frame.type === 'leaves') lookAtBitmap(frame.bitmap)
  }
}

function lookAtBitmap(bitmap: Uint8Array): void {
  const set = LeafSet.from(leaves, bitmap)
  if (set === undefined) return
  const there = Array.from({ length: leaves }, (_, leaf) => leaf).filter((leaf) => set.has(leaf))
  promise(set.count === there.length && !set.has(leaves), 'a bitmap counts other leaves than it has')
  sameText(set.bytes, bitmap, 'a bitmap, there and back')
}

export const targets: readonly FuzzTarget[] = [frames]
