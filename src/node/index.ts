// What the faces may know of a node that chats; settings.ts is what they may know without
// one, server/index.ts what runs a directory or a relay.
export { ChatNode } from './chat-node.ts'
export type {
  ChatNodeEvents,
  ConversationState,
  DirectoryView,
  InvitationView,
  NameOwner,
  PathKind,
  NoDirectView,
  PathView,
  PeerName,
  PeerTrust,
  RequestView,
  RoomView,
  ProgramSighting,
  RosterRow,
  RouterView
} from './api/chat-events.ts'
export type { MisbehaviourSummary, Notice } from './api/notices.ts'
export type { FilesApi, TransferNews, TransferView } from './api/file-views.ts'
export type {
  FoundFile,
  RemoteEntry,
  RemoteFolder,
  SearchNews,
  SearchReport,
  ShareAudience,
  ShareOptions,
  SharesApi,
  ShareView
} from './api/share-views.ts'
export { loadConfig, type Config } from './config/config.ts'
export type { SettingName } from './config/setting-specs.ts'
export type { DoctorReport } from './api/doctor-report.ts'
export type { DirectoryGuest, FederatedDirectory, FederationNotice } from './server/directory-events.ts'
export { parseAddress } from './dialing/address.ts'
export { writtenPeerId } from './peers/peer-reference.ts'
export { openContacts, openHistory, openTrust } from './offline.ts'
export { openOfflineShares } from './offline-shares.ts'
export { checkPassphrase } from './profile/key-file.ts'
export { openDirectoryOwnKey, openOwnKey, type OwnKey } from './profile/own-key.ts'
export {
  checkExport,
  copyHistory,
  exportProfile,
  takeCopy,
  type ExportInit,
  type Progress
} from './profile/profile-export.ts'
export { ProfileArchive, type Imported } from './profile/profile-import.ts'
export { knownOwnPeer, readOwnIdentity } from './profile/own-identity.ts'
export type {
  ChatApi,
  ChatEventTarget,
  ChatSnapshot,
  HistoryApi,
  InvitationsApi,
  MessagingApi,
  NewsReader,
  NodeFigures,
  PeersApi,
  PeerTarget,
  PeerView,
  ResolveOptions,
  SelfApi,
  SelfView,
  TrustApi
} from './api/chat-api.ts'
export { watchRoster } from './directories/roster-watch.ts'
export type {
  Contact,
  ConversationSummary,
  HistoryEntry,
  IncomingMessage,
  OutgoingMessage,
  StoredMessage
} from '../storage/index.ts'
