// How the way to the peer of the open conversation stands, in words: what is
// printed when it changes, and what the prompt shows meanwhile. Pure: states and
// the time in, words out.
import type { ConversationState } from '../chat-api.ts'
import { QUIET_CONNECT_MS } from '../constants.ts'
import { secondsUntil } from '../wording.ts'

export class ConnectionProgress {
  readonly #name: string
  #state: ConversationState = { name: 'closed' }
  #sinceMs = 0
  /** The reason that was printed last, so that each retry doesn't print it again. */
  #saidWhy: string | undefined
  #saidConnecting = false
  /** The peer has said goodbye: that there is no way to it is no news. */
  #isAway = false

  constructor(name: string) {
    this.#name = name
  }

  /** The lines that this change is worth. */
  changed(state: ConversationState, nowMs: number): string[] {
    const before = this.#state
    this.#state = state
    if (state.name !== before.name) this.#sinceMs = nowMs
    switch (state.name) {
      case 'connecting':
      case 'closed':
        return []
      case 'waiting':
        return this.#waitingLines(state.why, before)
      case 'open':
        this.#saidWhy = undefined
        this.#saidConnecting = false
        this.#isAway = false
        return before.name === 'open' && before.dialect === state.dialect ? [] : openLines(this.#name, state)
    }
  }

  /** The peer has ended its program: what follows from that needs no lines of its own. */
  goneAway(): void {
    this.#isAway = true
  }

  #waitingLines(why: string, before: ConversationState): string[] {
    if (this.#isAway || why === this.#saidWhy) return []
    const isFirst = this.#saidWhy === undefined
    this.#saidWhy = why
    const what =
      before.name === 'open' ? `The connection to ${this.#name} is gone` : `No way to ${this.#name} at the moment`
    return [
      `${what}: ${why}.`,
      ...(isFirst ? ['It is tried again and again; what you write goes out when there is a way.'] : [])
    ]
  }

  /** What the prompt shows while there is no connection. */
  status(nowMs: number): string | undefined {
    switch (this.#state.name) {
      case 'connecting': {
        const seconds = Math.floor((nowMs - this.#sinceMs) / 1000)
        return nowMs - this.#sinceMs < QUIET_CONNECT_MS ? undefined : `connecting to ${this.#name} … ${seconds} s`
      }
      case 'waiting':
        return `waiting for ${this.#name}, next try in ${secondsUntil(this.#state.retryAtMs, nowMs)} s`
      case 'open':
      case 'closed':
        return undefined
    }
  }

  /** The one line that says that it takes a while, where no prompt can show it. */
  lateLines(nowMs: number): string[] {
    const isLate = this.#state.name === 'connecting' && nowMs - this.#sinceMs >= QUIET_CONNECT_MS
    if (!isLate || this.#saidConnecting || this.#saidWhy !== undefined) return []
    this.#saidConnecting = true
    return [`Connecting to ${this.#name} …`]
  }
}

function openLines(name: string, state: Extract<ConversationState, { name: 'open' }>): string[] {
  const way = state.path === 'lan' ? 'over the local network' : 'directly'
  const time = state.rttMs === undefined ? '' : `, ${state.rttMs} ms`
  const connected = `Connected to ${name} ${way}${time}.`
  if (state.dialect === 'parley') return [connected]
  return [connected, `${name} uses another program without receipts: your messages are sent, and not confirmed.`]
}
