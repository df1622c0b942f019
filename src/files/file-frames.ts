// The frames of /chat/file/1.0.0 as a closed union, with the bounds of each field. It knows nothing of files, of rights,
// or of when which frame is sent.
import { BrokenProtocolError, type FrameCodec } from '../wire/index.ts'
import { HASH_BYTES, MAX_LEAVES } from './file-tree.ts'
import { FileFrame as Pb } from './pb/file-frames.ts'

/** A peer fetches files that it was offered on it. */
export const FILE_PROTOCOL = '/chat/file/1.0.0'

/** The largest data with its header, and as much again so that later versions can add fields. */
export const MAX_FILE_FRAME_BYTES = 128 * 1024

/** What one write of a stream takes: a message of the chat waits behind no more than this. */
export const MAX_DATA_BYTES = 64 * 1024

/** As many bytes as {@link MAX_DATA_BYTES}. */
export const MAX_HASHES_PER_FRAME = MAX_DATA_BYTES / HASH_BYTES

/** Some megabytes of a file with small leaves. */
const MAX_LEAVES_PER_GET = 8

/** Why a source does not answer a request. */
export type FileRefusal = 'not-here' | 'changed' | 'no-such-leaf' | 'too-fast'

/** What a requester sends. `file` is a file ID as 64 hexadecimal digits. */
export type FileRequest =
  | { readonly type: 'have'; readonly request: number; readonly file: string }
  | { readonly type: 'layer'; readonly request: number; readonly file: string }
  | {
      readonly type: 'get'
      readonly request: number
      readonly file: string
      readonly leaf: number
      readonly count: number
    }
  | { readonly type: 'cancel'; readonly request: number }

/** What a source sends. */
export type FileAnswer =
  | { readonly type: 'leaves'; readonly request: number; readonly bitmap: Uint8Array }
  | { readonly type: 'hashes'; readonly request: number; readonly hashes: Uint8Array }
  | { readonly type: 'data'; readonly request: number; readonly bytes: Uint8Array }
  | { readonly type: 'queued'; readonly place: number }
  | { readonly type: 'refuse'; readonly request: number; readonly reason: FileRefusal }

export type FileFrame = FileRequest | FileAnswer

/** The other side sent something that is not a frame of this protocol, or is out of bounds or out of turn. The stream is cut. */
export class FileProtocolError extends BrokenProtocolError {
  override readonly name = 'FileProtocolError'
  constructor(what: string, options?: ErrorOptions) {
    super(`The peer broke the rules of file transfers (${what}): the stream was cut`, options)
  }
}

/** Numbers of the wire. */
const refusalNumbers: Readonly<Record<FileRefusal, number>> = {
  'not-here': 1,
  changed: 2,
  'no-such-leaf': 3,
  'too-fast': 4
}

export const fileCodec: FrameCodec<FileFrame, FileFrame> = { decode: decodeFile, encode: encodeFile }

/** What a frame takes on the wire, and a little more. */
export function fileFrameBytes(frame: FileFrame): number {
  const overhead = 64
  switch (frame.type) {
    case 'leaves':
      return overhead + frame.bitmap.byteLength
    case 'hashes':
      return overhead + frame.hashes.byteLength
    case 'data':
      return overhead + frame.bytes.byteLength
    default:
      return overhead
  }
}

function encodeFile(frame: FileFrame): Uint8Array {
  switch (frame.type) {
    case 'have':
      return Pb.encode({ have: { request: frame.request, file: fromHex(frame.file) } })
    case 'layer':
      return Pb.encode({ layer: { request: frame.request, file: fromHex(frame.file) } })
    case 'get': {
      const { request, file, leaf, count } = frame
      return Pb.encode({ get: { request, file: fromHex(file), leaf, count } })
    }
    case 'cancel':
      return Pb.encode({ cancel: { request: frame.request } })
    case 'leaves':
      return Pb.encode({ leaves: { request: frame.request, bitmap: plain(frame.bitmap) } })
    case 'hashes':
      return Pb.encode({ hashes: { request: frame.request, hashes: plain(frame.hashes) } })
    case 'data':
      return Pb.encode({ data: { request: frame.request, bytes: plain(frame.bytes) } })
    case 'queued':
      return Pb.encode({ queued: { place: frame.place } })
    case 'refuse':
      return Pb.encode({ refuse: { request: frame.request, reason: refusalNumbers[frame.reason] } })
  }
}

/**
 * @returns undefined for a frame of a later version
 * @throws {FileProtocolError}
 */
function decodeFile(encoded: Uint8Array): FileFrame | undefined {
  const frame = parsed(encoded)
  const set = Object.keys(frame).length
  if (set === 0) return undefined
  if (set > 1) throw new FileProtocolError(`${set} kinds of frame in one`)
  const { have, layer, get, cancel, leaves, hashes, data, queued, refuse } = frame
  if (data !== undefined) {
    if (data.bytes.byteLength > MAX_DATA_BYTES) throw new FileProtocolError(`${data.bytes.byteLength} bytes of data`)
    return { type: 'data', request: data.request, bytes: data.bytes }
  }
  if (get !== undefined) {
    const { request, file, leaf, count } = get
    if (count < 1 || count > MAX_LEAVES_PER_GET) throw new FileProtocolError(`a request for ${count} leaves`)
    return { type: 'get', request, file: hex(file), leaf, count }
  }
  if (have !== undefined) return { type: 'have', request: have.request, file: hex(have.file) }
  if (layer !== undefined) return { type: 'layer', request: layer.request, file: hex(layer.file) }
  if (cancel !== undefined) return { type: 'cancel', request: cancel.request }
  if (leaves !== undefined) {
    const { request, bitmap } = leaves
    if (bitmap.byteLength > MAX_LEAVES / 8) throw new FileProtocolError(`a bitmap of ${bitmap.byteLength} bytes`)
    return { type: 'leaves', request, bitmap }
  }
  if (hashes !== undefined) {
    const { byteLength } = hashes.hashes
    if (byteLength === 0 || byteLength % HASH_BYTES !== 0 || byteLength > MAX_DATA_BYTES) {
      throw new FileProtocolError(`${byteLength} bytes of hashes`)
    }
    return { type: 'hashes', request: hashes.request, hashes: hashes.hashes }
  }
  if (queued !== undefined) return { type: 'queued', place: queued.place }
  if (refuse !== undefined) return { type: 'refuse', request: refuse.request, reason: refusalOf(refuse.reason) }
  return undefined
}

function parsed(encoded: Uint8Array): Pb {
  try {
    return Pb.decode(encoded)
  } catch (cause) {
    throw new FileProtocolError('these bytes are not a frame', { cause })
  }
}

/** A reason of a later version is one more way to say no. */
function refusalOf(number: number): FileRefusal {
  switch (number) {
    case 2:
      return 'changed'
    case 3:
      return 'no-such-leaf'
    case 4:
      return 'too-fast'
    default:
      return 'not-here'
  }
}

function hex(id: Uint8Array): string {
  if (id.byteLength !== HASH_BYTES) throw new FileProtocolError(`a file ID of ${id.byteLength} bytes`)
  return Buffer.from(id.buffer, id.byteOffset, id.byteLength).toString('hex')
}

/** @throws {TypeError} when they are not the digits of a hash */
function fromHex(digits: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(Buffer.from(digits, 'hex'))
  if (bytes.byteLength !== HASH_BYTES) throw new TypeError(`'${digits}' is not a file ID of ${HASH_BYTES} bytes`)
  return bytes
}

/** What protons writes takes a plain array of bytes, and no Buffer. No byte is copied. */
function plain(given: Uint8Array): Uint8Array<ArrayBuffer> {
  // No bytes of a file lie in memory that processes share.
  return new Uint8Array(given.buffer as ArrayBuffer, given.byteOffset, given.byteLength)
}
