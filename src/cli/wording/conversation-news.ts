// News of a conversation: the state of its connection, the path
// to its peer, whether coming and going is worth a line, and why messages are
// refused. Pure: states and the time in, words out.
import { shortId, type PresenceLines } from '../../node/settings.ts'
import type { ChatNodeEvents, ConversationState, NoDirectView, PathKind, PathView } from '../chat-api/chat-api.ts'
import { retryText, secondsUntil } from './time-span.ts'

/** An attempt to reach a peer is worth a word after this long. */
const QUIET_CONNECT_MS = 700

/** The node's default reason. */
const CONNECTION_LOST = 'the connection was lost'

type OpenState = Extract<ConversationState, { name: 'open' }>

export class ConnectionProgress {
  /** The peer's name in these lines. */
  name: string
  #state: ConversationState = { name: 'closed' }
  #sinceMs = 0
  /**
   * What was printed of this outage. Its reasons change with the address that failed last: only the first one is printed,
   * after the loss, which has none.
   */
  #saidOutage: 'nothing' | 'loss' | 'reason' = 'nothing'
  /** The connection that was printed last, until the peer is reported as not connected. */
  #saidOpen: Pick<OpenState, 'path' | 'dialect'> | undefined
  #saidConnecting = false
  /** The peer has said goodbye: that it can't be reached is no news. */
  #isAway = false
  #timesOpen = 0

  constructor(name: string) {
    this.name = name
  }

  /** The lines that report this change; none if it is no news. */
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
        if (before.name !== 'open') this.#timesOpen++
        this.#saidOutage = 'nothing'
        this.#saidConnecting = false
        this.#isAway = false
        return this.#openLines(state, before)
    }
  }

  /** The connection replaces an earlier one. */
  get hasBeenOpen(): boolean {
    return this.#timesOpen > 1
  }

  /** The peer has ended its program: the consequences need no lines of their own. */
  goneAway(): void {
    this.#isAway = true
    this.#saidOpen = undefined
  }

  #openLines(state: OpenState, before: ConversationState): string[] {
    if (before.name === 'open' && before.dialect === state.dialect) return []
    const said = this.#saidOpen
    if (said?.dialect === state.dialect && said.path === state.path) return []
    this.#saidOpen = state
    return openLines(this.name, state)
  }

  #waitingLines(why: string, before: ConversationState): string[] {
    if (this.#isAway || this.#saidOutage === 'reason') return []
    if (this.#saidOutage === 'loss' && why === CONNECTION_LOST) return []
    const isFirst = this.#saidOutage === 'nothing'
    this.#saidOutage = why === CONNECTION_LOST ? 'loss' : 'reason'
    this.#saidOpen = undefined
    return [
      before.name === 'open' ? lostText(this.name, why) : `Cannot reach ${this.name} at the moment: ${why}.`,
      ...(isFirst ? ['Parley keeps trying; what you write is sent once it is connected.'] : [])
    ]
  }

  /** What the prompt shows while there is no connection. */
  status(nowMs: number): string | undefined {
    switch (this.#state.name) {
      case 'connecting': {
        const seconds = Math.floor((nowMs - this.#sinceMs) / 1000)
        return nowMs - this.#sinceMs < QUIET_CONNECT_MS ? undefined : `connecting to ${this.name} … ${seconds} s`
      }
      case 'waiting':
        if (this.#state.lacksAddress) return `waiting for ${this.name}: no address is known`
        return `waiting for ${this.name}, next try in ${secondsUntil(this.#state.retryAtMs, nowMs)} s`
      case 'open':
      case 'closed':
        return undefined
    }
  }

  /** One line that reports the wait, where no prompt can show it. */
  lateLines(nowMs: number): string[] {
    const isLate = this.#state.name === 'connecting' && nowMs - this.#sinceMs >= QUIET_CONNECT_MS
    if (!isLate || this.#saidConnecting || this.#saidOutage !== 'nothing') return []
    this.#saidConnecting = true
    return [`Connecting to ${this.name} …`]
  }
}

/** "The connection was lost" is no reason for a failed attempt. */
function lostText(name: string, why: string): string {
  return `Lost the connection to ${name}${why === CONNECTION_LOST ? '' : `: ${why}`}.`
}

function openLines(name: string, state: OpenState): string[] {
  const way = ways[state.path]
  const time = state.rttMs === undefined ? '' : `, ${state.rttMs} ms`
  const connected = `Connected to ${name} ${way}${time}.`
  if (state.dialect === 'parley') return [connected]
  return [connected, `${name} uses another program without receipts: your messages are sent but not confirmed.`]
}

/**
 * For so long after a word of the peer, or to it, its coming and going is worth a line: weechat's smart filter has the
 * same.
 */
export const SMART_FILTER_MS = 300_000

export class PresenceFilter {
  readonly #lines: PresenceLines
  #talk: { readonly peer: string; readonly atMs: number } | undefined

  constructor(lines: PresenceLines) {
    this.#lines = lines
  }

  /** The peer has written or was written to, or its conversation was opened. */
  talked(peer: string, nowMs: number): void {
    this.#talk = { peer, atMs: nowMs }
  }

  isShown(peer: string, nowMs: number): boolean {
    if (this.#lines !== 'smart') return this.#lines === 'all'
    return this.#talk?.peer === peer && nowMs - this.#talk.atMs < SMART_FILTER_MS
  }
}

type Refusal = Omit<ChatNodeEvents['refused']['detail'], 'label'>

export class RefusalNews {
  /** By peer and reason: until when the line is not repeated. */
  readonly #toldUntilMs = new Map<string, number>()

  /** @returns undefined while the last line still holds */
  line({ peer, name, reason, retryAfterMs }: Refusal, nowMs: number): string | undefined {
    for (const [key, untilMs] of this.#toldUntilMs) if (untilMs <= nowMs) this.#toldUntilMs.delete(key)
    const key = `${peer} ${reason}`
    if (this.#toldUntilMs.has(key)) return undefined
    this.#toldUntilMs.set(key, nowMs + retryAfterMs)
    return `${name} ${reason}. Your messages will be sent again in ${Math.ceil(retryAfterMs / 1000)} s.`
  }
}

/** How a peer is reached. */
const ways: Readonly<Record<PathKind, string>> = {
  lan: 'over the local network',
  direct: 'directly',
  relayed: 'through a relay'
}

export function pathLine(name: string, path: PathView, nowMs: number): string {
  if (path.kind === 'none') return `No path to ${name}: ${path.why}${retryText(path.retryAtMs, nowMs)}.`
  const way = path.relay === undefined ? ways[path.kind] : `through the relay ${shortId(path.relay)}`
  // The port says nothing: mostly it is one that the peer's system, or its router, chose for this connection.
  const to = path.host === undefined ? '' : ` to ${path.host}`
  const time = path.rttMs === undefined ? 'not measured yet' : `${path.rttMs} ms there and back`
  return `The path to ${name}: ${way}${to}, ${time}.${noDirectText(path.noDirect, nowMs)}`
}

function noDirectText(view: NoDirectView | undefined, nowMs: number): string {
  if (view === undefined) return ''
  const tried = view.triedAtMs === undefined ? '' : `; tried ${secondsUntil(nowMs, view.triedAtMs)} s ago`
  return ` No direct path: ${view.why}${tried}${retryText(view.retryAtMs, nowMs)}.`
}

/** A peer's opening of the conversation is reported once in this time, however often it comes and goes. */
export const ENTERED_AGAIN_MS = 10_000
