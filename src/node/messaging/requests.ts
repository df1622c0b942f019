// What strangers have written, which waits as requests until the user answers: held
// while there is room, listed, and deleted when it gave way or had no answer. Which
// peer is a stranger is the reception's decision, whose request gives way the room's.
import type { ChatMessage, Disposition } from '../../chat-protocol/index.ts'
import { LruSet, shortId } from '../../lib/index.ts'
import type { Arrival, HeldRequest, IncomingMessage, MessageStore, PeerBook } from '../../storage/index.ts'
import { TokenBucket } from '../../wire/index.ts'
import type { RequestView } from '../api/chat-events.ts'
import type { PeerDirectory } from '../peers/peer-directory.ts'
import { NO_ROOM_RETRY_MS } from './refusals.ts'
import { MAX_HELD_PER_STRANGER, MAX_HELD_TOTAL, RequestRoom, type Newcomer, type RoomUse } from './request-room.ts'
import type { RoomNews, RoomNotices } from './room-notices.ts'

/** Unanswered requests are deleted after this time: their places are for newer ones. */
export const REQUEST_EXPIRY_MS = 30 * 24 * 60 * 60 * 1_000

/** Characters of a request's newest message in a list: a room full of the longest would be 64 MB. */
export const REQUEST_TEXT_CHARACTERS = 1_000

/**
 * How long the sender of an evicted message is asked to wait, if it does not know this reason: soon it would only evict
 * another.
 */
const EVICTED_REQUEST_RETRY_MS = 3_600_000

/** Requests are announced as they come at this pace, and all of them are listed. */
const REQUEST_NOTICE_RATE = { burst: 30, perSecond: 1 } as const

/** Puts what has come in on the disk, within what others may fill of it. */
interface Intake {
  store(peer: string, messages: readonly ChatMessage[], arrival: HowItCame): Promise<Stored>
  /** That nothing more is stored is read below what was stored before. */
  tellRefused(peer: string, fates: readonly Disposition[]): void
}

export type HowItCame = Pick<Arrival, 'state' | 'lan' | 'origin' | 'senderName'>

export interface Stored {
  /** What became of each message, in their order. */
  readonly fates: readonly Disposition[]
  /** Those that are new. */
  readonly fresh: readonly IncomingMessage[]
}

export interface RequestsInit {
  readonly store: MessageStore
  readonly book: PeerBook
  readonly peers: Pick<PeerDirectory, 'name' | 'nickname' | 'recall'>
  readonly intake: Intake
  readonly notices: Pick<RoomNotices, 'crowded'>
  readonly events: {
    message(message: IncomingMessage): void
    request(view: RequestView): void
    room(news: RoomNews): void
  }
  /** Something that was held is not any more: there may be room. */
  readonly onRoom: () => void
  readonly now: () => number
}

/** What was deleted of the requests. */
export interface Cleared {
  readonly strangers: number
  readonly messages: number
}

const STORED: Disposition = { kind: 'stored' }
const NO_ROOM: Disposition = { kind: 'refused', reason: 'no-room', retryAfterMs: NO_ROOM_RETRY_MS }
const EVICTED: Disposition = { kind: 'refused', reason: 'evicted', retryAfterMs: EVICTED_REQUEST_RETRY_MS }

export class Requests {
  readonly #init: RequestsInit
  /** A flood of strangers must not become a flood of lines. */
  readonly #announced: TokenBucket
  #lastTurn: Promise<unknown> = Promise.resolve()
  /** What the store holds of strangers, as it was counted once for all; undefined: to be counted anew. */
  #room: Promise<RequestRoom> | undefined
  /** Strangers with held messages whose names were not known when they wrote. */
  readonly #unnamed = new LruSet<string>(MAX_HELD_TOTAL)

  constructor(init: RequestsInit) {
    this.#init = init
    this.#announced = new TokenBucket(REQUEST_NOTICE_RATE, init.now())
  }

  /** Strangers are admitted one batch after the other, so that none slips past a limit. */
  async inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(work)
    this.#lastTurn = turn.catch(() => undefined)
    return turn
  }

  /** Resolves when every turn that was asked for is over. */
  async settled(): Promise<void> {
    await this.#lastTurn
  }

  /**
   * Holds what there is room for. To be called within a turn.
   *
   * @param mayHold false: nothing that is new of the peer is held
   * @returns what became of each message, in their order; known ones are told as they stand
   */
  async hold(newcomer: Newcomer, messages: readonly ChatMessage[], mayHold: boolean): Promise<readonly Disposition[]> {
    const { store, book, intake, notices, peers } = this.#init
    const { peer, origin, lan } = newcomer
    const ids = messages.map(({ id }) => id)
    const evicted = await store.takeEvicted(peer, ids)
    const known = await store.knownIncoming(peer, ids)
    const wanted = messages.filter(({ id }) => !known.has(id) && !evicted.has(id)).length
    const counted = this.#currentRoom()
    const room = await counted
    const granted = room.admit(newcomer, mayHold ? wanted : 0, (one) => book.isIgnored(one))
    let places = granted.room
    const taken = messages.filter(({ id }) => known.has(id) || (!evicted.has(id) && places-- > 0))
    try {
      // Asked for at once, what both write is on the disk after one sync.
      const making = granted.evicted.length > 0 ? store.evictHeld(granted.evicted) : undefined
      const senderName = peers.nickname(peer)
      const arrival = { state: 'held', lan, origin, ...(senderName === undefined ? {} : { senderName }) } as const
      const [{ fates, fresh }] = await Promise.all([intake.store(peer, taken, arrival), making])
      room.take(newcomer, fresh.length)
      // One that was counted meanwhile may lack these.
      if (this.#room !== counted) this.#room = undefined
      if (fresh.length > 0 && senderName === undefined) {
        this.#unnamed.add(peer)
        await this.learnName(peer) // it may have come meanwhile
      }
      const accepted = book.contact(peer) === undefined ? undefined : await this.#acceptLate(peer)
      if (accepted === undefined) this.#announce(fresh.at(-1), room)
      intake.tellRefused(peer, fates)
      if (granted.evicted.length > 0 || room.isUnderPressure) notices.crowded(room.use())
      const became = new Map(
        taken.map(({ id }, index) => [id, accepted?.has(id) === true ? STORED : fates[index]] as const)
      )
      return messages.map(({ id }) => became.get(id) ?? (evicted.has(id) ? EVICTED : NO_ROOM))
    } catch (error) {
      this.forgetRoom()
      throw error
    }
  }

  /** Strangers with held messages, the newest first; ignored and blocked ones are left out. */
  async list(): Promise<readonly RequestView[]> {
    const { store, book } = this.#init
    const held = await store.held({ textLength: REQUEST_TEXT_CHARACTERS })
    this.#recall(held)
    const shown = held.filter(({ peer }) => !book.isIgnored(peer) && !book.isBlocked(peer))
    const room = await this.#currentRoom()
    return shown.map((last) => this.#view(last, room))
  }

  /** Strangers that have written go by the names that they gave then, also when they are away. */
  async recallNames(): Promise<void> {
    const held = await this.#init.store.held({ textLength: 0 })
    this.#recall(held)
    for (const { peer, senderName } of held) if (senderName === undefined) this.#unnamed.add(peer)
  }

  /** There is news of the peer: what it calls itself may be known now, and is kept with what it has written. */
  async learnName(peer: string): Promise<void> {
    const { peers, store } = this.#init
    const name = peers.nickname(peer)
    if (name === undefined || !this.#unnamed.delete(peer)) return
    // What can't be kept now is known as long as this process runs.
    await store.nameSender(peer, name).catch(() => this.#unnamed.add(peer))
  }

  /** All that is held of the peer, in the order in which it came. */
  async heldOf(peer: string): Promise<readonly IncomingMessage[]> {
    const messages = await this.#init.store.history(peer, { limit: MAX_HELD_PER_STRANGER, includeHeld: true })
    return messages.flatMap((message) => (message.direction === 'in' && message.state === 'held' ? [message] : []))
  }

  /** How full the room is. */
  async use(): Promise<RoomUse> {
    return (await this.#currentRoom()).use()
  }

  /** Deletes the held messages of these peers, or of all. A sender learns of it when it sends them again. */
  async clear(peers?: readonly string[]): Promise<Cleared> {
    return this.inTurn(async () => {
      const { store } = this.#init
      const cleared = peers ?? (await store.held({ textLength: 0 })).map(({ peer }) => peer)
      const messages = await store.evictHeld(cleared).finally(() => this.forgetRoom())
      if (messages > 0) await store.eraseDeleted()
      return { strangers: cleared.length, messages }
    })
  }

  /** Requests from before that time make room, and so do those of blocked peers. */
  async expire(beforeMs: number): Promise<void> {
    const { store, book, events } = this.#init
    const held = await store.held({ textLength: 0 })
    const old = held.filter(({ storedAtMs }) => storedAtMs < beforeMs).map(({ peer }) => peer)
    const blocked = held.filter(({ peer }) => book.isBlocked(peer)).map(({ peer }) => peer)
    const peers = [...new Set([...old, ...blocked])]
    if (peers.length > 0) await this.clear(peers)
    const expired = old.filter((peer) => !book.isBlocked(peer) && !book.isIgnored(peer))
    if (expired.length > 0) events.room({ is: 'expired', strangers: expired.length })
  }

  /** What is held has changed in another way than by what came in. */
  forgetRoom(): void {
    this.#room = undefined
    this.#init.onRoom()
  }

  #recall(held: readonly HeldRequest[]): void {
    for (const { peer, senderName } of held) if (senderName !== undefined) this.#init.peers.recall(peer, senderName)
  }

  /**
   * The user has accepted the peer while its messages were being stored as a stranger's: they are no request any more.
   *
   * @returns the ids of those that no other call has accepted
   */
  async #acceptLate(peer: string): Promise<ReadonlySet<string>> {
    const accepted = await this.#init.store.acceptHeld(peer)
    this.forgetRoom()
    for (const message of accepted) this.#init.events.message(message)
    return new Set(accepted.map(({ id }) => id))
  }

  #announce(last: IncomingMessage | undefined, room: RequestRoom): void {
    const { events, book, now } = this.#init
    if (last === undefined || book.isIgnored(last.peer)) return
    if (this.#announced.take(1, now()) === 1) events.request(this.#view(last, room))
  }

  #view({ peer, text }: Pick<IncomingMessage, 'peer' | 'text'>, room: RequestRoom): RequestView {
    return {
      peer,
      name: this.#init.peers.name(peer),
      shortId: shortId(peer),
      lastText: text.slice(0, REQUEST_TEXT_CHARACTERS).toWellFormed(),
      count: room.countOf(peer)
    }
  }

  #currentRoom(): Promise<RequestRoom> {
    if (this.#room !== undefined) return this.#room
    const counted = this.#init.store.heldMessages().then((held) => new RequestRoom(held))
    this.#room = counted
    counted.catch(() => {
      if (this.#room === counted) this.#room = undefined
    })
    return counted
  }
}
