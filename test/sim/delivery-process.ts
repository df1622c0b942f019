// One process of a simulated peer: OutboxLogic, SessionLogic, the receipts and the
// decisions of the reception, carried out on a simulated disk and simulated streams
// as the program carries them out.
import type { Dialect } from '../../src/chat-protocol/index.ts'
import { sizedMessage, type SizedMessage } from '../../src/chat-protocol/frame-codec.ts'
import type { ChatMessage, HeldMark, OutgoingFrame, RefuseReason } from '../../src/chat-protocol/frames.ts'
import type { Disposition } from '../../src/chat-protocol/application.ts'
import { answer, receiptsById } from '../../src/chat-protocol/inbound.ts'
import { SessionLogic, type SessionEffect, type SessionEvent } from '../../src/chat-protocol/session.ts'
import { resendMs } from '../../src/node/messaging/refusals.ts'
import { isFromHere } from '../../src/node/messaging/peer-sessions.ts'
import {
  OutboxLogic,
  STORE_RETRY_MS,
  type OutboxAnswer,
  type OutboxEffect,
  type OutboxEvent
} from '../../src/node/messaging/outbox.ts'
import { FullDisk } from '../../src/node/messaging/disk-room.ts'
import { isFinal } from '../../src/node/messaging/refusals.ts'
import type { OutboxEntry } from '../../src/storage/index.ts'
import type { Side, World } from './delivery.ts'
import { cut, type End } from './delivery-streams.ts'
import { DiskFault, type Conversation, type Sent } from './disk.ts'
import { Pipe, type Planned, type Simulation } from './network.ts'

/** Of a link: one overtakes another. */
const DELAYS_MS = [
  [1, 20],
  [1, 80],
  [100, 500]
] as const

/** One process. */
export class Life {
  readonly side: Side
  readonly #world: World
  readonly #simulation: Simulation
  readonly #outbox = new OutboxLogic()
  readonly #session: SessionLogic
  readonly #fullDisk: FullDisk
  readonly #ends = new Map<number, End>()
  /** What is on the wire without an answer, counted apart from the window that bounds it. */
  readonly #unconfirmed = new Map<string, number>()
  #outboxTimer: Planned | undefined
  #sessionTimer: Planned | undefined
  #dialect: Dialect | undefined
  /** The other side has said that it takes nothing before. */
  #pausedUntilMs = 0
  #nextEnd = 1
  #nextBatch = 1
  #isOver = false

  constructor(side: Side) {
    this.side = side
    this.#world = side.world
    this.#simulation = side.world.simulation
    this.#session = new SessionLogic(side.name === 'a' ? 'us' : 'them', side.world.limits)
    this.#fullDisk = new FullDisk(() => this.#simulation.random.next())
  }

  get hasSession(): boolean {
    return this.#dialect !== undefined
  }

  get isKilled(): boolean {
    return this.#isOver
  }

  get ends(): readonly End[] {
    return [...this.#ends.values()]
  }

  /** The process is killed. */
  end(): void {
    this.#isOver = true
    for (const end of this.ends) cut(this.#simulation, end)
    this.#outboxTimer?.cancel()
    this.#sessionTimer?.cancel()
  }

  /** A stream breaks, or the other side closes it as it should. */
  lose(end: End, isClean: boolean): void {
    this.#abort(end, isClean ? undefined : new Error('the stream was lost'))
  }

  // What the user does.

  store(count: number): void {
    const { side } = this
    const messages = Array.from({ length: count }, () => {
      const id = side.newId()
      return { id, text: `${id} ${'x'.repeat(this.#simulation.between(0, 200))}` }
    })
    const leave = this.hasSession
    side.disk.write(
      (state) => state.add(messages, leave),
      (state) => messages.map(({ id }) => state.sent.get(id)),
      (added) => {
        if (added instanceof DiskFault) return
        for (const { id } of messages) this.#world.stored.add(id)
        const entries = added.flatMap((one) => (one === undefined ? [] : [entryOf(one)]))
        // What a promise has to go through may take a while.
        this.#later([0, this.#simulation.random.isOne(3) ? 300 : 15], () =>
          this.#outboxStep({ kind: 'stored', entries })
        )
      }
    )
  }

  cancel(): void {
    const ids = this.#some((state) => state.waiting(0, Infinity).map(({ id }) => id))
    for (const id of ids) this.#world.outOfOrder.add(id)
    this.side.disk.write(
      (state) => state.cancel(ids),
      noValue,
      (done) => {
        if (done instanceof DiskFault) return
        this.#later([0, 5], () => this.#outboxStep({ kind: 'changed' }))
      }
    )
  }

  retry(): void {
    const ids = this.#some((state) =>
      [...state.sent.values()].filter((one) => one.state === 'failed').map(({ id }) => id)
    )
    for (const id of ids) this.#world.outOfOrder.add(id)
    this.side.disk.write(
      (state) => state.retry(ids),
      noValue,
      (done) => {
        if (done instanceof DiskFault) return
        // What is tried again may have been written before.
        for (const id of ids) this.#world.written.delete(id)
        this.#later([0, 5], () => this.#outboxStep({ kind: 'news' }))
      }
    )
  }

  accept(): void {
    const { disk } = this.side
    const held = [...disk.state.received.values()].filter(({ state }) => state === 'held').map(({ id }) => id)
    this.side.isStranger = false
    disk.write(
      (state) => state.acceptHeld(),
      noValue,
      (done) => {
        if (!(done instanceof DiskFault) && held.length > 0) this.#tell(receiptsById(held, 'stored'))
      }
    )
  }

  #some(choose: (state: Conversation) => readonly string[]): readonly string[] {
    return choose(this.side.disk.state).filter(() => this.#simulation.random.isOne(3))
  }

  // The outbox and its store, as `Deliveries` carries it out.

  #outboxStep(event: OutboxEvent): void {
    if (this.#isOver) return
    for (const effect of this.#outbox.step(this.#world.distort(event), this.#simulation.nowMs)) this.#carryOut(effect)
    this.#outboxTimer?.cancel()
    this.#outboxTimer = this.#timer(this.#outbox.deadlineMs, () => this.#outboxStep({ kind: 'timeout' }))
  }

  #carryOut(effect: OutboxEffect): void {
    const { disk } = this.side
    const answered = (event: OutboxAnswer): void => this.#later([0, 3], () => this.#outboxStep(event))
    switch (effect.kind) {
      case 'read':
        disk.read(
          (state) => state.waiting(effect.after ?? 0, this.#world.readLimit),
          (waiting) =>
            answered(
              waiting instanceof DiskFault
                ? { kind: 'store-failed' }
                : { kind: 'read', entries: waiting.map((one) => entryOf(one)) }
            )
        )
        break
      case 'note':
        disk.write(
          (state) => state.noteSent(effect.messages),
          noValue,
          (done) => {
            if (done instanceof DiskFault) this.side.mayLoseItsLog = true
            answered({ kind: 'noted' })
          }
        )
        break
      case 'send':
        if (this.#simulation.nowMs < this.#pausedUntilMs) throw this.#simulation.failure('it sends while it is paused')
        this.#send(effect.messages)
        break
      case 'settle':
        disk.write(
          (state) => state.move(effect.ids, 'unconfirmed'),
          noValue,
          (done) => {
            if (!(done instanceof DiskFault)) for (const id of effect.ids) this.#unnoted.delete(id)
            answered({ kind: done instanceof DiskFault ? 'store-failed' : 'settled' })
          }
        )
        break
    }
  }

  #send(messages: readonly ChatMessage[]): void {
    const batch = this.#nextBatch++
    if (this.#dialect === undefined) this.#later([0, 0], () => this.#outboxStep({ kind: 'unsent' }))
    else this.#step({ kind: 'send', batch, messages: messages.map((message) => sizedMessage(message)) })
  }

  // The session and its streams, as `PeerLink` carries it out.

  /** A stream has opened, on which nothing was said yet. */
  join(end: End): void {
    this.#ends.set(end.id, end)
    if (this.#world.dialect !== 'parley') {
      const { id, openedBy } = end
      this.#later([0, 10], () => {
        if (!end.isOver) this.#step({ kind: 'ready', stream: { id, openedBy, dialect: this.#world.dialect } })
      })
      return
    }
    this.#step({ kind: 'begun', id: end.id })
    this.side.disk.read(
      ({ own, theirs }) => ({ own, theirs }),
      (read) => {
        if (read instanceof DiskFault) return this.#abort(end, read)
        const { own, theirs } = read
        this.#say(end, [{ kind: 'hello', log: own.log, ...(theirs === undefined ? {} : { held: theirs }) }])
      }
    )
  }

  newEnd(openedBy: End['openedBy'], onItem: (item: OutgoingFrame | 'over') => void): End {
    const id = this.#nextEnd++
    const out = new Pipe(this.#simulation, { name: '', delayMs: this.#simulation.random.choose(DELAYS_MS), onItem })
    return { id, openedBy, out, inbox: [], isHandling: false, isOver: false, other: undefined }
  }

  arrived(end: End, item: OutgoingFrame | 'over'): void {
    if (end.isOver || this.#isOver) return
    if (item === 'over') return this.#abort(end, new Error('the stream was lost'))
    end.inbox.push(item)
    this.#handle(end)
  }

  #step(event: SessionEvent): void {
    if (this.#isOver) return
    for (const effect of this.#session.step(event, this.#simulation.nowMs)) this.#apply(effect)
    this.#sessionTimer?.cancel()
    this.#sessionTimer = this.#timer(this.#session.deadlineMs, () => this.#step({ kind: 'timeout' }))
  }

  #apply(effect: SessionEffect): void {
    switch (effect.kind) {
      case 'drop':
      case 'cut': {
        const end = this.#ends.get(effect.id)
        if (end !== undefined) this.#abort(end, new Error('cut'))
        break
      }
      case 'close':
        this.#dialect = undefined
        this.#pausedUntilMs = 0
        this.#unconfirmed.clear()
        this.#outboxStep({ kind: 'close' })
        break
      case 'open':
        this.#dialect = effect.dialect
        this.#outboxStep({ kind: 'open', dialect: effect.dialect })
        break
      case 'resume':
        this.#pausedUntilMs = 0
        this.#unconfirmed.clear()
        this.#outboxStep({ kind: 'open', dialect: 'parley' })
        break
      case 'write':
        this.#write(effect.write, this.#ends.get(effect.id), effect.messages)
        break
      case 'sent':
      case 'unsent':
        this.#later([0, 3], () => this.#outboxStep({ kind: effect.kind }))
        break
      case 'receipted':
        break // what handles the frame waits for it
      case 'refused':
        this.#refused(effect.ids, effect.reason, effect.retryAfterMs)
        break
    }
  }

  #write(write: number, end: End | undefined, messages: readonly SizedMessage[]): void {
    if (this.#dialect === 'parley')
      for (const { frame, sizeBytes } of messages) this.#count(frame.message.id, sizeBytes)
    const give = (): void => {
      if (end === undefined || end.isOver) return this.#step({ kind: 'unwritten', write, why: new Error('over') })
      if (this.#world.dialect !== 'parley') for (const { frame } of messages) this.#writeText(frame.message)
      this.#say(
        end,
        messages.map(({ frame }) => frame)
      )
      this.#step({ kind: 'written', write })
    }
    // A stream takes a text of a plain dialect when it has room; a queue of frames has room but in rare cases.
    if (this.#world.dialect !== 'parley' || this.#simulation.random.isOne(8)) this.#later([0, 60], give)
    else give()
  }

  /** The window is never exceeded. */
  #count(id: string, sizeBytes: number): void {
    this.#unconfirmed.set(id, sizeBytes)
    const bytes = [...this.#unconfirmed.values()].reduce((sum, one) => sum + one, 0)
    const { maxMessages, maxBytes } = this.#world.limits
    const { size } = this.#unconfirmed
    if (size > 1 && (size > maxMessages || bytes > maxBytes)) {
      throw this.#simulation.failure(`${this.side.name} has ${size} messages of ${bytes} bytes without a receipt`)
    }
  }

  /** What was written to another program and is not noted as such. */
  readonly #unnoted = new Set<string>()

  get unnoted(): ReadonlySet<string> {
    return this.#unnoted
  }

  /** Nothing is written twice to another program. */
  #writeText({ id }: ChatMessage): void {
    const { written, excused } = this.#world
    const times = (written.get(id) ?? 0) + 1
    written.set(id, times)
    this.#unnoted.add(id)
    if (times > 1 && !excused.has(id)) throw this.#simulation.failure(`${id} was written ${times} times`)
  }

  #abort(end: End, why: Error | undefined): void {
    if (end.isOver) return
    cut(this.#simulation, end)
    this.#later([0, 5], () => {
      this.#ends.delete(end.id)
      this.#step({ kind: 'ended', id: end.id, why })
    })
  }

  #say(end: End, frames: readonly OutgoingFrame[]): void {
    for (const frame of frames) if (!end.isOver) end.out.send(frame)
  }

  /** On the stream in use. */
  #tell(frames: readonly OutgoingFrame[]): void {
    const id = this.#session.sendOn
    const end = id === undefined ? undefined : this.#ends.get(id)
    if (id === undefined || end === undefined || this.#dialect !== 'parley') return
    this.#step({ kind: 'used', id })
    this.#say(end, frames)
  }

  // What comes in, one frame after the other, as `ChatStream` and `PeerLink` handle it.

  #handle(end: End): void {
    const [frame] = end.inbox
    if (frame === undefined || end.isHandling || end.isOver || this.#isOver) return
    end.isHandling = true
    const done = (): void => {
      end.isHandling = false
      this.#handle(end)
    }
    if (frame.kind === 'message') {
      const until = end.inbox.findIndex(({ kind }) => kind !== 'message')
      const batch = end.inbox.splice(0, until < 0 ? end.inbox.length : until)
      this.#receive(
        end,
        batch.flatMap((one) => (one.kind === 'message' ? [one.message] : [])),
        done
      )
      return
    }
    end.inbox.shift()
    if (frame.kind === 'hello') this.#greet(end, frame.held, done)
    else if (frame.kind === 'receipt') this.#receipt(end, frame, done)
    else {
      if (frame.kind === 'refuse') {
        for (const id of frame.ids) this.#unconfirmed.delete(id)
        this.#step(frame)
      }
      done()
    }
  }

  /** As `heed` does. */
  #greet(end: End, held: HeldMark | undefined, done: () => void): void {
    const { disk } = this.side
    const ready = (isDone: unknown): void => {
      if (isDone instanceof DiskFault) return this.#abort(end, isDone)
      this.#outboxStep({ kind: 'changed' })
      const { id, openedBy } = end
      if (!end.isOver) this.#step({ kind: 'ready', stream: { id, openedBy, dialect: 'parley' } })
      done()
    }
    disk.read(
      ({ own }) => own,
      (own) => {
        if (held === undefined || own instanceof DiskFault || isFromHere(held, own)) return ready(own)
        if (!this.#world.sides.some(({ mayLoseItsLog }) => mayLoseItsLog))
          throw this.#simulation.failure(`${this.side.name} begins a new log for no reason`)
        disk.write((state) => state.startNewLog(this.side.newLog(), held.log), noValue, ready)
      }
    )
  }

  #receipt(end: End, frame: Extract<OutgoingFrame, { kind: 'receipt' }>, done: () => void): void {
    const logs = this.side.disk.state.sent
    const covers = (id: string): boolean => {
      const one = logs.get(id)
      return frame.ranges.some(({ log, first, last }) => one?.log === log && one.seq >= first && one.seq <= last)
    }
    for (const id of this.#unconfirmed.keys()) if (frame.ids.includes(id) || covers(id)) this.#unconfirmed.delete(id)
    const receipted: (readonly string[])[] = []
    for (const effect of this.#session.step(frame, this.#simulation.nowMs)) {
      if (effect.kind === 'receipted') receipted.push(effect.ids)
      else this.#apply(effect)
    }
    this.#step({ kind: 'timeout' })
    const ids = receipted.flat()
    if (ids.length === 0) return done()
    if (frame.state === 'stored') this.#mustHave(ids)
    this.side.disk.write(
      (state) => state.move(ids, frame.state === 'held' ? 'held' : 'delivered'),
      noValue,
      (isDone) => (isDone instanceof DiskFault ? this.#abort(end, isDone) : done())
    )
  }

  /** What the other side says it has stored is on its disk. */
  #mustHave(ids: readonly string[]): void {
    const { sides, forgotten } = this.#world
    const other = sides.find((side) => side !== this.side)
    for (const id of ids) {
      if (other?.disk.durable.received.has(id) === false && !forgotten.has(id))
        throw this.#simulation.failure(`${id} has a receipt and is not on the disk of ${other.name}`)
    }
  }

  /** As `Deliveries.refused` does. */
  #refused(ids: readonly string[], reason: RefuseReason, retryAfterMs: number): void {
    const isOfAll = reason === 'quota'
    const postpone = (waitMs: number): void => {
      if (this.hasSession) this.#pausedUntilMs = isOfAll ? this.#simulation.nowMs + waitMs : 0
      this.#outboxStep({ kind: 'postpone', retryAfterMs: waitMs, isOfAll })
    }
    if (!isFinal(reason)) return postpone(resendMs(retryAfterMs))
    this.side.disk.write(
      (state) => state.move(ids, 'failed'),
      noValue,
      (done) => {
        if (done instanceof DiskFault) postpone(STORE_RETRY_MS)
      }
    )
  }

  /** As `PeerLink` and `Reception` do: some are refused, the others stored, and then all are answered. */
  #receive(end: End, messages: readonly ChatMessage[], done: () => void): void {
    const { disk, refuses, isStranger } = this.side
    const { random, nowMs } = this.#simulation
    const answered = (fates: readonly Disposition[]): void => {
      this.#say(end, answer(messages, fates))
      done()
    }
    const waitMs = this.#fullDisk.waitMs('other', nowMs)
    if (waitMs !== undefined) return answered(messages.map(() => refused('quota', waitMs)))
    const fates = new Map<string, Disposition>()
    for (const { id } of messages) {
      if (refuses === undefined || disk.state.received.has(id) || !random.isOne(3)) continue
      fates.set(id, refused(refuses, random.isOne(3) ? 0 : this.#simulation.between(1, 20_000)))
      this.#world.outOfOrder.add(id)
    }
    const taken = messages.filter(({ id }) => !fates.has(id))
    disk.write(
      (state) => state.receive(taken, isStranger ? 'held' : 'accepted'),
      (state) => state,
      (state) => {
        if (state instanceof DiskFault && disk.isBroken) return this.#abort(end, state)
        if (state instanceof DiskFault) {
          const againMs = this.#fullDisk.refused('other', this.#simulation.nowMs)
          return answered(messages.map(() => refused('quota', againMs)))
        }
        if (taken.length > 0) this.#fullDisk.stored()
        answered(
          messages.map(({ id }) => {
            const kind = state.received.get(id)?.state === 'held' ? 'held' : 'stored'
            return fates.get(id) ?? { kind }
          })
        )
      }
    )
  }

  #later([least, most]: readonly [number, number], happen: () => void): void {
    this.#simulation.after(this.#simulation.between(least, most), '', () => {
      if (!this.#isOver) happen()
    })
  }

  #timer(atMs: number | undefined, happen: () => void): Planned | undefined {
    return atMs === undefined
      ? undefined
      : this.#simulation.after(Math.max(0, atMs - this.#simulation.nowMs), '', happen)
  }
}

function entryOf(sent: Sent): OutboxEntry {
  const { place = 0, id, log, seq, text, state } = sent
  const message = { direction: 'out', peer: 'other', id, log, seq, text, state, sentAtMs: 0, storedAtMs: 0 } as const
  return { position: place, message }
}

function refused(reason: RefuseReason, retryAfterMs: number): Disposition {
  return { kind: 'refused', reason, retryAfterMs }
}

function noValue(): undefined {
  return undefined
}
