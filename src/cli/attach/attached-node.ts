// A node in another process, used by a face as if it were in this one. When that
// process ends, the face hears of it; the node is looked for until it is back, the
// open conversations with contacts are opened again, and missed events are reported.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Duplex } from 'node:stream'
import { TypedEventEmitter } from 'main-event'
import { Backoff, Wakeup } from '../../lib/index.ts'
import type {
  ChatApi,
  ChatNodeEvents,
  ChatSnapshot,
  FilesApi,
  SharesApi,
  InvitationsApi,
  MessagingApi,
  NodeFigures,
  PeersApi,
  SelfApi,
  TrustApi
} from '../chat-api/chat-api.ts'
import { FACE_HELLO_TIMEOUT_MS } from './face-protocol.ts'
import { MissedMessages } from './missed-messages.ts'
import { NodeGoneError, NodeLink, type NodeMessage, OtherVersionError } from './node-link.ts'
import { NodeMirror } from './node-mirror.ts'
import {
  isGone,
  remoteFiles,
  remoteShares,
  remoteInvitations,
  remoteMessaging,
  remotePeers,
  remoteSelf,
  remoteTrust,
  type Remote
} from './remote-api.ts'

/** How soon a node that has ended is looked for again: its supervisor starts it within seconds. */
const RECONNECT_BACKOFF = { firstMs: 250, maxMs: 5_000 } as const

/** A call that was cut off is asked of a node that is back within this time. */
const CALL_AGAIN_MS = 20_000

export interface AttachedNodeInit {
  /** Connects to the node of the profile. @returns undefined while there is none */
  readonly connect: (options: { readonly signal: AbortSignal }) => Promise<Duplex | undefined>
  readonly signal: AbortSignal
  /** A person attends to this face, until {@link AttachedNode.attended} says otherwise. */
  readonly isAttended: boolean
  /** How long a connection may take to say hello, where the line is slow, or a person is asked for something first. */
  readonly helloMs?: number
}

export class AttachedNode implements ChatApi {
  readonly events = new TypedEventEmitter<ChatNodeEvents>()
  readonly self: SelfApi
  readonly messaging: MessagingApi
  readonly peers: PeersApi
  readonly trust: TrustApi
  readonly invitations: InvitationsApi
  readonly files: FilesApi
  readonly shares: SharesApi
  readonly #init: AttachedNodeInit
  readonly #life = new AbortController()
  readonly #missed: MissedMessages
  /** Conversations that this face has on its screen, all with contacts. */
  readonly #shown = new Set<string>()
  /** The node is there again, and its snapshot is whole. */
  readonly #back = new Wakeup()
  readonly #begun = Promise.withResolvers<void>()
  #link: NodeLink
  #mirror = new NodeMirror()
  /** A snapshot that is being sent. */
  #next: NodeMirror | undefined = new NodeMirror()
  /** Events that wait until the missed ones before them are reported. */
  #waiting: NodeMessage[] | undefined
  /** The link over which the face was last made whole. */
  #resumedWith: NodeLink | undefined
  /** How often the node was found again. */
  #epoch = 0
  #isLive = false
  /** When the connection to it was lost; undefined while there is one. */
  #lostAtMs: number | undefined
  #isAttended: boolean

  /**
   * @returns undefined when there is no node to attach to
   * @throws OtherVersionError, TooManyFacesError, NodeGoneError
   */
  static async attach(init: AttachedNodeInit): Promise<AttachedNode | undefined> {
    const stream = await init.connect({ signal: init.signal })
    if (stream === undefined) return undefined
    const { isAttended, helloMs = FACE_HELLO_TIMEOUT_MS, signal } = init
    const face = { isAttended: () => isAttended, timeoutMs: helloMs, signal }
    const node = new AttachedNode(init, await NodeLink.greet(stream, face))
    void node.#run()
    await node.#begun.promise
    await node.#missed.begin()
    return node
  }

  private constructor(init: AttachedNodeInit, link: NodeLink) {
    this.#init = init
    this.#link = link
    this.#isAttended = init.isAttended
    const remote = this.#remote()
    this.self = remoteSelf(remote)
    this.messaging = remoteMessaging(remote)
    this.peers = remotePeers(remote)
    this.trust = remoteTrust(remote)
    this.invitations = remoteInvitations(remote)
    this.files = remoteFiles(remote)
    this.shares = remoteShares(remote)
    this.#missed = new MissedMessages({
      history: () => this.messaging.history,
      requests: async () => this.messaging.requests(),
      newest: async () => Number(await this.#link.call('history.newest', [])),
      look: (peer) => this.#mirror.look(peer),
      tell: (type, detail) => this.#tell(type, detail)
    })
  }

  /** The node has no face of its own, and outlives this one. */
  get isDaemon(): boolean {
    return this.#link.hello['isDaemon'] === true
  }

  snapshot(): ChatSnapshot {
    return { ...this.#mirror.snapshot(), lostAtMs: this.#lostAtMs }
  }

  async figures(): Promise<NodeFigures> {
    return (await this.#link.call('figures', [])) as NodeFigures
  }

  async settings(): ReturnType<ChatApi['settings']> {
    return (await this.#link.call('settings', [])) as Awaited<ReturnType<ChatApi['settings']>>
  }

  async examine(...[target, { signal } = {}]: Parameters<ChatApi['examine']>): ReturnType<ChatApi['examine']> {
    return (await this.#link.call('examine', [target], signal)) as Awaited<ReturnType<ChatApi['examine']>>
  }

  /** Whether a person attends to this face from now on. */
  attended(isAttended: boolean): void {
    this.#isAttended = isAttended
    this.#link.attended(isAttended)
  }

  /** A notice of this side. */
  say(code: 'node-gone' | 'node-back' | 'not-applied', text: string): void {
    this.#tell('notice', { code, text })
  }

  /** Leaves the node, which goes on. */
  close(): void {
    this.#life.abort()
    this.#link.close()
  }

  #remote(): Remote {
    const call: Remote['call'] = async (method, args = [], signal?) => this.#link.call(method, args, signal)
    const epochNow = (): number => this.#epoch
    return {
      call,
      callOfAnyNode: async (method, args, signal?) => this.#callOfAnyNode(method, args, signal),
      look: (peer) => this.#mirror.look(peer),
      shown: this.#shown,
      get epoch() {
        return epochNow()
      }
    }
  }

  async #callOfAnyNode(method: string, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    const giveUp = AbortSignal.any([this.#life.signal, signal ?? AbortSignal.timeout(CALL_AGAIN_MS)])
    if (!this.#isLive && signal === undefined) throw new NodeGoneError()
    for (;;) {
      try {
        return await this.#link.call(method, args, signal)
      } catch (error) {
        if (!isGone(error) || giveUp.aborted) throw error
        await this.#untilLive(giveUp)
        signal?.throwIfAborted()
      }
    }
  }

  async #untilLive(signal: AbortSignal): Promise<void> {
    while (!this.#isLive && !signal.aborted) await this.#back.sleep(signal, RECONNECT_BACKOFF.firstMs)
  }

  async #run(): Promise<void> {
    const over = AbortSignal.any([this.#life.signal, this.#init.signal])
    while (!over.aborted) {
      const why = await this.#link.read((message) => this.#take(message)).then(() => new NodeGoneError(), asError)
      if (over.aborted) break
      this.#begun.reject(why)
      // It ended before its first snapshot was complete: the caller gets the error, and no other node is waited for.
      if (this.#epoch === 0 && !this.#isLive && this.#next !== undefined) return
      this.#isLive = false
      this.#lostAtMs ??= Date.now()
      this.say('node-gone', 'Connection to Parley lost. Reconnecting … /quit leaves.')
      await this.#findAgain(over)
    }
  }

  async #findAgain(over: AbortSignal): Promise<void> {
    const backoff = new Backoff(RECONNECT_BACKOFF)
    const { helloMs = FACE_HELLO_TIMEOUT_MS } = this.#init
    let said = ''
    while (!over.aborted) {
      try {
        const stream = await this.#init.connect({ signal: over })
        if (stream !== undefined) {
          const face = { isAttended: () => this.#isAttended, timeoutMs: helloMs, signal: over }
          this.#link = await NodeLink.greet(stream, face)
          this.#epoch++
          this.#next = new NodeMirror()
          return
        }
      } catch (error) {
        // One of another version may be replaced by one of ours; one that is just ending, or starting, is asked again.
        const text = error instanceof OtherVersionError ? error.toOlderWindow : asError(error).message
        if (!isGone(error) && !over.aborted && text !== said) {
          said = text
          this.say('node-gone', said)
        }
      }
      await sleep(backoff.nextMs(), undefined, { signal: over }).catch(() => undefined)
    }
  }

  #take(message: NodeMessage): void {
    if (message.is === 'behind') {
      this.#isLive = false
      this.#next = new NodeMirror()
    } else if (message.is === 'live') this.#goLive()
    else if (message.is !== 'event') (this.#next ?? this.#mirror).take(message)
    else if (this.#waiting === undefined) this.#event(message)
    else this.#waiting.push(message)
  }

  #goLive(): void {
    const older = this.#mirror
    const isFirst = this.#next !== undefined && this.#epoch === 0 && !older.isWhole
    this.#mirror = this.#next ?? older
    this.#next = undefined
    this.#isLive = true
    this.#lostAtMs = undefined
    this.#back.wake()
    if (isFirst) {
      this.#resumedWith = this.#link
      this.#begun.resolve()
    } else void this.#resume(older)
  }

  /** Events were missed, or the node is another process. */
  async #resume(older: NodeMirror): Promise<void> {
    this.#waiting ??= []
    if (this.#link !== this.#resumedWith) {
      this.#resumedWith = this.#link
      if (this.#epoch > 0) this.say('node-back', 'Parley is connected again.')
      this.#showContactsOnly()
      // Accepts nobody, unlike opening. The state of one that can't be opened shows why.
      for (const peer of this.#shown) void this.#link.call('messaging.reopen', [peer]).catch(() => undefined)
    }
    this.#tellChanges(older)
    try {
      const isWhole = await this.#missed.catchUp()
      if (!isWhole) this.say('node-back', 'Some of what came meanwhile is only in the history: parley log shows it.')
    } catch (error) {
      // When the node has ended again, the next time covers this one too.
      if (!isGone(error)) this.say('node-back', `what was missed can't be read: ${asError(error).message}`)
    }
    const waiting = this.#waiting ?? []
    this.#waiting = undefined
    for (const message of waiting) this.#event(message)
    this.#tell('resumed', {})
  }

  /** What a face would have been told of the surroundings. */
  #tellChanges(older: NodeMirror): void {
    if (!older.isWhole) return
    const [before, now] = [older.snapshot(), this.#mirror.snapshot()]
    const roster = this.#mirror.changesSince(older)
    if (roster.joined.length + roster.left.length + roster.changed.length > 0) this.#tell('roster', roster)
    for (const view of now.directories) {
      const was = before.directories.find(({ address }) => address === view.address)
      if (JSON.stringify(was) !== JSON.stringify(view)) this.#tell('directory', view)
    }
    if (JSON.stringify(before.self) !== JSON.stringify(now.self)) this.#tell('self', now.self)
  }

  /** One that was removed or blocked, by any face or command, is not on the screen any more. */
  #showContactsOnly(): void {
    const contacts = new Set(this.#mirror.snapshot().contacts.map(({ peer }) => peer))
    for (const peer of this.#shown) if (!contacts.has(peer)) this.#shown.delete(peer)
  }

  #event({ type, detail }: NodeMessage): void {
    if (typeof type !== 'string') return
    if (type === 'snapshot' && (detail as ChatNodeEvents['snapshot']['detail']).part === 'contacts')
      this.#showContactsOnly()
    if (type === 'roster') this.#mirror.takeRosterChange(detail as ChatNodeEvents['roster']['detail'])
    if (type === 'message' || type === 'sent') {
      const { message } = detail as ChatNodeEvents['message' | 'sent']['detail']
      if (this.#missed.isKnown(message)) return
      this.#missed.told(message)
    }
    if (type === 'request') this.#missed.requested(detail as ChatNodeEvents['request']['detail'])
    if (type === 'forgotten') this.#missed.forgotten((detail as ChatNodeEvents['forgotten']['detail']).peer)
    if (type === 'delivery') this.#missed.delivered((detail as ChatNodeEvents['delivery']['detail']).message)
    // The node is of our version and our user: its events have the types of this version.
    this.#tell(type as keyof ChatNodeEvents, detail as ChatNodeEvents[keyof ChatNodeEvents]['detail'])
  }

  #tell<K extends keyof ChatNodeEvents>(type: K, detail: ChatNodeEvents[K]['detail']): void {
    this.events.dispatchEvent(new CustomEvent(type, { detail }))
  }
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
