// Which own messages are worth a word: those not delivered at once, and then
// whatever becomes of them; many of one fate are told together. Pure: messages
// and the time in, lines out.
import type { OutgoingMessage } from '../chat-api.ts'
import { DELIVERY_COALESCE_MS, QUIET_DELIVERY_MS } from '../constants.ts'
import { deliveryWord, excerpt } from '../wording.ts'

interface Tracked {
  readonly message: OutgoingMessage
  readonly sinceMs: number
  /** The last state that was said, if any was. */
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
    // What is left belongs to earlier sessions: it had been waiting, and what became of it is news.
    for (const [key, older] of this.#early) this.#trackOlder(key, older, nowMs)
    this.#early.clear()
  }

  /** A message is on the screen as an own one: what becomes of it is told like that of one which was typed. */
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

  /** Messages that are neither delivered nor failed nor beyond knowing. */
  pending(): readonly OutgoingMessage[] {
    return [...this.#tracked.values()].map(({ message }) => message).filter(({ state }) => state === 'pending')
  }

  /** What is to be said now. `nameOf` is empty for the peer whose conversation is open. */
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
