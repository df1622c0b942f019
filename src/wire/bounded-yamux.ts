/**
 * Yamux as Parley uses it: with windows small enough for a paused stream, and
 * with a guard. Yamux checks a data frame against the window only when all of it
 * is there, and keeps it until then, so a remote could announce a frame of 4 GiB
 * and fill the memory with it. The guard cuts the connection at the
 * announcement. It knows frame headers only, no streams.
 *
 * @see https://github.com/hashicorp/yamux/blob/master/spec.md#framing
 */

import { yamux } from '@chainsafe/libp2p-yamux'
import type { YamuxMuxerInit } from '@chainsafe/libp2p-yamux'
import type { MessageStream, StreamMessageEvent, StreamMuxer, StreamMuxerFactory } from '@libp2p/interface'
import { MAX_INBOUND_STREAMS, MAX_STREAM_WINDOW_BYTES, MAX_UNREAD_BYTES, WIDEN_FROM_BYTES } from './constants.ts'
import { toError, WindowOverrunError } from './errors.ts'
import { LinkWatch } from './link-watch.ts'
import type { LinkWatchInit } from './link-watch.ts'
import { roundTripOf, type RoundTrip } from './round-trip.ts'
import { withholdUpdates } from './window-updates.ts'

/** What Yamux must be given for the bound of a duplex to hold. */
export const yamuxInit: YamuxMuxerInit = {
  // Its failure has no consequence: see LinkWatch.
  enableKeepAlive: false,
  maxInboundStreams: MAX_INBOUND_STREAMS,
  streamOptions: {
    maxStreamWindowSize: MAX_STREAM_WINDOW_BYTES,
    maxReadBufferLength: MAX_UNREAD_BYTES
  }
}

const HEADER_BYTES = 12
const TYPE_OFFSET = 1
const LENGTH_OFFSET = 8
const DATA_TYPE = 0

/**
 * For `createLibp2p({ streamMuxers: [boundedYamux()] })`.
 *
 * A remote that sends more than the window it was granted loses its connection;
 * its streams end with a StreamLostError whose cause names the overrun. One
 * that is silent for longer than `silence` allows loses it too.
 */
export function boundedYamux(init: { readonly silence?: LinkWatchInit } = {}): () => StreamMuxerFactory {
  const watch = init.silence === undefined ? undefined : new LinkWatch(init.silence)
  const createFactory = yamux(yamuxInit)
  return () => {
    const factory = createFactory()
    const createStreamMuxer = factory.createStreamMuxer.bind(factory)
    return Object.assign(factory, {
      createStreamMuxer: (connection: MessageStream) => {
        const muxer = createStreamMuxer(connection)
        withholdUpdates(connection, () => muxer.streams)
        const roundTrip = watch === undefined ? undefined : roundTripOf(muxer, () => performance.now())
        guard(connection, muxer, roundTrip)
        if (roundTrip !== undefined) watch?.add(connection, muxer, roundTrip)
        return muxer
      }
    })
  }
}

function guard(connection: MessageStream, muxer: StreamMuxer, roundTrip: RoundTrip | undefined): void {
  const scanner = new HeaderScanner()
  let receivedBytes = 0
  let isMeasured = false
  const onMessage = (event: StreamMessageEvent): void => {
    receivedBytes += event.data.byteLength
    // Yamux widens the window of what it receives by the round-trip time, and knows that only from a ping of its own.
    if (!isMeasured && receivedBytes >= WIDEN_FROM_BYTES) {
      isMeasured = true
      roundTrip?.measure().catch((error: unknown) => connection.log('could not ping - %e', toError(error)))
    }
    for (const bytes of event.data instanceof Uint8Array ? [event.data] : event.data) {
      const announcedBytes = scanner.largestDataFrame(bytes)
      if (announcedBytes > MAX_STREAM_WINDOW_BYTES) {
        connection.removeEventListener('message', onMessage)
        const error = new WindowOverrunError(announcedBytes, MAX_STREAM_WINDOW_BYTES)
        muxer.abort(error)
        connection.abort(error)
        return
      }
    }
  }
  connection.addEventListener('message', onMessage)
}

/** Follows the headers through bytes that are split anywhere; keeps at most one header. */
class HeaderScanner {
  readonly #header = new DataView(new ArrayBuffer(HEADER_BYTES))
  #headerBytes = 0
  #bodyBytesLeft = 0

  /** The largest data frame announced in these bytes, or 0. */
  largestDataFrame(bytes: Uint8Array): number {
    let largestBytes = 0
    let offset = 0
    while (offset < bytes.byteLength) {
      if (this.#bodyBytesLeft > 0) {
        const skipped = Math.min(this.#bodyBytesLeft, bytes.byteLength - offset)
        this.#bodyBytesLeft -= skipped
        offset += skipped
      } else {
        this.#header.setUint8(this.#headerBytes++, bytes[offset++] ?? 0)
        if (this.#headerBytes === HEADER_BYTES) {
          this.#headerBytes = 0
          if (this.#header.getUint8(TYPE_OFFSET) === DATA_TYPE) {
            this.#bodyBytesLeft = this.#header.getUint32(LENGTH_OFFSET)
            largestBytes = Math.max(largestBytes, this.#bodyBytesLeft)
          }
        }
      }
    }
    return largestBytes
  }
}
