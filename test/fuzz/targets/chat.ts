/** The decoders of /chat/1.0.0: its frames, read in two ways that must agree, and the plain dialects. */
import { Buffer } from 'node:buffer'
import { guessPlain, readFirstBytes, HELLO_MARKER } from '../../../src/chat-protocol/dialect.ts'
import {
  decodeFrame,
  encodeFrame,
  InvalidFrameError,
  LOG_ID_BYTES,
  MAX_TEXT_BYTES,
  MESSAGE_ID_BYTES
} from '../../../src/chat-protocol/frames.ts'
import type { ChatFrame, OutgoingFrame } from '../../../src/chat-protocol/frames.ts'
import { MessageReader } from '../../../src/chat-protocol/frame-codec.ts'
import { Frame } from '../../../src/chat-protocol/pb/frames.ts'
import { decodeFramedTexts, decodeLines, LineTooLongError } from '../../../src/chat-protocol/text-dialects.ts'
import {
  BadLengthPrefixError,
  decodeFrames,
  FrameTooLargeError,
  joinFrames,
  TruncatedFrameError
} from '../../../src/wire/index.ts'
import { allow, allowAsync, promise, same, type FuzzTarget } from '../fuzz-target.ts'
import { asIs, bytesOf, choices, InputReader } from '../input-reader.ts'

const id = '00112233445566778899aabbccddeeff'
const log = '0123456789abcdef'
const message = { id, log, seq: 7, sentAtMs: 1_700_000_000_000, text: 'good morning' }

/** One of each kind. */
export const chatFrames: readonly OutgoingFrame[] = [
  { kind: 'hello', log },
  { kind: 'hello', log, held: { log, seq: 41 } },
  { kind: 'enter' },
  { kind: 'message', message },
  { kind: 'message', message: { ...message, text: 'grüße, 你好 🎈', replyTo: id } },
  { kind: 'receipt', state: 'stored', ids: [id], ranges: [] },
  { kind: 'receipt', state: 'held', ids: [], ranges: [{ log, first: 1, last: 9 }] },
  { kind: 'typing' },
  { kind: 'bye', reason: 'left' },
  { kind: 'refuse', reason: 'rate', retryAfterMs: 1000, ids: [id] }
]

/** Any frame, also one that breaks a rule: fields of wrong lengths and several kinds in one. */
export function someChatFrame(reader: InputReader): Uint8Array {
  const someId = (length: number) => reader.bytes(reader.byte() < 240 ? length : reader.below(40))
  const text = () => (reader.byte() < 240 ? Buffer.from(reader.text(200)) : reader.some())
  const frame: Parameters<typeof Frame.encode>[0] = {}
  let kinds = reader.byte()
  do {
    switch (kinds % 7) {
      case 0:
        frame.hello = {
          marker: reader.byte() < 240 ? Uint8Array.from(HELLO_MARKER) : reader.some(),
          log: someId(LOG_ID_BYTES),
          ...(reader.flag() ? { heldLog: someId(LOG_ID_BYTES) } : {}),
          ...(reader.flag() ? { heldSeq: reader.uint64() } : {})
        }
        break
      case 1:
        frame.enter = {}
        break
      case 2:
        frame.message = {
          id: someId(MESSAGE_ID_BYTES),
          log: someId(LOG_ID_BYTES),
          seq: reader.uint64(),
          sentAtMs: reader.uint64(),
          text: new Uint8Array(text()),
          files: [],
          ...(reader.flag() ? { replyTo: someId(MESSAGE_ID_BYTES) } : {})
        }
        break
      case 3:
        frame.receipt = {
          state: reader.byte() % 6,
          ids: reader.list(20, () => someId(MESSAGE_ID_BYTES)),
          ranges: reader.list(20, () => ({
            log: someId(LOG_ID_BYTES),
            first: reader.uint64(),
            last: reader.uint64()
          }))
        }
        break
      case 4:
        frame.typing = {}
        break
      case 5:
        frame.bye = { reason: reader.uint32() }
        break
      case 6:
        frame.refuse = {
          reason: reader.uint32(),
          retryAfterMs: reader.uint64(),
          ids: reader.list(20, () => someId(MESSAGE_ID_BYTES))
        }
    }
    kinds = reader.byte()
  } while (kinds >= 250)
  return Frame.encode(frame)
}

/** Bytes in pieces of sizes that the input chooses: how they are split must not matter. */
export async function* inPieces(bytes: Uint8Array, reader: InputReader): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.byteLength;) {
    const size = reader.leftBytes === 0 ? bytes.byteLength : 1 + reader.byte()
    yield bytes.subarray(at, at + size)
    at += size
  }
}

async function gathered<T>(batches: AsyncIterable<readonly T[]>): Promise<T[]> {
  const all: T[] = []
  for await (const batch of batches) {
    promise(batch.length > 0, 'no batch is empty')
    all.push(...batch)
  }
  return all
}

const frames: FuzzTarget = {
  name: 'chat-frames',
  reaches: 'frames of the parley dialect, by the generated code and by the fast reader of messages',
  seeds: () => [
    ...chatFrames.map((frame) => asIs(encodeFrame(frame))),
    ...[0, 1, 2, 3, 4, 5, 6].map((kind) => choices(kind, 1, 2, 3, 4))
  ],
  run(input) {
    const bytes = bytesOf(input, someChatFrame)
    const read = new MessageReader().read(Buffer.from(bytes))
    const frame = allow([InvalidFrameError], () => decodeFrame(bytes))
    if (read !== undefined) same({ kind: 'message', message: read }, frame, 'both readers of a message agree')
    if (frame !== undefined) checkRoundTrip(frame)
  }
}

function checkRoundTrip(frame: ChatFrame): void {
  if (frame.kind === 'oversized') return promise(frame.sizeBytes > MAX_TEXT_BYTES, 'oversized is what is too long')
  same(decodeFrame(encodeFrame(frame)), frame, 'a frame stays itself')
}

const maxFrameBytes = 2048

const lengthPrefixes: FuzzTarget = {
  name: 'length-prefixes',
  reaches: 'length-prefixed frames, split anywhere',
  isAsync: true,
  stretchEvery: 1000,
  seeds: () => [
    asIs(joinFrames([Buffer.from('a'), Buffer.alloc(200, 'b'), Buffer.alloc(0)], maxFrameBytes)),
    asIs(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x7f)),
    choices(3, 1, 65, 2, 66, 67, 0)
  ],
  async run(input) {
    const pieces = new InputReader(input.subarray(-16))
    const bytes = bytesOf(input, (reader) =>
      joinFrames(
        reader.list(30, () => reader.some()),
        maxFrameBytes
      )
    )
    const errors = [BadLengthPrefixError, FrameTooLargeError, TruncatedFrameError]
    const split: Uint8Array[] = []
    await allowAsync(errors, async () => {
      for await (const batch of decodeFrames({ maxFrameBytes })(inPieces(bytes, pieces))) split.push(...batch)
    })
    const whole: Uint8Array[] = []
    await allowAsync(errors, async () => {
      for await (const batch of decodeFrames({ maxFrameBytes })([bytes])) whole.push(...batch)
    })
    promise(
      split.length === whole.length && split.every((frame, i) => Buffer.compare(frame, whole[i] ?? frame) === 0),
      'how bytes are split does not change the frames'
    )
    const joined = joinFrames(whole, maxFrameBytes)
    promise(
      Buffer.compare(joined, bytes.subarray(0, joined.byteLength)) === 0,
      'frames join to the bytes they came from'
    )
  }
}

const dialects: FuzzTarget = {
  name: 'chat-dialects',
  reaches: 'the first bytes of a stream, lines and framed text of other programs',
  isAsync: true,
  stretchEvery: 1000,
  seeds: () => [
    asIs(Buffer.from('hello\n\r\nworld\r\nlast')),
    asIs(joinFrames([Buffer.from('hello\n'), Buffer.from('wörld\r\n')], maxFrameBytes)),
    ...chatFrames.slice(0, 2).map((frame) => asIs(joinFrames([encodeFrame(frame)], maxFrameBytes))),
    choices(2, 5, 104, 101, 108, 108, 111)
  ],
  async run(input) {
    const pieces = new InputReader(input.subarray(-16))
    const bytes = bytesOf(input, (reader) => {
      const texts = reader.list(12, () => Buffer.from(`${reader.text()}${reader.flag() ? '\n' : '\r\n'}`))
      return reader.flag() ? Buffer.concat(texts) : joinFrames(texts, maxFrameBytes)
    })
    const first = readFirstBytes(bytes)
    if (first === 'hello') promise(guessPlain(bytes) === 'lines', 'a Hello is never taken for framed text')
    const lines = await allowAsync([LineTooLongError], async () =>
      gathered(decodeLines(() => {})(asLists(bytes, pieces)))
    )
    for (const line of lines ?? []) {
      promise(line !== '' && !line.includes('\n') && Buffer.byteLength(line) <= 3 * MAX_TEXT_BYTES, 'a line is a line')
    }
    await allowAsync([LineTooLongError, BadLengthPrefixError, FrameTooLargeError, TruncatedFrameError], async () =>
      gathered(decodeFramedTexts(() => {})(asLists(bytes, pieces)))
    )
  }
}

/** What a stream gives is a list of pieces; a piece has the same `subarray`. */
function asLists(bytes: Uint8Array, reader: InputReader): AsyncGenerator<Uint8Array> {
  return inPieces(bytes, reader)
}

export const targets: readonly FuzzTarget[] = [frames, lengthPrefixes, dialects]
