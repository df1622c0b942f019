// What is done with messages that come in: who may write, what is held as a
// request, whose request gives way, what is refused for want of room, and which
// share one peer has while others write. Everything is stored before it is
// acknowledged, and told to the user after that.
import { randomBytes } from 'node:crypto'
import type { ChatMessage, Disposition } from '../../chat-protocol/index.ts'
import {
  StorageFullError,
  type Arrival,
  type IncomingMessage,
  type IncomingResult,
  type MessageStore,
  type PeerBook
} from '../../storage/index.ts'
import { LruMap, shortId, Wakeup } from '../../lib/index.ts'
import { TokenBucket } from '../../wire/index.ts'
import type { RequestView } from '../api/chat-events.ts'
import type { AcceptPolicy } from '../config/setting-specs.ts'
import type { PeerDirectory } from '../peers/peer-directory.ts'
import type { PeerNetwork } from './peer-sessions.ts'
import { NO_ROOM_RETRY_MS } from './refusals.ts'
import { MAX_HELD_PER_STRANGER, RequestRoom, type RoomUse } from './request-room.ts'
import { FullDisk, QUOTA_RETRY_MS, type DiskRoom } from './disk-room.ts'
import type { NewsReaders } from './news-readers.ts'
import { RoomNotices, type RoomNews, type UnkeptText } from './room-notices.ts'

/** Unanswered requests are deleted after this time: their places are for newer ones. */
export const REQUEST_EXPIRY_MS = 30 * 24 * 60 * 60 * 1_000

/** Characters of a request's newest message in a list: a room full of the longest would be 64 MB. */
export const REQUEST_TEXT_CHARACTERS = 1_000

/**
 * How long the sender of an evicted message is asked to wait, if it does not know this reason: soon it would only evict
 * another.
 */
const EVICTED_RETRY_MS = 3_600_000

/** Requests are announced as they come at this pace, and all of them are listed. */
const REQUEST_NOTICE_RATE = { burst: 30, perSecond: 1 } as const

/** What one peer has on its way while others write: text that is costly to lay out, stored and written to a face in some 20 ms. */
export const INTAKE_SHARE_BYTES = 32 * 1024

/** What a message counts beside its text: storing and writing a short one takes as long as a text of this length. */
export const MESSAGE_COST_BYTES = 512

/** Others count as writing for so long after a message of theirs: people who talk write every few seconds. */
export const OTHERS_WRITE_MS = 10_000

/** The longest wait for a face, whose reader may be gone. A busy machine must not look like that. */
export const MAX_HOLD_MS = 1_000

/** Peers whose messages are on their way; the one that wrote longest ago is forgotten first, which lets it in early. */
const MAX_PEERS_ON_THEIR_WAY = 1_000

export interface ReceptionInit {
  readonly store: MessageStore
  readonly book: PeerBook
  readonly disk: Pick<DiskRoom, 'limitBytes' | 'isLow' | 'view'>
  readonly policy: AcceptPolicy
  /** The faces that read what is stored. */
  readonly readers: NewsReaders
  readonly network: Pick<PeerNetwork, 'isLan' | 'originOf'>
  readonly peers: Pick<PeerDirectory, 'name'>
  readonly screens: Screens
  readonly events: {
    message(message: IncomingMessage): void
    request(view: RequestView): void
    room(news: RoomNews): void
  }
  readonly now: () => number
}

/** Where conversations are open. */
export interface Screens {
  isOnScreen(peer: string): boolean
  /** Messages went straight to the screen. */
  shown(peer: string, messages: readonly IncomingMessage[]): void
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
  readonly #fullDisk = new FullDisk()
  readonly #intake: FairIntake
  /** Who waits for room, in order to read on. */
  readonly #waiting = new Set<Wakeup>()

  constructor(init: ReceptionInit) {
    this.#init = init
    this.#intake = new FairIntake(init)
    this.#notices = new TokenBucket(REQUEST_NOTICE_RATE, init.now())
    this.#roomNotices = new RoomNotices({ now: init.now, tell: (news) => init.events.room(news) })
  }

  /** Contacts, and strangers whom the policy lets in without a question. */
  isTrusted(peer: string): boolean {
    const { book, policy, network } = this.#init
    if (book.isBlocked(peer)) return false
    return book.contact(peer) !== undefined || policy === 'all' || (policy === 'lan' && network.isLan(peer))
  }

  /** @returns what became of each message, in their order; known ones are told as they stand */
  async receive(peer: string, messages: readonly ChatMessage[]): Promise<readonly Disposition[]> {
    if (!this.isTrusted(peer)) return this.#receive(peer, messages)
    const fates: Disposition[] = []
    while (fates.length < messages.length) {
      const piece = await this.#intake.admit(peer, fates.length === 0 ? messages : messages.slice(fates.length))
      const became = await this.#receive(peer, piece)
      fates.push(...became)
      this.#intake.stored(peer, piece, this.#init.store.storedUpTo)
    }
    return fates
  }

  async #receive(peer: string, messages: readonly ChatMessage[]): Promise<readonly Disposition[]> {
    const { now } = this.#init
    const waitMs = this.#fullDisk.waitMs(peer, now())
    if (waitMs !== undefined) return overQuota(messages, waitMs)
    try {
      if (this.isTrusted(peer)) return await this.#take(peer, messages)
      return await this.#inTurn(async () =>
        this.isTrusted(peer) ? this.#take(peer, messages) : this.#hold(peer, messages)
      )
    } catch (error) {
      if (!(error instanceof StorageFullError)) throw error
      this.#roomNotices.full(error.message)
      return overQuota(messages, this.#fullDisk.refused(peer, now()))
    }
  }

  /**
   * Text without an id is new each time it comes; the id that it is stored under is ours. As its sender can't be told
   * that there is no room, this waits until there is.
   *
   * @param lost ends the waiting
   * @returns whether the text was kept
   */
  async receiveText(peer: string, text: string, lost: AbortSignal): Promise<boolean> {
    const id = randomBytes(16).toString('hex')
    const sentAtMs = this.#init.now()
    const room = new Wakeup()
    this.#waiting.add(room)
    try {
      for (;;) {
        const position = await this.#init.store.heldPosition(peer)
        const log = position?.log ?? randomBytes(8).toString('hex')
        const [fate] = await this.receive(peer, [{ id, log, seq: (position?.seq ?? 0) + 1, sentAtMs, text }])
        if (fate?.kind !== 'refused') return true
        if (this.#init.book.isBlocked(peer)) return false
        if (fate.reason === 'no-room' && !this.#init.book.isIgnored(peer)) this.#roomNotices.waits(peer)
        await room.sleep(lost, fate.retryAfterMs)
        if (lost.aborted) return false
      }
    } finally {
      this.#waiting.delete(room)
    }
  }

  /** Something of a peer was read that nobody keeps, and the peer can't be told. */
  unkept(peer: string, what: UnkeptText): void {
    const { book } = this.#init
    if (!book.isIgnored(peer) && !book.isBlocked(peer)) this.#roomNotices.unkept(peer, what)
  }

  /** Strangers with held messages, the newest first; ignored and blocked ones are left out. */
  async requests(): Promise<readonly RequestView[]> {
    const { store, book } = this.#init
    const held = await store.held({ textLength: REQUEST_TEXT_CHARACTERS })
    const shown = held.filter(({ peer }) => !book.isIgnored(peer) && !book.isBlocked(peer))
    const room = await this.#currentRoom()
    return shown.map((last) => this.#requestView(last, room))
  }

  /** All that is held of the peer, in the order in which it came. */
  async heldOf(peer: string): Promise<readonly IncomingMessage[]> {
    const messages = await this.#init.store.history(peer, { limit: MAX_HELD_PER_STRANGER, includeHeld: true })
    return messages.flatMap((message) => (message.direction === 'in' && message.state === 'held' ? [message] : []))
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

  /** Requests from before that time make room, and so do those of blocked peers. */
  async expire(beforeMs: number): Promise<void> {
    const { store, book } = this.#init
    const held = await store.held({ textLength: 0 })
    const old = held.filter(({ storedAtMs }) => storedAtMs < beforeMs).map(({ peer }) => peer)
    const blocked = held.filter(({ peer }) => book.isBlocked(peer)).map(({ peer }) => peer)
    const peers = [...new Set([...old, ...blocked])]
    if (peers.length > 0) await this.clear(peers)
    const expired = old.filter((peer) => !book.isBlocked(peer) && !book.isIgnored(peer))
    if (expired.length > 0) this.#init.events.room({ is: 'expired', strangers: expired.length })
  }

  /** What is held has changed in another way than by what came in. */
  forgetRoom(): void {
    this.#room = undefined
    for (const room of this.#waiting) room.wake()
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
    const { events, screens } = this.#init
    // Where it came from counts only for what is held, and is not asked for here: that would cost a look-up for each batch.
    const { results, fresh } = await this.#store(peer, messages, { state: 'accepted', lan: false })
    for (const message of fresh) events.message(message)
    this.#tellRefused(peer, results)
    if (screens.isOnScreen(peer)) screens.shown(peer, fresh)
    return results.map(fateOf)
  }

  async #hold(peer: string, messages: readonly ChatMessage[]): Promise<readonly Disposition[]> {
    const { store, book, policy, network } = this.#init
    const ids = messages.map(({ id }) => id)
    const sender = { isContact: false, isBlocked: book.isBlocked(peer), isLan: network.isLan(peer) }
    const mayHold = admit(sender, policy) === 'hold'
    const evicted = await store.takeEvicted(peer, ids)
    const known = await store.knownIncoming(peer, ids)
    const wanted = messages.filter(({ id }) => !known.has(id) && !evicted.has(id)).length
    const room = await this.#currentRoom()
    const newcomer = { peer, origin: network.originOf(peer), lan: sender.isLan }
    const granted = room.admit(newcomer, mayHold ? wanted : 0, (one) => book.isIgnored(one))
    let places = granted.room
    const taken = messages.filter(({ id }) => known.has(id) || (!evicted.has(id) && places-- > 0))
    try {
      // Asked for at once, what both write is on the disk after one sync.
      const making = granted.evicted.length > 0 ? store.evictHeld(granted.evicted) : undefined
      const { origin, lan } = newcomer
      const [{ results, fresh }] = await Promise.all([this.#store(peer, taken, { state: 'held', lan, origin }), making])
      room.take(newcomer, fresh.length)
      const accepted = book.contact(peer) === undefined ? undefined : await this.#acceptLate(peer)
      if (accepted === undefined) this.#tellRequest(fresh.at(-1), room)
      this.#tellRefused(peer, results)
      if (granted.evicted.length > 0 || room.isUnderPressure) this.#roomNotices.crowded(room.use())
      const fates = new Map(
        results.map((result) => {
          const { id } = result.message
          return [id, accepted?.has(id) === true ? STORED : fateOf(result)]
        })
      )
      return messages.map(({ id }) => fates.get(id) ?? (evicted.has(id) ? EVICTED : NO_ROOM))
    } catch (error) {
      this.forgetRoom()
      throw error
    }
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

  /** @returns what became of each, and those that are new */
  async #store(
    peer: string,
    messages: readonly ChatMessage[],
    arrival: Pick<Arrival, 'state' | 'lan' | 'origin'>
  ): Promise<{ readonly results: readonly IncomingResult[]; readonly fresh: readonly IncomingMessage[] }> {
    const { store, disk, screens, now } = this.#init
    const maxIncomingBytes = disk.limitBytes
    // Asked for at once, what both write is on the disk after one sync.
    const adding = store.addIncoming(peer, messages, { ...arrival, storedAtMs: now(), maxIncomingBytes })
    const marking = screens.isOnScreen(peer) ? store.markRead(peer) : undefined
    const [results] = await Promise.all([adding, marking])
    const fresh = results.flatMap(({ message, known, refused }) => (refused !== undefined || known ? [] : [message]))
    if (fresh.length > 0) this.#fullDisk.stored()
    return { results, fresh }
  }

  /** That nothing more is stored is read below what was stored before. */
  #tellRefused(peer: string, results: readonly IncomingResult[]): void {
    const { disk } = this.#init
    if (results.some(({ refused }) => refused !== undefined)) {
      this.#roomNotices.refused(disk.isLow ? undefined : peer, disk.view)
    }
  }

  #tellRequest(last: IncomingMessage | undefined, room: RequestRoom): void {
    const { events, book, now } = this.#init
    if (last === undefined || book.isIgnored(last.peer)) return
    if (this.#notices.take(1, now()) === 1) events.request(this.#requestView(last, room))
  }

  #requestView({ peer, text }: Pick<IncomingMessage, 'peer' | 'text'>, room: RequestRoom): RequestView {
    return {
      peer,
      name: this.#init.peers.name(peer),
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

function overQuota(messages: readonly ChatMessage[], retryAfterMs: number): readonly Disposition[] {
  return messages.map(() => ({ kind: 'refused', reason: 'quota', retryAfterMs }))
}

function fateOf({ message, refused }: IncomingResult): Disposition {
  if (refused !== undefined) return OVER_QUOTA
  return message.state === 'held' ? HELD : STORED
}

export interface Sender {
  readonly isContact: boolean
  readonly isBlocked: boolean
  /** Connected over the LAN, by the connection's own address. */
  readonly isLan: boolean
}

export type Admission = 'accept' | 'hold' | 'refuse'

/** An ignored stranger is held like any other: to the other side the two must look alike. */
export function admit(sender: Sender, policy: AcceptPolicy): Admission {
  if (sender.isBlocked) return 'refuse'
  const isTrusted = sender.isContact || policy === 'all' || (policy === 'lan' && sender.isLan)
  return isTrusted ? 'accept' : 'hold'
}

export interface FairIntakeInit {
  readonly readers: Pick<NewsReaders, 'haveTaken' | 'untilTaken'>
  readonly now: () => number
}

interface Sent {
  readonly peer: string
  readonly atMs: number
}

/**
 * How much of one peer's messages may be on its way from the stream to the disk and the faces while other peers write too: a
 * share, so that theirs do not wait behind a flood. It decides when, and stores nothing. A peer that writes alone has no
 * bound but the disk.
 */
export class FairIntake {
  readonly #init: FairIntakeInit
  /** Since the faces had taken all of a peer's messages: what was stored, and up to where. */
  readonly #onTheirWay = new LruMap<string, { readonly bytes: number; readonly position: number }>(
    MAX_PEERS_ON_THEIR_WAY
  )
  /** The last to write, and the last of all others. */
  #newest: Sent | undefined
  #newestOther: Sent | undefined

  constructor(init: FairIntakeInit) {
    this.#init = init
  }

  /** Resolves to as many of the messages as may be stored now, at least one: all of them while no other peer writes. */
  async admit(peer: string, messages: readonly ChatMessage[]): Promise<readonly ChatMessage[]> {
    const { readers, now } = this.#init
    const nowMs = now()
    this.#note(peer, nowMs)
    if (!this.#doOthersWrite(peer, nowMs)) return messages
    const piece = withinShare(messages)
    const before = this.#onTheirWay.get(peer)
    if (before !== undefined && before.bytes + costOf(piece) > INTAKE_SHARE_BYTES) {
      await readers.untilTaken(before.position, MAX_HOLD_MS)
    }
    return piece
  }

  /** @param position of the last of these messages in the history, or a later one */
  stored(peer: string, messages: readonly ChatMessage[], position: number): void {
    const before = this.#onTheirWay.get(peer)
    const stillThere = before === undefined || this.#init.readers.haveTaken(before.position) ? 0 : before.bytes
    this.#onTheirWay.set(peer, { bytes: stillThere + costOf(messages), position })
  }

  #note(peer: string, atMs: number): void {
    if (this.#newest !== undefined && this.#newest.peer !== peer) this.#newestOther = this.#newest
    this.#newest = { peer, atMs }
  }

  /** A clock that was set back makes no share last longer. */
  #doOthersWrite(peer: string, nowMs: number): boolean {
    const other = this.#newest?.peer === peer ? this.#newestOther : this.#newest
    return other !== undefined && Math.abs(nowMs - other.atMs) < OTHERS_WRITE_MS
  }
}

/** The text's length in UTF-16 units is near enough to its bytes, and costs nothing to ask for. */
function costOf(messages: readonly ChatMessage[]): number {
  return messages.reduce((sum, { text }) => sum + text.length + MESSAGE_COST_BYTES, 0)
}

function withinShare(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  let bytes = 0
  const end = messages.findIndex(({ text }, index) => {
    bytes += text.length + MESSAGE_COST_BYTES
    return index > 0 && bytes > INTAKE_SHARE_BYTES
  })
  return end < 0 ? messages : messages.slice(0, end)
}
