// One stream of /chat/record/1.0.0 and its frames: it sends our record, and checks that
// records which arrive are those of the peer at the other end. It knows no other stream
// with the same peer.
import { setImmediate as turnEnds } from 'node:timers/promises'
import type { Connection, Stream } from '@libp2p/interface'
import { BrokenProtocolError, FrameQueue, runFrames } from '../wire/index.ts'
import type { Opener, FrameCodec } from '../wire/index.ts'
import { MAX_ENVELOPE_BYTES, openRecord } from './presence-record.ts'
import type { VerifiedRecord } from './presence-record.ts'
import { RecordFrame as Pb } from './pb/record-frames.ts'

type RecordFrame =
  | { readonly type: 'record'; readonly envelope: Uint8Array }
  /** The envelope holds the record with which its owner leaves. */
  | { readonly type: 'withdraw'; readonly envelope: Uint8Array }

/** Decodes frames of a later version to undefined; throws on bytes that are no protobuf. */
export const recordFrameCodec: FrameCodec<RecordFrame, RecordFrame> = {
  encode(frame) {
    const envelope = new Uint8Array(frame.envelope)
    switch (frame.type) {
      case 'record':
        return Pb.encode({ record: { envelope } })
      case 'withdraw':
        return Pb.encode({ withdraw: { envelope } })
    }
  },

  decode(bytes) {
    const { record, withdraw } = Pb.decode(bytes)
    if (record !== undefined) return { type: 'record', envelope: record.envelope }
    if (withdraw !== undefined) return { type: 'withdraw', envelope: withdraw.envelope }
    return undefined
  }
}

/** How long a farewell waits for a peer that does not read it. */
export const WITHDRAW_TIMEOUT_MS = 500

/** A watcher reads too slowly. */
export class SlowWatcherError extends Error {
  override readonly name = 'SlowWatcherError'
  readonly queuedBytes: number
  readonly limitBytes: number

  constructor(queuedBytes: number, limitBytes: number) {
    super(
      `${queuedBytes} bytes wait for a watcher that may have ${limitBytes}: ` +
        'it is reset and starts again from a snapshot'
    )
    this.queuedBytes = queuedBytes
    this.limitBytes = limitBytes
  }
}

/** The other side broke the protocol: the stream is reset. */
export class PresenceProtocolError extends BrokenProtocolError {
  override readonly name = 'PresenceProtocolError'
}

/** One envelope and its framing. */
export const MAX_RECORD_FRAME_BYTES = MAX_ENVELOPE_BYTES + 64

/** A few records may wait for a slow peer: each newer one replaces the older ones. */
const RECORD_QUEUE_BYTES = 8 * MAX_RECORD_FRAME_BYTES

/** The first record of the other side. */
const FIRST_RECORD_TIMEOUT_MS = 5_000

/** Records that one peer may send at once, and per second: one per change of name or address is far less. */
export const RECORD_RATE = { burst: 20, perSecond: 1 } as const

export class RecordStream {
  readonly connection: Connection
  readonly openedBy: Opener
  readonly #stream: Stream
  readonly #outgoing = new FrameQueue<RecordFrame>({
    maxBytes: RECORD_QUEUE_BYTES,
    sizeOf: (frame) => frame.envelope.byteLength
  })
  #exchanged = false

  /** @param envelope our record: it is the first frame */
  constructor(stream: Stream, connection: Connection, openedBy: Opener, envelope: Uint8Array) {
    this.#stream = stream
    this.connection = connection
    this.openedBy = openedBy
    this.#outgoing.offer({ type: 'record', envelope })
  }

  /** The peer's first record has arrived; ours was sent first. */
  get exchanged(): boolean {
    return this.#exchanged
  }

  /** Sends a frame; a peer that reads too slowly for a handful of records loses the stream. */
  send(frame: RecordFrame): void {
    if (this.#outgoing.offer(frame)) return
    this.#stream.abort(new SlowWatcherError(this.#outgoing.queuedBytes, RECORD_QUEUE_BYTES))
  }

  /** Closes our half when all frames are sent; the other side then closes its own. */
  end(): void {
    this.#outgoing.end()
  }

  /**
   * Reads until the stream ends.
   *
   * @param pace 0 when one more record may pass
   * @throws what made it end, unless both sides closed it
   */
  async run(signal: AbortSignal, pace: () => number, onRecord: (verified: VerifiedRecord) => void): Promise<void> {
    await runFrames({
      stream: this.#stream,
      codec: recordFrameCodec,
      outgoing: this.#outgoing,
      maxFrameBytes: MAX_RECORD_FRAME_BYTES,
      firstFrameTimeoutMs: FIRST_RECORD_TIMEOUT_MS,
      closeTimeoutMs: WITHDRAW_TIMEOUT_MS,
      signal,
      onFrames: async (frames) => {
        // Checking a signature takes long: other data that came with it goes first.
        await turnEnds()
        for (const frame of frames) {
          if (pace() > 0) {
            throw new PresenceProtocolError(
              `more than ${RECORD_RATE.burst} records at once, or ${RECORD_RATE.perSecond} a second, from one peer`
            )
          }
          const verified = await openRecord(frame.envelope, { expectedPeer: this.connection.remotePeer, signal })
          if (verified.record.withdrawn !== (frame.type === 'withdraw')) {
            throw new PresenceProtocolError(`a ${frame.type} frame holds a record that says the opposite`)
          }
          this.#exchanged = true
          onRecord(verified)
        }
      }
    })
  }
}
