// Runs the model's effects on the node and dispatches the outcomes as events: one
// conversation is opened or one command runs at a time, messages go out in the
// order in which they were typed. It decides nothing.
import type { ChatApi, HistoryEntry, OutgoingMessage, PeerTarget, StoredMessage } from '../chat-api/chat-api.ts'
import type { CommandResult } from '../chat-commands/chat-command.ts'
import { findCommand } from '../chat-commands/chat-commands.ts'
import { argumentsFromLine } from '../chat-commands/command-arguments.ts'
import { RESOLVE_TIMEOUT_MS, findPeer } from '../chat-api/find-peer.ts'
import { failureText } from '../chat-commands/result-lines.ts'
import { untilSettled, waitingLines } from '../chat-api/settling.ts'
import { cautionBefore } from '../chat-commands/stranger-caution.ts'
import { ReadRequests } from '../chat-commands/chat-command.ts'
import { PAGE_MESSAGES, keyOf } from './model/window.ts'
import type { Effect, ScreenEvent } from './model/events.ts'
import { numberedPeers } from './model/people.ts'
import { currentPeer, type State } from './model/state.ts'
import type { NodeNews } from './node-news.ts'

/** Each try means that a message came in the milliseconds of a read: beyond this the end is out of date anyway. */
const MAX_PAGE_TRIES = 5

/** Hits of a search in one conversation. */
const MAX_FOUND = 200

type NodeEffect = Extract<Effect, { do: 'open' | 'send' | 'command' | 'page' | 'search' | 'jump' | 'typing' | 'stop' }>

export interface EffectRunnerInit {
  readonly node: ChatApi
  readonly news: NodeNews
  readonly dispatch: (event: ScreenEvent) => void
  readonly state: () => State
}

export class EffectRunner {
  readonly #init: EffectRunnerInit
  readonly #readRequests = new ReadRequests()
  #running: AbortController | undefined
  #sending: Promise<void> = Promise.resolve()
  /** Own messages of this session that have no final state yet. */
  readonly #unsettled = new Map<string, OutgoingMessage>()

  constructor(init: EffectRunnerInit) {
    this.#init = init
    init.node.events.addEventListener('resumed', () => void this.#resume())
    init.node.events.addEventListener('delivery', ({ detail: { message, state } }) => {
      if (state !== 'pending') this.#unsettled.delete(keyOf(message))
    })
  }

  start(effect: NodeEffect): void {
    const { node } = this.#init
    switch (effect.do) {
      case 'open':
        return this.#run(async (signal) => this.#open(effect, signal))
      case 'command':
        return this.#run(async (signal) => this.#command(effect, signal))
      case 'send':
        this.#sending = this.#sending.then(async () => this.#send(effect.peer, effect.text))
        return
      case 'page':
        void this.#page(effect)
        return
      case 'search':
        void this.#search(effect.peer, effect.words)
        return
      case 'jump':
        void this.#jump(effect.peer, effect.position)
        return
      case 'typing':
        return node.messaging.typing(effect.peer)
      case 'stop':
        return this.abort()
    }
  }

  /** Stops the running operation, if any. */
  abort(): void {
    this.#running?.abort()
  }

  async lookAround(): Promise<void> {
    const controller = new AbortController()
    this.#running = controller
    const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(RESOLVE_TIMEOUT_MS)])
    // That nobody answers is seen on the screen.
    await this.#init.node.peers.firstLook({ signal }).catch(() => undefined)
    this.#running = undefined
  }

  /** @throws what findPeer throws: there is nothing to begin with */
  async openFirst(words: readonly string[]): Promise<void> {
    const controller = new AbortController()
    this.#running = controller
    const target = await findPeer(this.#init.node, words, { trustName: true, signal: controller.signal })
    this.#running = undefined
    await this.#approach(target, undefined)
  }

  /** Reads the conversations and their unread counts. */
  async readPast(): Promise<void> {
    const { node, dispatch, news } = this.#init
    try {
      const past = await node.messaging.history.conversations()
      const conversations = past.map(({ peer, unread }) => ({ peer, unread, name: node.peers.look(peer).name }))
      dispatch({ is: 'past', conversations })
      await news.askRequests()
    } catch (error) {
      dispatch({ is: 'failed', text: failureText(error) })
    }
  }

  /** Events were missed: what is on the screen is read again. */
  async #resume(): Promise<void> {
    const { state, news, dispatch } = this.#init
    const peer = currentPeer(state())
    await this.readPast()
    if (peer !== undefined) news.follow(peer)
    dispatch({ is: 'resumed' })
    news.lookAround()
  }

  /** Waits for what is under way; returns lines about what still waits then. */
  async settle(withinMs: number, isQuitting: boolean): Promise<readonly string[]> {
    const { node } = this.#init
    const controller = new AbortController()
    this.#running = controller
    const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(withinMs)])
    await this.#sending
    await untilSettled(node, [...this.#unsettled.values()], { signal, isQuitting })
    return waitingLines(node.messaging.history).catch(() => [])
  }

  #run(work: (signal: AbortSignal) => Promise<void>): void {
    const controller = new AbortController()
    this.#running = controller
    const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(RESOLVE_TIMEOUT_MS)])
    const { dispatch } = this.#init
    void work(signal)
      .catch((error: unknown) => dispatch({ is: 'failed', text: failureText(error) }))
      .finally(() => {
        this.#running = undefined
        dispatch({ is: 'done' })
      })
  }

  async #open(effect: Omit<Extract<Effect, { do: 'open' }>, 'do'>, signal: AbortSignal): Promise<void> {
    const target = await this.#resolve(effect.words, signal)
    await this.#approach(effect.isPicked === true ? { ...target, by: 'number' } : target, effect.leaving)
  }

  /** Shows the conversation, unless a stranger's request has to be read first or the name is ambiguous. */
  async #approach(target: PeerTarget, leaving: string | undefined): Promise<void> {
    const { node, dispatch } = this.#init
    const person = { readRequests: this.#readRequests, agreed: undefined }
    const caution = await cautionBefore({ node, person, target, verb: 'open' })
    if (caution === undefined) await this.#show(target, leaving)
    else dispatch({ is: 'result', result: caution })
  }

  async #resolve(words: readonly string[], signal: AbortSignal): Promise<PeerTarget> {
    const { node, state } = this.#init
    return node.peers.resolve(words, { numbers: numberedPeers(state()), trustName: true, signal })
  }

  async #show(target: PeerTarget, leaving: string | undefined): Promise<void> {
    const { node, news, dispatch } = this.#init
    const { peer } = target
    await node.messaging.open(peer)
    news.gather()
    const entries = await node.messaging.history.page(peer, { limit: PAGE_MESSAGES })
    if (leaving !== undefined && leaving !== peer) await node.messaging.leave(leaving)
    dispatch({ is: 'opened', target, trust: node.peers.look(peer).trust, entries, state: node.peers.look(peer).state })
    for (const message of news.gathered()) {
      if (message.peer === peer) dispatch({ is: 'message', message, name: target.name })
    }
    news.follow(peer)
    news.lookAround()
  }

  async #command(effect: Extract<Effect, { do: 'command' }>, signal: AbortSignal): Promise<void> {
    const { node, dispatch, news } = this.#init
    const command = findCommand(effect.name)
    if (command === undefined) return
    const args = argumentsFromLine(command, effect.rest)
    // Opening moves the screen too.
    if (command.name === 'chat') return this.#open({ words: args.peer ?? [], leaving: effect.current }, signal)
    const resolve = async (words: readonly string[]): Promise<PeerTarget> => this.#resolve(words, signal)
    const { current, shownFrom, agreed } = effect
    const person = { readRequests: this.#readRequests, agreed }
    const result: CommandResult = await command.run({ node, current, shownFrom, person, resolve }, args)
    if (result.is === 'sent') this.#sent(result.message, result.name)
    dispatch({ is: 'result', result, line: `${effect.name} ${effect.rest}` })
    news.lookAround()
    await news.askRequests()
  }

  async #send(peer: string, text: string): Promise<void> {
    const { node, dispatch } = this.#init
    try {
      this.#sent(await node.messaging.send(peer, text), node.peers.look(peer).name)
    } catch (error) {
      dispatch({ is: 'failed', text: failureText(error) })
      dispatch({ is: 'unsent', peer, text })
    }
  }

  #sent(message: OutgoingMessage, name: string): void {
    if (message.state === 'pending') this.#unsettled.set(keyOf(message), message)
    this.#init.dispatch({ is: 'sent', message, name })
  }

  async #page({ peer, where, limit, before, after }: Omit<Extract<Effect, { do: 'page' }>, 'do'>): Promise<void> {
    const { node, dispatch } = this.#init
    try {
      const place = { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
      const read = async (): Promise<readonly HistoryEntry[]> => node.messaging.history.page(peer, { limit, ...place })
      // The page replaces what is on the screen.
      const entries = where === 'end' ? await this.#untilNoneCame(peer, read) : await read()
      dispatch({ is: 'page', peer, where, limit, entries })
    } catch (error) {
      dispatch({ is: 'page failed', peer, text: failureText(error) })
    }
  }

  /** Reads again when a message of the conversation was stored meanwhile, which may be missing: a few times. */
  async #untilNoneCame<T>(peer: string, read: () => Promise<T>): Promise<T> {
    const { events } = this.#init.node
    let hasCome = false
    const onMessage = ({ detail }: { readonly detail: { readonly message: StoredMessage } }): void => {
      if (detail.message.peer === peer) hasCome = true
    }
    events.addEventListener('message', onMessage)
    events.addEventListener('sent', onMessage)
    try {
      for (let tries = 1; ; tries++) {
        hasCome = false
        const found = await read()
        if (!hasCome || tries === MAX_PAGE_TRIES) return found
      }
    } finally {
      events.removeEventListener('message', onMessage)
      events.removeEventListener('sent', onMessage)
    }
  }

  async #search(peer: string, words: string): Promise<void> {
    const { node, dispatch } = this.#init
    try {
      const hits = await node.messaging.history.search(words, { peer, limit: MAX_FOUND })
      dispatch({ is: 'found', peer, words, positions: hits.map(({ position }) => position) })
    } catch (error) {
      dispatch({ is: 'failed', text: failureText(error) })
    }
  }

  /** Reads the message and its surroundings. */
  async #jump(peer: string, position: number): Promise<void> {
    const { node, dispatch } = this.#init
    const half = PAGE_MESSAGES / 2
    try {
      const [older, newer] = await Promise.all([
        node.messaging.history.page(peer, { before: position, limit: half }),
        node.messaging.history.page(peer, { after: position - 1, limit: half + 1 })
      ])
      dispatch({ is: 'jumped', peer, position, entries: [...older, ...newer] })
    } catch (error) {
      dispatch({ is: 'page failed', peer, text: failureText(error) })
    }
  }
}
