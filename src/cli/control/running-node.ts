// What `parley send` needs of a node, as the parley that runs on the profile
// offers it over its socket: to send, to wait for the receipt, to hear of a
// refusal, to give up. It stands in for the node itself.
import { TypedEventEmitter } from 'main-event'
import type { ChatApi, ChatNodeEvents, ConversationState, OutgoingMessage, PeerTarget } from '../chat-api.ts'
import { HISTORY_LINES } from '../constants.ts'
import { shortId } from '../../node/settings.ts'
import { NoAnswerError } from './errors.ts'
import { isDeliveryState, listOf, readMessage } from './message-json.ts'
import type { Json, RunningParley } from './running-parley.ts'

/** The node as a command sees it that sends one message. */
export type SendingNode = Pick<ChatApi, 'settled' | 'state' | 'cancel' | 'addEventListener' | 'removeEventListener'>

export interface Sent {
  readonly target: Pick<PeerTarget, 'peer' | 'name' | 'shortId'>
  readonly message: OutgoingMessage
}

/** The parley that was asked to send has ended and leaves the message waiting in the profile. */
export class LeftWaitingError extends Error {
  override readonly name = 'LeftWaitingError'
}

type Delivery = Pick<OutgoingMessage, 'state' | 'reason'>

export class RunningNode extends TypedEventEmitter<ChatNodeEvents> implements SendingNode {
  readonly #running: RunningParley
  readonly #states = new Map<string, ConversationState>()
  /** Of the message that was sent: what became of it. */
  readonly #settled = Promise.withResolvers<Delivery>()
  /** States told before the answer to `send` has told the message's ID. */
  readonly #early = new Map<string, Delivery>()
  #id: string | undefined

  constructor(running: RunningParley) {
    super()
    this.#running = running
    this.#settled.promise.catch(() => undefined) // told to whoever waits
    running.onEvent((event) => this.#hear(event))
    const onEnd = (): void => this.#settled.reject(new LeftWaitingError('the parley that was to send it has ended'))
    if (running.ended.aborted) onEnd()
    else running.ended.addEventListener('abort', onEnd, { once: true })
    for (const state of listOf(running.ready['conversations'])) this.#noteState(state)
  }

  /** @throws RunningCommandError with the exit code that the node's own error has */
  async send(
    words: readonly string[],
    text: string,
    options: { readonly id: string; readonly trustName: boolean; readonly signal: AbortSignal }
  ): Promise<Sent> {
    const { id, trustName, signal } = options
    const done = await this.#running.ask({ do: 'msg', peer: words, text, id, trustName }, { signal })
    const message = readOutgoing(done['message'])
    if (message === undefined) throw new NoAnswerError(undefined)
    this.#follow(message)
    return { target: { peer: message.peer, name: String(done['name']), shortId: shortId(message.peer) }, message }
  }

  /** Waits for a message that another parley took, which has ended since. */
  async takeUp(message: OutgoingMessage, options: { readonly signal: AbortSignal }): Promise<void> {
    this.#id = message.id
    const ask = { do: 'history', peer: message.peer, limit: HISTORY_LINES }
    const done = await this.#running.ask(ask, options)
    const now = listOf(done['messages']).find(({ id }) => id === message.id)
    this.#follow(readOutgoing(now) ?? message)
  }

  async settled(message: OutgoingMessage, { signal }: { signal: AbortSignal }): Promise<OutgoingMessage> {
    const aborted = Promise.withResolvers<never>()
    const onAbort = (): void => aborted.reject(signal.reason)
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { once: true })
    try {
      const { reason, ...rest } = await Promise.race([this.#settled.promise, aborted.promise])
      return { ...message, ...rest, ...(reason === undefined ? {} : { reason }) }
    } finally {
      signal.removeEventListener('abort', onAbort)
    }
  }

  state(peer: string): ConversationState {
    return this.#states.get(peer) ?? { name: 'closed' }
  }

  async cancel(peer: string, ids?: readonly string[]): Promise<number> {
    const done = await this.#running.ask({ do: 'cancel', peer, ...(ids === undefined ? {} : { ids }) })
    return Number(done['count'])
  }

  #follow(message: OutgoingMessage): void {
    this.#id = message.id
    const latest = this.#early.get(message.id) ?? message
    this.#early.clear()
    if (latest.state !== 'pending') this.#settled.resolve(latest)
  }

  #hear(event: Json): void {
    const { peer, name, reason } = event
    if (typeof peer !== 'string') return
    switch (event['event']) {
      case 'delivery':
        this.#hearDelivery(event)
        break
      case 'conversation':
        this.#noteState(event)
        break
      case 'refused': {
        const detail = { peer, name: String(name), reason: String(reason), retryAfterMs: Number(event['retryAfterMs']) }
        this.dispatchEvent(new CustomEvent('refused', { detail }))
      }
    }
  }

  #hearDelivery({ id, state, reason }: Json): void {
    if (typeof id !== 'string' || !isDeliveryState(state)) return
    const delivery: Delivery = { state, ...(typeof reason === 'string' ? { reason } : {}) }
    if (this.#id === undefined) this.#early.set(id, delivery)
    else if (id === this.#id && state !== 'pending') this.#settled.resolve(delivery)
  }

  /** Whether there is a way to a peer, and why not, is all that is asked for of the state. */
  #noteState({ peer, state, why, retryAtMs, path }: Json): void {
    if (typeof peer !== 'string') return
    switch (state) {
      case 'waiting':
        this.#states.set(peer, { name: 'waiting', why: String(why), retryAtMs: Number(retryAtMs) })
        break
      case 'open':
        this.#states.set(peer, { name: 'open', dialect: 'parley', path: path === 'lan' ? 'lan' : 'direct' })
        break
      default:
        this.#states.delete(peer)
    }
  }
}

function readOutgoing(json: unknown): OutgoingMessage | undefined {
  const message = readMessage(json)
  return message?.direction === 'out' ? message : undefined
}
