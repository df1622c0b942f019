/**
 * The two plain dialects of `/chat/1.0.0`: newline-terminated lines, and text with a length before it. They are it-pipe
 * transforms over batches, and a writer with a bounded queue. They bound what an unfinished line may hold; they know no
 * ids, no receipts and no peer. Invalid UTF-8 becomes U+FFFD here, as these programs promise nothing and understand no
 * refusal.
 */
import { Buffer } from 'node:buffer'
import { pipe } from 'it-pipe'
import type { Uint8ArrayList } from 'uint8arraylist'
import { decodeFrames, encodeFrames, FrameQueue, QueueClosedError } from '../wire/index.ts'
import type { ByteDuplex } from '../wire/index.ts'
import { SessionClosedError } from './application.ts'
import type { PlainDialect } from './dialect.ts'
import { ChatError, MAX_TEXT_BYTES } from './frames.ts'

/** The peer sent a line beyond MAX_SKIPPED_TEXT_BYTES. The stream is cut. */
export class LineTooLongError extends ChatError {
  override readonly name = 'LineTooLongError'
  readonly limitBytes: number
  constructor(limitBytes: number) {
    super(`The peer sent a line of more than ${limitBytes} bytes, which is the limit: the stream was cut`)
    this.limitBytes = limitBytes
  }
}

/** A plain text over the limit is skipped up to here, 256 of the longest messages; what is longer still is no text. */
const MAX_SKIPPED_TEXT_BYTES = 16 * 1024 * 1024

/** What a plain dialect may have waiting here. It confirms nothing, so the stream's own backpressure is the only one. */
const PLAIN_QUEUE_BYTES = 256 * 1024

/** A text to write, and what to call once the stream has taken it. */
export interface PlainText {
  readonly text: string
  written(): void
}

/** Called for a text over the limit, which is skipped. */
export type OnTooLong = (sizeBytes: number) => void

const newline = 0x0a
const carriageReturn = 0x0d
const utf8 = new TextDecoder('utf-8')

/** The length prefix of framed text counts its newline too. */
const maxFramedTextBytes = MAX_TEXT_BYTES + 2

/** Lines handed on at once: a full window of one-letter lines would be half a million strings. */
const maxLinesPerBatch = 1024

/** Pieces of an unfinished line that are kept apart before they are joined: one-byte reads stay cheap. */
const maxLinePieces = 64

/**
 * Bytes to lines, in batches of what one read completed. Line ends are LF or CRLF; empty lines are dropped; text
 * after the last newline counts as a line when the stream ends. A line over MAX_TEXT_BYTES is skipped.
 *
 * @throws {LineTooLongError} at MAX_SKIPPED_TEXT_BYTES, after the complete lines before it have been yielded
 */
export function decodeLines(onTooLong: OnTooLong) {
  return (source: AsyncIterable<Uint8Array | Uint8ArrayList>): AsyncGenerator<string[], void, undefined> =>
    linesOf(source, onTooLong)
}

async function* linesOf(
  source: AsyncIterable<Uint8Array | Uint8ArrayList>,
  onTooLong: OnTooLong
): AsyncGenerator<string[], void, undefined> {
  const unfinished = new UnfinishedLine(onTooLong)
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
  readonly #onTooLong: OnTooLong
  #pieces: Uint8Array[] = []
  /** Of the line so far, also where it is too long and its pieces are not kept. */
  #sizeBytes = 0

  constructor(onTooLong: OnTooLong) {
    this.#onTooLong = onTooLong
  }

  /** @throws {LineTooLongError} */
  add(piece: Uint8Array): void {
    if (piece.byteLength === 0) return
    this.#count(piece)
    if (this.#isTooLong) this.#pieces = []
    // A copy: a view would keep the whole chunk alive for the sake of the line that it ends with.
    else this.#pieces.push(piece.slice())
    if (this.#pieces.length > maxLinePieces) this.#pieces = [Buffer.concat(this.#pieces)]
  }

  /**
   * @returns the line, or nothing when it was too long
   * @throws {LineTooLongError}
   */
  finish(piece: Uint8Array): string {
    this.#count(piece)
    const sizeBytes = this.#sizeBytes
    const pieces = this.#pieces
    const isSkipped = this.#isTooLong
    this.#pieces = []
    this.#sizeBytes = 0
    const bytes = pieces.length === 0 ? piece : Buffer.concat([...pieces, piece])
    const end = bytes.at(-1) === carriageReturn ? -1 : undefined
    const line = bytes.subarray(0, end)
    if (!isSkipped && line.byteLength <= MAX_TEXT_BYTES) return utf8.decode(line)
    this.#onTooLong(sizeBytes)
    return ''
  }

  /** With a carriage return, which may be the line's last byte. */
  get #isTooLong(): boolean {
    return this.#sizeBytes > MAX_TEXT_BYTES + 1
  }

  #count(piece: Uint8Array): void {
    this.#sizeBytes += piece.byteLength
    if (this.#sizeBytes > MAX_SKIPPED_TEXT_BYTES) throw new LineTooLongError(MAX_SKIPPED_TEXT_BYTES)
  }
}

/**
 * Bytes to length-prefixed texts: one line end at the end of each is dropped, and so are empty ones. A text over
 * MAX_TEXT_BYTES is skipped.
 *
 * @throws what `decodeFrames` throws, at MAX_SKIPPED_TEXT_BYTES
 */
export function decodeFramedTexts(onTooLong: OnTooLong) {
  const decode = decodeFrames({
    maxFrameBytes: maxFramedTextBytes,
    maxSkippedBytes: MAX_SKIPPED_TEXT_BYTES,
    onSkipped: onTooLong
  })
  return (source: AsyncIterable<Uint8Array | Uint8ArrayList>): AsyncGenerator<string[], void, undefined> =>
    textsOf(decode(source), onTooLong)
}

async function* textsOf(
  source: AsyncIterable<Uint8Array[]>,
  onTooLong: OnTooLong
): AsyncGenerator<string[], void, undefined> {
  for await (const frames of source) {
    const texts: string[] = []
    for (const frame of frames) {
      const text = utf8.decode(frame).replace(/\r?\n$/, '')
      const isTooLong = frame.byteLength > MAX_TEXT_BYTES && Buffer.byteLength(text) > MAX_TEXT_BYTES
      if (isTooLong) onTooLong(frame.byteLength)
      else if (text !== '') texts.push(text)
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

/**
 * The writing half of a stream that speaks a plain dialect: a bounded queue, and the promise that a text was taken. It
 * starts to write with the first text, so that until then a Hello of the other side can still change the dialect of the
 * stream.
 */
export class PlainWriter {
  readonly dialect: PlainDialect
  readonly #queue = new FrameQueue<PlainText>({
    maxBytes: PLAIN_QUEUE_BYTES,
    sizeOf: ({ text }) => Buffer.byteLength(text)
  })
  readonly #sink: ByteDuplex['sink']
  readonly #unwritten = new Set<(error: Error) => void>()
  #writing: Promise<void> | undefined

  constructor(dialect: PlainDialect, sink: ByteDuplex['sink']) {
    this.dialect = dialect
    this.#sink = sink
  }

  /** Something may have gone out in this dialect. */
  get started(): boolean {
    return this.#writing !== undefined
  }

  /**
   * Resolves when the stream has taken the text.
   *
   * @param onWritten called at the moment when the stream has taken it: what happens to the stream after that comes later
   * @throws {SessionClosedError} when the writer ends first
   */
  async write(text: string, onWritten: () => void): Promise<void> {
    this.start().catch(() => {}) // the stream's own run reports it
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const written = (): void => {
      onWritten()
      resolve()
    }
    this.#unwritten.add(reject)
    try {
      await Promise.all([this.#queue.push({ text, written }), promise])
    } catch (error) {
      throw error instanceof QueueClosedError ? new SessionClosedError({ cause: error }) : error
    } finally {
      this.#unwritten.delete(reject)
    }
  }

  /** Begins to write, once. Resolves when all is written and this half is closed. */
  start(): Promise<void> {
    const encode = this.dialect === 'lines' ? encodeLines : encodeFramedTexts
    this.#writing ??= pipe(this.#queue, encode, this.#sink).finally(() => this.#refuse(undefined))
    return this.#writing
  }

  /** What is queued still goes out. */
  end(): void {
    this.#queue.end()
  }

  abort(error: Error): void {
    this.#queue.abort(error)
    this.#refuse(error)
  }

  #refuse(cause: Error | undefined): void {
    for (const reject of this.#unwritten) reject(new SessionClosedError(cause === undefined ? {} : { cause }))
  }
}
