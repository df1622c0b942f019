// What the rest of Parley may know of storage.
export { writeFileAtomically } from './atomic-file.ts'
export { MemoryMessageStore } from './memory-message-store.ts'
export type {
  ArrivalState,
  DeliveryState,
  HeldCounts,
  IncomingMessage,
  IncomingResult,
  LogPosition,
  MessageStore,
  NewIncoming,
  OutboxEntry,
  OutgoingMessage,
  StoredMessage
} from './message-store.ts'
export { PeerBook, PeerBookDamagedError } from './peer-book.ts'
export type { Contact, PeerBookEntry } from './peer-book.ts'
export { ProfileLock, ProfileLockedError } from './profile-lock.ts'
