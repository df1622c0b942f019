// What the faces may know of a node.
export { ChatNode, type ChatNodeInit } from './chat-node.ts'
export type {
  ChatNodeEvents,
  ConversationState,
  DirectoryView,
  Notice,
  Path,
  RequestView,
  RosterRow
} from './chat-events.ts'
export {
  loadConfig,
  settingSpecs,
  type AcceptPolicy,
  type Config,
  type SettingName,
  type SettingSource,
  type SettingSpec,
  type Settings
} from './config.ts'
export { DEFAULT_DIRECTORY_PORTS } from './constants.ts'
export {
  DirectoryNode,
  firstFreeDirectoryPort,
  type DirectoryGuest,
  type DirectoryNodeEvents
} from './directory-node.ts'
export {
  AmbiguousPeerError,
  BadAddressError,
  KeyChangedError,
  MessageTooLongError,
  OwnPeerError,
  ParleyError,
  PeerNotFoundError,
  PortTakenError,
  ProfileInUseError,
  UnreachableError,
  UntrustedNameError,
  UsageError
} from './errors.ts'
export { exitCodes, type ExitCode } from './exit-codes.ts'
export type { PeerTarget, ResolveOptions } from './peer-resolver.ts'
export { watchRoster, type RosterWatchInit } from './roster-watch.ts'
export type { Contact, DeliveryState, IncomingMessage, OutgoingMessage, StoredMessage } from '../storage/index.ts'
export { version } from './version.ts'
