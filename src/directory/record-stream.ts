// One stream of /chat/record/1.0.0: sends our record, checks what comes against
// the peer at the other end. Knows nothing of other streams with the same peer.
import { setImmediate as turnEnds } from 'node:timers/promises'
import type { Connection, Stream } from '@libp2p/interface'
import { FrameQueue, runFrames } from '../wire/index.ts'
import {
  FIRST_RECORD_TIMEOUT_MS,
  MAX_RECORD_FRAME_BYTES,
  RECORD_QUEUE_BYTES,
  RECORD_RATE,
  WITHDRAW_TIMEOUT_MS
} from './constants.ts'
import { PresenceProtocolError, SlowWatcherError } from './errors.ts'
import { openRecord } from './presence-record.ts'
import type { VerifiedRecord } from './presence-record.ts'
import { recordFrameCodec } from './record-frames.ts'
import type { RecordFrame } from './record-frames.ts'

export class RecordStream {
  readonly connection: Connection
  readonly openedBy: 'us' | 'them'
  readonly #stream: Stream
  readonly #outgoing = new FrameQueue<RecordFrame>({
    maxBytes: RECORD_QUEUE_BYTES,
    sizeOf: (frame) => frame.envelope.byteLength
  })
  #exchanged = false

  /** @param envelope our record: it is the first frame */
  constructor(stream: Stream, connection: Connection, openedBy: 'us' | 'them', envelope: Uint8Array) {
    this.#stream = stream
    this.connection = connection
    this.openedBy = openedBy
    this.#outgoing.offer({ type: 'record', envelope })
  }

  /** The peer's first record has come; ours was the first thing sent. */
  get exchanged(): boolean {
    return this.#exchanged
  }

  /** Sends a frame; a peer that reads too slowly for a handful of records loses the stream. */
  send(frame: RecordFrame): void {
    if (this.#outgoing.offer(frame)) return
    this.#stream.abort(new SlowWatcherError(this.#outgoing.queuedBytes, RECORD_QUEUE_BYTES))
  }

  /** Closes our half once what waits is sent; the other side then closes its own. */
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
        // Checking a signature takes long, beside what else came with it and may be waited for.
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
