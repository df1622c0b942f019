// All that the faces know of a node passes through here: what they ask of it, and
// the types that come with it.
import type { OutgoingMessage } from '../../node/index.ts'

export type {
  ChatApi,
  ChatEventTarget,
  ChatNodeEvents,
  ChatSnapshot,
  ConnectionFigures,
  Contact,
  ConversationState,
  ConversationSummary,
  DirectoryView,
  DoctorReport,
  HistoryApi,
  HistoryEntry,
  IncomingMessage,
  LinkView,
  MessagingApi,
  MisbehaviourSummary,
  NameOwner,
  NewsReader,
  NodeFigures,
  OutgoingMessage,
  PathKind,
  PathView,
  PeersApi,
  PeerName,
  PeerTarget,
  PeerTrust,
  PeerView,
  ProgramSighting,
  RequestView,
  ResolveOptions,
  RoomView,
  RosterRow,
  SelfApi,
  SelfView,
  StoredMessage,
  TrustApi
} from '../../node/index.ts'
export type DeliveryState = OutgoingMessage['state']
