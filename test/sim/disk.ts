// The history of one conversation on a disk that can be full, and that loses what
// was not synced when its process is killed. The rules of the history are those of
// `MessageStore`, and disk.test.ts holds them to the store of the program; here they
// take microseconds, so that thousands of histories can be simulated.
import type { DeliveryState, LogPosition, OwnPosition } from '../../src/storage/index.ts'
import { Pipe, type Simulation } from './network.ts'

/** An own message. */
export interface Sent extends LogPosition {
  readonly id: string
  readonly text: string
  readonly state: DeliveryState
  /** Its place in the outbox, while it is pending or held. */
  readonly place: number | undefined
}

export interface Received extends LogPosition {
  readonly id: string
  readonly text: string
  readonly state: 'held' | 'accepted'
}

const rank: Record<DeliveryState, number> = { pending: 0, failed: 0, held: 1, unconfirmed: 2, delivered: 3 }

/** A conversation as it is stored. It never changes: each change makes another one, and the disk chooses which one stays. */
export class Conversation {
  readonly own: OwnPosition
  readonly theirs: LogPosition | undefined
  readonly nextPlace: number
  /** By ID, in the order in which they were stored. */
  readonly sent: ReadonlyMap<string, Sent>
  readonly received: ReadonlyMap<string, Received>

  constructor(fields: Pick<Conversation, 'own' | 'theirs' | 'nextPlace' | 'sent' | 'received'>) {
    this.own = fields.own
    this.theirs = fields.theirs
    this.nextPlace = fields.nextPlace
    this.sent = fields.sent
    this.received = fields.received
  }

  static empty(log: string): Conversation {
    const own = { log, seq: 0, sentSeq: 0 }
    return new Conversation({ own, theirs: undefined, nextPlace: 1, sent: new Map(), received: new Map() })
  }

  /** @param leave as in `MessageStore.addAllOutgoing` */
  add(messages: readonly { readonly id: string; readonly text: string }[], leave: boolean): Conversation {
    const sent = new Map(this.sent)
    let { nextPlace } = this
    let { seq } = this.own
    for (const { id, text } of messages) {
      sent.set(id, { id, text, log: this.own.log, seq: ++seq, state: 'pending', place: nextPlace++ })
    }
    const sentSeq = leave ? seq : this.own.sentSeq
    return this.#with({ sent, nextPlace, own: { ...this.own, seq, sentSeq } })
  }

  waiting(after: number, limit: number): readonly Sent[] {
    const waiting = [...this.sent.values()].filter(({ place }) => place !== undefined && place > after)
    return waiting.toSorted((a, b) => (a.place ?? 0) - (b.place ?? 0)).slice(0, limit)
  }

  move(ids: readonly string[], state: DeliveryState): Conversation {
    return this.#change(ids, (before) => {
      const may =
        state === 'failed' ? isWaiting(before.state) : before.state !== state && rank[before.state] <= rank[state]
      return may ? state : undefined
    })
  }

  cancel(ids: readonly string[]): Conversation {
    return this.#change(ids, (before) => (isWaiting(before.state) ? 'failed' : undefined))
  }

  retry(ids: readonly string[]): Conversation {
    return this.#change(ids, (before) => (before.state === 'failed' ? 'pending' : undefined))
  }

  noteSent(positions: readonly LogPosition[]): Conversation {
    const { own } = this
    const sentSeq = positions.reduce(
      (most, { log, seq }) => (log === own.log ? Math.max(most, seq) : most),
      own.sentSeq
    )
    return sentSeq === own.sentSeq ? this : this.#with({ own: { ...own, sentSeq } })
  }

  startNewLog(log: string, follows: string): Conversation {
    const sent = new Map(this.sent)
    let seq = 0
    for (const one of this.waiting(0, Infinity)) {
      if (one.state === 'pending') sent.set(one.id, { ...one, log, seq: ++seq })
    }
    return this.#with({ sent, own: { log, seq, sentSeq: 0, follows } })
  }

  receive(messages: readonly Omit<Received, 'state'>[], state: Received['state']): Conversation {
    const received = new Map(this.received)
    let { theirs } = this
    for (const { id, log, seq, text } of messages) {
      if (received.has(id)) continue
      received.set(id, { id, log, seq, text, state })
      if (theirs?.log !== log || theirs.seq < seq) theirs = { log, seq }
    }
    return this.#with({ received, theirs })
  }

  acceptHeld(): Conversation {
    const received = new Map<string, Received>()
    for (const [id, message] of this.received) received.set(id, { ...message, state: 'accepted' })
    return this.#with({ received })
  }

  #change(ids: readonly string[], stateAfter: (before: Sent) => DeliveryState | undefined): Conversation {
    const sent = new Map(this.sent)
    let { nextPlace, own } = this
    for (const id of ids) {
      const before = sent.get(id)
      const state = before === undefined ? undefined : stateAfter(before)
      if (before === undefined || state === undefined) continue
      const joins = isWaiting(state) && !isWaiting(before.state)
      if (joins && before.log !== own.log) own = { ...own, seq: own.seq + 1 }
      const number = joins && before.log !== own.log ? { log: own.log, seq: own.seq } : {}
      const place = joins ? nextPlace++ : isWaiting(state) ? before.place : undefined
      sent.set(id, { ...before, ...number, state, place })
    }
    return this.#with({ sent, nextPlace, own })
  }

  #with(changed: Partial<Pick<Conversation, 'own' | 'theirs' | 'nextPlace' | 'sent' | 'received'>>): Conversation {
    const { own, theirs, nextPlace, sent, received } = this
    return new Conversation({ own, theirs, nextPlace, sent, received, ...changed })
  }
}

function isWaiting(state: DeliveryState): boolean {
  return state === 'pending' || state === 'held'
}

/** A disk is full, or it can't be reached. */
export class DiskFault extends Error {
  override readonly name = 'DiskFault'
}

/**
 * Each read sees what was asked for before it, and a change is told when it is on the disk: as `CommitQueue` has it.
 */
export class Disk {
  readonly #simulation: Simulation
  readonly #syncs: Pipe<() => void>
  /** What the process sees. */
  #state: Conversation
  /** What has been told to be on the disk, and each later state: the disk may have any of them. */
  #versions: Conversation[]
  #life = 0
  /** Nothing can be written. */
  isFull = false
  /** Nothing can be read either. */
  isBroken = false

  constructor(simulation: Simulation, name: string, log: string) {
    this.#simulation = simulation
    this.#syncs = new Pipe(simulation, { name, delayMs: [0, 20], onItem: (reached) => reached() })
    this.#state = Conversation.empty(log)
    this.#versions = [this.#state]
  }

  /** What has been told to be on the disk. */
  get durable(): Conversation {
    return this.#versions[0] ?? this.#state
  }

  get state(): Conversation {
    return this.#state
  }

  read<T>(look: (state: Conversation) => T, then: (value: T | DiskFault) => void): void {
    this.#after(this.isBroken ? new DiskFault('broken') : look(this.#state), then)
  }

  write<T>(
    change: (state: Conversation) => Conversation,
    look: (after: Conversation) => T,
    then: (value: T | DiskFault) => void
  ): void {
    if (this.isFull || this.isBroken) return this.#after(new DiskFault('full'), then)
    this.#state = change(this.#state)
    this.#versions.push(this.#state)
    this.#after(look(this.#state), then)
  }

  /** The process ends: what was told stays, and perhaps some of what was not. */
  kill(): void {
    this.#restart(this.#simulation.random.choose(this.#versions))
  }

  /** The process ends, and its history is replaced with an earlier copy. */
  restore(copy: Conversation): void {
    this.#restart(copy)
  }

  #restart(state: Conversation): void {
    this.#life++
    this.#state = state
    this.#versions = [state]
  }

  #after<T>(value: T, then: (value: T) => void): void {
    const life = this.#life
    const reached = this.#state
    this.#syncs.send(() => {
      if (life !== this.#life) return
      this.#versions.splice(0, Math.max(0, this.#versions.indexOf(reached)))
      then(value)
    })
  }
}
