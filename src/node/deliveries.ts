// What becomes of own messages: they are stored, go out through the outbox, and
// end delivered, unconfirmed or failed; who waits for one is told. Whether there
// is a way to the peer is not its business.
import type { ChatSession, ReceiptState, RefuseReason } from '../chat-protocol/index.ts'
import type { DeliveryState, MessageStore, NewOutgoing, OutgoingMessage } from '../storage/index.ts'
import { GIVE_UP_BATCH, MIN_RETRY_MS, NO_ROOM_RETRY_MS, OUTBOX_BATCH, RETRIED_MESSAGES } from './constants.ts'
import { Outbox } from './outbox.ts'
import { isFinal, refusalText } from './refusals.ts'

const GIVEN_UP = 'it could not be delivered in the time it was given'

export interface DeliveriesInit {
  readonly store: MessageStore
  readonly now: () => number
  /** An own message has moved to another state, after that is stored. */
  readonly onDelivery: (message: OutgoingMessage) => void
  /** Messages of this peer have moved: perhaps nothing waits for it any more. */
  readonly onProgress: (peer: string) => void
  readonly onFault: (peer: string, error: unknown) => void
}

/** What is to be sent. */
export type OwnText = Omit<NewOutgoing, 'sentAtMs'>

/** What another peer refuses. */
export interface Refusal {
  readonly reason: RefuseReason
  readonly retryAfterMs: number
  readonly ids: readonly string[]
}

export class Deliveries {
  readonly #init: DeliveriesInit
  readonly #outbox: Outbox
  /** Who waits for a message to settle, by its ID. */
  readonly #settling = new Map<string, Set<(message: OutgoingMessage) => void>>()

  constructor(init: DeliveriesInit) {
    this.#init = init
    this.#outbox = new Outbox({
      store: init.store,
      now: init.now,
      onDelivery: (messages) => this.#tell(messages),
      onFault: init.onFault
    })
  }

  /** Sends everything that waits for the session's peer, until {@link detach}. */
  attach(session: ChatSession): void {
    this.#outbox.attach(session)
  }

  detach(peer: string): void {
    this.#outbox.detach(peer)
  }

  async stop(): Promise<void> {
    await this.#outbox.stop()
  }

  /** Stores messages as pending; they go out as soon as there is a session. */
  async add(peer: string, texts: readonly OwnText[]): Promise<readonly OutgoingMessage[]> {
    const sentAtMs = this.#init.now()
    const entries = await this.#init.store.addAllOutgoing(
      peer,
      texts.map((text) => ({ ...text, sentAtMs })),
      { leave: this.#outbox.isAttached(peer) }
    )
    this.#outbox.stored(peer, entries)
    return entries.map(({ message }) => message)
  }

  /** What waits for the peer may be numbered anew, or gone. */
  reread(peer: string): void {
    this.#outbox.reread(peer)
  }

  async receipts(peer: string, ids: readonly string[], state: ReceiptState): Promise<void> {
    await this.#outbox.receipts(peer, ids, state)
  }

  /** @returns when the messages are sent again; undefined when the other side will never take them, and they failed */
  async refused(peer: string, { reason, retryAfterMs, ids }: Refusal): Promise<number | undefined> {
    if (isFinal(reason)) {
      await this.#outbox.fail(peer, ids, refusalText(reason))
      return undefined
    }
    const waitMs = retryAfterMs === 0 ? NO_ROOM_RETRY_MS : Math.max(retryAfterMs, MIN_RETRY_MS)
    this.#outbox.postpone(peer, waitMs, { isOfAll: reason === 'quota' })
    return waitMs
  }

  /**
   * Waits until the message is anything but pending.
   *
   * @throws the signal's reason
   */
  async settled(message: OutgoingMessage, options: { signal: AbortSignal }): Promise<OutgoingMessage> {
    const { promise, resolve, reject } = Promise.withResolvers<OutgoingMessage>()
    const waiting = this.#settling.get(message.id) ?? new Set()
    this.#settling.set(message.id, waiting.add(resolve))
    const onAbort = (): void => reject(options.signal.reason)
    promise.catch(() => undefined) // nobody waits for it when the store has the answer, or is slower than the signal
    options.signal.addEventListener('abort', onAbort, { once: true })
    try {
      const present = await this.#init.store.outgoing(message.peer, message.id)
      if (present !== undefined && present.state !== 'pending') return present
      options.signal.throwIfAborted()
      return await promise
    } finally {
      options.signal.removeEventListener('abort', onAbort)
      waiting.delete(resolve)
      if (waiting.size === 0) this.#settling.delete(message.id)
    }
  }

  /** Puts failed messages into the outbox again: these, or all of the peer's last ones. @returns how many */
  async retry(peer: string, ids?: readonly string[]): Promise<number> {
    const messages = await this.#init.store.retry(peer, ids ?? (await this.#lastOwn(peer, 'failed')))
    this.#tell(messages)
    if (messages.length > 0) this.#outbox.wake(peer)
    return messages.length
  }

  /** Takes waiting messages out of the outbox: these, or all of the peer's last ones. @returns how many */
  async cancel(peer: string, ids?: readonly string[]): Promise<number> {
    const messages = await this.#init.store.cancel(peer, ids ?? (await this.#lastOwn(peer, 'pending')))
    this.#outbox.reread(peer)
    this.#tell(messages)
    return messages.length
  }

  /** Fails everything that waits for the peer. */
  async fail(peer: string, reason: string): Promise<void> {
    for (let after: number | undefined; ;) {
      const options = { ...(after === undefined ? {} : { after }), limit: OUTBOX_BATCH }
      const entries = await this.#init.store.unreceipted(peer, options)
      const waiting = entries.flatMap(({ message }) => (message.state === 'pending' ? [message.id] : []))
      if (waiting.length > 0) await this.#outbox.fail(peer, waiting, reason)
      after = entries.at(-1)?.position
      if (after === undefined) return
    }
  }

  /** Fails some of the messages that have waited since before that time. */
  async giveUp(waitingBeforeMs: number): Promise<void> {
    const failed = await this.#init.store.failPending({ waitingBeforeMs, reason: GIVEN_UP, limit: GIVE_UP_BATCH })
    for (const { peer } of failed) this.#outbox.reread(peer)
    this.#tell(failed)
  }

  async #lastOwn(peer: string, state: DeliveryState): Promise<readonly string[]> {
    const messages = await this.#init.store.history(peer, { limit: RETRIED_MESSAGES })
    return messages.flatMap((message) => (message.direction === 'out' && message.state === state ? [message.id] : []))
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
