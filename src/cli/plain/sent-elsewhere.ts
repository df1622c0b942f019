// Which messages another command has sent through this node, such as `parley
// send` beside the chat: all that the node tells of but those that this face
// sends itself. Pure; what is said of them is not its business.
import type { OutgoingMessage } from '../chat-api.ts'

export class SentElsewhere {
  /** Told while this face sends too: whose they are is known when its own have got their IDs. */
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

  /** The node tells that a message of ours was stored. @returns those that are known to be others' now */
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
