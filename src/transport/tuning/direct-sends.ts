// What is sent on a connection when nothing waits goes straight to its
// carrier. libp2p's own streams put everything on a queue, take it off in copies
// of lists, and call listeners that are not there; a message goes through three
// of them. Knows streams, and nothing of what they carry.
import type { MessageStream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { toError } from '../../wire/index.ts'

/**
 * @param stream keeps its order and its `drain`: what comes while something waits takes the way that it always took
 * @param write takes all of it; false when the carrier is full, which will emit `drain`
 */
export function sendDirectly(stream: MessageStream, write: (bytes: Uint8Array | Uint8ArrayList) => boolean): void {
  const send = stream.send.bind(stream)
  stream.send = (bytes) => {
    if (stream.status !== 'open' || stream.writableNeedsDrain || stream.writeBufferLength > 0) {
      return send(bytes)
    }
    try {
      const hasRoom = write(bytes)
      if (!hasRoom) stream.writableNeedsDrain = true
      return hasRoom
    } catch (error) {
      stream.abort(toError(error))
      throw error
    }
  }
}
