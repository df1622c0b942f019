// Own messages that were stored a moment ago and have not changed since: nearly
// every receipt is for one of these, and what it changes need not be read first.
// It holds nothing that the tables do not hold, and may forget anything.
import type { OutgoingMessage } from './message-store.ts'

/** As many as may be without a receipt in one session. */
const mostMessages = 4096
/** And no more than so many characters of text: some MB. */
const mostTextLength = 2 * 1024 * 1024

export interface FreshMessage {
  readonly position: number
  readonly message: OutgoingMessage
}

export class FreshMessages {
  /** By id, the oldest first. */
  readonly #messages = new Map<string, FreshMessage>()
  #textLength = 0

  add(fresh: FreshMessage): void {
    this.#messages.set(fresh.message.id, fresh)
    this.#textLength += fresh.message.text.length
    if (this.#isFull()) this.#forgetOldest()
  }

  /** Whoever asks changes it: it is not fresh any more. A change that is taken back makes it no different. */
  take(peer: string, id: string): FreshMessage | undefined {
    const fresh = this.#messages.get(id)
    if (fresh === undefined || fresh.message.peer !== peer) return undefined
    this.#messages.delete(id)
    this.#textLength -= fresh.message.text.length
    return fresh
  }

  clear(): void {
    this.#messages.clear()
    this.#textLength = 0
  }

  #isFull(): boolean {
    return this.#messages.size > mostMessages || this.#textLength > mostTextLength
  }

  #forgetOldest(): void {
    for (const [id, { message }] of this.#messages) {
      this.#messages.delete(id)
      this.#textLength -= message.text.length
      if (!this.#isFull()) return
    }
  }
}
