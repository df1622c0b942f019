// Does what the model asks of the node, and tells what came of it as events: one
// conversation is opened or one command runs at a time, messages go out in the
// order in which they were typed. It decides nothing.
import type { ChatApi, OutgoingMessage, PeerTarget } from '../chat-api.ts'
import type { CommandResult } from '../chat-command.ts'
import { findCommand } from '../chat-commands.ts'
import { argumentsFromLine } from '../command-arguments.ts'
import { MAX_COUNTED_WAITING, RESOLVE_TIMEOUT_MS } from '../constants.ts'
import { findPeer } from '../find-peer.ts'
import { failureText } from '../plain/operation.ts'
import { MAX_FOUND, PAGE_MESSAGES } from './constants.ts'
import type { Effect, ScreenEvent } from './model/events.ts'
import { numberedPeers } from './model/people.ts'
import type { State } from './model/state.ts'
import { keyOf } from './model/window.ts'
import type { NodeNews } from './node-news.ts'

type NodeEffect = Extract<
  Effect,
  { do: 'open' | 'send' | 'command' | 'page' | 'search' | 'jump' | 'typing' | 'stop what goes on' }
>

export interface DoingInit {
  readonly node: ChatApi
  readonly news: NodeNews
  readonly dispatch: (event: ScreenEvent) => void
  readonly state: () => State
}

export class Doing {
  readonly #init: DoingInit
  #running: AbortController | undefined
  #sending: Promise<void> = Promise.resolve()
  /** Own messages of this session that have no final state yet. */
  readonly #underWay = new Map<string, OutgoingMessage>()

  constructor(init: DoingInit) {
    this.#init = init
    init.node.addEventListener('delivery', ({ detail: { message, state } }) => {
      if (state !== 'pending') this.#underWay.delete(keyOf(message))
    })
  }

  start(effect: NodeEffect): void {
    const { node } = this.#init
    switch (effect.do) {
      case 'open':
        return this.#run(async (signal) => this.#open(effect.words, effect.leaving, signal))
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
        return node.typing(effect.peer)
      case 'stop what goes on':
        return this.abort()
    }
  }

  /** Stops what goes on, if anything does. */
  abort(): void {
    this.#running?.abort()
  }

  async lookAround(): Promise<void> {
    const controller = new AbortController()
    this.#running = controller
    const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(RESOLVE_TIMEOUT_MS)])
    // That nobody answers is seen on the screen.
    await this.#init.node.firstLook({ signal }).catch(() => undefined)
    this.#running = undefined
  }

  /** @throws what findPeer throws: there is nothing to begin with */
  async openFirst(words: readonly string[]): Promise<void> {
    const controller = new AbortController()
    this.#running = controller
    const target = await findPeer(this.#init.node, words, { trustName: true, signal: controller.signal })
    this.#running = undefined
    await this.#show(target, undefined)
  }

  /** With whom there are messages, and how many of them are unread. */
  async readPast(): Promise<void> {
    const { node, dispatch, news } = this.#init
    try {
      const past = await node.history.conversations()
      const conversations = past.map(({ peer, unread }) => ({ peer, unread, name: node.name(peer) }))
      dispatch({ is: 'past', conversations })
      await news.askRequests()
    } catch (error) {
      dispatch({ is: 'failed', text: failureText(error) })
    }
  }

  /** Waits for what is under way, and returns what is to be said of all that still waits then. */
  async settle(withinMs: number): Promise<readonly string[]> {
    const { node } = this.#init
    const controller = new AbortController()
    this.#running = controller
    const signal = AbortSignal.any([controller.signal, AbortSignal.timeout(withinMs)])
    await this.#sending
    await Promise.allSettled([...this.#underWay.values()].map(async (message) => node.settled(message, { signal })))
    const waiting = await node.history.waiting(MAX_COUNTED_WAITING).catch(() => undefined)
    if (waiting === undefined || waiting.messages === 0) return []
    const { messages, isAll } = waiting
    const what =
      messages === 1 && isAll
        ? 'One message waits and goes'
        : `${isAll ? '' : 'More than '}${messages} messages wait and go`
    return [`${what} out the next time, when the other side is seen.`]
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

  async #open(words: readonly string[], leaving: string | undefined, signal: AbortSignal): Promise<void> {
    await this.#show(await this.#resolve(words, signal), leaving)
  }

  async #resolve(words: readonly string[], signal: AbortSignal): Promise<PeerTarget> {
    const { node, state } = this.#init
    return node.resolve(words, { numbers: numberedPeers(state()), trustName: true, signal })
  }

  async #show(target: PeerTarget, leaving: string | undefined): Promise<void> {
    const { node, news, dispatch } = this.#init
    const { peer } = target
    await node.open(peer)
    news.gather()
    const entries = await node.history.page(peer, { limit: PAGE_MESSAGES })
    if (leaving !== undefined && leaving !== peer) await node.leave(leaving)
    dispatch({ is: 'opened', target, trust: node.trust(peer), entries, state: node.state(peer) })
    for (const message of news.gathered()) {
      if (message.peer === peer) dispatch({ is: 'message', message, name: target.name })
    }
    news.follow(peer, target.name)
    news.lookAround()
  }

  async #command(effect: Extract<Effect, { do: 'command' }>, signal: AbortSignal): Promise<void> {
    const { node, dispatch, news } = this.#init
    const command = findCommand(effect.name)
    if (command === undefined) return
    const args = argumentsFromLine(command, effect.rest)
    // Opening is more than the command: the screen goes there.
    if (command.name === 'chat') return this.#open(args.peer ?? [], effect.current, signal)
    const resolve = async (words: readonly string[]): Promise<PeerTarget> => this.#resolve(words, signal)
    const { current, shownFrom } = effect
    const result: CommandResult = await command.run({ node, current, shownFrom, resolve }, args)
    if (result.is === 'sent') this.#sent(result.message, result.name)
    dispatch({ is: 'result', result })
    news.lookAround()
    await news.askRequests()
  }

  async #send(peer: string, text: string): Promise<void> {
    const { node, dispatch } = this.#init
    try {
      this.#sent(await node.send(peer, text), node.name(peer))
    } catch (error) {
      dispatch({ is: 'failed', text: failureText(error) })
      dispatch({ is: 'unsent', peer, text })
    }
  }

  #sent(message: OutgoingMessage, name: string): void {
    if (message.state === 'pending') this.#underWay.set(keyOf(message), message)
    this.#init.dispatch({ is: 'sent', message, name })
  }

  async #page({ peer, where, limit, before, after }: Extract<Effect, { do: 'page' }>): Promise<void> {
    const { node, dispatch } = this.#init
    try {
      const place = { ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }
      const entries = await node.history.page(peer, { limit, ...place })
      dispatch({ is: 'page', peer, where, limit, entries })
    } catch (error) {
      dispatch({ is: 'page failed', peer, text: failureText(error) })
    }
  }

  async #search(peer: string, words: string): Promise<void> {
    const { node, dispatch } = this.#init
    try {
      const hits = await node.history.search(words, { peer, limit: MAX_FOUND })
      dispatch({ is: 'found', peer, words, positions: hits.map(({ position }) => position) })
    } catch (error) {
      dispatch({ is: 'failed', text: failureText(error) })
    }
  }

  /** The message and what stands around it. */
  async #jump(peer: string, position: number): Promise<void> {
    const { node, dispatch } = this.#init
    const half = PAGE_MESSAGES / 2
    try {
      const [older, newer] = await Promise.all([
        node.history.page(peer, { before: position, limit: half }),
        node.history.page(peer, { after: position - 1, limit: half + 1 })
      ])
      dispatch({ is: 'jumped', peer, position, entries: [...older, ...newer] })
    } catch (error) {
      dispatch({ is: 'page failed', peer, text: failureText(error) })
    }
  }
}
