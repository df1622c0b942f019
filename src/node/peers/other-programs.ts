// Peers on other chat programs. They have no presence record: an open conversation is
// the only sign that they are online, and gives them a row on the roster. Pure; what
// the row holds, and which peers get one, is passed in.
import type { ChatNodeEvents, ConversationState, RosterRow } from '../api/chat-events.ts'

type OtherDialect = Exclude<Extract<ConversationState, { name: 'open' }>['dialect'], 'parley'>

/** An open conversation with one of them. */
export interface OtherProgram {
  readonly peer: string
  readonly dialect: OtherDialect
  readonly sinceMs: number
}

export interface OtherProgramsInit {
  /** False for strangers that must not fill the roster by connecting. */
  readonly isShown: (peer: string) => boolean
  readonly rowOf: (program: OtherProgram) => RosterRow
  readonly onRoster: (change: ChatNodeEvents['roster']['detail']) => void
  readonly now: () => number
}

export class OtherPrograms {
  readonly #init: OtherProgramsInit
  readonly #open = new Map<string, OtherProgram>()
  /** The rows that the roster shows, as reported by `onRoster`. */
  readonly #shown = new Map<string, RosterRow>()

  constructor(init: OtherProgramsInit) {
    this.#init = init
  }

  rows(): readonly RosterRow[] {
    return [...this.#shown.keys()].flatMap((peer) => this.#row(peer) ?? [])
  }

  /** The state of the conversation with the peer has changed. */
  conversationChanged(peer: string, state: ConversationState): void {
    if (state.name === 'open' && state.dialect !== 'parley') {
      const sinceMs = this.#open.get(peer)?.sinceMs ?? this.#init.now()
      this.#open.set(peer, { peer, dialect: state.dialect, sinceMs })
    } else this.#open.delete(peer)
    this.refresh(peer)
  }

  /** Shows or hides the peer, where `isShown` may have changed. */
  refresh(peer: string): void {
    const was = this.#shown.get(peer)
    const row = this.#init.isShown(peer) ? this.#row(peer) : undefined
    if (row === undefined) {
      if (!this.#shown.delete(peer) || was === undefined) return
      this.#init.onRoster({ joined: [], changed: [], left: [was] })
    } else if (was === undefined) {
      this.#shown.set(peer, row)
      this.#init.onRoster({ joined: [row], changed: [], left: [] })
    } else this.#shown.set(peer, row)
  }

  #row(peer: string): RosterRow | undefined {
    const program = this.#open.get(peer)
    return program === undefined ? undefined : this.#init.rowOf(program)
  }
}
