/**
 * Joins the unread data of a stream when it lies in many pieces. Yamux keeps
 * the bytes of each frame apart, so that a window of tiny frames takes hundreds
 * of times its size while the reader pauses.
 */

import type { MessageStream } from '@libp2p/interface'
import { MAX_UNREAD_PIECES } from './budgets.ts'
import { isBuffering, isTakingStream } from './negotiation.ts'

export function joinUnread(stream: MessageStream): void {
  if (!isTakingStream(stream) || !isBuffering(stream)) return
  const take = stream.onData.bind(stream)
  let pieces = 0
  stream.onData = (bytes) => {
    take(bytes)
    pieces = stream.readBufferLength === 0 ? 0 : pieces + 1
    if (pieces < MAX_UNREAD_PIECES) return
    pieces = 1
    const joined = stream.readBuffer.slice()
    stream.readBuffer.consume(joined.byteLength)
    stream.readBuffer.append(joined)
  }
}
