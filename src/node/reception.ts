// What is done with messages that come in: who may write, what is held as a
// request, what is refused for want of room. Everything is stored before it is
// acknowledged, and told to the user after that.
import { randomBytes } from 'node:crypto'
import type { ChatMessage, Disposition } from '../chat-protocol/index.ts'
import type { ArrivalState, IncomingMessage, MessageStore, PeerBook } from '../storage/index.ts'
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

const STORED: Disposition = { kind: 'stored' }
const HELD: Disposition = { kind: 'held' }
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
    const { taken, state } = await this.#admit(peer, messages)
    const init = { state, lan: this.#init.isLan(peer), storedAtMs: this.#init.now() } as const
    // Asked for at once, what both write is on the disk after one sync.
    const adding = this.#init.store.addIncoming(peer, taken, init)
    const marking = this.#init.isOnScreen(peer) ? this.#init.store.markRead(peer) : undefined
    const [results] = await Promise.all([adding, marking])
    const fresh: IncomingMessage[] = []
    for (const { message, known } of results) if (!known) fresh.push(message)
    await this.#tell(peer, fresh)
    if (taken === messages) return results.map(({ message }) => fateOf(message))
    const fates = new Map(results.map(({ message }) => [message.id, fateOf(message)]))
    return messages.map(({ id }) => fates.get(id) ?? REFUSED)
  }

  /** What is taken of these: all of it, or what is known and what there is room for. */
  async #admit(
    peer: string,
    messages: readonly ChatMessage[]
  ): Promise<{ readonly taken: readonly ChatMessage[]; readonly state: ArrivalState }> {
    if (this.isTrusted(peer)) return { taken: messages, state: 'accepted' }
    const { store, book, policy, isLan } = this.#init
    const sender = { isContact: false, isBlocked: book.isBlocked(peer), isLan: isLan(peer) }
    const admission = admit(sender, policy, await store.heldCounts(peer))
    if (admission.kind === 'accept') return { taken: messages, state: 'accepted' }
    const ids = messages.map(({ id }) => id)
    const known = await store.knownIncoming(peer, ids)
    let room = admission.kind === 'hold' ? admission.room : 0
    return { taken: messages.filter(({ id }) => known.has(id) || room-- > 0), state: 'held' }
  }

  async #tell(peer: string, fresh: readonly IncomingMessage[]): Promise<void> {
    const { events, book } = this.#init
    const accepted = fresh.filter(({ state }) => state === 'accepted')
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

function fateOf({ state }: IncomingMessage): Disposition {
  return state === 'held' ? HELD : STORED
}
