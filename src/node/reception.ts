// What is done with messages that come in: who may write, what is held as a
// request, whose request gives way, what is refused for want of room. Everything
// is stored before it is acknowledged, and told to the user after that.
import { randomBytes } from 'node:crypto'
import type { ChatMessage, Disposition } from '../chat-protocol/index.ts'
import type { Arrival, IncomingMessage, IncomingResult, MessageStore, PeerBook } from '../storage/index.ts'
import { TokenBucket } from '../wire/index.ts'
import { admit } from './admission.ts'
import type { RequestView } from './chat-events.ts'
import type { AcceptPolicy } from './config.ts'
import { EVICTED_RETRY_MS, NO_ROOM_RETRY_MS, QUOTA_RETRY_MS, REQUEST_EXPIRY_MS } from './constants.ts'
import { REQUEST_NOTICE_RATE, REQUEST_TEXT_CHARACTERS } from './constants.ts'
import type { DiskRoom } from './disk-room.ts'
import { RequestRoom, type RoomUse } from './request-room.ts'
import { RoomNotices, type RoomNews } from './room-notices.ts'
import { shortId } from './short-id.ts'

export interface ReceptionInit {
  readonly store: MessageStore
  readonly book: PeerBook
  readonly disk: Pick<DiskRoom, 'limitBytes' | 'isLow' | 'view'>
  readonly policy: AcceptPolicy
  readonly isLan: (peer: string) => boolean
  /** The address class that the peer's connection comes from. */
  readonly originOf: (peer: string) => string
  readonly isOnScreen: (peer: string) => boolean
  /** Messages went straight to the screen. */
  readonly onShown: (peer: string, messages: readonly IncomingMessage[]) => void
  readonly nameOf: (peer: string) => string
  readonly events: {
    message(message: IncomingMessage): void
    request(view: RequestView): void
    room(news: RoomNews): void
  }
  readonly now: () => number
}

/** What was deleted of the requests. */
export interface Cleared {
  readonly strangers: number
  readonly messages: number
}

const STORED: Disposition = { kind: 'stored' }
const HELD: Disposition = { kind: 'held' }
const NO_ROOM: Disposition = { kind: 'refused', reason: 'no-room', retryAfterMs: NO_ROOM_RETRY_MS }
const EVICTED: Disposition = { kind: 'refused', reason: 'evicted', retryAfterMs: EVICTED_RETRY_MS }
const OVER_QUOTA: Disposition = { kind: 'refused', reason: 'quota', retryAfterMs: QUOTA_RETRY_MS }

export class Reception {
  readonly #init: ReceptionInit
  /** A flood of strangers must not become a flood of lines. */
  readonly #notices: TokenBucket
  readonly #roomNotices: RoomNotices
  /** Strangers are admitted one batch after the other, so that none slips past a limit. */
  #admitting: Promise<unknown> = Promise.resolve()
  /** What the store holds of strangers; undefined: to be counted anew. */
  #room: RequestRoom | undefined

  constructor(init: ReceptionInit) {
    this.#init = init
    this.#notices = new TokenBucket(REQUEST_NOTICE_RATE, init.now())
    this.#roomNotices = new RoomNotices({ now: init.now, tell: (news) => init.events.room(news) })
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
    return this.#inTurn(async () => (this.isTrusted(peer) ? this.#take(peer, messages) : this.#hold(peer, messages)))
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
    const held = await store.held({ textLength: REQUEST_TEXT_CHARACTERS })
    const shown = held.filter(({ peer }) => !book.isIgnored(peer) && !book.isBlocked(peer))
    const room = await this.#currentRoom()
    return shown.map((last) => this.#requestView(last, room))
  }

  /** How full the room for requests is. */
  async use(): Promise<RoomUse> {
    return (await this.#currentRoom()).use()
  }

  /** Deletes the held messages of these peers, or of all. A sender learns of it when it sends them again. */
  async clear(peers?: readonly string[]): Promise<Cleared> {
    return this.#inTurn(async () => {
      const { store } = this.#init
      const cleared = peers ?? (await store.held({ textLength: 0 })).map(({ peer }) => peer)
      this.forgetRoom()
      const messages = await store.evictHeld(cleared)
      if (messages > 0) await store.eraseDeleted()
      return { strangers: cleared.length, messages }
    })
  }

  /** Requests without an answer for a month make room, and so do those of blocked peers. */
  async expire(): Promise<void> {
    const { store, book, now } = this.#init
    const held = await store.held({ textLength: 0 })
    const old = held.filter(({ storedAtMs }) => storedAtMs < now() - REQUEST_EXPIRY_MS).map(({ peer }) => peer)
    const blocked = held.filter(({ peer }) => book.isBlocked(peer)).map(({ peer }) => peer)
    const peers = [...new Set([...old, ...blocked])]
    if (peers.length > 0) await this.clear(peers)
    const expired = old.filter((peer) => !book.isBlocked(peer) && !book.isIgnored(peer))
    if (expired.length > 0) this.#init.events.room({ is: 'expired', strangers: expired.length })
  }

  /** What is held has changed in another way than by what came in. */
  forgetRoom(): void {
    this.#room = undefined
  }

  /** Resolves when what has come in is stored. */
  async stop(): Promise<void> {
    await this.#admitting
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#admitting.then(work)
    this.#admitting = turn.catch(() => undefined)
    return turn
  }

  async #take(peer: string, messages: readonly ChatMessage[]): Promise<readonly Disposition[]> {
    const { events, isLan, isOnScreen, onShown } = this.#init
    const { results, fresh } = await this.#store(peer, messages, { state: 'accepted', lan: isLan(peer) })
    for (const message of fresh) events.message(message)
    if (isOnScreen(peer)) onShown(peer, fresh)
    return results.map(fateOf)
  }

  async #hold(peer: string, messages: readonly ChatMessage[]): Promise<readonly Disposition[]> {
    const { store, book, policy, isLan, originOf } = this.#init
    const ids = messages.map(({ id }) => id)
    const sender = { isContact: false, isBlocked: book.isBlocked(peer), isLan: isLan(peer) }
    const mayHold = admit(sender, policy) === 'hold'
    const evicted = await store.takeEvicted(peer, ids)
    const known = await store.knownIncoming(peer, ids)
    const wanted = messages.filter(({ id }) => !known.has(id) && !evicted.has(id)).length
    const room = await this.#currentRoom()
    const newcomer = { peer, origin: originOf(peer), lan: sender.isLan }
    const granted = room.admit(newcomer, mayHold ? wanted : 0, (one) => book.isIgnored(one))
    let places = granted.room
    const taken = messages.filter(({ id }) => known.has(id) || (!evicted.has(id) && places-- > 0))
    try {
      // Asked for at once, what both write is on the disk after one sync.
      const making = granted.evicted.length > 0 ? store.evictHeld(granted.evicted) : undefined
      const { origin, lan } = newcomer
      const [{ results, fresh }] = await Promise.all([this.#store(peer, taken, { state: 'held', lan, origin }), making])
      room.take(newcomer, fresh.length)
      this.#tellRequest(fresh.at(-1), room)
      if (granted.evicted.length > 0 || room.isUnderPressure) this.#roomNotices.crowded(room.use())
      const fates = new Map(results.map((result) => [result.message.id, fateOf(result)]))
      return messages.map(({ id }) => fates.get(id) ?? (evicted.has(id) ? EVICTED : NO_ROOM))
    } catch (error) {
      this.forgetRoom()
      throw error
    }
  }

  /** @returns what became of each, and those that are new */
  async #store(
    peer: string,
    messages: readonly ChatMessage[],
    arrival: Pick<Arrival, 'state' | 'lan' | 'origin'>
  ): Promise<{ readonly results: readonly IncomingResult[]; readonly fresh: readonly IncomingMessage[] }> {
    const { store, disk, isOnScreen, now } = this.#init
    const maxIncomingBytes = disk.limitBytes
    // Asked for at once, what both write is on the disk after one sync.
    const adding = store.addIncoming(peer, messages, { ...arrival, storedAtMs: now(), maxIncomingBytes })
    const marking = isOnScreen(peer) ? store.markRead(peer) : undefined
    const [results] = await Promise.all([adding, marking])
    const fresh: IncomingMessage[] = []
    let isRefused = false
    for (const { message, known, refused } of results) {
      if (refused !== undefined) isRefused = true
      else if (!known) fresh.push(message)
    }
    if (isRefused) this.#roomNotices.refused(disk.isLow ? undefined : peer, disk.view)
    return { results, fresh }
  }

  #tellRequest(last: IncomingMessage | undefined, room: RequestRoom): void {
    const { events, book, now } = this.#init
    if (last === undefined || book.isIgnored(last.peer)) return
    if (this.#notices.take(1, now()) === 1) events.request(this.#requestView(last, room))
  }

  #requestView({ peer, text }: Pick<IncomingMessage, 'peer' | 'text'>, room: RequestRoom): RequestView {
    return {
      peer,
      name: this.#init.nameOf(peer),
      shortId: shortId(peer),
      lastText: text.slice(0, REQUEST_TEXT_CHARACTERS).toWellFormed(),
      count: room.countOf(peer)
    }
  }

  async #currentRoom(): Promise<RequestRoom> {
    this.#room ??= new RequestRoom(await this.#init.store.heldMessages())
    return this.#room
  }
}

function fateOf({ message, refused }: IncomingResult): Disposition {
  if (refused !== undefined) return OVER_QUOTA
  return message.state === 'held' ? HELD : STORED
}
