// What a command inside a chat is: its name, its parameters, and its result as
// data. Which commands there are stands in chat-commands; how a result looks is
// each face's own business.
import type { ChatApi, Contact, DirectoryView, IncomingMessage, OutgoingMessage, StoredMessage } from './chat-api.ts'
import type {
  ConversationSummary,
  HistoryEntry,
  PathView,
  PeerTarget,
  PeerTrust,
  RequestView,
  RosterRow
} from './chat-api.ts'
import type { SafetyView } from './trust-wording.ts'

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
  /** PEER as the face lets it be typed, with numbers where it shows numbers. */
  resolve(words: readonly string[]): Promise<PeerTarget>
}

export interface CommandArguments extends CommandFields {
  readonly peer?: readonly string[]
  readonly text?: string
}

/** Arguments that only a program gives. */
export interface CommandFields {
  /** Only messages before this position. */
  readonly before?: number
  /** Only messages after this position. */
  readonly after?: number
  readonly limit?: number
  /** Of the message that is to be sent: asked for again with the same one, it is sent once. */
  readonly id?: string
  /** Messages by their IDs. */
  readonly ids?: readonly string[]
}

export interface CommandParameter {
  readonly name: 'peer' | 'text'
  readonly required: boolean
  /** As it stands in the help: PEER, TEXT, NICKNAME. */
  readonly placeholder: string
}

export interface ChatCommand {
  readonly name: string
  readonly aliases: readonly string[]
  readonly parameters: readonly CommandParameter[]
  /** What a program may give beside the parameters. */
  readonly fields?: readonly (keyof CommandFields | 'peer')[]
  readonly help: string
  /** Of what can't be taken back: what a person is asked before it is done, by what stands after the name. */
  readonly question?: (rest: string) => string | undefined
  run(context: CommandContext, args: CommandArguments): Promise<CommandResult>
}

export interface PeerRef {
  readonly peer: string
  readonly name: string
}

export type CommandResult =
  | { readonly is: 'help'; readonly commands: readonly ChatCommand[] }
  | { readonly is: 'roster'; readonly rows: readonly RosterRow[]; readonly unread: UnreadCounts }
  | {
      readonly is: 'opened'
      readonly target: PeerTarget
      readonly trust: PeerTrust
      readonly entries: readonly HistoryEntry[]
    }
  | ({ readonly is: 'safety number' } & SafetyView)
  | ({ readonly is: 'path'; readonly path: PathView } & PeerRef)
  | ({ readonly is: 'left' } & PeerRef)
  | { readonly is: 'quit' }
  | ({ readonly is: 'accepted'; readonly messages: readonly IncomingMessage[] } & PeerRef)
  | ({ readonly is: 'ignored' | 'blocked' | 'unblocked' } & PeerRef)
  | { readonly is: 'requests'; readonly requests: readonly RequestView[] }
  | { readonly is: 'requests cleared'; readonly strangers: number; readonly messages: number }
  | { readonly is: 'contacts'; readonly contacts: readonly Contact[] }
  | { readonly is: 'blocked peers'; readonly blocked: readonly PeerRef[] }
  | { readonly is: 'directories'; readonly directories: readonly DirectoryView[] }
  | { readonly is: 'renamed'; readonly nickname: string }
  | { readonly is: 'status set'; readonly status: string }
  | ({ readonly is: 'identity' } & Identity)
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

export type Named<T> = T & { readonly name: string }

/** How many messages of each peer have not been on the screen; peers without any are left out. */
export type UnreadCounts = ReadonlyMap<string, number>

export interface Identity {
  readonly peer: string
  readonly shortId: string
  readonly nickname: string
  readonly network: string
  readonly profile: string
  readonly addresses: readonly string[]
}
