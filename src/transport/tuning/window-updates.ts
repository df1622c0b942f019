/**
 * Holds small window updates of Yamux back. It answers each data frame with one,
 * however small: a message to seal and a packet to send at this end, a read and
 * a message to open at the other, for twelve bytes that no sender waits for. They
 * are added up and go out when they are worth it. Knows frame headers only.
 *
 * @see https://github.com/hashicorp/yamux/blob/master/spec.md#flow-control
 */

import type { MessageStream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { YAMUX_HEADER } from '../../wire/index.ts'

/**
 * A stream's window updates go out when they give so many bytes together, in
 * bytes: half of the first window, so that a sender always has the other half.
 */
export const WINDOW_UPDATE_BYTES = 128 * 1024

const WINDOW_UPDATE_TYPE = 1
/** Withheld updates of streams that have ended are looked for among more than so many. */
const KEPT_STREAMS = 16

/**
 * @param connection what the muxer sends its frames on, one for each call
 * @param streams those of the muxer that are open
 */
export function withholdUpdates(
  connection: Pick<MessageStream, 'send'>,
  streams: () => readonly { readonly id: string }[]
): void {
  const send = connection.send.bind(connection)
  /** Bytes by stream: received, and not announced yet. Most connections receive on one stream. */
  const withheld = new Map<number, number>()
  connection.send = (frame) => {
    const update = bareUpdate(frame)
    if (update === undefined) return send(frame)
    const streamId = update.getUint32(YAMUX_HEADER.stream)
    const bytes = (withheld.get(streamId) ?? 0) + update.getUint32(YAMUX_HEADER.length)
    if (bytes < WINDOW_UPDATE_BYTES) {
      withheld.set(streamId, bytes)
      if (withheld.size > KEPT_STREAMS) forgetEnded(withheld, streams())
      return true
    }
    withheld.delete(streamId)
    update.setUint32(YAMUX_HEADER.length, bytes)
    return send(frame)
  }
}

/** The header of a window update that says nothing else: no stream begins or ends with it. */
function bareUpdate(frame: Uint8Array | Uint8ArrayList): DataView | undefined {
  if (!(frame instanceof Uint8Array) || frame.byteLength !== YAMUX_HEADER.bytes) return undefined
  if (frame[YAMUX_HEADER.type] !== WINDOW_UPDATE_TYPE) return undefined
  const header = new DataView(frame.buffer, frame.byteOffset, YAMUX_HEADER.bytes)
  return header.getUint16(YAMUX_HEADER.flags) === 0 ? header : undefined
}

function forgetEnded(withheld: Map<number, number>, streams: readonly { readonly id: string }[]): void {
  const open = new Set(streams.map(({ id }) => Number(id)))
  for (const streamId of withheld.keys()) if (!open.has(streamId)) withheld.delete(streamId)
}
