/**
 * The writing half of a stream that speaks a plain dialect: a bounded queue, and the promise that a text was taken.
 * It starts writing with the first text, so that until then a Hello of the other side can still change the dialect
 * of the stream. It does not read.
 */
import { Buffer } from 'node:buffer'
import { pipe } from 'it-pipe'
import { FrameQueue, QueueClosedError, toError } from '../wire/index.ts'
import type { ByteDuplex } from '../wire/index.ts'
import { PLAIN_QUEUE_BYTES } from './constants.ts'
import type { PlainDialect } from './dialect.ts'
import { SessionClosedError } from './errors.ts'
import { encodeFramedTexts, encodeLines } from './text-dialects.ts'
import type { PlainText } from './text-dialects.ts'

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
   * @throws {SessionClosedError} when the writer ends first
   */
  async write(text: string, signal: AbortSignal): Promise<void> {
    this.start().catch(() => {}) // whoever runs the stream hears of it
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = (): void => reject(toError(signal.reason))
    this.#unwritten.add(reject)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      await Promise.all([this.#queue.push({ text, written: resolve }, { signal }), promise])
    } catch (error) {
      throw error instanceof QueueClosedError ? new SessionClosedError({ cause: error }) : error
    } finally {
      this.#unwritten.delete(reject)
      signal.removeEventListener('abort', onAbort)
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
