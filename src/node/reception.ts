// What is done with messages that come in: who may write, what is held as a
// request, what is refused for want of room. Everything is stored before it is
// acknowledged, and told to the user after that.
import { randomBytes } from 'node:crypto'
import type { ChatMessage, Disposition } from '../chat-protocol/index.ts'
import type { IncomingMessage, MessageStore, PeerBook } from '../storage/index.ts'
import { TokenBucket } from '../wire/index.ts'
import { admit } from './admission.ts'
import type { RequestView } from './chat-events.ts'
import type { AcceptPolicy } from './config.ts'
import { NO_ROOM_RETRY_MS, REQUEST_NOTICE_RATE } from './constants.ts'
import { shortId } from './short-id.ts'

export interface ReceptionInit {
  readonly store: MessageStore
  readonly book: PeerBook
  readonly policy: AcceptPolicy
  readonly isLan: (peer: string) => boolean
  readonly isOnScreen: (peer: string) => boolean
  /** Messages went straight to the screen. */
  readonly onShown: (peer: string, messages: readonly IncomingMessage[]) => void
  readonly nameOf: (peer: string) => string
  readonly events: { message(message: IncomingMessage): void; request(view: RequestView): void }
  readonly now: () => number
}

const REFUSED: Disposition = { kind: 'refused', reason: 'no-room', retryAfterMs: NO_ROOM_RETRY_MS }

export class Reception {
  readonly #init: ReceptionInit
  /** A flood of strangers must not become a flood of lines. */
  readonly #notices: TokenBucket
  /** Strangers are admitted one batch after the other, so that none slips past a limit. */
  #admitting: Promise<unknown> = Promise.resolve()

  constructor(init: ReceptionInit) {
    this.#init = init
    this.#notices = new TokenBucket(REQUEST_NOTICE_RATE, init.now())
  }

  /** Contacts, and strangers whom the policy lets in without a question. */
  isTrusted(peer: string): boolean {
    const { book, policy, isLan } = this.#init
    if (book.isBlocked(peer)) return false
    return book.contact(peer) !== undefined || policy === 'all' || (policy === 'lan' && isLan(peer))
  }

  /** @returns what became of each message, in their order; known ones are told as they stand */
  async receive(peer: string, messages: readonly ChatMessage[]): Promise<readonly Disposition[]> {
    if (this.isTrusted(peer)) return this.#take(peer, messages)
    const turn = this.#admitting.then(async () => this.#take(peer, messages))
    this.#admitting = turn.catch(() => undefined)
    return turn
  }

  /** Text without an id is new each time it comes; the id that it is stored under is ours. */
  async receiveText(peer: string, text: string): Promise<void> {
    const position = await this.#init.store.heldPosition(peer)
    await this.receive(peer, [
      {
        id: randomBytes(16).toString('hex'),
        log: position?.log ?? randomBytes(8).toString('hex'),
        seq: (position?.seq ?? 0) + 1,
        sentAtMs: this.#init.now(),
        text
      }
    ])
  }

  /** Strangers with held messages, the newest first; ignored and blocked ones are left out. */
  async requests(): Promise<readonly RequestView[]> {
    const { store, book } = this.#init
    const held = await store.held()
    const shown = held.filter(({ peer }) => !book.isIgnored(peer) && !book.isBlocked(peer))
    return Promise.all(shown.map(async (last) => this.#requestView(last)))
  }

  /** Resolves when what has come in is stored. */
  async stop(): Promise<void> {
    await this.#admitting
  }

  async #take(peer: string, messages: readonly ChatMessage[]): Promise<readonly Disposition[]> {
    const { store, book, policy, now } = this.#init
    const lan = this.#init.isLan(peer)
    const sender = { isContact: book.contact(peer) !== undefined, isBlocked: book.isBlocked(peer), isLan: lan }
    const admission = admit(sender, policy, await store.heldCounts(peer))
    const known = await store.knownIncoming(
      peer,
      messages.map(({ id }) => id)
    )
    let room = admission.kind === 'accept' ? Infinity : admission.kind === 'hold' ? admission.room : 0
    const taken = messages.filter(({ id }) => known.has(id) || room-- > 0)
    const state = admission.kind === 'accept' ? 'accepted' : 'held'
    const results = await store.addIncoming(peer, taken, { state, lan, storedAtMs: now() })
    await this.#tell(
      peer,
      results.filter((result) => !result.known).map(({ message }) => message)
    )
    const dispositions = new Map<string, Disposition>(
      results.map(({ message }) => [message.id, { kind: message.state === 'held' ? 'held' : 'stored' }])
    )
    return messages.map(({ id }) => dispositions.get(id) ?? REFUSED)
  }

  async #tell(peer: string, fresh: readonly IncomingMessage[]): Promise<void> {
    const { events, book, store } = this.#init
    const accepted = fresh.filter(({ state }) => state === 'accepted')
    if (this.#init.isOnScreen(peer)) await store.markRead(peer)
    for (const message of accepted) events.message(message)
    if (this.#init.isOnScreen(peer)) this.#init.onShown(peer, accepted)
    const last = fresh.findLast(({ state }) => state === 'held')
    if (last === undefined || book.isIgnored(peer)) return
    if (this.#notices.take(1, this.#init.now()) === 1) events.request(await this.#requestView(last))
  }

  async #requestView(last: IncomingMessage): Promise<RequestView> {
    const { fromPeer } = await this.#init.store.heldCounts(last.peer)
    return {
      peer: last.peer,
      name: this.#init.nameOf(last.peer),
      shortId: shortId(last.peer),
      lastText: last.text,
      count: fromPeer
    }
  }
}
