// The events of a ChatNode: one object that its parts tell what has happened, and
// its faces listen to.
import { TypedEventEmitter } from 'main-event'
import type { ChatNodeEvents } from './api/chat-events.ts'

export class ChatEvents extends TypedEventEmitter<ChatNodeEvents> {
  #isOver = false

  /** @param detail is asked for while there are listeners */
  tell<K extends keyof ChatNodeEvents>(type: K, detail: () => ChatNodeEvents[K]['detail']): void {
    if (this.#isOver || this.listenerCount(type) === 0) return
    this.dispatchEvent(new CustomEvent(type, { detail: detail() }))
  }

  /** From now on nothing is told. */
  end(): void {
    this.#isOver = true
  }
}
