// What becomes of own messages: they are stored, go to the peer's session as the
// outbox decides, and end delivered, unconfirmed or failed; callers that wait for
// one learn of it. Whether there is a way to the peer is not its business.
import {
  SessionClosedError,
  type ChatSession,
  type ReceiptState,
  type RefuseReason
} from '../../chat-protocol/index.ts'
import { DeadlineTimer } from '../../lib/index.ts'
import { orAborted } from '../../wire/index.ts'
import type { DeliveryState, MessageStore, NewOutgoing, OutgoingMessage } from '../../storage/index.ts'
import {
  OUTBOX_BATCH,
  OutboxLogic,
  STORE_RETRY_MS,
  type OutboxAnswer,
  type OutboxEffect,
  type OutboxEvent
} from './outbox.ts'
import { Unanswered } from './unanswered.ts'
import { isFinal, refusalText, resendMs } from './refusals.ts'

/** Messages sent in one turn that are stored as one: a few milliseconds' worth of a transaction. */
export const SENDS_AT_ONCE = 256

/** Messages that fail in one step of housekeeping: each is told to the faces. */
const GIVE_UP_BATCH = 256

/** `/retry` and `/cancel` without an ID take what has failed, or waits, among so many last messages. */
export const RETRIED_MESSAGES = 1_000

const GIVEN_UP = 'it could not be delivered in the time it was given'

export interface DeliveriesInit {
  readonly store: MessageStore
  readonly now: () => number
  /** An own message has moved to another state, after that is stored. */
  readonly onDelivery: (message: OutgoingMessage) => void
  /** Messages of this peer have moved: perhaps nothing waits for it any more. */
  readonly onProgress: (peer: string) => void
  readonly onFault: (peer: string, error: unknown) => void
  /** What was sent has brought no receipt for a while. */
  readonly onUnanswered: (peer: string) => void
}

/** What is to be sent. */
export type OwnText = Omit<NewOutgoing, 'sentAtMs'>

/** What another peer refuses. */
export interface Refusal {
  readonly reason: RefuseReason
  readonly retryAfterMs: number
  readonly ids: readonly string[]
}

/** What is sent to one peer, as its logic says. */
interface Line {
  readonly peer: string
  readonly logic: OutboxLogic
  readonly timer: DeadlineTimer
  /** The session that is open, and the end of what is given to it. */
  live: { readonly session: ChatSession; readonly detached: AbortController } | undefined
  /** What the logic asked for last. */
  answered: Promise<void>
}

export class Deliveries {
  readonly #init: DeliveriesInit
  readonly #lines = new Map<string, Line>()
  /** Who waits for a message to settle, by its ID. */
  readonly #settling = new Map<string, Set<(message: OutgoingMessage) => void>>()
  readonly #unanswered: Unanswered

  constructor(init: DeliveriesInit) {
    this.#init = init
    this.#unanswered = new Unanswered(init.onUnanswered)
  }

  /** Sends everything that waits for the session's peer, and what comes, until {@link detach}. */
  attach(session: ChatSession): void {
    const peer = session.peer.toString()
    const line = this.#lines.get(peer) ?? this.#newLine(peer)
    line.live?.detached.abort()
    line.live = { session, detached: new AbortController() }
    this.#step(line, { kind: 'open', dialect: session.dialect })
  }

  detach(peer: string): void {
    const line = this.#lines.get(peer)
    if (line?.live === undefined) return
    line.live.detached.abort()
    line.live = undefined
    this.#unanswered.answered(peer)
    this.#step(line, { kind: 'close' })
  }

  async stop(): Promise<void> {
    this.#unanswered.stop()
    for (const peer of this.#lines.keys()) this.detach(peer)
    for (const line of this.#lines.values()) {
      for (let asked; asked !== line.answered;) {
        asked = line.answered
        await asked
      }
      line.timer.stop()
    }
  }

  /** Stores messages as pending; they go out as soon as there is a session. */
  async add(peer: string, texts: readonly OwnText[]): Promise<readonly OutgoingMessage[]> {
    const sentAtMs = this.#init.now()
    const entries = await this.#init.store.addAllOutgoing(
      peer,
      texts.map((text) => ({ ...text, sentAtMs })),
      { leave: this.#lines.get(peer)?.live !== undefined }
    )
    this.#occurred(peer, { kind: 'stored', entries })
    return entries.map(({ message }) => message)
  }

  /** What waits for the peer may be numbered anew, or gone. */
  reread(peer: string): void {
    this.#occurred(peer, { kind: 'changed' })
  }

  async receipts(peer: string, ids: readonly string[], state: ReceiptState): Promise<void> {
    this.#unanswered.answered(peer)
    switch (state) {
      case 'stored':
        return this.#move(peer, ids, 'delivered')
      case 'held':
        return this.#move(peer, ids, 'held')
      case 'seen':
        return this.#tell(await this.#init.store.setSeen(peer, ids, this.#init.now()))
    }
  }

  /** @returns when the messages are sent again; undefined when the other side will never take them, and they failed */
  async refused(peer: string, { reason, retryAfterMs, ids }: Refusal): Promise<number | undefined> {
    if (isFinal(reason)) {
      await this.#move(peer, ids, 'failed', refusalText(reason)).catch((error: unknown) => {
        // They still wait: sent again, they are refused again, and that may be written down then.
        this.#occurred(peer, { kind: 'postpone', retryAfterMs: STORE_RETRY_MS, isOfAll: false })
        throw error
      })
      return undefined
    }
    const waitMs = resendMs(retryAfterMs)
    this.#occurred(peer, { kind: 'postpone', retryAfterMs: waitMs, isOfAll: reason === 'quota' })
    return waitMs
  }

  /**
   * Waits until the message is anything but pending.
   *
   * @throws the signal's reason, as an Error
   */
  async settled(message: OutgoingMessage, options: { signal: AbortSignal }): Promise<OutgoingMessage> {
    const { promise, resolve } = Promise.withResolvers<OutgoingMessage>()
    const waiting = this.#settling.get(message.id) ?? new Set()
    this.#settling.set(message.id, waiting.add(resolve))
    try {
      const present = await this.#init.store.outgoing(message.peer, message.id)
      if (present !== undefined && present.state !== 'pending') return present
      return await orAborted(promise, options.signal)
    } finally {
      waiting.delete(resolve)
      if (waiting.size === 0) this.#settling.delete(message.id)
    }
  }

  /** Puts failed messages into the outbox again: these, or all of the peer's last ones. @returns how many */
  async retry(peer: string, ids?: readonly string[]): Promise<number> {
    const messages = await this.#init.store.retry(peer, ids ?? (await this.#lastOwn(peer, 'failed')))
    this.#tell(messages)
    if (messages.length > 0) this.#occurred(peer, { kind: 'news' })
    return messages.length
  }

  /** Takes waiting messages out of the outbox: these, or all of the peer's last ones. @returns how many */
  async cancel(peer: string, ids?: readonly string[]): Promise<number> {
    const messages = await this.#init.store.cancel(peer, ids ?? (await this.#lastOwn(peer, 'pending')))
    this.reread(peer)
    this.#tell(messages)
    return messages.length
  }

  /** Takes everything that waits for the peer out of the outbox. */
  async cancelAll(peer: string): Promise<void> {
    for await (const ids of pendingBatches(this.#init.store, peer)) await this.cancel(peer, ids)
  }

  /** Fails everything that waits for the peer. */
  async fail(peer: string, reason: string): Promise<void> {
    for await (const ids of pendingBatches(this.#init.store, peer)) await this.#move(peer, ids, 'failed', reason)
  }

  /** Fails some of the messages that have waited since before that time. */
  async giveUp(waitingBeforeMs: number): Promise<void> {
    const failed = await this.#init.store.failPending({ waitingBeforeMs, reason: GIVEN_UP, limit: GIVE_UP_BATCH })
    for (const { peer } of failed) this.reread(peer)
    this.#tell(failed)
  }

  #newLine(peer: string): Line {
    const logic = new OutboxLogic()
    const timer = new DeadlineTimer(steadyMs, () => {
      this.#step(line, { kind: 'timeout' })
      return logic.deadlineMs ?? Infinity
    })
    const line: Line = { peer, logic, timer, live: undefined, answered: Promise.resolve() }
    this.#lines.set(peer, line)
    return line
  }

  #occurred(peer: string, event: OutboxEvent): void {
    const line = this.#lines.get(peer)
    if (line !== undefined) this.#step(line, event)
  }

  #step(line: Line, event: OutboxEvent): void {
    for (const effect of line.logic.step(event, steadyMs())) line.answered = this.#carryOut(line, effect)
    line.timer.dueAt(line.logic.deadlineMs ?? Infinity)
    if (!line.logic.isIdle) return
    line.timer.stop()
    this.#lines.delete(line.peer)
  }

  async #carryOut(line: Line, effect: OutboxEffect): Promise<void> {
    this.#step(line, await this.#answer(line, effect))
  }

  async #answer(line: Line, effect: OutboxEffect): Promise<OutboxAnswer> {
    const { live, peer } = line
    try {
      return await this.#do(line, effect)
    } catch (error) {
      const isOver = live === undefined || live.detached.signal.aborted || error instanceof SessionClosedError
      if (!isOver) this.#init.onFault(peer, error)
      return { kind: effect.kind === 'send' ? 'unsent' : 'store-failed' }
    }
  }

  async #do({ peer, live }: Line, effect: OutboxEffect): Promise<OutboxAnswer> {
    const { store } = this.#init
    switch (effect.kind) {
      case 'read': {
        const after = effect.after === undefined ? {} : { after: effect.after }
        return { kind: 'read', entries: await store.unreceipted(peer, { ...after, limit: OUTBOX_BATCH }) }
      }
      case 'note':
        await store.noteSent(peer, effect.messages).catch(() => {
          // If this write fails, the peer's next Hello starts a new log. What can't be stored reports it.
        })
        return { kind: 'noted' }
      case 'send':
        if (live === undefined) return { kind: 'unsent' }
        // Other dialects know no receipts.
        if (live.session.dialect === 'parley') this.#unanswered.sent(peer)
        await live.session.send(effect.messages, { signal: live.detached.signal })
        return { kind: 'sent' }
      case 'settle':
        await this.#move(peer, effect.ids, 'unconfirmed')
        return { kind: 'settled' }
    }
  }

  async #lastOwn(peer: string, state: DeliveryState): Promise<readonly string[]> {
    const messages = await this.#init.store.history(peer, { limit: RETRIED_MESSAGES })
    return messages.flatMap((message) => (message.direction === 'out' && message.state === state ? [message.id] : []))
  }

  async #move(peer: string, ids: readonly string[], state: DeliveryState, reason?: string): Promise<void> {
    this.#tell(await this.#init.store.setDelivery(peer, ids, state, reason))
  }

  #tell(messages: readonly OutgoingMessage[]): void {
    const peers = new Set<string>()
    for (const message of messages) {
      this.#init.onDelivery(message)
      if (this.#settling.size > 0) for (const resolve of this.#settling.get(message.id) ?? []) resolve(message)
      peers.add(message.peer)
    }
    for (const peer of peers) this.#init.onProgress(peer)
  }
}

/** The clock of pauses, which nothing sets. */
function steadyMs(): number {
  return performance.now()
}

/**
 * The ids of the messages to a peer that still wait, the oldest first, in batches: tens of thousands are never in memory
 * at once. No batch is empty.
 */
export async function* pendingBatches(
  store: Pick<MessageStore, 'unreceipted'>,
  peer: string
): AsyncGenerator<readonly string[]> {
  for (let after = 0; ;) {
    const entries = await store.unreceipted(peer, { after, limit: OUTBOX_BATCH })
    const last = entries.at(-1)
    if (last === undefined) return
    const ids = entries.flatMap(({ message }) => (message.state === 'pending' ? [message.id] : []))
    if (ids.length > 0) yield ids
    after = last.position
  }
}

interface Turn<Text, Message> {
  readonly texts: Text[]
  readonly sent: Promise<readonly Message[]>
}

/**
 * Gathers what is sent to a peer within one turn of the event loop, so that what sending costs once is paid once for all of
 * it: a script's thousand lines are stored together, a person's one line at the end of the same turn.
 */
export class TurnOfSends<Text, Message> {
  readonly #send: (peer: string, texts: readonly Text[]) => Promise<readonly Message[]>
  /** What is gathered in this turn, by peer. */
  readonly #open = new Map<string, Turn<Text, Message>>()

  /** @param send is called in the order of {@link add}; its messages are in the order of the texts */
  constructor(send: (peer: string, texts: readonly Text[]) => Promise<readonly Message[]>) {
    this.#send = send
  }

  /** Rejects with what `send` throws for the turn that this text is in. */
  add(peer: string, text: Text): Promise<Message> {
    const { texts, sent } = this.#openFor(peer)
    const index = texts.push(text) - 1
    return sent.then((messages) => {
      const message = messages[index]
      if (message === undefined) throw new TypeError(`${messages.length} messages of ${texts.length} texts`)
      return message
    })
  }

  #openFor(peer: string): Turn<Text, Message> {
    const open = this.#open.get(peer)
    if (open !== undefined && open.texts.length < SENDS_AT_ONCE) return open
    const texts: Text[] = []
    const turn = { texts, sent: Promise.resolve().then(async () => this.#close(peer, texts)) }
    this.#open.set(peer, turn)
    return turn
  }

  async #close(peer: string, texts: readonly Text[]): Promise<readonly Message[]> {
    if (this.#open.get(peer)?.texts === texts) this.#open.delete(peer)
    return this.#send(peer, texts)
  }
}
