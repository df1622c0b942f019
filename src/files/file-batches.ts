// Frames of /chat/file/1.0.0 on their way out: nearly all of them are data, whose bytes are copied once here, where the
// generated code and joining would copy them twice, and which are written one by one. What is written is what these write,
// byte for byte. It knows no more of frames than how data are laid out.
import { joinFrames, type BatchCodec } from '../wire/index.ts'
import { fileCodec, MAX_FILE_FRAME_BYTES, type FileFrame } from './file-frames.ts'

/** The tags of FileFrame.data and of its fields, in their order on the wire. */
const tag = { data: 0x3a, request: 0x08, bytes: 0x12 } as const

/** Three bytes for each of three lengths, five for the number of a request, and three tags. */
const MAX_DATA_HEAD_BYTES = 17

type Data = Extract<FileFrame, { readonly type: 'data' }>

export const fileBatches = { decode: fileCodec.decode, encodeBatch } satisfies BatchCodec<FileFrame, FileFrame>

function encodeBatch(batch: readonly FileFrame[]): readonly Uint8Array[] {
  return batch.map((frame) =>
    frame.type === 'data' ? encodeData(frame) : joinFrames([fileCodec.encode(frame)], MAX_FILE_FRAME_BYTES)
  )
}

function encodeData(data: Data): Uint8Array {
  // All of what is handed on is written.
  const into = Buffer.allocUnsafeSlow(MAX_DATA_HEAD_BYTES + data.bytes.byteLength)
  return into.subarray(0, writeData(into, data))
}

/** As in proto3, a number that is 0 and bytes of which there are none are left out. */
function writeData(into: Buffer, { request, bytes }: Data): number {
  const numberBytes = request === 0 ? 0 : 1 + varintBytes(request)
  const contentBytes = bytes.byteLength === 0 ? 0 : 1 + varintBytes(bytes.byteLength) + bytes.byteLength
  const dataBytes = numberBytes + contentBytes
  let at = writeVarint(into, 0, 1 + varintBytes(dataBytes) + dataBytes)
  at = into.writeUInt8(tag.data, at)
  at = writeVarint(into, at, dataBytes)
  if (numberBytes > 0) at = writeVarint(into, into.writeUInt8(tag.request, at), request)
  if (contentBytes === 0) return at
  at = writeVarint(into, into.writeUInt8(tag.bytes, at), bytes.byteLength)
  into.set(bytes, at)
  return at + bytes.byteLength
}

function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes++
  return bytes
}

function writeVarint(into: Buffer, start: number, value: number): number {
  let at = start
  let rest = value
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) at = into.writeUInt8((rest % 0x80) | 0x80, at)
  return into.writeUInt8(rest, at)
}
