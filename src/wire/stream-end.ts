/**
 * How streams end: whether and how one was lost, read from it or from the event that
 * ended it, and its end in time. The one place that knows libp2p's words for that.
 */

import type { AbortOptions, Stream, StreamCloseEvent } from '@libp2p/interface'
import { DeadlineError, WireError } from './errors.ts'
import type { Stage } from './errors.ts'

/**
 * How a stream was lost: the remote reset it, this side aborted it, or the
 * connection under it went away.
 */
export type StreamLoss = 'reset' | 'aborted' | 'disconnected'

const LOSS_TEXT: Readonly<Record<StreamLoss, string>> = {
  reset: 'the remote reset the stream; open a new one',
  aborted: 'the stream was aborted on this side; the cause says why',
  disconnected: 'the connection closed before the stream ended; connect again'
}

/** The stream is gone. Bytes that were given to it may or may not have arrived. */
export class StreamLostError extends WireError {
  override readonly name = 'StreamLostError'
  readonly loss: StreamLoss

  constructor(stage: Stage, loss: StreamLoss, cause?: Error) {
    super(stage, `Stream lost (${stage}): ${LOSS_TEXT[loss]}`, cause === undefined ? undefined : { cause })
    this.loss = loss
  }
}

/** The loss of a stream that was over before it was listened to, or undefined. */
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

/** A stream or a connection. */
interface Closable {
  readonly status: string
  addEventListener(type: 'close', listener: () => void, options: { readonly once: true }): void
  removeEventListener(type: 'close', listener: () => void): void
}

/**
 * Calls `act` once: when the stream or connection closes, or now when it has: that may happen between a message and the
 * promise that hands it over, and no event tells of it afterwards.
 *
 * @returns what ends the listening; called afterwards it does nothing
 */
export function onClosed(of: Closable, act: () => void): () => void {
  if (of.status === 'open' || of.status === 'closing') of.addEventListener('close', act, { once: true })
  else act()
  return () => of.removeEventListener('close', act)
}

/**
 * Ends this half of a stream. The stream is aborted unless the other half ends in time, as one that stays open holds its
 * place for as long as the connection lives.
 *
 * @param options.timeoutMs milliseconds, for both halves together
 * @returns when this half has ended
 * @throws when it can't be ended
 */
export async function endStream(
  stream: Stream,
  { timeoutMs, ...options }: AbortOptions & { readonly timeoutMs: number }
): Promise<void> {
  const timer = setTimeout(() => stream.abort(new DeadlineError('close', timeoutMs)), timeoutMs)
  timer.unref()
  onClosed(stream, () => clearTimeout(timer))
  await stream.close(options)
}

/** The loss that a `close` event tells of; undefined when both halves had ended as they should. */
export function lossOnClose(event: StreamCloseEvent, stage: Stage, hadEnded: boolean): StreamLostError | undefined {
  if (event.error !== undefined) {
    const loss: StreamLoss = event.local === true ? 'aborted' : 'reset'
    return new StreamLostError(stage, loss, event.error)
  }
  return hadEnded ? undefined : new StreamLostError(stage, 'disconnected')
}
