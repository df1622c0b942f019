// Hands what is stored and not yet receipted to the chat sessions that are open,
// oldest first, and writes down what the receipts say. It opens no session: when
// one opens, everything without a final receipt is sent again with its id.
import { SessionClosedError, type ChatSession, type ReceiptState } from '../chat-protocol/index.ts'
import { StorageError, type DeliveryState, type MessageStore } from '../storage/index.ts'
import type { OutboxEntry, OutgoingMessage } from '../storage/index.ts'
import { OUTBOX_AT_HAND_LENGTH, OUTBOX_AT_HAND_MESSAGES, OUTBOX_BATCH, STORE_RETRY_MS } from './constants.ts'
import { Wakeup } from './wakeup.ts'

export interface OutboxInit {
  readonly store: MessageStore
  readonly now: () => number
  /** Messages that have moved to another state, after that is stored. */
  readonly onDelivery: (messages: readonly OutgoingMessage[]) => void
  /** Something in a pump failed that is not the session's end. */
  readonly onFault: (peer: string, error: unknown) => void
}

interface Pump {
  readonly session: ChatSession
  readonly life: AbortController
  readonly news: Wakeup
  /** The outbox position that was sent last on this session; undefined: begin at the beginning. */
  sentUpTo: number | undefined
  /** The store may hold something behind what was sent and what is next. */
  isBehind: boolean
  /** What follows directly on it, as it was stored: it need not be read again. */
  next: OutboxEntry[]
  /** The length of its texts. */
  nextLength: number
  retryTimer: NodeJS.Timeout | undefined
  /** Nothing is taken over there before the timer ends. */
  isPaused: boolean
  done: Promise<void>
}

export class Outbox {
  readonly #init: OutboxInit
  readonly #pumps = new Map<string, Pump>()

  constructor(init: OutboxInit) {
    this.#init = init
  }

  /** Sends everything that waits for the session's peer, and what comes, until {@link detach}. */
  attach(session: ChatSession): void {
    const peer = session.peer.toString()
    this.detach(peer)
    const pump: Pump = {
      session,
      life: new AbortController(),
      news: new Wakeup(),
      sentUpTo: undefined,
      isBehind: true,
      next: [],
      nextLength: 0,
      retryTimer: undefined,
      isPaused: false,
      done: Promise.resolve()
    }
    this.#pumps.set(peer, pump)
    pump.done = this.#run(peer, pump)
  }

  detach(peer: string): void {
    const pump = this.#pumps.get(peer)
    if (pump === undefined) return
    this.#pumps.delete(peer)
    clearTimeout(pump.retryTimer)
    pump.life.abort()
  }

  /** What is stored for the peer leaves at once. */
  isAttached(peer: string): boolean {
    return this.#pumps.has(peer)
  }

  /** There is something new in the peer's outbox. */
  wake(peer: string): void {
    const pump = this.#pumps.get(peer)
    if (pump === undefined) return
    pump.isBehind = true
    pump.news.wake()
  }

  /** These are new in the peer's outbox, one directly after the other. */
  stored(peer: string, entries: readonly OutboxEntry[]): void {
    const pump = this.#pumps.get(peer)
    const [first] = entries
    if (pump === undefined || first === undefined) return
    const last = pump.next.at(-1)?.position ?? pump.sentUpTo
    const length = entries.reduce((sum, { message }) => sum + message.text.length, pump.nextLength)
    const isRoom = length <= OUTBOX_AT_HAND_LENGTH && pump.next.length + entries.length <= OUTBOX_AT_HAND_MESSAGES
    // What does not fit, or does not follow, is read from the store when all before it has been sent.
    if (last !== undefined && first.position === last + 1 && isRoom) {
      pump.next.push(...entries)
      pump.nextLength = length
    } else pump.isBehind = true
    pump.news.wake()
  }

  /** Something that waits for the peer is not what it was when it was stored. */
  reread(peer: string): void {
    const pump = this.#pumps.get(peer)
    if (pump !== undefined) dropNext(pump)
  }

  async receipts(peer: string, ids: readonly string[], state: ReceiptState): Promise<void> {
    switch (state) {
      case 'stored':
        return this.#settle(peer, ids, 'delivered')
      case 'held':
        return this.#settle(peer, ids, 'held')
      case 'seen':
        return this.#tell(await this.#init.store.setSeen(peer, ids, this.#init.now()))
    }
  }

  /**
   * The other side wants these later: they stay pending, and are sent again after that time.
   *
   * @param options.isOfAll what follows them would be refused as well, and is not sent before
   */
  postpone(peer: string, retryAfterMs: number, options: { readonly isOfAll?: boolean } = {}): void {
    const pump = this.#pumps.get(peer)
    if (pump === undefined) return
    clearTimeout(pump.retryTimer)
    pump.isPaused = options.isOfAll ?? false
    pump.retryTimer = setTimeout(() => {
      pump.isPaused = false
      beginAgain(pump)
      pump.news.wake()
    }, retryAfterMs)
  }

  /** The other side will never take these. */
  async fail(peer: string, ids: readonly string[], reason: string): Promise<void> {
    await this.#settle(peer, ids, 'failed', reason)
  }

  async stop(): Promise<void> {
    const pumps = [...this.#pumps.values()]
    for (const peer of this.#pumps.keys()) this.detach(peer)
    await Promise.all(pumps.map(async (pump) => pump.done))
  }

  async #run(peer: string, pump: Pump): Promise<void> {
    const { signal } = pump.life
    try {
      while (!signal.aborted) await this.#sendOrRest(peer, pump)
    } catch (error) {
      // A session that has ended takes nothing more: the next one is given everything again.
      if (!signal.aborted && !(error instanceof SessionClosedError)) this.#init.onFault(peer, error)
    }
  }

  /** A store that fails (the disk is full, perhaps) is asked again later: the session goes on. */
  async #sendOrRest(peer: string, pump: Pump): Promise<void> {
    const { signal } = pump.life
    try {
      if (pump.isPaused || !(await this.#sendBatch(peer, pump))) await pump.news.sleep(signal)
    } catch (error) {
      if (signal.aborted || !(error instanceof StorageError)) throw error
      this.#init.onFault(peer, error)
      beginAgain(pump)
      await new Wakeup().sleep(signal, STORE_RETRY_MS)
    }
  }

  async #sendBatch(peer: string, pump: Pump): Promise<boolean> {
    const entries = await this.#nextEntries(peer, pump)
    const last = entries.at(-1)
    if (last === undefined) return false
    const messages = entries.map(({ message }) => message)
    if (pump.session.dialect === 'parley') {
      pump.sentUpTo = last.position
      await this.#noteSent(peer, messages)
      await pump.session.send(messages, { signal: pump.life.signal })
      return true
    }
    // A plain dialect can't tell a message that comes twice: each is noted as sent before the next one goes.
    for (const { position, message } of entries) {
      await pump.session.send([message], { signal: pump.life.signal })
      pump.sentUpTo = position
      await this.#settle(peer, [message.id], 'unconfirmed')
    }
    return true
  }

  async #nextEntries(peer: string, pump: Pump): Promise<readonly OutboxEntry[]> {
    if (pump.next.length > 0) {
      const entries = pump.next
      pump.next = []
      pump.nextLength = 0
      return entries
    }
    if (!pump.isBehind) return []
    pump.isBehind = false
    const after = pump.sentUpTo
    const options = { ...(after === undefined ? {} : { after }), limit: OUTBOX_BATCH }
    const entries = await this.#init.store.unreceipted(peer, options)
    // There may be more, and what was stored meanwhile may be among these.
    if (entries.length > 0) dropNext(pump)
    return entries
  }

  /** Most are noted since they were stored. */
  async #noteSent(peer: string, messages: readonly OutgoingMessage[]): Promise<void> {
    await this.#init.store.noteSent(peer, messages).catch(() => {
      // A disk that takes nothing is told by whoever has something to store; what goes out unnoted costs a new log.
    })
  }

  async #settle(peer: string, ids: readonly string[], state: DeliveryState, reason?: string): Promise<void> {
    this.#tell(await this.#init.store.setDelivery(peer, ids, state, reason))
  }

  #tell(changed: readonly OutgoingMessage[]): void {
    if (changed.length > 0) this.#init.onDelivery(changed)
  }
}

function beginAgain(pump: Pump): void {
  pump.sentUpTo = undefined
  dropNext(pump)
}

function dropNext(pump: Pump): void {
  pump.isBehind = true
  pump.next = []
  pump.nextLength = 0
}
