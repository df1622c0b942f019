// Why there is no conversation with a peer that can be reached, in words for the
// user. The causes keep what the protocol and the stream said.
import { ChatError, ChatUnsupportedError } from '../chat-protocol/index.ts'
import { DirectoryPeerError, ParleyError, UnreachableError } from './errors.ts'

/** @param directory how the peer is called, when it is a directory */
export function explainSessionError(error: unknown, directory: string | undefined): Error {
  if (error instanceof ParleyError) return error
  const cause = { cause: error }
  if (error instanceof ChatUnsupportedError && directory !== undefined) {
    return new DirectoryPeerError(directory, undefined, cause)
  }
  if (error instanceof ChatError) return error
  return new UnreachableError('the other side hung up before the conversation was open', cause)
}
