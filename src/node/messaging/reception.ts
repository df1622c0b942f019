// What is done with messages that come in: who may write, what waits as a request,
// what is refused for want of room, and which share one peer has while others write.
// Everything is stored before it is acknowledged, and told to the user after that.
import { randomBytes } from 'node:crypto'
import type { ChatMessage, Disposition } from '../../chat-protocol/index.ts'
import {
  StorageFullError,
  type IncomingMessage,
  type IncomingResult,
  type MessageStore,
  type PeerBook
} from '../../storage/index.ts'
import { LruMap, Wakeup } from '../../lib/index.ts'
import type { AcceptPolicy } from '../config/setting-specs.ts'
import type { PeerNetwork } from './peer-sessions.ts'
import { Requests, type HowItCame, type RequestsInit, type Stored } from './requests.ts'
import { FullDisk, QUOTA_RETRY_MS, type DiskRoom } from './disk-room.ts'
import type { NewsReaders } from './news-readers.ts'
import { RoomNotices, type UnkeptText } from './room-notices.ts'

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
  readonly peers: RequestsInit['peers']
  readonly screens: Screens
  readonly events: RequestsInit['events']
  readonly now: () => number
}

/** Where conversations are open. */
export interface Screens {
  isOnScreen(peer: string): boolean
  /** Messages went straight to the screen. */
  shown(peer: string, messages: readonly IncomingMessage[]): void
}

const STORED: Disposition = { kind: 'stored' }
const HELD: Disposition = { kind: 'held' }
const OVER_QUOTA: Disposition = { kind: 'refused', reason: 'quota', retryAfterMs: QUOTA_RETRY_MS }

export class Reception {
  readonly requests: Requests
  readonly #init: ReceptionInit
  readonly #roomNotices: RoomNotices
  readonly #fullDisk = new FullDisk()
  readonly #intake: FairIntake
  /** Who waits for room, in order to read on. */
  readonly #waiting = new Set<Wakeup>()

  constructor(init: ReceptionInit) {
    this.#init = init
    this.#intake = new FairIntake(init)
    this.#roomNotices = new RoomNotices({ now: init.now, tell: (news) => init.events.room(news) })
    this.requests = new Requests({
      ...init,
      notices: this.#roomNotices,
      intake: {
        store: async (peer, messages, arrival) => this.#store(peer, messages, arrival),
        tellRefused: (peer, fates) => this.#tellRefused(peer, fates)
      },
      onRoom: () => {
        for (const room of this.#waiting) room.wake()
      }
    })
  }

  /** Contacts, and strangers whom the policy lets in without a question. */
  isTrusted(peer: string): boolean {
    const { book, policy, network } = this.#init
    if (book.isBlocked(peer)) return false
    if (book.contact(peer) !== undefined) return true
    return !book.isIgnored(peer) && (policy === 'all' || (policy === 'lan' && network.isLan(peer)))
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
      return await this.requests.inTurn(async () =>
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

  /** Resolves when what has come in is stored. */
  async stop(): Promise<void> {
    await this.requests.settled()
  }

  async #take(peer: string, messages: readonly ChatMessage[]): Promise<readonly Disposition[]> {
    const { events, screens } = this.#init
    // Where it came from counts only for what is held, and is not asked for here: that would cost a look-up for each batch.
    const { fates, fresh } = await this.#store(peer, messages, { state: 'accepted', lan: false })
    for (const message of fresh) events.message(message)
    this.#tellRefused(peer, fates)
    if (screens.isOnScreen(peer)) screens.shown(peer, fresh)
    return fates
  }

  async #hold(peer: string, messages: readonly ChatMessage[]): Promise<readonly Disposition[]> {
    const { book, policy, network } = this.#init
    const lan = network.isLan(peer)
    const [isBlocked, isIgnored] = [book.isBlocked(peer), book.isIgnored(peer)]
    const admission = admit({ isContact: false, isBlocked, isIgnored, isLan: lan }, policy)
    return this.requests.hold({ peer, origin: network.originOf(peer), lan }, messages, admission === 'hold')
  }

  async #store(peer: string, messages: readonly ChatMessage[], arrival: HowItCame): Promise<Stored> {
    const { store, disk, screens, now } = this.#init
    const maxIncomingBytes = disk.limitBytes
    // Asked for at once, what both write is on the disk after one sync.
    const adding = store.addIncoming(peer, messages, { ...arrival, storedAtMs: now(), maxIncomingBytes })
    const marking = screens.isOnScreen(peer) ? store.markRead(peer) : undefined
    const [results] = await Promise.all([adding, marking])
    const fresh = results.flatMap(({ message, known, refused }) => (refused !== undefined || known ? [] : [message]))
    if (fresh.length > 0) this.#fullDisk.stored()
    return { fates: results.map(fateOf), fresh }
  }

  #tellRefused(peer: string, fates: readonly Disposition[]): void {
    const { disk } = this.#init
    if (fates.includes(OVER_QUOTA)) this.#roomNotices.refused(disk.isLow ? undefined : peer, disk.view)
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
  /** The user does not want to hear the stranger, whatever the policy. Default false. */
  readonly isIgnored?: boolean
  /** Connected over the LAN, by the connection's own address. */
  readonly isLan: boolean
}

export type Admission = 'accept' | 'hold' | 'refuse'

/** An ignored stranger is held like any other: to the other side the two must look alike. */
export function admit(sender: Sender, policy: AcceptPolicy): Admission {
  if (sender.isBlocked) return 'refuse'
  const isAdmitted = policy === 'all' || (policy === 'lan' && sender.isLan)
  const isTrusted = sender.isContact || (isAdmitted && sender.isIgnored !== true)
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
  return messages.reduce((sum, message) => sum + costOfOne(message), 0)
}

/** A file takes its sender as few bytes as a short message. */
function costOfOne({ text, files = [] }: ChatMessage): number {
  return text.length + MESSAGE_COST_BYTES * (1 + files.length)
}

function withinShare(messages: readonly ChatMessage[]): readonly ChatMessage[] {
  let bytes = 0
  const end = messages.findIndex((message, index) => {
    bytes += costOfOne(message)
    return index > 0 && bytes > INTAKE_SHARE_BYTES
  })
  return end < 0 ? messages : messages.slice(0, end)
}
