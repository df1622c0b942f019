/**
 * Reads from a libp2p stream, or from the event that ended it, whether and how
 * it was lost. The one place that knows libp2p's words for that.
 */

import type { Stream, StreamCloseEvent } from '@libp2p/interface'
import { StreamLostError } from './errors.ts'
import type { Stage, StreamLoss } from './errors.ts'

/** The loss of a stream that was over before anybody listened, or undefined. */
export function lossOf(stream: Stream, stage: Stage): StreamLostError | undefined {
  switch (stream.status) {
    case 'open':
    case 'closing':
      return undefined
    case 'closed':
      // Whether the remote had ended first is no longer to be seen; an end that was not seen is none.
      return new StreamLostError(stage, 'disconnected')
    case 'aborted':
    case 'reset':
      return new StreamLostError(stage, stream.status)
  }
}

/** The loss that a `close` event tells of; undefined when both halves had ended as they should. */
export function lossOnClose(event: StreamCloseEvent, stage: Stage, hadEnded: boolean): StreamLostError | undefined {
  if (event.error !== undefined) {
    const loss: StreamLoss = event.local === true ? 'aborted' : 'reset'
    return new StreamLostError(stage, loss, event.error)
  }
  return hadEnded ? undefined : new StreamLostError(stage, 'disconnected')
}
