/**
 * The chat protocol: messages, receipts and signals with one peer at a time, in three dialects.
 *
 * @example
 * const node = await createLibp2p({ ..., services: { chat: chat(init) } })
 * const session = await node.services.chat.open(connection)
 * await session.send([message])
 */
export type { ChatEvents, ChatServiceInit, ChatSession } from './application.ts'
export { chat } from './chat-service.ts'
export type { ChatComponents, ChatService } from './chat-service.ts'
export { chatProtocolId, MAX_TEXT_BYTES } from './constants.ts'
export type { Dialect, PeerKind, PlainDialect } from './dialect.ts'
export {
  ChatError,
  ChatUnsupportedError,
  HelloMissingError,
  PeerIsParleyError,
  PeerUndecidedError,
  SessionClosedError,
  TextTooLongError
} from './errors.ts'
export type { ByeReason, RefuseReason } from './errors.ts'
export type { ChatMessage, HeldMark, ReceiptState } from './frames.ts'
export type { Disposition } from './receipts.ts'
