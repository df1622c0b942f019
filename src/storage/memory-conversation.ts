// One conversation of the store in memory: its messages in their order, the ids
// that it knows, its outbox. It knows no other conversation and no positions
// but those it is given.
import { randomBytes } from 'node:crypto'
import { CANCELLED_REASON, isInOutbox, mayMove } from './delivery-rank.ts'
import { IdMap } from './id-map.ts'
import { inState, pendingMessage } from './message-copies.ts'
import { newMessageId } from './message-id.ts'
import { reachedIn } from './own-position.ts'
import { messageBytes } from './schema.ts'
import type {
  Arrival,
  ArrivalState,
  DeliveryState,
  HeldMessage,
  HistoryEntry,
  IncomingMessage,
  LogPosition,
  NewOutgoing,
  OutboxEntry,
  OutgoingMessage,
  OwnPosition,
  StoredMessage
} from './message-store.ts'

interface Entry {
  readonly position: number
  message: StoredMessage
  /** Of a held message: whether it came over the LAN, and from where. */
  readonly lan: boolean
  readonly origin: string | undefined
  /** Of an own message: when it joined the outbox, for the first or another time. */
  waitsSinceMs: number
  /** Of an own message: its place in the outbox; 0 when it is not in there. */
  place: number
}

export class MemoryConversation {
  /** In the order of their positions. */
  #entries: Entry[] = []
  /** By id, apart for each direction: the two sides choose ids without each other. */
  readonly #outgoing = new IdMap<Entry>()
  /** An id that was deleted here stays known, with the state that it left in. */
  readonly #incoming = new IdMap<Entry | ArrivalState>()
  /** Own messages without a final receipt, by their place. */
  readonly #outbox = new Map<number, Entry>()
  /** Requests that wait for the user, in their order. */
  readonly #held = new Set<Entry>()
  #nextPlace = 1
  #incomingBytes = 0
  #readUpTo = 0
  #own: OwnPosition = newLog()
  theirs: LogPosition | undefined
  readonly #now: () => number

  constructor(now: () => number) {
    this.#now = now
  }

  get own(): OwnPosition {
    return this.#own
  }

  noteSent(positions: readonly LogPosition[]): void {
    this.#own = { ...this.#own, sentSeq: reachedIn(this.#own, positions) }
  }

  startNewLog(follows?: string): void {
    this.#own = { ...newLog(), ...(follows === undefined ? {} : { follows }) }
    for (const entry of this.#outbox.values()) {
      const { message } = entry
      if (message.direction === 'out' && message.state === 'pending') entry.message = this.#numbered(message)
    }
  }

  /** The newest message that is no request. */
  get last(): HistoryEntry | undefined {
    return this.#entries.findLast(({ message }) => !isHeld(message))
  }

  /** @returns the message as it was stored, with its place in the outbox */
  addOutgoing(position: number, peer: string, init: NewOutgoing, nowMs: number): OutboxEntry {
    const { log } = this.#own
    const seq = this.#own.seq + 1
    const id = init.id ?? newMessageId(nowMs)
    const message = pendingMessage(peer, init, { id, log, seq, sentAtMs: init.sentAtMs, storedAtMs: nowMs })
    const entry: Entry = {
      position,
      message,
      lan: false,
      origin: undefined,
      waitsSinceMs: nowMs,
      place: this.#nextPlace++
    }
    this.#own = { ...this.#own, seq }
    this.#entries.push(entry)
    this.#outgoing.set(id, entry)
    this.#outbox.set(entry.place, entry)
    return { position: entry.place, message }
  }

  addIncoming(position: number, message: IncomingMessage, { lan, origin }: Pick<Arrival, 'lan' | 'origin'>): void {
    const entry: Entry = { position, message, lan, origin, waitsSinceMs: message.storedAtMs, place: 0 }
    this.#entries.push(entry)
    this.#incoming.set(message.id, entry)
    if (message.state === 'held') this.#held.add(entry)
    this.#incomingBytes += messageBytes(message.text)
    if (this.theirs?.log !== message.log || this.theirs.seq < message.seq) {
      this.theirs = { log: message.log, seq: message.seq }
    }
  }

  /** What is known of an incoming id; a bare state when the message itself was deleted. */
  known(id: string): IncomingMessage | ArrivalState | undefined {
    const known = this.#incoming.get(id)
    if (typeof known !== 'object') return known
    return known.message.direction === 'in' ? known.message : undefined
  }

  outgoing(id: string): OutgoingMessage | undefined {
    const message = this.#outgoing.get(id)?.message
    return message?.direction === 'out' ? message : undefined
  }

  unreceipted(after: number, limit: number): readonly OutboxEntry[] {
    const waiting: OutboxEntry[] = []
    for (const entry of this.#placedAfter(after)) {
      if (waiting.length === limit) break
      const { place: position, message } = entry
      if (message.direction === 'out') waiting.push({ position, message })
    }
    return waiting
  }

  /** Whoever is near the end does not go past all that waits for a receipt. */
  *#placedAfter(after: number): Generator<Entry> {
    if (this.#nextPlace - after > this.#outbox.size) {
      for (const [place, entry] of this.#outbox) if (place > after) yield entry
      return
    }
    for (let place = after + 1; place < this.#nextPlace; place++) {
      const entry = this.#outbox.get(place)
      if (entry !== undefined) yield entry
    }
  }

  hasPending(): boolean {
    for (const { message } of this.#outbox.values()) if (message.state === 'pending') return true
    return false
  }

  failPending(options: { waitingBeforeMs: number; reason: string; limit: number }): readonly OutgoingMessage[] {
    return [...this.#outbox.values()]
      .filter(({ message, waitsSinceMs }) => message.state === 'pending' && waitsSinceMs < options.waitingBeforeMs)
      .slice(0, options.limit)
      .flatMap(({ message }) =>
        message.direction === 'out' ? [this.#replace({ ...message, state: 'failed', reason: options.reason })] : []
      )
  }

  move(id: string, state: DeliveryState, reason?: string): OutgoingMessage | undefined {
    const before = this.outgoing(id)
    if (before === undefined || !mayMove(before.state, state)) return undefined
    return this.#replace(inState(before, state, reason))
  }

  cancel(id: string): OutgoingMessage | undefined {
    const before = this.outgoing(id)
    if (before === undefined || !isInOutbox(before.state)) return undefined
    return this.#replace({ ...before, state: 'failed', reason: CANCELLED_REASON })
  }

  see(id: string, seenAtMs: number): OutgoingMessage | undefined {
    const before = this.outgoing(id)
    if (before === undefined || before.seenAtMs !== undefined) return undefined
    return this.#replace({ ...inState(before, 'delivered'), seenAtMs })
  }

  acceptHeld(): readonly IncomingMessage[] {
    const accepted: IncomingMessage[] = []
    for (const entry of this.#held) {
      if (entry.message.direction !== 'in') continue
      const message: IncomingMessage = { ...entry.message, state: 'accepted' }
      entry.message = message
      accepted.push(message)
    }
    this.#held.clear()
    return accepted
  }

  get newestHeld(): IncomingMessage | undefined {
    let newest: IncomingMessage | undefined
    for (const { message } of this.#held) if (message.direction === 'in') newest = message
    return newest
  }

  held(): readonly { readonly position: number; readonly held: HeldMessage }[] {
    return [...this.#held].map(({ position, message: { peer }, lan, origin }) => ({
      position,
      held: origin === undefined ? { peer, lan } : { peer, lan, origin }
    }))
  }

  /** @returns the ids of the messages that are gone */
  evictHeld(): readonly string[] {
    const ids = [...this.#held].map(({ message }) => message.id)
    const evicted = new Set(ids)
    this.#delete((message) => message.direction === 'in' && evicted.has(message.id))
    for (const id of ids) this.#incoming.delete(id)
    return ids
  }

  /** What its incoming messages take. */
  get incomingBytes(): number {
    return this.#incomingBytes
  }

  /** Messages between two positions, without these, oldest first. */
  entries(after: number, before: number, includeHeld: boolean): readonly HistoryEntry[] {
    return this.#entries
      .filter(({ position, message }) => position > after && position < before && (includeHeld || !isHeld(message)))
      .map(({ position, message }) => ({ position, message }))
  }

  unread(): number {
    let count = 0
    for (let index = this.#entries.length - 1; index >= 0; index--) {
      const entry = this.#entries[index]
      if (entry === undefined || entry.position <= this.#readUpTo) break
      if (entry.message.direction === 'in') count++
    }
    return count
  }

  markRead(): void {
    this.#readUpTo = this.#entries.at(-1)?.position ?? this.#readUpTo
  }

  deleteAll(): number {
    return this.#delete(() => true)
  }

  deleteOlderThan(storedBeforeMs: number): number {
    return this.#delete((message) => {
      const waits = message.direction === 'out' ? isInOutbox(message.state) : message.state === 'held'
      return message.storedAtMs < storedBeforeMs && !waits
    })
  }

  /** Deletes messages; incoming ids stay known. */
  #delete(isDeleted: (message: StoredMessage) => boolean): number {
    const before = this.#entries.length
    this.#entries = this.#entries.filter((entry) => {
      const { message } = entry
      if (!isDeleted(message)) return true
      this.#held.delete(entry)
      if (message.direction === 'in') {
        this.#incoming.set(message.id, message.state)
        this.#incomingBytes -= messageBytes(message.text)
      } else this.#dropOutgoing(entry)
      return false
    })
    return before - this.#entries.length
  }

  #dropOutgoing(entry: Entry): void {
    this.#outgoing.delete(entry.message.id)
    this.#outbox.delete(entry.place)
  }

  #numbered(message: OutgoingMessage): OutgoingMessage {
    const { log, seq } = this.#own
    this.#own = { ...this.#own, seq: seq + 1 }
    return { ...message, log, seq: seq + 1 }
  }

  #replace(message: OutgoingMessage): OutgoingMessage {
    const entry = this.#outgoing.get(message.id)
    if (entry === undefined) return message
    const waited = entry.message.direction === 'out' && isInOutbox(entry.message.state)
    const rejoins = isInOutbox(message.state) && !waited
    const after = rejoins && message.log !== this.#own.log ? this.#numbered(message) : message
    entry.message = after
    if (isInOutbox(after.state)) {
      if (waited) return after
      entry.waitsSinceMs = this.#now()
      entry.place = this.#nextPlace++
      this.#outbox.set(entry.place, entry)
    } else if (waited) {
      this.#outbox.delete(entry.place)
      entry.place = 0
    }
    return after
  }
}

function isHeld(message: StoredMessage): boolean {
  return message.direction === 'in' && message.state === 'held'
}

function newLog(): OwnPosition {
  return { log: randomBytes(8).toString('hex'), seq: 0, sentSeq: 0 }
}
