// A peer's side of the numbers at a directory: claims them for its invitations, for as
// long as its stream is open, and finds who has claimed one. It does not know which
// directories are used, and learns no words.
import type { Connection } from '@libp2p/interface'
import { FrameStream } from '../../wire/index.ts'
import {
  numberFrames,
  NumberProtocolError,
  type Holder,
  type NumberFrame,
  type NumberRefusal
} from './number-frames.ts'

/** The directory does not do it. */
export class NumberRefusedError extends Error {
  override readonly name = 'NumberRefusedError'
  readonly reason: NumberRefusal

  constructor(reason: NumberRefusal) {
    super(`the directory refused: ${reason}`)
    this.reason = reason
  }
}

/** The numbers that this peer has claimed at one directory. */
export class NumberClaims {
  readonly #frames: FrameStream<NumberFrame>
  readonly #numbers = new Set<number>()
  /** One question at a time: answers come in the order of the questions. */
  #turn: Promise<unknown> = Promise.resolve()
  #isOver = false

  private constructor(frames: FrameStream<NumberFrame>) {
    this.#frames = frames
  }

  /**
   * @param onEnd the stream has ended, and with it all claims
   * @throws WireError; UnsupportedProtocolError for a directory of an older version
   */
  static async open(connection: Connection, signal: AbortSignal, onEnd: () => void): Promise<NumberClaims> {
    const frames = await FrameStream.open(connection, numberFrames, { signal })
    const claims = new NumberClaims(frames)
    frames.onClose(() => {
      claims.#isOver = true
      claims.#numbers.clear()
      onEnd()
    })
    return claims
  }

  has(number: number): boolean {
    return this.#numbers.has(number)
  }

  /** @throws NumberRefusedError, NumberProtocolError, WireError */
  async claim(network: string, number: number): Promise<void> {
    const answer = await this.#ask({ type: 'claim', network, number })
    if (answer.type === 'refuse') throw new NumberRefusedError(answer.reason)
    if (answer.type !== 'claimed' || answer.number !== number) throw unexpected(answer)
    if (!this.#isOver) this.#numbers.add(number)
  }

  async release(number: number): Promise<void> {
    if (!this.#numbers.delete(number)) return
    await this.#frames.write({ type: 'release', number })
  }

  close(): void {
    this.#frames.abort(new Error('the numbers were released'))
  }

  async #ask(question: NumberFrame): Promise<NumberFrame> {
    const answer = this.#turn.then(async () => {
      await this.#frames.write(question)
      return this.#frames.read()
    })
    this.#turn = answer.catch((error: unknown) => this.#frames.abort(error))
    return answer
  }
}

/**
 * Who has claimed the number, at this directory or at one that is joined with it. Nothing of it is proven.
 *
 * @throws NumberRefusedError, NumberProtocolError, WireError; UnsupportedProtocolError for a directory of an older version
 */
export async function findNumber(
  connection: Connection,
  question: {
    readonly network: string
    readonly number: number
    /** Only at this directory itself. */
    readonly own?: boolean
    readonly signal: AbortSignal
  }
): Promise<readonly Holder[]> {
  const { network, number, own = false, signal } = question
  const frames = await FrameStream.open(connection, numberFrames, { signal })
  try {
    await frames.write({ type: 'find', network, number, own })
    const answer = await frames.read()
    if (answer.type === 'refuse') throw new NumberRefusedError(answer.reason)
    if (answer.type !== 'found') throw unexpected(answer)
    await frames.close()
    return answer.holders
  } catch (error) {
    frames.abort(error)
    throw error
  }
}

function unexpected({ type }: NumberFrame): NumberProtocolError {
  return new NumberProtocolError(`a frame "${type}" is not an answer`)
}
