// The client of a directory, and the audit of what directories say: what a chat needs of
// this folder. Only a directory enters `server`, `federation` and `http`, by their own entry points.
export type { Resolution } from './audit/conflict-resolution.ts'
export { DirectoryAudit, type AuditedDirectories, type HeldAgainst } from './audit/directory-audit.ts'
export { DirectoryViews } from './audit/directory-views.ts'
export type { DirectoryAnswer } from './client/directory-answer.ts'
export { DirectoryClient } from './client/directory-client.ts'
export { applyEntries, type DirectoryEntries } from './client/directory-entries.ts'
export type { DirectoryState } from './client/directory-registration.ts'
export { DirectoryLostError } from './client/directory-stream.ts'
export { fetchRoster, measureDirectory } from './client/fetch-roster.ts'
export { DIRECTORY_PROTOCOL, DirectoryRefusedError, OtherNetworkError, refusalAdvice } from './directory-frames.ts'
export type { DirectoryStun } from './directory-stun.ts'
