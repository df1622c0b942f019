// What the rest of Parley may know of storage.
export {
  OWNER_ONLY,
  OWNER_ONLY_FOLDER,
  overwriteFile,
  replaceFile,
  syncFolder,
  writeFileAtomically
} from './atomic-file.ts'
export {
  StorageClosedError,
  StorageDamagedError,
  StorageError,
  StorageFullError,
  StorageReadOnlyError,
  StorageTooNewError,
  StorageUnavailableError
} from './errors.ts'
export type { ConversationDamage } from './errors.ts'
export { checkForeignHistory } from './foreign-file.ts'
export { MemoryMessageStore } from './memory-message-store.ts'
export type {
  Arrival,
  ArrivalState,
  ConversationSummary,
  DeliveryState,
  HeldMessage,
  HeldRequest,
  HistoryEntry,
  HistoryNews,
  IncomingMessage,
  IncomingResult,
  IncomingUse,
  LogOptions,
  LogPosition,
  MessageStore,
  NewIncoming,
  NewOutgoing,
  NewsOptions,
  OutboxEntry,
  OutgoingMessage,
  PageOptions,
  SearchOptions,
  StoredMessage,
  StoreUse
} from './message-store.ts'
export type { MendReport } from './mend.ts'
export { PeerBook, PeerBookDamagedError } from './peer-book.ts'
export type { Contact, PeerBookEntry } from './peer-book.ts'
export { ProfileLock, ProfileLockedError } from './profile-lock.ts'
export { storageFailure } from './sqlite-failure.ts'
export { SqliteStore } from './sqlite-store.ts'
export type { CopyOptions, SqliteStoreOptions } from './sqlite-store.ts'
