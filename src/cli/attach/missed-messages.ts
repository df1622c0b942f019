// Which messages an attached face has had, and which it missed while its node was
// gone or it did not read: those are read from the history and reported then. Each
// message is reported once. So are conversations that were forgotten meanwhile.
import { LruMap } from '../../lib/index.ts'
import type { ChatNodeEvents, HistoryApi, OutgoingMessage, PeerView, RequestView } from '../chat-api/chat-api.ts'

/** Messages that are remembered as reported. */
const KNOWN_MESSAGES = 4_096

/** Own messages that wait, and whose outcome is asked for afterwards. */
const MAX_PENDING = 1_000

/** Missed messages that are reported afterwards; those that came after them are only in the history. */
const CATCH_UP_MESSAGES = 10_000

/** Read at once, in messages and bytes of their texts. */
const CATCH_UP_PAGE = { limit: 500, maxBytes: 4 * 1024 * 1024 } as const

/** The last messages of a conversation among which the outcome of one that waited is looked for. */
const OUTCOME_MESSAGES = 500

type Told = { readonly peer: string; readonly id: string }

export interface MissedMessagesInit {
  readonly history: () => HistoryApi
  readonly requests: () => Promise<readonly RequestView[]>
  /** The position of the newest message in the history. */
  readonly newest: () => Promise<number>
  readonly look: (peer: string) => PeerView
  readonly tell: <K extends 'message' | 'sent' | 'delivery' | 'request' | 'forgotten'>(
    type: K,
    detail: ChatNodeEvents[K]['detail']
  ) => void
}

export class MissedMessages {
  readonly #init: MissedMessagesInit
  readonly #known = new LruMap<string, true>(KNOWN_MESSAGES)
  readonly #pending = new LruMap<string, Told>(MAX_PENDING)
  /** Positions up to which all messages are known: the last that was asked for, and the one before. */
  #knownUpTo: number | undefined
  #newer: number | undefined
  #toldSince = 0
  /** Strangers that wait for an answer, and what was told of them last. */
  #requests = new Map<string, string>()
  /** Peers with whom the history has messages, as far as the face knows. */
  readonly #conversations = new Set<string>()

  constructor(init: MissedMessagesInit) {
    this.#init = init
  }

  /** All that is stored by now is known. */
  async begin(): Promise<void> {
    // A history that can't be read is reported by the node.
    const requests = this.#init.requests().catch(() => [])
    const conversations = this.#init
      .history()
      .conversations()
      .catch(() => [])
    this.#knownUpTo = await this.#init.newest()
    this.#newer = this.#knownUpTo
    for (const request of await requests) this.requested(request)
    for (const { peer } of await conversations) this.#conversations.add(peer)
  }

  isKnown(message: Told): boolean {
    return this.#known.get(keyOf(message)) === true
  }

  /** It was reported to the face. */
  told(message: Told): void {
    this.#known.set(keyOf(message), true)
    this.#conversations.add(message.peer)
    if ('state' in message && message.state === 'pending') this.#pending.set(keyOf(message), message)
    // Before the first of them is forgotten. A position may count messages that this face is about to miss, so the one
    // before it is where a catch-up begins.
    if (++this.#toldSince >= KNOWN_MESSAGES / 2) this.#move()
  }

  /** The face was told of a stranger's request. */
  requested(request: RequestView): void {
    this.#requests.set(request.peer, versionOf(request))
  }

  /** The face was told that all messages with the peer were deleted. */
  forgotten(peer: string): void {
    this.#conversations.delete(peer)
  }

  /** An own message has moved to another state. */
  delivered(message: Pick<OutgoingMessage, 'peer' | 'id' | 'state'>): void {
    if (message.state !== 'pending') this.#pending.delete(keyOf(message))
  }

  /** @returns false when there was so much that the newest was left to the history */
  async catchUp(): Promise<boolean> {
    const { newest, history } = this.#init
    await this.#tellForgotten()
    const end = await newest()
    let after = this.#knownUpTo ?? end
    let isWhole = false
    for (let told = 0; ;) {
      const { entries, next } = await history().news({ after, ...CATCH_UP_PAGE })
      isWhole = entries.length === 0
      if (isWhole || told >= CATCH_UP_MESSAGES) break
      for (const { message } of entries) if (this.#tell(message)) told++
      after = next
    }
    await this.#tellRequests()
    await this.#tellOutcomes()
    this.#knownUpTo = Math.max(after, end)
    this.#newer = this.#knownUpTo
    this.#toldSince = 0
    return isWhole
  }

  /** @returns whether it was not known */
  #tell(message: Awaited<ReturnType<HistoryApi['news']>>['entries'][number]['message']): boolean {
    if (this.isKnown(message)) return false
    const { look, tell } = this.#init
    const { name, label } = look(message.peer)
    if (message.direction === 'in') {
      if (message.state === 'accepted') tell('message', { message, name, label, arrival: 'accepted' })
    } else {
      tell('sent', { message, name })
      if (message.state !== 'pending') tell('delivery', { message, state: message.state })
    }
    this.told(message)
    return true
  }

  /** Of conversations that were there, and of which no message is left. */
  async #tellForgotten(): Promise<void> {
    const left = new Set((await this.#init.history().conversations()).map(({ peer }) => peer))
    for (const peer of this.#conversations) {
      if (left.has(peer)) continue
      this.#conversations.delete(peer)
      this.#init.tell('forgotten', { peer })
    }
  }

  /** Of strangers that wrote meanwhile, and still wait for an answer. */
  async #tellRequests(): Promise<void> {
    const before = this.#requests
    const requests = await this.#init.requests()
    this.#requests = new Map(requests.map((request) => [request.peer, versionOf(request)]))
    // The newest is the first of them.
    for (const request of requests.toReversed())
      if (before.get(request.peer) !== versionOf(request)) this.#init.tell('request', request)
  }

  /** Of own messages that waited when the face was last told of them. */
  async #tellOutcomes(): Promise<void> {
    const waiting = [...this.#pending.entries()].map(([, told]) => told)
    for (const peer of new Set(waiting.map((told) => told.peer))) {
      const last = await this.#init.history().recent(peer, OUTCOME_MESSAGES)
      for (const message of last) {
        if (message.direction !== 'out' || message.state === 'pending' || !this.#pending.delete(keyOf(message)))
          continue
        this.#init.tell('delivery', { message, state: message.state })
      }
    }
  }

  #move(): void {
    this.#toldSince = 0
    this.#knownUpTo = this.#newer
    void this.#init.newest().then(
      (position) => (this.#newer = position),
      () => undefined // the node has ended: a catch-up begins where it would have begun
    )
  }
}

function versionOf({ count, lastText }: RequestView): string {
  return `${count} ${lastText}`
}

function keyOf({ peer, id }: Told): string {
  return `${peer} ${id}`
}
