// What can happen to the screen's state, and what a change of it asks to be
// done. Both are plain data: whoever runs the face turns one into the other.
import type { ConversationState, DirectoryView, HistoryEntry, OutgoingMessage, PathView } from '../../chat-api.ts'
import type { IncomingMessage, PeerTarget, PeerTrust, RequestView, RosterRow } from '../../chat-api.ts'
import type { CommandResult, Identity } from '../../chat-command.ts'
import type { Preferences } from '../preferences.ts'
import type { InputEvent } from '../screen/key-reader.ts'
import type { State } from './state.ts'
import type { TypedLines } from './typed-before.ts'
import type { Tone } from './window.ts'

export interface PastConversation {
  readonly peer: string
  readonly name: string
  readonly unread: number
}

export type ScreenEvent =
  | { readonly is: 'input'; readonly input: InputEvent }
  | { readonly is: 'resized'; readonly columns: number; readonly rows: number }
  /** Time has passed: whatever counts seconds goes on. */
  | { readonly is: 'tick' }
  | { readonly is: 'self'; readonly self: Identity }
  | { readonly is: 'settings'; readonly lines: readonly string[] }
  | { readonly is: 'qr'; readonly rows: readonly string[] }
  | { readonly is: 'remembered'; readonly typedBefore: ReadonlyMap<string, TypedLines> }
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
  | { readonly is: 'requests'; readonly requests: readonly RequestView[] }
  | { readonly is: 'requested'; readonly request: RequestView }
  | { readonly is: 'message'; readonly message: IncomingMessage; readonly name: string }
  | { readonly is: 'delivery'; readonly message: OutgoingMessage }
  | { readonly is: 'connection'; readonly peer: string; readonly state: ConversationState }
  | { readonly is: 'path'; readonly peer: string; readonly path: PathView }
  | { readonly is: 'typing'; readonly peer: string }
  /** Another key than was known: what must not be missed. */
  | { readonly is: 'alarm'; readonly text: string }
  /** With a peer: only where its conversation is open. */
  | { readonly is: 'note'; readonly text: string; readonly tone: Tone; readonly peer?: string }
  | {
      readonly is: 'opened'
      readonly trust: PeerTrust
      readonly target: PeerTarget
      readonly entries: readonly HistoryEntry[]
      readonly state: ConversationState
    }
  | { readonly is: 'sent'; readonly message: OutgoingMessage; readonly name: string }
  /** It was not stored: it goes back to where it was typed. */
  | { readonly is: 'unsent'; readonly peer: string; readonly text: string }
  | { readonly is: 'result'; readonly result: CommandResult }
  | { readonly is: 'failed'; readonly text: string }
  /** What was going on is over, whatever came of it. */
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
  | { readonly do: 'open'; readonly words: readonly string[]; readonly leaving: string | undefined }
  | { readonly do: 'send'; readonly peer: string; readonly text: string }
  | {
      readonly do: 'command'
      readonly name: string
      readonly rest: string
      readonly current: string | undefined
      readonly shownFrom: number | undefined
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
  | { readonly do: 'remember'; readonly typedBefore: ReadonlyMap<string, TypedLines> }
  | { readonly do: 'prefer'; readonly preferences: Preferences }
  | { readonly do: 'notify'; readonly title: string; readonly text: string }
  | { readonly do: 'stop what goes on' }
  | { readonly do: 'quit'; readonly outcome: 'quit' | 'end of input' | 'interrupted' }
  | { readonly do: 'suspend' }
  | { readonly do: 'redraw' }

export interface Step {
  readonly state: State
  readonly effects: readonly Effect[]
}

export function step(state: State, ...effects: readonly Effect[]): Step {
  return { state, effects }
}

/** One step after the other. */
export function followedBy(first: Step, next: (state: State) => Step): Step {
  const second = next(first.state)
  return { state: second.state, effects: [...first.effects, ...second.effects] }
}
