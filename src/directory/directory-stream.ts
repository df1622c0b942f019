// The client's end of one /chat/directory/1.0.0 stream: opening it, the frames
// both ways. Knows neither when to announce nor what to do with a roster.
import type { Connection, Stream } from '@libp2p/interface'
import { FrameQueue, runFrames, withDeadline } from '../wire/index.ts'
import {
  ANSWER_TIMEOUT_MS,
  CLIENT_QUEUE_BYTES,
  CONNECT_TIMEOUT_MS,
  DIRECTORY_PROTOCOL,
  MAX_DIRECTORY_FRAME_BYTES,
  RETRY_BOUNDS_MS,
  WITHDRAW_TIMEOUT_MS
} from './constants.ts'
import { decodeDirectoryFrame, encodeClientFrame } from './directory-frames.ts'
import type { ClientFrame, DirectoryFrame } from './directory-frames.ts'
import { DirectoryLostError, NotADirectoryError } from './errors.ts'

export class DirectoryStream {
  readonly connection: Connection
  readonly #stream: Stream
  readonly #outgoing = new FrameQueue<ClientFrame>({
    maxBytes: CLIENT_QUEUE_BYTES,
    sizeOf: (frame) => encodeClientFrame(frame).byteLength
  })

  private constructor(connection: Connection, stream: Stream) {
    this.connection = connection
    this.#stream = stream
  }

  /**
   * @throws NotADirectoryError when the other end does not speak the protocol
   * @throws DirectoryLostError when it hangs up meanwhile
   * @throws DeadlineError when it does not answer
   */
  static async open(connection: Connection, signal?: AbortSignal): Promise<DirectoryStream> {
    try {
      const stream = await withDeadline('negotiate', CONNECT_TIMEOUT_MS, signal, (inTime) =>
        connection.newStream(DIRECTORY_PROTOCOL, { signal: inTime })
      )
      return new DirectoryStream(connection, stream)
    } catch (error) {
      if (error instanceof Error && error.name === 'UnsupportedProtocolError') {
        throw new NotADirectoryError({ cause: error })
      }
      // The transport's own words for it say nothing to a person.
      if (error instanceof Error && error.name === 'UnexpectedEOFError') throw new DirectoryLostError({ cause: error })
      throw error
    }
  }

  /**
   * Reads until the stream ends. The first frame has its deadline; what comes
   * after may take as long as nothing happens on the network.
   *
   * @throws what made it end, unless both sides closed it
   */
  async run(signal: AbortSignal, onFrame: (frame: DirectoryFrame) => Promise<void>): Promise<void> {
    await runFrames<DirectoryFrame, ClientFrame>({
      stream: this.#stream,
      codec: { decode: decodeDirectoryFrame, encode: encodeClientFrame },
      outgoing: this.#outgoing,
      maxFrameBytes: MAX_DIRECTORY_FRAME_BYTES,
      firstFrameTimeoutMs: ANSWER_TIMEOUT_MS,
      closeTimeoutMs: WITHDRAW_TIMEOUT_MS,
      signal,
      onFrames: async (frames) => {
        for (const frame of frames) await onFrame(frame)
      }
    })
  }

  /** Sends a frame, unless the stream has ended: then its end is what matters. */
  send(frame: ClientFrame): void {
    this.#outgoing.offer(frame)
  }

  /** Closes our half once what waits is sent; the directory then closes its own. */
  end(): void {
    this.#outgoing.end()
  }
}

/** @returns what a directory asks us to wait, within what a client grants */
export function boundedRetryMs(retryAfterMs: number): number {
  return Math.min(RETRY_BOUNDS_MS.max, Math.max(RETRY_BOUNDS_MS.min, retryAfterMs))
}
