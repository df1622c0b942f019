// Presence: signed records, the pure roster, the exchange of records between
// peers, the directory and its client. The only way into this folder.
export { LAN } from './attachment.ts'
export type { Attachment, Source } from './attachment.ts'
export { DIRECTORY_PROTOCOL, MAX_ADDRESSES, RECORD_PROTOCOL } from './constants.ts'
export type { DirectoryAnswer } from './directory-answer.ts'
export { DirectoryDoubts } from './directory-doubts.ts'
export type { DirectoryDoubtsInit } from './directory-doubts.ts'
export type { Judgement, Verdict } from './judge.ts'
export { Tellings } from './tellings.ts'
export type { HeldAgainst } from './verdict-book.ts'
export { vouched } from './vouchers.ts'
export type { Vouched } from './vouchers.ts'
export { DirectoryClient } from './directory-client.ts'
export type { DirectoryClientEvents, DirectoryClientInit } from './directory-client.ts'
export { applyEntries } from './directory-entries.ts'
export type { DirectoryEntries, RosterUpdate } from './directory-entries.ts'
export { directory, DirectoryService } from './directory-service.ts'
export type { DirectoryComponents, DirectoryEvents, DirectoryInit } from './directory-service.ts'
export type { DirectoryMetrics } from './directory-metrics.ts'
export type { DirectoryState } from './directory-state.ts'
export type { DirectoryProofs } from './lookups.ts'
export {
  BadRecordError,
  DirectoryLostError,
  DirectoryRefusedError,
  NotADirectoryError,
  OtherNetworkError,
  refusalAdvice,
  SlowWatcherError
} from './errors.ts'
export type { BadRecordWhy, RefuseReason } from './errors.ts'
export { federation, FederationService } from './federation/federation-service.ts'
export type { FederationComponents, FederationEvents, FederationInit } from './federation/federation-service.ts'
export { MAX_FELLOWS } from './federation/constants.ts'
export type { FellowRefusal } from './federation/fellow-errors.ts'
export { fetchRoster } from './fetch-roster.ts'
export type { FetchRosterInit } from './fetch-roster.ts'
export { measureDirectory } from './measure-directory.ts'
export { compareRecords, nextSeq, normaliseText, openRecord, sealRecord } from './presence-record.ts'
export type { PresenceInit, PresenceRecord, VerifiedRecord } from './presence-record.ts'
export type { ProbeAnswer } from './probe-book.ts'
export { recordExchange, RecordService } from './record-service.ts'
export type { RecordServiceComponents, RecordServiceEvents, RecordServiceInit } from './record-service.ts'
export { Roster } from './roster.ts'
export type { Announced, AnnounceInit, GoneWhy, RosterChange, RosterEntry } from './roster.ts'
