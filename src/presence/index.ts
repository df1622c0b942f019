// Presence: signed records, the pure roster, and the exchange of records between
// peers. The only way into this folder.
export type { Attachment, Source, ReadableRoster, RosterChange, RosterEntry } from './roster.ts'
export { LAN, MAX_ATTACHMENTS, GRACE_MS, LEASE_MS, MAX_ROSTER_PEERS, MAX_TOMBSTONES, Roster } from './roster.ts'
export { isSignedFor, sealEnvelope } from './envelope-signature.ts'
export { decodePeerId, encodePeerId, unsharedPeerId } from './peer-id-bytes.ts'
export {
  BadRecordError,
  claimedPeer,
  compareRecords,
  MAX_ADDRESSES,
  MAX_ENVELOPE_BYTES,
  MAX_NETWORK_CHARS,
  MAX_NICKNAME_CHARS,
  nextSeq,
  normaliseText,
  openRecord,
  sealRecord
} from './presence-record.ts'
export type { PresenceInit, VerifiedRecord } from './presence-record.ts'
export { RECORD_PROTOCOL, recordExchange, RecordService } from './record-service.ts'
export type { RecordServiceInit } from './record-service.ts'
export { PresenceProtocolError, SlowWatcherError, WITHDRAW_TIMEOUT_MS } from './record-stream.ts'
