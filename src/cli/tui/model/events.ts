// The events that change the screen's state, and the effects that a change
// asks for. Both are plain data.
import type {
  ConversationState,
  DirectoryView,
  HistoryEntry,
  OutgoingMessage,
  PathView,
  IncomingMessage,
  PeerTarget,
  PeerTrust,
  RequestView,
  RosterRow
} from '../../chat-api/chat-api.ts'
import type { CommandResult } from '../../chat-commands/chat-command.ts'
import type { Identity } from '../../wording/identity-wording.ts'
import type { InvitationNews } from '../../wording/invitation-wording.ts'
import type { Preferences } from './preferences.ts'
import type { InputEvent } from '../terminal/key-reader.ts'
import type { State } from './state.ts'
import type { InputHistory } from './input-history.ts'
import type { PresenceChange, Tone } from './window.ts'

interface PastConversation {
  readonly peer: string
  readonly name: string
  readonly unread: number
}

export type ScreenEvent =
  | { readonly is: 'input'; readonly input: InputEvent }
  | { readonly is: 'resized'; readonly columns: number; readonly rows: number }
  /** Time has passed: counters of seconds go on. */
  | { readonly is: 'tick' }
  | { readonly is: 'self'; readonly self: Identity; readonly namesRelays: boolean }
  | { readonly is: 'settings'; readonly lines: readonly string[] }
  | { readonly is: 'qr'; readonly rows: readonly string[] }
  | { readonly is: 'input history'; readonly inputHistory: ReadonlyMap<string, InputHistory> }
  | { readonly is: 'preferences'; readonly preferences: Preferences }
  | { readonly is: 'past'; readonly conversations: readonly PastConversation[] }
  | { readonly is: 'phase'; readonly phase: State['phase'] }
  | {
      readonly is: 'around'
      readonly roster: readonly RosterRow[]
      readonly contacts: ReadonlyMap<string, string>
      /** Those of the contacts whose safety numbers were compared. */
      readonly verified: ReadonlySet<string>
      /** Blocked peers and the names that they had. */
      readonly blocked: ReadonlyMap<string, string>
      readonly directories: readonly DirectoryView[]
    }
  /** The node was lost then, or is there (again). */
  | { readonly is: 'node'; readonly lostAtMs: number | undefined }
  /** Events were missed, and what was missed may not be complete. */
  | { readonly is: 'resumed' }
  /** The conversation was read, here or on another face. */
  | { readonly is: 'read'; readonly peer: string }
  /** The conversation was forgotten, here or by another face or command. */
  | { readonly is: 'forgotten'; readonly peer: string }
  /** What was stored or typed before then is deleted: it is too old to keep. */
  | { readonly is: 'expired'; readonly beforeMs: number }
  | { readonly is: 'requests'; readonly requests: readonly RequestView[] }
  | { readonly is: 'requested'; readonly request: RequestView }
  | { readonly is: 'message'; readonly message: IncomingMessage; readonly name: string }
  | { readonly is: 'delivery'; readonly message: OutgoingMessage }
  | { readonly is: 'connection'; readonly peer: string; readonly state: ConversationState }
  | { readonly is: 'path'; readonly peer: string; readonly path: PathView }
  | { readonly is: 'typing'; readonly peer: string }
  /** The other side has opened the conversation, which is not open here. */
  | { readonly is: 'entered'; readonly peer: string }
  /** The other side has left the conversation, or the network. */
  | { readonly is: 'left'; readonly peer: string }
  /** Another key than the known one answers: the user must not miss it. */
  | { readonly is: 'alarm'; readonly text: string }
  /** The peer, whose conversation is open, came or went. */
  | { readonly is: 'presence'; readonly text: string; readonly peer: string; readonly change: PresenceChange }
  | { readonly is: 'invitation'; readonly news: InvitationNews }
  /** With a peer: only where its conversation is open. */
  | { readonly is: 'status'; readonly text: string; readonly tone: Tone; readonly peer?: string }
  | {
      readonly is: 'opened'
      readonly trust: PeerTrust
      readonly target: PeerTarget
      readonly entries: readonly HistoryEntry[]
      readonly state: ConversationState
    }
  | { readonly is: 'sent'; readonly message: OutgoingMessage; readonly name: string }
  /** The message was not stored: its text goes back into the input. */
  | { readonly is: 'unsent'; readonly peer: string; readonly text: string }
  /** `line`: the command as it was typed, without its slash. */
  | { readonly is: 'result'; readonly result: CommandResult; readonly line?: string }
  | { readonly is: 'failed'; readonly text: string }
  /** The running operation has ended, well or not. */
  | { readonly is: 'done' }
  | {
      readonly is: 'page'
      readonly peer: string
      readonly where: 'older' | 'newer' | 'end'
      readonly limit: number
      readonly entries: readonly HistoryEntry[]
    }
  | { readonly is: 'page failed'; readonly peer: string; readonly text: string }
  | { readonly is: 'found'; readonly peer: string; readonly words: string; readonly positions: readonly number[] }
  | {
      readonly is: 'jumped'
      readonly peer: string
      readonly position: number
      readonly entries: readonly HistoryEntry[]
    }

export type Effect =
  | {
      readonly do: 'open'
      readonly words: readonly string[]
      readonly leaving: string | undefined
      /** The peer was chosen from a list: the words are its ID, but the user has not read it. */
      readonly isPicked?: true
    }
  | { readonly do: 'send'; readonly peer: string; readonly text: string }
  | {
      readonly do: 'command'
      readonly name: string
      readonly rest: string
      readonly current: string | undefined
      readonly shownFrom: number | undefined
      /** The act that was asked about just before. */
      readonly agreed: string | undefined
    }
  | {
      readonly do: 'page'
      readonly peer: string
      readonly where: 'older' | 'newer' | 'end'
      readonly limit: number
      readonly before?: number
      readonly after?: number
    }
  | { readonly do: 'search'; readonly peer: string; readonly words: string }
  | { readonly do: 'jump'; readonly peer: string; readonly position: number }
  | { readonly do: 'typing'; readonly peer: string }
  | { readonly do: 'keep typed line'; readonly place: string; readonly text: string; readonly atMs: number }
  | { readonly do: 'forget typed lines'; readonly peer: string }
  | { readonly do: 'keep preferences'; readonly preferences: Preferences }
  | { readonly do: 'notify'; readonly title: string; readonly text: string }
  | { readonly do: 'stop' }
  | { readonly do: 'quit'; readonly outcome: 'quit' | 'detached' | 'end of input' | 'interrupted' }
  | { readonly do: 'suspend' }
  | { readonly do: 'redraw' }

export interface Step {
  readonly state: State
  readonly effects: readonly Effect[]
}

export function step(state: State, ...effects: readonly Effect[]): Step {
  return { state, effects }
}

/** Runs a second step on the result of the first. */
export function followedBy(first: Step, next: (state: State) => Step): Step {
  const second = next(first.state)
  return { state: second.state, effects: [...first.effects, ...second.effects] }
}
