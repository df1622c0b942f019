// What a face uses of a ChatNode: a snapshot of plain data, events that say what
// has changed since, and asynchronous methods. Nothing here reaches into the node
// of the same process, so that a face may also be attached over a socket.
import type { ConnectionFigures } from '../../transport/index.ts'
import type {
  Contact,
  ConversationSummary,
  HistoryEntry,
  HistoryNews,
  IncomingMessage,
  LogOptions,
  NewsOptions,
  OutgoingMessage,
  PageOptions,
  PeerBookEntry,
  SearchOptions,
  StoredMessage
} from '../../storage/index.ts'
import type {
  ChatNodeEvents,
  ConversationState,
  DirectoryView,
  InvitationView,
  LinkView,
  PathView,
  PeerTrust,
  ProgramSighting,
  RequestView,
  RoomView,
  RosterRow,
  RouterView
} from './chat-events.ts'
import type { MisbehaviourSummary } from './notices.ts'
import type { FilesApi } from './file-views.ts'
import type { SharesApi } from './share-views.ts'
import type { DoctorReport, DoctorTarget, ExamineOptions } from './doctor-report.ts'

/** What the words that name a peer mean. */
export interface PeerTarget {
  readonly peer: string
  readonly name: string
  readonly shortId: string
  /** `beginning`: a few letters of the ID, which anyone can have, as a nickname. */
  readonly by: 'number' | 'id' | 'address' | 'contact' | 'nickname' | 'beginning' | 'code'
}

export interface ResolveOptions {
  /** Peer IDs by roster number, as last shown, the first number being 1; only at the prompt. */
  readonly numbers?: readonly string[]
  /** A stranger's nickname may be used. */
  readonly trustName?: boolean
  /**
   * Refuse an address where another key answers than the one it names, or that answered there before; an address
   * is then tried at once. Without it a change is only reported, loudly.
   */
  readonly refuseChangedKey?: boolean
  readonly signal?: AbortSignal
}

/** This node as it presents itself. */
export interface SelfView {
  /** The peer ID, as text. */
  readonly peer: string
  readonly shortId: string
  readonly nickname: string
  /** The status line on the roster; empty for none. */
  readonly status: string
  readonly network: string
  readonly profile: { readonly name: string; readonly folder: string; readonly insteadOf: string | undefined }
  /** Multiaddrs with the own peer ID, as others may dial them. */
  readonly addresses: readonly string[]
  /** Whether {@link MessagingApi.typing} sends anything. */
  readonly tellsTyping: boolean
  /** Peers are looked for on the local network. */
  readonly searchesLan: boolean
  /** The user has named relays, through which others who name them too are reached by their peer ID. */
  readonly namesRelays: boolean
}

/** All that a face shows without asking, at one moment. */
export interface ChatSnapshot {
  readonly self: SelfView
  readonly roster: readonly RosterRow[]
  /** libp2p programs on the LAN that may chat or not. */
  readonly programs: readonly ProgramSighting[]
  readonly contacts: readonly Contact[]
  readonly blocked: readonly PeerBookEntry[]
  readonly directories: readonly DirectoryView[]
  /** The links of this machine on which peers are looked for by mDNS, and where that fails why; none without mDNS. */
  readonly lan: readonly LinkView[]
  /** The node is in another process and does not answer: all this is as it was then. Undefined while it answers. */
  readonly lostAtMs: number | undefined
}

/** Figures that change without an event, and are read on request. */
export interface NodeFigures {
  /** The open connections and their holders. */
  readonly connections: ConnectionFigures
  /** What remotes were cut or refused for since the start. */
  readonly misbehaviour: MisbehaviourSummary
  readonly router: RouterView
}

/** A setting as a person reads it. */
export interface SettingView {
  readonly name: string
  readonly value: string
  /** Where the value came from. */
  readonly source: 'flag' | 'environment' | 'file' | 'profile' | 'default'
}

/** One peer as the node knows it. */
export interface PeerView {
  readonly peer: string
  /** The contact's name, else the nickname, else the short ID. */
  readonly name: string
  /** As a line names the peer: with its ID and a mark where the name alone could mean another one. */
  readonly label: string
  /** How far the peer is who it seems to be. */
  readonly trust: PeerTrust
  /** The state of the conversation with it. */
  readonly state: ConversationState
}

/** The stored messages of all conversations; the same on a running node and on a profile that is only opened for it. */
export interface HistoryApi {
  /** The last `limit` messages with a peer, oldest first. */
  recent(peer: string, limit: number): Promise<readonly StoredMessage[]>
  /** Without a bound of bytes, fewer messages than the limit mean that there are no more. */
  page(peer: string, options: PageOptions): Promise<readonly HistoryEntry[]>
  log(options: LogOptions): Promise<readonly HistoryEntry[]>
  /** Messages that hold all of these words, newest first. */
  search(words: string, options: SearchOptions): Promise<readonly HistoryEntry[]>
  /** Everything, or what came after a position, in batches, oldest first. */
  export(options?: { peer?: string; after?: number }): AsyncGenerator<readonly HistoryEntry[]>
  news(options: NewsOptions): Promise<HistoryNews>
  /** Reads what is stored from now on, for a face that writes it out. */
  follow(): NewsReader
  conversations(): Promise<readonly ConversationSummary[]>
  /** Deletes all messages with the peer, pending ones too. @returns how many */
  forget(peer: string): Promise<number>
  /** How much waits to be sent, counted up to `limit` messages. */
  waiting(limit: number): Promise<WaitingCount>
}

/** Reads the messages that are stored after it was made. */
export interface NewsReader {
  /**
   * The next messages, oldest first; none when there are no more. The caller is done with those of the call before.
   * A part that can't be read is reported once, and skipped with all that was there.
   *
   * @throws StorageProblemError
   */
  next(limits: Omit<NewsOptions, 'after'>): Promise<HistoryNews>
  close(): void
}

export interface WaitingCount {
  /** With at least one message that waits. */
  readonly peers: number
  readonly messages: number
  /** False when there are more than were counted. */
  readonly isAll: boolean
}

export interface MessagingApi {
  readonly history: HistoryApi
  /** Chooses the peer: its messages are accepted, and it is looked for until {@link leave}. */
  open(peer: string): Promise<readonly StoredMessage[]>
  leave(peer: string): Promise<void>
  /** @param options.id 32 hexadecimal digits: the same message again is returned as it stands */
  send(peer: string, text: string, options?: { readonly id?: string }): Promise<OutgoingMessage>
  /** Resolves when the message is anything but pending. */
  settled(message: OutgoingMessage, options: { signal: AbortSignal }): Promise<OutgoingMessage>
  /** The user is writing to the peer. */
  typing(peer: string): void
  setTellsTyping(tellsTyping: boolean): Promise<void>
  /** Puts failed messages into the outbox again. @returns how many */
  retry(peer: string, ids?: readonly string[]): Promise<number>
  /** Takes waiting messages out of the outbox. @returns how many */
  cancel(peer: string, ids?: readonly string[]): Promise<number>
  requests(): Promise<readonly RequestView[]>
  /** All that a stranger has written and that waits for an answer, without accepting it. */
  readRequest(peer: string): Promise<readonly IncomingMessage[]>
  /** Deletes all messages of strangers that wait for an answer. */
  clearRequests(): Promise<{ readonly strangers: number; readonly messages: number }>
  accept(peer: string): Promise<readonly IncomingMessage[]>
  ignore(peer: string): Promise<void>
  /** How full the rooms are that others fill. */
  room(): Promise<RoomView>
  /** Copies the history into a new file, which the caller removes. @returns its path */
  copyHistory(options: { readonly signal?: AbortSignal }): Promise<string>
}

export interface PeersApi {
  /** Resolves when the first answers about who is online are in, or none can be expected soon. */
  firstLook(options: { readonly signal?: AbortSignal; readonly thorough?: boolean }): Promise<void>
  resolve(words: readonly string[], options?: ResolveOptions): Promise<PeerTarget>
  /** The peer as it is known now. */
  look(peer: string): PeerView
  /** The path to the peer, with its round-trip time measured now. */
  measurePath(peer: string, options?: { readonly signal?: AbortSignal }): Promise<PathView>
  /** @param name empty: the name that the contact claims @returns the name by which it goes now */
  renameContact(peer: string, name: string): Promise<string>
  /** Its messages stay, and pending ones are cancelled. */
  removeContact(peer: string): Promise<void>
}

export interface TrustApi {
  /** Twelve groups of five digits, the same on the peer's screen. */
  safetyNumber(peer: string): Promise<readonly string[]>
  /** The safety numbers are the same; the peer becomes a contact. */
  verify(peer: string): Promise<void>
  unverify(peer: string): Promise<void>
  block(peer: string): Promise<void>
  unblock(peer: string): Promise<void>
}

export interface SelfApi {
  rename(nickname: string): Promise<void>
  setStatus(status: string): Promise<void>
}

export interface InvitationOptions {
  /** For so many people, who become no contacts; by default for one, who does. */
  readonly places?: number
  /** How long an invitation for many is open; that for one has its time. */
  readonly forMs?: number
}

/** Codes by which others find this node. Who types one gives it to {@link PeersApi.resolve}. */
export interface InvitationsApi {
  make(options?: InvitationOptions): Promise<InvitationView>
  /** The open ones, and those that have just ended. */
  list(): Promise<readonly InvitationView[]>
  /** Takes an open one back. */
  revoke(number: number): Promise<InvitationView>
}

/** Where the events of a node are listened to. */
export interface ChatEventTarget {
  addEventListener<K extends keyof ChatNodeEvents>(type: K, listener: (event: ChatNodeEvents[K]) => void): void
  removeEventListener<K extends keyof ChatNodeEvents>(type: K, listener: (event: ChatNodeEvents[K]) => void): void
}

export interface ChatApi {
  readonly events: ChatEventTarget
  readonly self: SelfApi
  readonly messaging: MessagingApi
  readonly peers: PeersApi
  readonly trust: TrustApi
  readonly invitations: InvitationsApi
  readonly files: FilesApi
  readonly shares: SharesApi
  /** All that is shown without asking, as it is now; {@link events} say when it changes. */
  snapshot(): ChatSnapshot
  figures(): Promise<NodeFigures>
  /** The settings with which the node runs, in the order of their table. */
  settings(): Promise<readonly SettingView[]>
  /** What keeps this node from others, or a peer from it: within some seconds. @throws BadAddressError */
  examine(target: DoctorTarget, options?: ExamineOptions): Promise<DoctorReport>
}
