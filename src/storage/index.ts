// What other parts of Parley use of storage.
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
  StorageTooNewError,
  StorageUnavailableError
} from './errors.ts'
export { isMessageId } from './sqlite/message-rows.ts'
export { checkForeignHistory } from './recovery/check.ts'
export { MemoryStore } from './store/memory-store.ts'
export type * from './message-store.ts'
export type { MendReport } from './recovery/mend.ts'
export { PeerBook, PeerBookDamagedError } from './peer-book.ts'
export type { Contact, PeerBookEntry } from './book-file.ts'
export { ProfileLock, ProfileLockedError } from './profile-lock.ts'
export { storageFailure } from './storage-failure.ts'
export { SqliteStore } from './store/sqlite-store.ts'
export type { CopyOptions } from './store/sqlite-store.ts'
export { StorageFullError, StorageReadOnlyError } from './storage-failure.ts'
