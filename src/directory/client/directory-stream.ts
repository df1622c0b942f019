// The client's end of one /chat/directory/1.0.0 stream: opening it, the frames
// both ways. Knows neither when to announce nor what to do with a roster.
import type { Connection, Stream } from '@libp2p/interface'
import { FrameQueue, runFrames, withDeadline } from '../../wire/index.ts'
import {
  DIRECTORY_PROTOCOL,
  MAX_DIRECTORY_FRAME_BYTES,
  decodeDirectoryFrame,
  encodeClientFrame,
  MAX_CLIENT_FRAME_BYTES
} from '../directory-frames.ts'
import type { ClientFrame, DirectoryFrame } from '../directory-frames.ts'
import { WITHDRAW_TIMEOUT_MS } from '../../presence/index.ts'

/** A directory stream ended, or the directory hung up while it was opened. */
export class DirectoryLostError extends Error {
  override readonly name = 'DirectoryLostError'

  constructor(options?: { cause?: unknown }) {
    super('the directory went away', options)
  }
}

/** The node at the address is a libp2p node, but no directory. */
export class NotADirectoryError extends Error {
  override readonly name = 'NotADirectoryError'

  constructor(options?: { cause?: unknown }) {
    super('that node is no Parley directory: check the address, or start `parley directory` there', options)
  }
}

/** Connecting and agreeing on the protocol: libp2p's own dial limit is 10 s. */
export const CONNECT_TIMEOUT_MS = 10_000

/** From the open stream to Welcome, and from an announcement to its answer. */
export const DIRECTORY_ANSWER_TIMEOUT_MS = 10_000

/** Frames that may wait in a client: it sends one announcement at a time. */
const CLIENT_QUEUE_BYTES = 8 * MAX_CLIENT_FRAME_BYTES

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
      // The transport's own error means nothing to a person.
      if (error instanceof Error && error.name === 'UnexpectedEOFError') throw new DirectoryLostError({ cause: error })
      throw error
    }
  }

  /**
   * Reads until the stream ends. The first frame has a deadline; later ones come when something happens on the network.
   *
   * @throws what made it end, unless both sides closed it
   */
  async run(signal: AbortSignal, onFrame: (frame: DirectoryFrame) => Promise<void>): Promise<void> {
    await runFrames<DirectoryFrame, ClientFrame>({
      stream: this.#stream,
      codec: { decode: decodeDirectoryFrame, encode: encodeClientFrame },
      outgoing: this.#outgoing,
      maxFrameBytes: MAX_DIRECTORY_FRAME_BYTES,
      firstFrameTimeoutMs: DIRECTORY_ANSWER_TIMEOUT_MS,
      closeTimeoutMs: WITHDRAW_TIMEOUT_MS,
      signal,
      onFrames: async (frames) => {
        for (const frame of frames) await onFrame(frame)
      }
    })
  }

  /** Sends a frame, unless the stream has ended. */
  send(frame: ClientFrame): void {
    this.#outgoing.offer(frame)
  }

  /** Closes our half when all frames are sent; the directory then closes its own. */
  end(): void {
    this.#outgoing.end()
  }
}
