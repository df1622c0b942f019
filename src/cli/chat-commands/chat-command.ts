// What a command inside a chat is: its name, its parameters, the person or program
// that gives it, and its result as data. The commands stand in chat-commands.ts;
// how a result looks is each face's own business.
import { LruMap } from '../../lib/index.ts'
import type {
  ChatApi,
  ConversationSummary,
  DirectoryView,
  DoctorReport,
  HistoryEntry,
  IncomingMessage,
  InvitationView,
  NameOwner,
  OutgoingMessage,
  PathView,
  PeerTarget,
  PeerTrust,
  ProgramSighting,
  RequestView,
  RosterRow,
  SearchReport,
  ShareView,
  RemoteFolder,
  StoredMessage,
  TransferView
} from '../chat-api/chat-api.ts'
import type { Identity } from '../wording/identity-wording.ts'
import type { Named } from '../wording/message-wording.ts'
import type { UnreadCounts } from '../wording/roster-wording.ts'
import type { MarkedContact, SafetyView } from '../wording/trust-wording.ts'

/** A command inside the chat that was given the wrong arguments, or too few. */
export class CommandUsageError extends Error {
  override readonly name = 'CommandUsageError'
}

export interface CommandContext {
  readonly node: ChatApi
  /** The peer whose conversation is open on this face. */
  readonly current: string | undefined
  /** The position of the first message of it that this face shows, where it keeps count. */
  readonly shownFrom?: number | undefined
  /** The person to ask before anything is destroyed or a stranger accepted; absent for programs. */
  readonly person?: Person
  /** PEER as the face lets it be typed, with numbers where it shows numbers. */
  resolve(words: readonly string[]): Promise<PeerTarget>
}

export interface CommandArguments extends CommandFields {
  readonly peer?: readonly string[]
  readonly text?: string
  /** Paths as they were typed, quotes and all; a program gives `files`. */
  readonly paths?: string
}

/** Arguments that only a program gives. */
export interface CommandFields {
  /** Only messages before this position. */
  readonly before?: number
  /** Only messages after this position. */
  readonly after?: number
  readonly limit?: number
  /** A name that could mean another peer too is refused. */
  readonly certain?: boolean
  /** Of the message that is to be sent: asked for again with the same one, it is sent once. */
  readonly id?: string
  /** Paths of files and folders of this machine, absolute. */
  readonly files?: readonly string[]
  /** Of a folder: only what is behind this name. */
  readonly behind?: string
  /** Messages by their IDs. */
  readonly ids?: readonly string[]
}

interface CommandParameter {
  /** `paths`: only typed; programs have the field `files`. */
  readonly name: 'peer' | 'text' | 'paths'
  readonly required: boolean
  /** As it stands in the help: PEER, TEXT, NICKNAME. */
  readonly placeholder: string
}

export interface ChatCommand {
  readonly name: string
  readonly aliases: readonly string[]
  readonly parameters: readonly CommandParameter[]
  /** What a program may give beside the parameters. */
  readonly fields?: readonly (keyof CommandFields | 'peer' | 'text')[]
  readonly help: string
  run(context: CommandContext, args: CommandArguments): Promise<CommandResult>
}

export interface PeerRef {
  readonly peer: string
  readonly name: string
}

export type CommandResult =
  | { readonly is: 'help'; readonly commands: readonly ChatCommand[] }
  | {
      readonly is: 'roster'
      readonly rows: readonly RosterRow[]
      readonly programs: readonly ProgramSighting[]
      readonly unread: UnreadCounts
    }
  | {
      readonly is: 'opened'
      readonly target: PeerTarget
      readonly trust: PeerTrust
      readonly entries: readonly HistoryEntry[]
    }
  | ({ readonly is: 'safety number' } & SafetyView)
  | ({ readonly is: 'path'; readonly path: PathView } & PeerRef)
  | { readonly is: 'examined'; readonly report: DoctorReport }
  | ({ readonly is: 'left' } & PeerRef)
  | { readonly is: 'quit' }
  /** The face ends, and a node without a face goes on. */
  | { readonly is: 'detached' }
  /** What a stranger has written, before it is accepted. Nothing was done. */
  | ({
      readonly is: 'request'
      readonly shortId: string
      readonly sameNameAs?: NameOwner
      readonly messages: readonly IncomingMessage[]
      /** The act that follows once it has been read. */
      readonly verb: AcceptingVerb
    } & PeerRef)
  /** The peer uses a contact's name: the user has to name it by its ID. Nothing was done. */
  | ({
      readonly is: 'namesake'
      readonly shortId: string
      readonly sameNameAs: NameOwner
      readonly verb: AcceptingVerb
    } & PeerRef)
  /** The act is irreversible: the user has to confirm it. Nothing was done. */
  | { readonly is: 'question'; readonly text: string; readonly act: string }
  /** `wasRead`: the person has seen the messages before. */
  | ({
      readonly is: 'accepted'
      readonly messages: readonly IncomingMessage[]
      readonly wasRead: boolean
    } & PeerRef)
  | ({ readonly is: 'ignored' | 'blocked' | 'unblocked' } & PeerRef)
  | { readonly is: 'requests'; readonly requests: readonly RequestView[] }
  | { readonly is: 'requests cleared'; readonly strangers: number; readonly messages: number }
  | { readonly is: 'contacts'; readonly contacts: readonly MarkedContact[] }
  | { readonly is: 'blocked peers'; readonly blocked: readonly PeerRef[] }
  | {
      readonly is: 'directories'
      readonly directories: readonly DirectoryView[]
      readonly lostAtMs: number | undefined
    }
  | { readonly is: 'renamed'; readonly nickname: string }
  | ({ readonly is: 'contact renamed'; readonly was: string } & PeerRef)
  | ({ readonly is: 'contact removed' } & PeerRef)
  /** `isNew`: it was just set or cleared. */
  | { readonly is: 'status'; readonly status: string; readonly isNew: boolean }
  | { readonly is: 'typing notices'; readonly on: boolean }
  | ({ readonly is: 'identity' } & Identity)
  /** `qr`: of one that was just made. */
  | { readonly is: 'invitation'; readonly invitation: InvitationView; readonly qr: readonly string[] }
  | { readonly is: 'invitations'; readonly invitations: readonly InvitationView[] }
  | { readonly is: 'transfer'; readonly transfer: TransferView }
  | { readonly is: 'transfers'; readonly transfers: readonly TransferView[] }
  | { readonly is: 'shares'; readonly shares: readonly ShareView[] }
  | { readonly is: 'share'; readonly what: 'added' | 'removed'; readonly share: ShareView }
  | { readonly is: 'remote folder'; readonly folder: RemoteFolder }
  | { readonly is: 'fetching'; readonly transfers: readonly TransferView[] }
  | { readonly is: 'files found'; readonly report: SearchReport }
  | { readonly is: 'searches'; readonly searches: readonly (readonly string[])[] }
  | ({ readonly is: 'sent'; readonly message: OutgoingMessage } & PeerRef)
  | ({
      readonly is: 'history'
      readonly isContinued: boolean
      /** They follow on a position, and do not end at one. */
      readonly isForward: boolean
      readonly entries: readonly HistoryEntry[]
    } & PeerRef)
  | ({ readonly is: 'message text'; readonly message: StoredMessage } & PeerRef)
  | { readonly is: 'messages'; readonly entries: readonly Named<HistoryEntry>[] }
  | { readonly is: 'found'; readonly words: string; readonly hits: readonly Named<HistoryEntry>[] }
  | ({ readonly is: 'retried' | 'cancelled' | 'forgotten'; readonly count: number } & PeerRef)
  | { readonly is: 'conversations'; readonly conversations: readonly Named<ConversationSummary>[] }

/** What the person at a face has read and confirmed. Programs have no person, and are not asked. */
export interface Person {
  readonly readRequests: ReadRequests
  /** The act that was asked about just before, and agreed to: such as `forget 12D3…`. */
  readonly agreed: string | undefined
}

/** How many messages of a stranger's request have been shown: what came later has not been read. */
export class ReadRequests {
  readonly #counts = new LruMap<string, number>(MAX_READ_REQUESTS)

  note(peer: string, count: number): void {
    this.#counts.set(peer, count)
  }

  count(peer: string): number {
    return this.#counts.get(peer) ?? 0
  }
}

/** An act on a peer that accepts a stranger. */
export type AcceptingVerb = 'open' | 'accept' | 'send'

/** Strangers whose request is remembered as shown: more than can wait at a time. */
export const MAX_READ_REQUESTS = 1000

/** Messages in one answer to a program, which reads such a page within milliseconds. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024

/**
 * The most messages in one answer to a program, and IDs in one command of it; long ones fill {@link MAX_PAGE_BYTES}
 * before.
 */
export const MAX_PAGE_MESSAGES = 1000

/** Lines of history shown when a conversation is opened. */
export const HISTORY_LINES = 20

/** Hits of /search, and conversations, listed at the prompt: some screens full. */
export const MAX_LIST_LINES = 50

/** The longest --wait: a day. */
export const MAX_SEND_WAIT_SECONDS = 86_400

/** What follows `/requests` to delete all that wait, and `/status` or a name to have none. */
export const CLEAR = 'clear'

export const peer: CommandParameter = { name: 'peer', required: true, placeholder: 'PEER' }

/** Without it the peer of the open conversation is meant. */
export const thisPeer: CommandParameter = { ...peer, required: false }

export const paths: CommandParameter = { name: 'paths', required: true, placeholder: 'PATH…' }

export function text(placeholder: string, required = true): CommandParameter {
  return { name: 'text', required, placeholder }
}
