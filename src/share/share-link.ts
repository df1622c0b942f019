// What another peer shares, asked on one stream, one request at a time. An answer that would lead in circles is refused here;
// how many pages are read is decided elsewhere.
import type { Connection } from '@libp2p/interface'
import { FrameStream } from '../wire/index.ts'
import {
  shareFrames,
  ShareProtocolError,
  type Found,
  type Page,
  type ShareFrame,
  type ShareRefusal,
  type ShareRequest
} from './share-frames.ts'

/** The peer does not answer: there is no such folder for this side, or it asks too often. */
export class ShareRefusedError extends Error {
  override readonly name = 'ShareRefusedError'
  readonly reason: ShareRefusal

  constructor(reason: ShareRefusal) {
    super(reason === 'too-fast' ? 'it was asked too often: try again later' : 'it shares nothing of that name with you')
    this.reason = reason
  }
}

export class ShareLink {
  readonly #frames: FrameStream<ShareFrame>
  #turn: Promise<unknown> = Promise.resolve()

  private constructor(frames: FrameStream<ShareFrame>) {
    this.#frames = frames
  }

  /** @throws WireError; UnsupportedProtocolError for a peer of an older version */
  static async open(connection: Connection, signal: AbortSignal): Promise<ShareLink> {
    return new ShareLink(await FrameStream.open(connection, shareFrames, { signal, runOnLimitedConnection: true }))
  }

  /** @throws ShareRefusedError, ShareProtocolError, WireError */
  async list(path: string, after = ''): Promise<Page> {
    const answer = await this.#ask({ type: 'list', path, after })
    if (answer.type !== 'listing') throw unexpected(answer)
    const [first] = answer.entries
    if (first === undefined ? answer.hasMore : first.name <= after) {
      // A reader that asks on behind the last name would go in circles.
      throw new ShareProtocolError('a page that is not behind the one before')
    }
    return answer
  }

  /** @throws ShareRefusedError, ShareProtocolError, WireError */
  async find(words: readonly string[]): Promise<Found> {
    const answer = await this.#ask({ type: 'find', words })
    if (answer.type === 'hits') return answer
    throw unexpected(answer)
  }

  async close(): Promise<void> {
    await this.#frames.close()
  }

  async #ask(request: ShareRequest): Promise<ShareFrame> {
    const answer = this.#turn.then(async () => {
      await this.#frames.write(request)
      return this.#frames.read()
    })
    this.#turn = answer.catch((error: unknown) => this.#frames.abort(error))
    return answer
  }
}

function unexpected(answer: ShareFrame): Error {
  if (answer.type === 'refuse') return new ShareRefusedError(answer.reason)
  return new ShareProtocolError(`a frame "${answer.type}" is not an answer`)
}
