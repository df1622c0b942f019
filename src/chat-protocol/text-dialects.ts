/**
 * The two plain dialects of `/chat/1.0.0`, as it-pipe transforms over batches: newline-terminated lines, and text
 * with a length before it. They bound what an unfinished line may hold; they know no ids, no receipts and no peer.
 * Invalid UTF-8 becomes U+FFFD here, as these programs promise nothing and a refusal could not be told to them.
 */
import { Buffer } from 'node:buffer'
import type { Uint8ArrayList } from 'uint8arraylist'
import { encodeFrames } from '../wire/index.ts'
import { MAX_TEXT_BYTES } from './constants.ts'
import { LineTooLongError } from './errors.ts'

/** A text to write, and whom to tell once the stream has taken it. */
export interface PlainText {
  readonly text: string
  written(): void
}

const newline = 0x0a
const carriageReturn = 0x0d
const utf8 = new TextDecoder('utf-8')

/** The length prefix of framed text counts its newline too. */
export const maxFramedTextBytes = MAX_TEXT_BYTES + 2

/** Lines handed on at once: a full window of one-letter lines would be half a million strings. */
const maxLinesPerBatch = 1024

/** Pieces of an unfinished line that are kept apart before they are joined: one-byte reads stay cheap. */
const maxLinePieces = 64

/**
 * Bytes to lines, in batches of what one read completed. Line ends are LF or CRLF; empty lines are dropped; text
 * after the last newline counts as a line when the stream ends.
 *
 * @throws {LineTooLongError} after the complete lines before it have been yielded
 */
export async function* decodeLines(
  source: AsyncIterable<Uint8Array | Uint8ArrayList>
): AsyncGenerator<string[], void, undefined> {
  const unfinished = new UnfinishedLine()
  for await (const chunk of source) {
    const bytes = chunk.subarray()
    let lines: string[] = []
    let from = 0
    try {
      for (let end = bytes.indexOf(newline); end !== -1; end = bytes.indexOf(newline, from)) {
        const line = unfinished.finish(bytes.subarray(from, end))
        from = end + 1
        if (line !== '') lines.push(line)
        if (lines.length === maxLinesPerBatch) {
          yield lines
          lines = []
        }
      }
      unfinished.add(bytes.subarray(from))
    } catch (error) {
      if (lines.length > 0) yield lines
      throw error
    }
    if (lines.length > 0) yield lines
  }
  const last = unfinished.finish(new Uint8Array(0))
  if (last !== '') yield [last]
}

/** The pieces of a line whose newline has not come yet, at most the longest text and a carriage return. */
class UnfinishedLine {
  #pieces: Uint8Array[] = []
  #sizeBytes = 0

  add(piece: Uint8Array): void {
    this.#check(piece)
    if (piece.byteLength === 0) return
    // A copy: a view would keep the whole chunk alive for the sake of the line that it ends with.
    this.#pieces.push(piece.slice())
    this.#sizeBytes += piece.byteLength
    if (this.#pieces.length > maxLinePieces) this.#pieces = [Buffer.concat(this.#pieces)]
  }

  finish(piece: Uint8Array): string {
    this.#check(piece)
    const bytes = this.#pieces.length === 0 ? piece : Buffer.concat([...this.#pieces, piece])
    this.#pieces = []
    this.#sizeBytes = 0
    const end = bytes.at(-1) === carriageReturn ? -1 : undefined
    const line = bytes.subarray(0, end)
    if (line.byteLength > MAX_TEXT_BYTES) throw new LineTooLongError(MAX_TEXT_BYTES)
    return utf8.decode(line)
  }

  #check(piece: Uint8Array): void {
    if (this.#sizeBytes + piece.byteLength > MAX_TEXT_BYTES + 1) throw new LineTooLongError(MAX_TEXT_BYTES)
  }
}

/** Length-prefixed texts, already cut into frames, to texts: one line end at the end of each is dropped. */
export async function* decodeFramedTexts(
  source: AsyncIterable<Uint8Array[]>
): AsyncGenerator<string[], void, undefined> {
  for await (const frames of source) {
    const texts: string[] = []
    for (const frame of frames) {
      const text = utf8.decode(frame).replace(/\r?\n$/, '')
      if (frame.byteLength > MAX_TEXT_BYTES && Buffer.byteLength(text) > MAX_TEXT_BYTES) {
        throw new LineTooLongError(MAX_TEXT_BYTES)
      }
      if (text !== '') texts.push(text)
    }
    if (texts.length > 0) yield texts
  }
}

/** Texts to lines: a text of several lines becomes several, and its empty ones are left out. */
export async function* encodeLines(source: AsyncIterable<PlainText[]>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const batch of source) {
    const lines = batch.flatMap(({ text }) => text.split(/\r\n|\n|\r/).filter((line) => line !== ''))
    if (lines.length > 0) yield Buffer.from(lines.join('\n') + '\n', 'utf8')
    for (const item of batch) item.written()
  }
}

/** Texts to length-prefixed texts that end in a newline, as the chat example of js-libp2p writes them. */
export function encodeFramedTexts(source: AsyncIterable<PlainText[]>): AsyncGenerator<Uint8ArrayList, void, undefined> {
  return encodeFrames({ maxFrameBytes: maxFramedTextBytes })(framed(source))
}

async function* framed(source: AsyncIterable<PlainText[]>): AsyncGenerator<Uint8Array[], void, undefined> {
  for await (const batch of source) {
    const texts = batch.filter(({ text }) => text !== '')
    if (texts.length > 0) yield texts.map(({ text }) => Buffer.from(text + '\n', 'utf8'))
    for (const item of batch) item.written()
  }
}
