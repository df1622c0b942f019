/**
 * What arrives on the streams of one peer: frames go up in their order, strangers at their rate, and an answer goes back on
 * the stream that brought the messages: receipts by state and refusals by reason, in as few frames as fit, where
 * consecutive numbers of one log become a range. It decides nothing about sessions, storage or trust.
 */
import { setTimeout as delay } from 'node:timers/promises'
import type { PeerId } from '@libp2p/interface'
import type { ChatEvents, ChatServiceInit, Disposition } from './application.ts'
import type { ChatStream } from './chat-stream.ts'
import type { PlainDialect } from './dialect.ts'
import { MAX_IDS_PER_FRAME, MAX_RANGES_PER_RECEIPT } from './frames.ts'
import type { ChatFrame, ChatMessage, OutgoingFrame, ReceiptState, RefuseReason, SeqRange } from './frames.ts'
import type { StrangerPace } from './stranger-pace.ts'

/** What a stream left behind that was gone before there was room for it. */
export interface UnkeptTexts {
  count: number
}

/** What all peers share, as far as what they send needs it. */
export interface InboundContext {
  readonly init: ChatServiceInit
  readonly pace: StrangerPace
  /** This life of the service. */
  readonly signal: AbortSignal
  emit<T extends keyof ChatEvents>(type: T, detail: ChatEvents[T]['detail']): void
}

/** The session, as far as frames are for it. */
interface InboundLink {
  isOpen(stream: ChatStream): boolean
  receipt(frame: Extract<ChatFrame, { kind: 'receipt' }>): Promise<void>
  refuse(frame: Extract<ChatFrame, { kind: 'refuse' }>): void
}

export class Inbound {
  readonly #peer: PeerId
  readonly #context: InboundContext
  readonly #link: InboundLink
  /** Whether the peer has the conversation on its screen; `again`: it says so once more, as it resumes the session. */
  #entered: 'no' | 'yes' | 'again' = 'no'

  constructor(peer: PeerId, context: InboundContext, link: InboundLink) {
    this.#peer = peer
    this.#context = context
    this.#link = link
  }

  sessionEnded(): void {
    this.#entered = 'no'
  }

  sessionResumed(): void {
    if (this.#entered === 'yes') this.#entered = 'again'
  }

  /** In order; neighbouring messages go up as one batch, and a signal is reported at most once per batch. */
  async frames(stream: ChatStream, frames: readonly ChatFrame[]): Promise<void> {
    const told = new Set<string>()
    let messages: ChatMessage[] = []
    for (const frame of frames) {
      if (frame.kind === 'message') {
        messages.push(frame.message)
        continue
      }
      if (messages.length > 0) await this.#messages(stream, messages)
      messages = []
      await this.#frame(stream, frame, told)
    }
    if (messages.length > 0) await this.#messages(stream, messages)
  }

  async #frame(stream: ChatStream, frame: Exclude<ChatFrame, { kind: 'message' }>, told: Set<string>): Promise<void> {
    const peer = this.#peer
    switch (frame.kind) {
      case 'receipt':
        await this.#link.receipt(frame)
        break
      case 'refuse':
        this.#link.refuse(frame)
        break
      case 'oversized':
        this.#answer(stream, refusals([frame.id], 'too-long', 0))
        break
      case 'enter': {
        const isRepeated = this.#entered === 'again'
        this.#entered = 'yes'
        if (!isRepeated && this.#mayTell('enter', told)) this.#context.emit('enter', { peer })
        break
      }
      case 'typing':
        if (this.#mayTell('typing', told)) this.#context.emit('typing', { peer })
        break
      case 'bye':
        this.#entered = 'no'
        if (this.#mayTell('bye', told)) this.#context.emit('bye', { peer, reason: frame.reason })
        break
      case 'hello':
        break // the stream has read it: it opened the session
    }
  }

  /** Signals cost this side work too: a stranger's count like messages, and what is over the rate is dropped. */
  #mayTell(signal: string, told: Set<string>): boolean {
    if (told.has(signal)) return false
    told.add(signal)
    return this.#context.pace.slowedMs(this.#peer) === 0
  }

  async #messages(stream: ChatStream, messages: readonly ChatMessage[]): Promise<void> {
    const { init, pace } = this.#context
    const granted = pace.granted(this.#peer, messages.length)
    const accepted = messages.slice(0, granted)
    const dispositions = accepted.length === 0 ? [] : await init.onMessages(this.#peer, accepted)
    const over = messages.length - granted
    const refused: Disposition[] = Array.from({ length: over }, () => {
      return { kind: 'refused', reason: 'rate', retryAfterMs: pace.waitMs(this.#peer, over) }
    })
    this.#answer(stream, answer(messages, [...dispositions, ...refused]))
  }

  /**
   * On the stream that brought the messages: when an answer is lost with its stream, so is the stream that the sender
   * sends on, and it sends again. On another one an answer could be lost while the sender waits for it.
   */
  #answer(stream: ChatStream, frames: readonly OutgoingFrame[]): void {
    if (this.#link.isOpen(stream)) stream.tell(frames)
  }

  /**
   * A plain dialect has no way to refuse, so what can't be taken is not read: a stranger until its rate allows it, any
   * peer until there is room. What a stream that is gone has left behind is counted where nothing holds it back.
   */
  async texts(
    texts: readonly string[],
    source: { readonly dialect: PlainDialect; readonly lost: AbortSignal },
    unkept: UnkeptTexts
  ): Promise<void> {
    const { init, pace, signal } = this.#context
    for (const text of texts) {
      if (unkept.count > 0) {
        unkept.count++
        continue
      }
      for (let waitMs = pace.slowedMs(this.#peer); waitMs > 0; waitMs = pace.slowedMs(this.#peer)) {
        await delay(waitMs, undefined, { signal })
      }
      if (!(await init.onPlainText(this.#peer, text, source))) unkept.count++
    }
  }

  /** Skipping one costs no less than reading one, so a stranger pays for it. */
  tooLong(sizeBytes: number): void {
    const { emit, pace } = this.#context
    if (pace.slowedMs(this.#peer) === 0) emit('unkept', { peer: this.#peer, why: 'too-long', sizeBytes })
  }
}

/** The frames that answer `messages`, whose fates are at the same places of `dispositions`. */
export function answer(messages: readonly ChatMessage[], dispositions: readonly Disposition[]): OutgoingFrame[] {
  if (messages.length !== dispositions.length) {
    throw new RangeError(`${dispositions.length} dispositions for ${messages.length} messages: each needs its own`)
  }
  const stored: ChatMessage[] = []
  const held: ChatMessage[] = []
  const refused = new Map<string, { reason: RefuseReason; retryAfterMs: number; ids: string[] }>()
  let index = 0
  for (const message of messages) {
    const fate = dispositions[index++]
    switch (fate?.kind) {
      case undefined:
        break
      case 'stored':
        stored.push(message)
        break
      case 'held':
        held.push(message)
        break
      case 'refused': {
        const { reason, retryAfterMs } = fate
        const key = `${reason} ${retryAfterMs}`
        const group = refused.get(key) ?? { reason, retryAfterMs, ids: [] }
        group.ids.push(message.id)
        refused.set(key, group)
        break
      }
    }
  }
  return [
    ...receiptsFor(stored, 'stored'),
    ...receiptsFor(held, 'held'),
    ...[...refused.values()].flatMap(({ reason, retryAfterMs, ids }) => refusals(ids, reason, retryAfterMs))
  ]
}

/** Receipts by id alone, for messages that were held and are now accepted. */
export function receiptsById(ids: readonly string[], state: ReceiptState): OutgoingFrame[] {
  return chunks(ids, MAX_IDS_PER_FRAME).map((part) => ({ kind: 'receipt', state, ids: part, ranges: [] }))
}

function refusals(ids: readonly string[], reason: RefuseReason, retryAfterMs: number): OutgoingFrame[] {
  return chunks(ids, MAX_IDS_PER_FRAME).map((part) => ({ kind: 'refuse', reason, retryAfterMs, ids: part }))
}

function receiptsFor(messages: readonly ChatMessage[], state: ReceiptState): OutgoingFrame[] {
  const ranges: SeqRange[] = []
  const ids: string[] = []
  for (const { first, last } of runs(messages)) {
    if (first === last) ids.push(first.id)
    else ranges.push({ log: first.log, first: first.seq, last: last.seq })
  }
  const frames: OutgoingFrame[] = chunks(ranges, MAX_RANGES_PER_RECEIPT).map((part) => {
    return { kind: 'receipt', state, ids: [], ranges: part }
  })
  return [...frames, ...receiptsById(ids, state)]
}

/** Cuts a batch wherever the next message is not the next number of the same log. */
function runs(messages: readonly ChatMessage[]): { readonly first: ChatMessage; readonly last: ChatMessage }[] {
  const found: { first: ChatMessage; last: ChatMessage }[] = []
  let run: { first: ChatMessage; last: ChatMessage } | undefined
  for (const message of messages) {
    if (run !== undefined && run.last.log === message.log && run.last.seq + 1 === message.seq) run.last = message
    else found.push((run = { first: message, last: message }))
  }
  return found
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = []
  for (let from = 0; from < items.length; from += size) parts.push(items.slice(from, from + size))
  return parts
}
