// What the faces may know of a node; settings.ts is what they may know without one.
export { ChatNode, type ChatNodeInit } from './chat-node.ts'
export type {
  ChatNodeEvents,
  ConversationState,
  DirectoryView,
  NameOwner,
  Notice,
  Path,
  PathView,
  PeerTrust,
  RequestView,
  RoomView,
  RosterRow
} from './chat-events.ts'
export { loadConfig, type AcceptPolicy, type Config, type SettingName, type Settings } from './config.ts'
export { DEFAULT_DIRECTORY_PORTS } from './constants.ts'
export {
  DirectoryNode,
  firstFreeDirectoryPort,
  type DirectoryFellow,
  type DirectoryGuest,
  type FederationNotice,
  type DirectoryNodeEvents
} from './directory-node.ts'
export type { ConnectionFigures, Pressure } from '../transport/index.ts'
export { pressureText } from './connection-notices.ts'
export type { PageWish } from './directory-page.ts'
export { History, openHistory, type OpenHistory } from './history.ts'
export { checkPassphrase } from './key-file.ts'
export { openDirectoryOwnKey, openOwnKey, type OwnKey } from './own-key.ts'
export { checkExport, copyHistory, exportProfile, takeCopy, type ExportInit, type Progress } from './profile-export.ts'
export { ProfileArchive, type Imported } from './profile-import.ts'
export { openTrust, type OpenTrust } from './open-trust.ts'
export { knownOwnPeer, readOwnIdentity, type OwnIdentity } from './own-identity.ts'
export type { MisbehaviourSummary } from './misbehaviour.ts'
export type { PeerTarget, ResolveOptions } from './peer-resolver.ts'
export { watchRoster, type RosterWatchInit } from './roster-watch.ts'
export type {
  Contact,
  ConversationSummary,
  DeliveryState,
  HistoryEntry,
  IncomingMessage,
  OutgoingMessage,
  StoredMessage
} from '../storage/index.ts'
