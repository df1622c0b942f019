/**
 * The chat protocol: messages, receipts and signals with one peer at a time, in three dialects.
 *
 * @example
 * const node = await createLibp2p({ ..., services: { chat: chat(init) } })
 * const session = await node.services.chat.open(connection)
 * await session.send([message])
 */
export { SessionClosedError } from './application.ts'
export type { ChatEvents, ChatServiceInit, ChatSession } from './application.ts'
export { chat } from './chat-service.ts'
export type { ChatService } from './chat-service.ts'
export { chatProtocolId } from './chat-service.ts'
export type { Dialect, PeerKind, PlainDialect } from './dialect.ts'
export { ChatError, MAX_FILES_PER_MESSAGE, MAX_OFFERED_NAME_BYTES, MAX_TEXT_BYTES, TextTooLongError } from './frames.ts'
export type { OfferedFile } from './frames.ts'
export type { ChatMessage, HeldMark, ReceiptState, RefuseReason } from './frames.ts'
export type { Disposition } from './application.ts'
export { CallerOnlyError, ChatUnsupportedError, PeerUndecidedError } from './chat-service.ts'
export { HelloMissingError, PeerIsParleyError } from './chat-stream.ts'
