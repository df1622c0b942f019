// Frames of WebSocket. libp2p uses a WebSocket as a stream of bytes: where a message ends
// means nothing. So payload is passed on as it arrives, no frame is ever kept, and its
// length needs no bound. Pure, except for the random masks.
// https://www.rfc-editor.org/rfc/rfc6455#section-5

import { randomBytes } from 'node:crypto'
import { MisbehaviourError, PING_RATE, TINY_FRAME_BYTES, TINY_FRAME_RATE, TokenBucket } from '../../wire/index.ts'

const CONTINUATION = 0x0
const BINARY = 0x2
const CLOSE = 0x8
const PING = 0x9
const PONG = 0xa

const FIN = 0x80
const MASKED = 0x80
const LENGTH_IN_2_BYTES = 126
const LENGTH_IN_8_BYTES = 127
const MAX_CONTROL_BYTES = 125
const MASK_BYTES = 4
/** Of a header with the longest length and a mask. */
const MAX_HEADER_BYTES = 14

/** Normal closure. */
const CLOSE_CODE = Buffer.from([0x03, 0xe8])

/** What a piece of the stream held. */
export interface FrameReading {
  /** Of all its frames, in order. */
  readonly payload: Uint8Array
  /** What the last ping carried; earlier ones need no answer. */
  readonly ping: Uint8Array | undefined
  /** The other side sends no more. */
  readonly isClosed: boolean
}

interface Frame {
  readonly opcode: number
  leftBytes: number
  readonly mask: Uint8Array | undefined
  /** Bytes of it that were unmasked so far, modulo {@link MASK_BYTES}. */
  maskOffset: number
}

export class FrameReader {
  /** Clients mask what they send, servers don't. */
  readonly #isMasked: boolean
  readonly #controls: TokenBucket
  readonly #tiny: TokenBucket
  /** A header that is not whole. */
  #header = Buffer.alloc(0)
  #frame: Frame | undefined
  /** Of the control frame that is being read. */
  #control: Uint8Array[] = []
  #isInMessage = false
  #isClosed = false

  constructor(init: { readonly isMasked: boolean; readonly nowMs: number }) {
    this.#isMasked = init.isMasked
    this.#controls = new TokenBucket(PING_RATE, init.nowMs)
    this.#tiny = new TokenBucket(TINY_FRAME_RATE, init.nowMs)
  }

  /**
   * @param bytes are written over: the payload is a part of them
   * @throws MisbehaviourError
   */
  read(bytes: Uint8Array, nowMs: number): FrameReading {
    let [at, payloadEnd] = [0, 0]
    let ping: Uint8Array | undefined
    while (!this.#isClosed) {
      if (this.#frame === undefined) {
        if (at === bytes.byteLength) break
        at = this.#readHeader(bytes, at, nowMs)
        continue
      }
      const frame = this.#frame
      const part = bytes.subarray(at, at + frame.leftBytes)
      if (part.byteLength === 0 && frame.leftBytes > 0) break
      unmask(part, frame)
      at += part.byteLength
      frame.leftBytes -= part.byteLength
      if (frame.opcode >= CLOSE) this.#control.push(Uint8Array.from(part))
      else {
        bytes.copyWithin(payloadEnd, part.byteOffset - bytes.byteOffset, at)
        payloadEnd += part.byteLength
      }
      if (frame.leftBytes > 0) continue
      this.#frame = undefined
      const control = Buffer.concat(this.#control.splice(0))
      if (frame.opcode === PING) ping = control
      if (frame.opcode === CLOSE) this.#isClosed = true
    }
    return { payload: bytes.subarray(0, payloadEnd), ping, isClosed: this.#isClosed }
  }

  /** @returns where it ends, or the end of the bytes when it is not whole */
  #readHeader(bytes: Uint8Array, at: number, nowMs: number): number {
    const kept = this.#header.byteLength
    const header = Buffer.concat([this.#header, bytes.subarray(at, at + MAX_HEADER_BYTES - kept)])
    const headerBytes = headerLength(header)
    if (header.byteLength < headerBytes) {
      this.#header = header
      return bytes.byteLength
    }
    this.#header = Buffer.alloc(0)
    this.#frame = this.#frameOf(header.subarray(0, headerBytes), nowMs)
    return at + headerBytes - kept
  }

  #frameOf(header: Buffer, nowMs: number): Frame {
    const [first = 0, second = 0] = header
    const opcode = first & 0x0f
    const isFinal = (first & FIN) !== 0
    const isMasked = (second & MASKED) !== 0
    if ((first & 0x70) !== 0) throw broken('sent a WebSocket frame of an extension that was not agreed on')
    if (isMasked !== this.#isMasked)
      throw broken(`sent a WebSocket frame that is ${isMasked ? 'masked' : 'not masked'}`)
    const leftBytes = lengthIn(header)
    const isControl = opcode >= CLOSE
    if (isControl) {
      if (opcode > PONG || !isFinal || leftBytes > MAX_CONTROL_BYTES)
        throw broken('sent a WebSocket control frame that is not valid')
      if (this.#controls.take(1, nowMs) === 0) {
        throw new MisbehaviourError('ping-rate', `sent pings of WebSocket faster than ${PING_RATE.perSecond} a second`)
      }
    } else {
      // Text is for browsers; libp2p sends binary messages.
      if (opcode !== (this.#isInMessage ? CONTINUATION : BINARY)) {
        throw broken(`sent a WebSocket frame with the opcode ${opcode} where it may not stand`)
      }
      this.#isInMessage = !isFinal
      if (leftBytes < TINY_FRAME_BYTES && this.#tiny.take(1, nowMs) === 0) {
        throw new MisbehaviourError('frame-rate', `sent tiny frames faster than ${TINY_FRAME_RATE.perSecond} a second`)
      }
    }
    const mask = isMasked ? Uint8Array.from(header.subarray(-MASK_BYTES)) : undefined
    return { opcode, leftBytes, mask, maskOffset: 0 }
  }
}

function headerLength(header: Buffer): number {
  const second = header[1] ?? 0
  const short = second & 0x7f
  const lengthBytes = short === LENGTH_IN_8_BYTES ? 8 : short === LENGTH_IN_2_BYTES ? 2 : 0
  return 2 + lengthBytes + ((second & MASKED) === 0 ? 0 : MASK_BYTES)
}

function lengthIn(header: Buffer): number {
  const short = (header[1] ?? 0) & 0x7f
  if (short === LENGTH_IN_2_BYTES) return header.readUInt16BE(2)
  if (short !== LENGTH_IN_8_BYTES) return short
  const length = header.readBigUInt64BE(2)
  if (length > BigInt(Number.MAX_SAFE_INTEGER)) throw broken('announced a WebSocket frame longer than any can be')
  return Number(length)
}

function broken(what: string): MisbehaviourError {
  return new MisbehaviourError('frames', what)
}

function unmask(part: Uint8Array, frame: Frame): void {
  const { mask, maskOffset } = frame
  if (mask === undefined) return
  applyMask(part, mask, maskOffset)
  frame.maskOffset = (maskOffset + part.byteLength) % MASK_BYTES
}

function applyMask(bytes: Uint8Array, mask: Uint8Array, offset = 0): void {
  for (let i = 0; i < bytes.byteLength; i++) bytes[i] = (bytes[i] ?? 0) ^ (mask[(i + offset) % MASK_BYTES] ?? 0)
}

/** A binary message in one frame: its header, which its payload follows. @param mask with which the payload is masked */
export function messageHeader(byteLength: number, mask?: Uint8Array): Uint8Array {
  return headerOf(BINARY, byteLength, mask)
}

/** A binary message in one frame, with a mask of its own. */
export function maskedMessage(payload: Uint8Array): Uint8Array {
  return masked(BINARY, payload)
}

/** The answer to a ping. */
export function pongFrame(payload: Uint8Array, isMasked: boolean): Uint8Array {
  return isMasked ? masked(PONG, payload) : Buffer.concat([headerOf(PONG, payload.byteLength), payload])
}

/** The last frame. */
export function closeFrame(isMasked: boolean): Uint8Array {
  return isMasked ? masked(CLOSE, CLOSE_CODE) : Buffer.concat([headerOf(CLOSE, CLOSE_CODE.byteLength), CLOSE_CODE])
}

function masked(opcode: number, payload: Uint8Array): Uint8Array {
  const mask = randomBytes(MASK_BYTES)
  const header = headerOf(opcode, payload.byteLength, mask)
  const frame = Buffer.concat([header, payload])
  applyMask(frame.subarray(header.byteLength), mask)
  return frame
}

function headerOf(opcode: number, byteLength: number, mask: Uint8Array = new Uint8Array()): Uint8Array {
  const isMasked = mask.byteLength > 0 ? MASKED : 0
  const start = (second: number, lengthBytes: number): Buffer => {
    const header = Buffer.alloc(2 + lengthBytes + mask.byteLength)
    header[0] = FIN | opcode
    header[1] = second | isMasked
    header.set(mask, 2 + lengthBytes)
    return header
  }
  if (byteLength < LENGTH_IN_2_BYTES) return start(byteLength, 0)
  if (byteLength <= 0xffff) {
    const header = start(LENGTH_IN_2_BYTES, 2)
    header.writeUInt16BE(byteLength, 2)
    return header
  }
  const header = start(LENGTH_IN_8_BYTES, 8)
  header.writeBigUInt64BE(BigInt(byteLength), 2)
  return header
}
