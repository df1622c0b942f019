// One message sent from a profile: by a node of our own, or by the parley that runs
// on it, which then stands in for the node. When that one ends while the message
// still waits, the message is in the profile: the next holder goes on with it.
import { type Json, jsonList } from '../../lib/index.ts'
import { TypedEventEmitter } from 'main-event'
import { type Config, exitCodes, ParleyError, shortId } from '../../node/settings.ts'
import type {
  ChatEventTarget,
  MessagingApi,
  PeerView,
  ChatNodeEvents,
  ConversationState,
  OutgoingMessage,
  PeerTarget
} from '../chat-api/chat-api.ts'
import { RESOLVE_TIMEOUT_MS } from '../chat-api/find-peer.ts'
import { MAX_PAGE_MESSAGES } from '../chat-commands/chat-command.ts'
import { isDeliveryState, readMessage } from './message-json.ts'
import { onProfile } from './on-profile.ts'
import { NoAnswerError, type RunningParley } from './running-parley.ts'

/** The running parley is on another network than the one that was asked for. */
class ProfileOnOtherNetworkError extends ParleyError {
  override readonly name = 'ProfileOnOtherNetworkError'
  override readonly exitCode = exitCodes.profileInUse

  constructor(profile: string, running: string, asked: string) {
    super(
      `the profile ${profile} is in use by a parley on the network ${running}, not ${asked}: ` +
        'end that one, or choose another profile with --profile'
    )
  }
}

interface SendOnProfile<T> {
  readonly config: Config
  readonly signal: AbortSignal
  readonly words: readonly string[]
  readonly text: string
  readonly trustName: boolean
  /** The id of the message: with it every parley that is asked in turn sends it once. */
  readonly id: string
  /** Runs a node on the profile; sends there unless the message has been sent already; finishes there. */
  readonly own: (sent: Sent | undefined) => Promise<T>
  /** Wraps the time in which a running parley resolves the words. */
  readonly looking: <S>(work: Promise<S>) => Promise<S>
  /** Waits for the final state of the message, and reports it. */
  readonly finish: (node: SendingNode, sent: Sent) => Promise<T>
  readonly say: (line: string) => void
}

/** @throws ParleyError with the exit code that a node of our own would have ended with */
export async function sendOnProfile<T>(init: SendOnProfile<T>): Promise<T> {
  const { config, signal, finish } = init
  let sent: Sent | undefined
  const running = async (parley: RunningParley): Promise<T> => {
    checkNetwork(parley, config)
    const node = new RunningNode(parley)
    if (sent === undefined) {
      const { id, trustName } = init
      const sending = node.send(init.words, init.text, { id, trustName, signal })
      sent = await init.looking(sending).catch(leaveWaiting)
    } else {
      const options = { signal: AbortSignal.any([signal, AbortSignal.timeout(RESOLVE_TIMEOUT_MS)]) }
      await node.takeUp(sent.message, options).catch(leaveWaiting)
    }
    return finish(node, sent)
  }
  for (;;) {
    try {
      return await onProfile({ config, signal, running, own: async () => init.own(sent), say: init.say })
    } catch (error) {
      if (!(error instanceof LeftWaitingError)) throw error
    }
  }
}

/** A parley that ends before it answers leaves the message to the next one, which is asked with the same id. */
function leaveWaiting(error: unknown): never {
  if (!(error instanceof NoAnswerError) || error.timeoutMs !== undefined) throw error
  throw new LeftWaitingError('the parley that was to send it has ended', { cause: error })
}

/** On another network the name may mean another peer. */
function checkNetwork({ ready }: RunningParley, { settings }: Config): void {
  const network = String(ready['network'])
  if (network !== settings.network) throw new ProfileOnOtherNetworkError(settings.profile, network, settings.network)
}

/** What a command that sends one message needs of a node. */
export interface SendingNode {
  readonly events: ChatEventTarget
  readonly messaging: Pick<MessagingApi, 'settled' | 'cancel'>
  readonly peers: { look(peer: string): Pick<PeerView, 'state'> }
}

export interface Sent {
  readonly target: Pick<PeerTarget, 'peer' | 'name' | 'shortId'>
  readonly message: OutgoingMessage
}

/** The parley that was asked to send has ended and leaves the message waiting in the profile. */
class LeftWaitingError extends Error {
  override readonly name = 'LeftWaitingError'
}

type Delivery = Pick<OutgoingMessage, 'state' | 'reason'>

export class RunningNode implements SendingNode {
  readonly events = new TypedEventEmitter<ChatNodeEvents>()
  readonly messaging: SendingNode['messaging']
  readonly peers: SendingNode['peers']
  readonly #running: RunningParley
  readonly #states = new Map<string, ConversationState>()
  /** The final state of the sent message. */
  readonly #settled = Promise.withResolvers<Delivery>()
  /** States reported before the answer to `send` has named the message. */
  readonly #early = new Map<string, Delivery>()
  #id: string | undefined

  constructor(running: RunningParley) {
    this.#running = running
    this.messaging = {
      settled: async (message, options) => this.#settle(message, options),
      cancel: async (peer, ids) => this.#cancel(peer, ids)
    }
    this.peers = { look: (peer) => ({ state: this.#states.get(peer) ?? { name: 'closed' } }) }
    this.#settled.promise.catch(() => undefined) // reported by settled()
    running.onEvent((event) => this.#hear(event))
    const onEnd = (): void => this.#settled.reject(new LeftWaitingError('the parley that was to send it has ended'))
    if (running.ended.aborted) onEnd()
    else running.ended.addEventListener('abort', onEnd, { once: true })
    for (const state of jsonList(running.ready['conversations'])) this.#noteState(state)
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
    this.#follow((await this.#stored(message, options)) ?? message)
  }

  /** Goes back through the conversation: any number of messages may have come since. */
  async #stored(
    { peer, id }: OutgoingMessage,
    options: { readonly signal: AbortSignal }
  ): Promise<OutgoingMessage | undefined> {
    let before: number | undefined
    for (;;) {
      const from = before === undefined ? {} : { before }
      const ask = { do: 'history', peer, limit: MAX_PAGE_MESSAGES, ...from }
      const page = jsonList((await this.#running.ask(ask, options))['messages'])
      const found = page.find((json) => json['id'] === id && json['direction'] === 'out')
      if (found !== undefined) return readOutgoing(found)
      const earliest = page[0]?.['position']
      if (typeof earliest !== 'number') return undefined
      before = earliest
    }
  }

  async #settle(message: OutgoingMessage, { signal }: { signal: AbortSignal }): Promise<OutgoingMessage> {
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

  async #cancel(peer: string, ids?: readonly string[]): Promise<number> {
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
        const detail = {
          peer,
          name: String(name),
          label: String(name),
          reason: String(reason),
          retryAfterMs: Number(event['retryAfterMs'])
        }
        this.events.dispatchEvent(new CustomEvent('refused', { detail }))
      }
    }
  }

  #hearDelivery({ id, state, reason }: Json): void {
    if (typeof id !== 'string' || !isDeliveryState(state)) return
    const delivery: Delivery = { state, ...(typeof reason === 'string' ? { reason } : {}) }
    if (this.#id === undefined) this.#early.set(id, delivery)
    else if (id === this.#id && state !== 'pending') this.#settled.resolve(delivery)
  }

  /** A command needs only whether the peer can be reached, and why not. */
  #noteState({ peer, state, why, retryAtMs, path }: Json): void {
    if (typeof peer !== 'string') return
    switch (state) {
      case 'waiting':
        this.#states.set(peer, { name: 'waiting', why: String(why), retryAtMs: Number(retryAtMs) })
        break
      case 'open':
        this.#states.set(peer, {
          name: 'open',
          dialect: 'parley',
          path: path === 'lan' || path === 'relayed' ? path : 'direct'
        })
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
