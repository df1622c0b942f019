// What a ChatNode reports to its faces: views of the roster, of directories, of
// requests and of conversations, and the events that say what has happened, with
// their emitter. Plain data: peer IDs are text, times are milliseconds since 1970.
import { TypedEventEmitter } from 'main-event'
import type { ArrivalState, DeliveryState, IncomingMessage, OutgoingMessage } from '../../storage/index.ts'
import type { TransferNews } from './file-views.ts'
import type { Notice } from './notices.ts'
import type { SearchNews, ShareView } from './share-views.ts'

/** What an open connection runs over: the LAN or this machine, the Internet, or a relay. */
export type PathKind = 'lan' | 'direct' | 'relayed'

/** How a peer is reached, or seen; `none` when it is only known from a directory. */
export type Path = PathKind | 'none'

/** The path to a peer as it is now. */
export type PathView =
  | {
      readonly kind: PathKind
      /** Of a relayed one: the peer ID of the relay. */
      readonly relay?: string
      /** The other end, as a multiaddr without its peer ID. */
      readonly address: string
      /** The IP address of the other end; absent through a relay. */
      readonly host?: string
      /** There and back in whole milliseconds, at least 1, when it has been measured. */
      readonly rttMs?: number
      /** Of a relayed one, once a direct path was looked for: why there is none. */
      readonly noDirect?: NoDirectView
    }
  /** There is no connection; with `retryAtMs` one is looked for, again at that time. */
  | { readonly kind: 'none'; readonly why: string; readonly retryAtMs?: number }

/** Why a conversation is still relayed. Times are milliseconds since 1970. */
export interface NoDirectView {
  /** The cause, in words. */
  readonly why: string
  /** When a direct path was tried last; absent, as {@link retryAtMs} is, where only the user can change that there is none. */
  readonly triedAtMs?: number
  /** When it is tried again. */
  readonly retryAtMs?: number
}

/** The peer whose name, or one that looks like it, another peer uses. */
export interface NameOwner {
  readonly peer: string
  readonly name: string
  readonly shortId: string
  readonly verified: boolean
  /** It is the user's own name. */
  readonly own: boolean
}

/** How far a peer is who it seems to be. */
export interface PeerTrust {
  /** When the user has compared safety numbers with it. */
  readonly verifiedSinceMs?: number
  /** The peer uses a name that is another's. */
  readonly sameNameAs?: NameOwner
  /** Another peer around has its name, or one that looks like it; neither need be a contact. */
  readonly sharesNameWith?: PeerName
}

/** One line of the roster. */
export interface RosterRow {
  readonly peer: string
  /** As the user knows the peer: the name of a contact, else `nickname`. */
  readonly name: string
  /** As the peer names itself; not unique, not trusted, already free of control characters. Never empty: see `isNameless`. */
  readonly nickname: string
  /** The peer has no name that could be seen: `nickname` is its short ID. */
  readonly isNameless?: boolean
  readonly status: string
  /** The short form of the peer ID that stands beside every nickname. */
  readonly shortId: string
  /** The address that a person would type to reach it; undefined when the peer told none. */
  readonly host: string | undefined
  readonly port: number | undefined
  readonly addresses: readonly string[]
  readonly sinceMs: number
  /** Who tells of it: peer IDs of directories, and 'lan'; nobody of a program of another kind. */
  readonly sources: readonly string[]
  /** The directories at which it is attached, by their word, and since when. */
  readonly via: readonly { readonly directory: string; readonly sinceMs: number }[]
  /** The directory on whose word alone it is seen, while there are several that could say so. */
  readonly onlyVia?: string
  /** How it frames its text, when it is a program of another kind: it is here for as long as its conversation is open. */
  readonly dialect?: 'framed-text' | 'lines'
  readonly path: Path
  /** There and back over the open connection, when it has been measured. */
  readonly rttMs?: number
  /** In words, when the peer is looked for and there is no way to it. */
  readonly why?: string
  readonly contact: boolean
  /** The user has compared safety numbers with it. */
  readonly verified: boolean
  /** Its connections are refused; a directory still says that it is there. */
  readonly blocked: boolean
  /** Whose name it uses: a contact's with another key, or one's own. */
  readonly sameNameAs?: NameOwner
  readonly sharesNameWith?: PeerName
}

/** A libp2p program that was seen on the LAN and may chat or not. */
export interface ProgramSighting {
  readonly peer: string
  readonly shortId: string
  readonly host: string | undefined
  readonly port: number | undefined
  readonly addresses: readonly string[]
}

/** A peer, as a line names it. */
export interface PeerName {
  readonly peer: string
  readonly name: string
  readonly shortId: string
}

/** What a directory was found to do, where directories differ. */
export interface DirectoryFindings {
  /** Peers of whom it shows an older record than there is, or who are gone. */
  readonly stale: readonly PeerName[]
  /** Peers whom it does not show, and who proves that they are there: peer IDs of directories. */
  readonly withholds: readonly (PeerName & { readonly provenBy: readonly string[] })[]
  /** Peer IDs of the directories that it does not hear. */
  readonly notJoinedWith: readonly string[]
  /** Records and statements without their owner's signature that it has told. */
  readonly forged: number
}

type DirectoryStateName = 'connecting' | 'connected' | 'waiting' | 'refused' | 'standby'

export interface DirectoryView {
  /** As it was named: `127.0.0.1:8000`, or a multiaddr. */
  readonly address: string
  readonly peer: string | undefined
  readonly state: DirectoryStateName
  /** The URL of the WebSocket by which it is connected, as its TCP port was not reached. */
  readonly by?: string
  /** In words, when there is no connection. */
  readonly why?: string
  /** It is there, and serves a network of another name. */
  readonly isOfOtherNetwork?: boolean
  readonly retryAtMs?: number
  /** While it is connected: how far its clock is ahead of this machine's; absent of one that does not tell. */
  readonly clockAheadMs?: number
  /** There and back, as it was last measured. */
  readonly rttMs?: number
  /** While it is connected: whether this peer is registered there. */
  readonly registered?: boolean
  /** While it is connected: how many peers it tells. */
  readonly peers?: number
  /** While it is connected: how many peers there are on its roster, where it does not tell of all. */
  readonly total?: number
  readonly findings?: DirectoryFindings
  /** When it was last reached, by our clock; absent where that is not since the start. */
  readonly reachedAtMs?: number
  /** It was named, or reached since the start, and the last try to reach it failed. */
  readonly isDown: boolean
  /** True for 127.0.0.1:8000-8002, which nobody asked for: their absence is not worth a word. */
  readonly isDefault: boolean
}

/** A stranger who has written and has not been accepted, ignored or blocked. */
export interface RequestView {
  readonly peer: string
  readonly name: string
  readonly shortId: string
  /** The beginning of what it wrote last. */
  readonly lastText: string
  readonly count: number
  /** Whose name it uses: a contact's with another key, or one's own. */
  readonly sameNameAs?: NameOwner
  readonly sharesNameWith?: PeerName
}

/** How full the rooms are that others fill. */
export interface RoomView {
  readonly requests: {
    readonly messages: number
    readonly limit: number
    readonly strangers: number
    /** The address class that most of them came from. */
    readonly largest: { readonly origin: string; readonly messages: number } | undefined
  }
  /** The whole history on the disk. */
  readonly historyBytes: number
  /** The peers with the largest conversations, the largest first. */
  readonly largest: readonly { readonly peer: string; readonly name: string; readonly bytes: number }[]
  /** What the messages of one contact may take; undefined for no limit. */
  readonly quotaBytes: number | undefined
  /** Of the disk; undefined when it is not known. */
  readonly freeBytes: number | undefined
  /** The space that must stay free. */
  readonly floorBytes: number
  /** Less is free than is to stay free: no messages of others are stored. */
  readonly isDiskLow: boolean
}

export type ConversationState =
  /** Looking for a way to the peer. */
  | { readonly name: 'connecting' }
  /** A chat stream is open; `dialect` says with what promises. */
  | {
      readonly name: 'open'
      readonly dialect: 'parley' | 'framed-text' | 'lines'
      readonly path: PathKind
      /** There and back, where it has been measured: as a fact, before the stream opened; asked for, last. */
      readonly rttMs?: number
    }
  /** There is no way at the moment; the next try is at `retryAtMs`. */
  | {
      readonly name: 'waiting'
      readonly why: string
      readonly retryAtMs: number
      /** A try can't help before there is news of the peer: no address is known. */
      readonly lacksAddress?: true
    }
  | { readonly name: 'closed' }

/** An invitation that this node has made. */
export interface InvitationView {
  readonly number: number
  /** The number and the words: `7-oak-pilot-river`. */
  readonly code: string
  /** For a QR code: the code, and a directory that knows its number. */
  readonly link: string
  /** Who comes by it becomes no contact. */
  readonly isForMany: boolean
  /** How many people it lets in. */
  readonly places: number
  readonly came: readonly PeerName[]
  readonly failedTries: number
  readonly expiresAtMs: number
  /** The directories that know its number, as they were named. */
  readonly directories: readonly string[]
  /** Why it has ended; absent while it is open. */
  readonly end?: 'used' | 'expired' | 'revoked' | 'ended'
}

/** What has become of an invitation. */
export type InvitationNews = { readonly invitation: InvitationView } & (
  | { readonly what: 'came'; readonly peer: string; readonly name: string }
  /** A wrong code was tried, from this address, /64, or source that a relay states. */
  | { readonly what: 'failed'; readonly from: string }
  /** It has expired, was taken back, or too many tries have failed. */
  | { readonly what: 'ended' }
)

/** A peer as an event names it. */
interface NamedPeer {
  readonly peer: string
  /** The contact's name, else the nickname, else the short ID. */
  readonly name: string
  /** As a line names the peer: with its ID and a mark where the name alone could mean another one. */
  readonly label: string
}

/** Whether the router lets others in. */
export type RouterView =
  /** It is not asked. */
  | { readonly state: 'off' }
  | { readonly state: 'asking' }
  /** It does, by its own word; where no directory has confirmed that, the address is not announced. */
  | { readonly state: 'open'; readonly protocol: string; readonly address: string; readonly isAnnounced: boolean }
  | { readonly state: 'closed'; readonly why: string }

/** One link, for a person. */
export interface LinkView {
  /** The interface's name. */
  readonly name: string
  /** Why peers behind it can't be found; absent while they can. */
  readonly why?: string
}

export interface ChatNodeEvents {
  /** A part of the snapshot whose changes no other event reports is not what it was. */
  snapshot: CustomEvent<{ readonly part: 'self' | 'contacts' | 'blocked' | 'programs' | 'lan' }>
  /** Nothing of the conversation with the peer is unread any more: some face shows it. */
  read: CustomEvent<{ readonly peer: string }>
  /** All that was kept of the conversation with the peer was deleted, by any face or command. */
  forgotten: CustomEvent<{ readonly peer: string }>
  /** Messages that were stored before then, and what was typed before then, are too old to keep, and deleted. */
  expired: CustomEvent<{ readonly beforeMs: number }>
  /** A face that is attached over a socket has lost events: the snapshot is whole again, and what is stored is to be read again. */
  resumed: CustomEvent<Record<string, never>>
  /** The own nickname, or the addresses at which this node is reached, have changed. */
  self: CustomEvent<{ readonly nickname: string; readonly addresses: readonly string[] }>
  /** The roster as it is now, and what the change was. */
  roster: CustomEvent<{
    readonly joined: readonly RosterRow[]
    readonly left: readonly RosterRow[]
    readonly changed: readonly RosterRow[]
  }>
  directory: CustomEvent<DirectoryView>
  /** A contact was made by the code of an invitation, renamed or removed. */
  contact: CustomEvent<NamedPeer & { readonly isContact: boolean }>
  /** A message has been stored; `held` ones are requests. */
  message: CustomEvent<Omit<NamedPeer, 'peer'> & { readonly message: IncomingMessage; readonly arrival: ArrivalState }>
  /** Text of a peer that speaks a plain dialect is stored too and told as `message`. */
  request: CustomEvent<RequestView>
  /** An own message has been stored, whichever face or command it comes from. */
  sent: CustomEvent<{ readonly message: OutgoingMessage; readonly name: string }>
  /** An own message has moved to another state. */
  delivery: CustomEvent<{ readonly message: OutgoingMessage; readonly state: DeliveryState }>
  /** The other side does not take messages at the moment; they stay pending and are sent again after that time. */
  refused: CustomEvent<NamedPeer & { readonly reason: string; readonly retryAfterMs: number }>
  conversation: CustomEvent<{ readonly peer: string; readonly name: string; readonly state: ConversationState }>
  /** The path to a peer whose conversation is open on a screen is another, or as long as it was not before. */
  path: CustomEvent<{ readonly peer: string; readonly name: string; readonly path: PathView }>
  /** The other side has opened the conversation on its screen. */
  entered: CustomEvent<NamedPeer>
  typing: CustomEvent<{ readonly peer: string; readonly name: string }>
  /** The other side has left the conversation (EXIT) or the network (QUIT). */
  left: CustomEvent<NamedPeer & { readonly reason: 'left' | 'quit' }>
  /** Someone came by an invitation of this node, tried it in vain, or it has ended. */
  invitation: CustomEvent<InvitationNews>
  /** A file was offered to this node, or has come further. */
  transfer: CustomEvent<TransferNews>
  /** An own share, or how much of it has been read, is not what it was; about once a second. */
  share: CustomEvent<{ readonly shares: readonly ShareView[] }>
  /** A standing search has found what it had not found before. */
  found: CustomEvent<SearchNews>
  notice: CustomEvent<Notice>
}

/** One object to which the parts of a node report what has happened, and its faces listen. */
export class ChatEvents extends TypedEventEmitter<ChatNodeEvents> {
  #isOver = false

  /** @param detail is called only if there are listeners */
  tell<K extends keyof ChatNodeEvents>(type: K, detail: () => ChatNodeEvents[K]['detail']): void {
    if (this.#isOver || this.listenerCount(type) === 0) return
    this.dispatchEvent(new CustomEvent(type, { detail: detail() }))
  }

  /** From now on nothing is reported. */
  end(): void {
    this.#isOver = true
  }
}
