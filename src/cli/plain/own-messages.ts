// Own messages: sends those that are typed here, shows those that another command
// sends into the open conversation, and reports the state of all. Messages
// delivered at once need no line; those with the same fate share one.
import type { ChatApi, OutgoingMessage } from '../chat-api/chat-api.ts'
import { isNamed } from '../chat-api/find-peer.ts'
import { type SettlingOptions, untilSettled, waitingLines } from '../chat-api/settling.ts'
import type { CommandResult } from '../chat-commands/chat-command.ts'
import { deliveryWord, excerpt, messageLines } from '../wording/message-wording.ts'
import type { MessageFold } from '../wording/terminal-lines.ts'

interface OwnMessagesInit {
  readonly node: Pick<ChatApi, 'peers'>
  /** Whose conversation is open. */
  readonly openPeer: () => string | undefined
  /** The room for one message. */
  readonly fold: () => MessageFold
  readonly print: (lines: readonly string[]) => void
}

export class OwnMessages {
  readonly #init: OwnMessagesInit
  readonly #marks = new DeliveryMarks()
  readonly #elsewhere = new SentElsewhere()
  #timer: NodeJS.Timeout | undefined

  constructor(init: OwnMessagesInit) {
    this.#init = init
  }

  /** This face is about to send a message: its state is reported, and it is not shown as another command's. */
  sending(): void {
    this.#marks.sending()
    this.#elsewhere.sending()
  }

  /** It was stored; or, without a message, it was not. */
  sent(message: OutgoingMessage | undefined): void {
    this.#marks.sent(message, Date.now())
    this.#sentElsewhere(this.#elsewhere.sent(message))
    this.#watch()
  }

  /** The node has stored a message. */
  told(message: OutgoingMessage): void {
    this.#sentElsewhere(this.#elsewhere.told(message))
    this.#watch()
  }

  changed(message: OutgoingMessage): void {
    this.#marks.changed(message, Date.now())
    this.#watch()
  }

  /** Messages reported here that have no final state yet. */
  pending(): readonly OutgoingMessage[] {
    return this.#marks.pending()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** In the open conversation it is shown as if it had been typed here. */
  #sentElsewhere(messages: readonly OutgoingMessage[]): void {
    for (const message of messages.filter(({ peer }) => peer === this.#init.openPeer())) {
      this.#init.print(messageLines('You', message.text, this.#init.fold()))
      this.#marks.follow(message, Date.now())
    }
  }

  #watch(): void {
    const nextDueMs = this.#marks.nextDueMs()
    clearTimeout(this.#timer)
    if (nextDueMs === undefined) return
    this.#timer = setTimeout(() => this.#say(), Math.max(0, nextDueMs - Date.now()))
  }

  #say(): void {
    const { node, openPeer, print } = this.#init
    const nameOf = (peer: string): string => (peer === openPeer() ? '' : node.peers.look(peer).label)
    const why = (peer: string): string => {
      const state = node.peers.look(peer).state
      return state.name === 'waiting' ? state.why : ''
    }
    print(this.#marks.due(Date.now(), nameOf, why))
    this.#watch()
  }
}

/** How long a message may be under way before its state is reported: people notice half a second. */
const QUIET_DELIVERY_MS = 500

/** Deliveries within this time share a line. */
const DELIVERY_COALESCE_MS = 150

interface Tracked {
  readonly message: OutgoingMessage
  readonly sinceMs: number
  /** The last state that was reported, if any. */
  readonly said: OutgoingMessage['state'] | undefined
}

/** Changes that came before send() returned their message; more than this can't be under way. */
const maxEarlyChanges = 1024

export class DeliveryMarks {
  readonly #tracked = new Map<string, Tracked>()
  readonly #early = new Map<string, OutgoingMessage>()
  #beingSent = 0

  /** A message is about to be sent: changes that come before its ID is known are kept for it. */
  sending(): void {
    this.#beingSent++
  }

  /** It was stored; or, without a message, it was not. */
  sent(message: OutgoingMessage | undefined, nowMs: number): void {
    this.#beingSent--
    if (message !== undefined) this.follow(message, nowMs)
    if (this.#beingSent > 0) return
    // The others are from earlier sessions: they were waiting, so their state is news.
    for (const [key, older] of this.#early) this.#trackOlder(key, older, nowMs)
    this.#early.clear()
  }

  /** A message is on the screen as an own one: its state is reported like that of a typed one. */
  follow(message: OutgoingMessage, nowMs: number): void {
    const key = keyOf(message)
    const newest = this.#early.get(key) ?? this.#tracked.get(key)?.message ?? message
    this.#tracked.set(key, { message: newest, sinceMs: nowMs, said: undefined })
    this.#early.delete(key)
  }

  /** A message of ours has moved to another state. */
  changed(message: OutgoingMessage, nowMs: number): void {
    const key = keyOf(message)
    const tracked = this.#tracked.get(key)
    if (tracked !== undefined) this.#tracked.set(key, { ...tracked, message, sinceMs: nowMs })
    else if (this.#beingSent === 0) this.#trackOlder(key, message, nowMs)
    else if (this.#early.size < maxEarlyChanges) this.#early.set(key, message)
  }

  /** Messages without a final state. */
  pending(): readonly OutgoingMessage[] {
    return [...this.#tracked.values()].map(({ message }) => message).filter(({ state }) => state === 'pending')
  }

  /** The lines that are due now. `nameOf` is empty for the peer whose conversation is open. */
  due(nowMs: number, nameOf: (peer: string) => string, why: (peer: string) => string): string[] {
    const groups = new Map<string, { readonly first: OutgoingMessage; count: number }>()
    for (const [key, { message, sinceMs, said }] of this.#tracked) {
      if (nowMs - sinceMs < quietTime(message)) continue
      const isQuiet = message.state === 'delivered' && message.seenAtMs === undefined && said === undefined
      const worthSaying = message.state !== said && !isQuiet
      if (message.state === 'pending' || message.state === 'held') {
        this.#tracked.set(key, { message, sinceMs, said: message.state })
      } else this.#tracked.delete(key)
      if (!worthSaying) continue
      const groupKey = `${message.peer} ${deliveryWord(message)}`
      const group = groups.get(groupKey)
      if (group === undefined) groups.set(groupKey, { first: message, count: 1 })
      else group.count++
    }
    return [...groups.values()].map(({ first, count }) => {
      const what = count === 1 ? excerpt(first.text) : `${count} messages`
      const name = nameOf(first.peer)
      const reason = first.state === 'pending' ? why(first.peer) : ''
      return `  ${markOf(first)} ${deliveryWord(first)}${name === '' ? '' : ` (${name})`}: ${what}${reason === '' ? '' : ` — ${reason}`}`
    })
  }

  /** When due() may have something to say next; undefined when nothing is under way. */
  nextDueMs(): number | undefined {
    const times = [...this.#tracked.values()]
      .filter(({ message, said }) => message.state !== said)
      .map(({ message, sinceMs }) => sinceMs + quietTime(message))
    return times.length === 0 ? undefined : Math.min(...times)
  }

  #trackOlder(key: string, message: OutgoingMessage, nowMs: number): void {
    this.#tracked.set(key, { message, sinceMs: nowMs, said: 'pending' })
  }
}

function markOf({ state }: OutgoingMessage): string {
  if (state === 'delivered') return '✓'
  return state === 'failed' ? '!' : '…'
}

function quietTime(message: OutgoingMessage): number {
  return message.state === 'pending' ? QUIET_DELIVERY_MS : DELIVERY_COALESCE_MS
}

function keyOf(message: OutgoingMessage): string {
  return `${message.peer} ${message.id}`
}

export class SentElsewhere {
  /** Messages stored while this face sends too: the IDs of its own show which are others'. */
  readonly #told = new Map<string, OutgoingMessage>()
  #beingSent = 0

  /** This face is about to send a message. */
  sending(): void {
    this.#beingSent++
  }

  /** It was stored; or, without a message, it was not. @returns those that turn out to be others' */
  sent(own: OutgoingMessage | undefined): readonly OutgoingMessage[] {
    this.#beingSent--
    if (own !== undefined) this.#told.delete(own.id)
    return this.#others()
  }

  /** The node has stored a message of ours. @returns those that are now known to be others' */
  told(message: OutgoingMessage): readonly OutgoingMessage[] {
    this.#told.set(message.id, message)
    return this.#others()
  }

  #others(): readonly OutgoingMessage[] {
    if (this.#beingSent > 0) return []
    const others = [...this.#told.values()]
    this.#told.clear()
    return others
  }
}

export class Sending {
  readonly #node: ChatApi
  readonly #own: OwnMessages

  constructor(node: ChatApi, own: OwnMessages) {
    this.#node = node
    this.#own = own
  }

  async send(peer: string, text: string): Promise<void> {
    await this.marked(async () => {
      const message = await this.#node.messaging.send(peer, text)
      return { is: 'sent', peer, name: this.#node.peers.look(peer).name, message }
    })
  }

  /** Runs what may send a message, so that the message's state is reported. */
  async marked(run: () => Promise<CommandResult>): Promise<CommandResult> {
    this.#own.sending()
    let result: CommandResult | undefined
    try {
      result = await run()
      return result
    } finally {
      this.#own.sent(result?.is === 'sent' ? result.message : undefined)
    }
  }

  /** Waits for what is under way; returns lines about what still waits then. */
  async settle(options: SettlingOptions): Promise<readonly string[]> {
    await untilSettled(this.#node, this.#own.pending(), options)
    return waitingLines(this.#node.messaging.history).catch((error: unknown) => {
      // That the node is gone was said when it went.
      if (isNamed(error, 'NodeGoneError')) return []
      throw error
    })
  }
}
