// Why there is no conversation with a peer that can be reached, in words for the
// user. The causes keep what the protocol and the stream said.
import { ChatError, ChatUnsupportedError } from '../chat-protocol/index.ts'
import { ParleyError, UnreachableError } from './errors.ts'

/** @param isDirectory whether the peer serves the directory protocol */
export function explainSessionError(error: unknown, isDirectory: boolean): Error {
  if (error instanceof ParleyError) return error
  const cause = { cause: error }
  if (error instanceof ChatUnsupportedError && isDirectory) {
    return new UnreachableError(
      'that is a directory, and nobody to talk to: start parley with --directory and its address to see who is there',
      cause
    )
  }
  if (error instanceof ChatError) return error
  return new UnreachableError('the other side hung up before the conversation was open', cause)
}
