// All that the screen shows, as one value: people, the open conversation, what is
// typed, what is asked. It neither draws nor acts.
import { peerLabel, shortId } from '../../../node/settings.ts'
import type {
  ConversationState,
  DirectoryView,
  NameOwner,
  PathView,
  PeerName,
  RequestView,
  RosterRow
} from '../../chat-api/chat-api.ts'
import type { Identity } from '../../wording/identity-wording.ts'
import type { Preferences } from './preferences.ts'
import { emptyEditor, type Editor } from './editor.ts'
import type { Popup } from './popup.ts'
import type { InputHistory, Walk } from './input-history.ts'
import { emptyWindow, type MessageWindow, type StatusMessage } from './window.ts'

export type Place =
  | { readonly at: 'peer' }
  | { readonly at: 'port'; readonly host: string }
  | { readonly at: 'conversation'; readonly peer: string; readonly name: string; readonly shortId: string }

/** A peer in the list at the side. */
export interface Person {
  readonly peer: string
  readonly name: string
  readonly shortId: string
  /** The number that names it, here and at the prompt; it stays for the session. */
  readonly number: number
  readonly row: RosterRow | undefined
  /** The owner of the name that it uses: from the roster, or from the request of a stranger that has left. */
  readonly sameNameAs: NameOwner | undefined
  /** Another peer around whose name looks like its own. */
  readonly sharesNameWith: PeerName | undefined
  readonly isContact: boolean
  readonly isBlocked: boolean
  readonly section: 'requests' | 'conversations' | 'online' | 'earlier'
}

export interface Input {
  readonly editor: Editor
  readonly walk: Walk | undefined
  /** Ctrl-R or the search in the conversation is going on. */
  readonly search:
    | { readonly is: 'input history'; readonly words: string; readonly index: number; readonly before: Editor }
    | { readonly is: 'messages'; readonly words: string; readonly before: Editor }
    | undefined
  /** What Tab has offered, and which of it stands in the input. */
  readonly completion:
    | { readonly hits: readonly string[]; readonly index: number; readonly before: string; readonly after: string }
    | undefined
}

/** Where a search in the open conversation has been: positions, the newest first. */
interface Found {
  readonly words: string
  readonly positions: readonly number[]
  readonly index: number
}

export interface State {
  readonly columns: number
  readonly rows: number
  readonly nowMs: number
  readonly phase: 'starting' | 'looking' | 'ready' | 'ending'
  readonly isUtf8: boolean
  readonly self: Identity | undefined
  /** The nickname, as far as it is known before the identity is. */
  readonly selfName: string | undefined
  /** Others who name the same relay are reached through it, by their peer ID. */
  readonly namesRelays: boolean
  /** The QR code of the own address, as rows of half blocks. */
  readonly qr: readonly string[]
  readonly place: Place
  readonly roster: readonly RosterRow[]
  readonly requests: readonly RequestView[]
  readonly contacts: ReadonlyMap<string, string>
  readonly verified: ReadonlySet<string>
  readonly blocked: ReadonlyMap<string, string>
  /** Peers with whom there are messages. */
  readonly conversations: ReadonlySet<string>
  /** Those of them that are not recent, and have not been touched since the start. */
  readonly earlier: ReadonlySet<string>
  readonly names: ReadonlyMap<string, string>
  readonly numbers: ReadonlyMap<string, number>
  /** The number that was given last; none is given twice. */
  readonly lastNumber: number
  /** Derived from the above, in the order of the screen. */
  readonly people: readonly Person[]
  readonly unread: ReadonlyMap<string, number>
  readonly directories: readonly DirectoryView[]
  /** When the node was lost: who is around, and how a peer is reached, is as it was then. */
  readonly lostAtMs: number | undefined
  readonly window: MessageWindow
  readonly found: Found | undefined
  /** A message to go to once its conversation is open. */
  readonly jump: { readonly peer: string; readonly position: number; readonly words: string } | undefined
  readonly connection: ConversationState
  /** To peers whose conversation is open or was. */
  readonly paths: ReadonlyMap<string, PathView>
  /** From storing the last message to its receipt. */
  readonly receiptMs: number | undefined
  readonly typing: { readonly peer: string; readonly untilMs: number } | undefined
  readonly toldTypingAtMs: number
  readonly log: readonly StatusMessage[]
  /** A warning that stands there until it is dismissed. */
  readonly alarm: string | undefined
  readonly statusCount: number
  readonly input: Input
  /** Unsent input of the other conversations. */
  readonly drafts: ReadonlyMap<string, Editor>
  readonly inputHistory: ReadonlyMap<string, InputHistory>
  /** Lines that wait for the running operation. */
  readonly waitingLines: readonly string[]
  /** The running operation, and whether it was asked to stop. */
  readonly busy: { readonly label: string; readonly sinceMs: number; readonly isStopped?: true } | undefined
  readonly popup: Popup | undefined
  /** The act that was asked about, when that was the command before. */
  readonly asked: string | undefined
  readonly interruptedAtMs: number
  readonly focused: boolean
  /** Messages of the open conversation that came while the terminal had no focus. */
  readonly unseen: number
  readonly preferences: Preferences
  /** Each setting of the program, its value and where it came from, for /settings. */
  readonly settingLines: readonly string[]
}

export const emptyInput: Input = { editor: emptyEditor, walk: undefined, search: undefined, completion: undefined }

export interface Beginning {
  readonly columns: number
  readonly rows: number
  readonly nowMs: number
  readonly isUtf8: boolean
  readonly selfName: string | undefined
  readonly preferences: Preferences
}

export function beginning(init: Beginning): State {
  return {
    ...init,
    phase: 'starting',
    self: undefined,
    namesRelays: false,
    qr: [],
    place: { at: 'peer' },
    roster: [],
    requests: [],
    contacts: new Map(),
    verified: new Set(),
    blocked: new Map(),
    conversations: new Set(),
    earlier: new Set(),
    names: new Map(),
    numbers: new Map(),
    lastNumber: 0,
    people: [],
    unread: new Map(),
    directories: [],
    lostAtMs: undefined,
    window: emptyWindow,
    found: undefined,
    jump: undefined,
    connection: { name: 'closed' },
    paths: new Map(),
    receiptMs: undefined,
    typing: undefined,
    toldTypingAtMs: 0,
    log: [],
    alarm: undefined,
    statusCount: 0,
    input: emptyInput,
    drafts: new Map(),
    inputHistory: new Map(),
    waitingLines: [],
    busy: undefined,
    popup: undefined,
    asked: undefined,
    interruptedAtMs: Number.NEGATIVE_INFINITY,
    focused: true,
    unseen: 0,
    settingLines: []
  }
}

/** The key under which drafts and input history are kept: the peer, or '' at the prompt for a peer. */
export function placeKey(place: Place): string {
  return place.at === 'conversation' ? place.peer : ''
}

export function currentPeer(state: State): string | undefined {
  return state.place.at === 'conversation' ? state.place.peer : undefined
}

export function nameOf(state: State, peer: string): string {
  return (
    state.contacts.get(peer) ??
    state.roster.find((row) => row.peer === peer)?.nickname ??
    state.names.get(peer) ??
    shortId(peer)
  )
}

/** As a line names the peer: with its ID and a mark where the name alone could mean another one. */
export function labelOf(state: State, peer: string): string {
  const person = state.people.find((one) => one.peer === peer)
  const { sameNameAs, sharesNameWith, isContact = state.contacts.has(peer) } = person ?? {}
  return peerLabel({ peer, name: nameOf(state, peer), isContact, sameNameAs, sharesNameWith })
}
