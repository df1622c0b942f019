// Why another peer takes no messages, or no conversation, in words for the user, and
// when it is asked again.
import { ChatError, ChatUnsupportedError, type RefuseReason } from '../../chat-protocol/index.ts'
import { DirectoryPeerError, ParleyError, UnreachableError } from '../api/errors.ts'

/** When there is no room for a request the sender is told to come back after this. */
export const NO_ROOM_RETRY_MS = 60_000

/** Whatever the other side asks for, what it refused is not sent again sooner: refusals must not make a circle. */
export const MIN_RETRY_MS = 1_000

export function refusalText(reason: RefuseReason): string {
  switch (reason) {
    case 'no-room':
      return 'has no room for more messages from people who are not accepted yet'
    case 'rate':
      return 'takes no more messages for a moment: they came too fast'
    case 'too-long':
      return 'does not take messages as long as this'
    case 'not-accepted':
      return 'does not take messages from you'
    case 'evicted':
      return 'deleted the message without accepting it: other requests needed the room, or it had waited too long'
    case 'quota':
      return 'takes no more messages for now: your share of its disk is used up, or its disk is nearly full'
    case 'other':
      return 'does not take the message, for a reason that this version does not know'
  }
}

/** The other side will never take the message: it has failed. The other reasons pass. */
export function isFinal(reason: RefuseReason): boolean {
  return reason === 'too-long' || reason === 'not-accepted' || reason === 'evicted'
}

/** When what the other side has refused is sent again, in milliseconds from then. */
export function resendMs(retryAfterMs: number): number {
  return retryAfterMs === 0 ? NO_ROOM_RETRY_MS : Math.max(retryAfterMs, MIN_RETRY_MS)
}

/**
 * Why there is no conversation with a peer that can be reached. The causes keep what the protocol and the stream said.
 *
 * @param directory how the peer is called, when it is a directory
 */
export function explainSessionError(error: unknown, directory: string | undefined): Error {
  if (error instanceof ParleyError) return error
  const cause = { cause: error }
  if (error instanceof ChatUnsupportedError && directory !== undefined) {
    return new DirectoryPeerError(directory, undefined, cause)
  }
  if (error instanceof ChatError) return error
  return new UnreachableError('the other side hung up before the conversation was open', cause)
}
