// The part of a ChatNode that the faces drive, as the narrowest interface that
// they can be tested against, and the types that come with it. All that the
// faces know of the node passes through here.
import type { ChatNodeEvents, ConnectionFigures, ConversationState, DirectoryView } from '../node/index.ts'
import type { RequestView, RosterRow } from '../node/index.ts'
import type { NameOwner, PathView, PeerTrust, RoomView } from '../node/index.ts'
import type { Contact, ConversationSummary, History, HistoryEntry, IncomingMessage } from '../node/index.ts'
import type { MisbehaviourSummary, OutgoingMessage, PeerTarget, StoredMessage } from '../node/index.ts'

export type {
  ChatNodeEvents,
  ConnectionFigures,
  Contact,
  ConversationState,
  ConversationSummary,
  DirectoryView,
  HistoryEntry,
  IncomingMessage,
  MisbehaviourSummary,
  NameOwner,
  OutgoingMessage,
  PathView,
  PeerTarget,
  PeerTrust,
  RequestView,
  RoomView,
  RosterRow,
  StoredMessage
}
export type DeliveryState = OutgoingMessage['state']

export interface ResolveOptions {
  /** Peer IDs by roster number, the first number being 1; only where numbers were shown. */
  readonly numbers?: readonly string[]
  readonly trustName?: boolean
  /** Nobody looks who could judge it: an address where another key answers than was expected is refused. */
  readonly refuseChangedKey?: boolean
  readonly signal?: AbortSignal
}

export interface ChatApi {
  readonly peerId: string
  readonly shortId: string
  readonly nickname: string
  readonly network: string
  readonly profile: { readonly name: string; readonly folder: string; readonly insteadOf: string | undefined }
  addresses(): readonly string[]
  /** Copies the history into a new file, which the caller removes. @returns its path */
  copyHistory(options: { readonly signal?: AbortSignal }): Promise<string>
  roster(): readonly RosterRow[]
  directories(): readonly DirectoryView[]
  /** The connections as they are now, and whose they are. */
  connections(): ConnectionFigures
  contacts(): readonly Contact[]
  requests(): Promise<readonly RequestView[]>
  /** Deletes all messages of strangers that wait for an answer. */
  clearRequests(): Promise<{ readonly strangers: number; readonly messages: number }>
  /** How full the rooms are that others fill. */
  room(): Promise<RoomView>
  blocked(): readonly { readonly peer: string; readonly name: string }[]
  firstLook(options: { signal?: AbortSignal }): Promise<void>
  resolve(words: readonly string[], options?: ResolveOptions): Promise<PeerTarget>
  name(peer: string): string
  open(peer: string): Promise<readonly StoredMessage[]>
  leave(peer: string): Promise<void>
  state(peer: string): ConversationState
  /** The path to the peer as it is now. */
  path(peer: string): PathView
  /** The same, with its round-trip time measured now. */
  measurePath(peer: string, options?: { readonly signal?: AbortSignal }): Promise<PathView>
  send(peer: string, text: string, options?: { readonly id?: string }): Promise<OutgoingMessage>
  settled(message: OutgoingMessage, options: { signal: AbortSignal }): Promise<OutgoingMessage>
  typing(peer: string): void
  accept(peer: string): Promise<readonly IncomingMessage[]>
  ignore(peer: string): Promise<void>
  block(peer: string): Promise<void>
  unblock(peer: string): Promise<void>
  /** How far the peer is who it seems to be. */
  trust(peer: string): PeerTrust
  /** Twelve groups of five digits, the same on the peer's screen. */
  safetyNumber(peer: string): readonly string[]
  /** The safety numbers are the same; the peer becomes a contact. */
  verify(peer: string): Promise<void>
  unverify(peer: string): Promise<void>
  /** What remotes were cut or refused for since the start. */
  readonly misbehaviour: MisbehaviourSummary
  rename(nickname: string): Promise<void>
  setStatus(status: string): Promise<void>
  /** What is kept of all conversations; the same on a running node and on a profile that is only opened for it. */
  readonly history: Pick<
    History,
    'recent' | 'page' | 'log' | 'search' | 'export' | 'news' | 'newestPosition' | 'conversations' | 'forget' | 'waiting'
  >
  retry(peer: string, ids?: readonly string[]): Promise<number>
  cancel(peer: string, ids?: readonly string[]): Promise<number>
  addEventListener<K extends keyof ChatNodeEvents>(type: K, listener: (event: ChatNodeEvents[K]) => void): void
  removeEventListener<K extends keyof ChatNodeEvents>(type: K, listener: (event: ChatNodeEvents[K]) => void): void
}
