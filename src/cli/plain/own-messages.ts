// What is said of own messages: lines that another command has sent into the open
// conversation, and what becomes of all of them, in time. It sends nothing, and
// knows of the conversation only who is in it.
import type { ChatApi, OutgoingMessage } from '../chat-api.ts'
import type { MessageFold } from '../message-fold.ts'
import { messageLines } from '../wording.ts'
import { DeliveryMarks } from './delivery-marks.ts'
import { SentElsewhere } from './sent-elsewhere.ts'

export interface OwnMessagesInit {
  readonly node: Pick<ChatApi, 'name' | 'state'>
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

  /** This face is about to send a message: what becomes of it is told, and it is not told as another command's. */
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

  /** The node tells that a message was stored. */
  told(message: OutgoingMessage): void {
    this.#sentElsewhere(this.#elsewhere.told(message))
    this.#watch()
  }

  changed(message: OutgoingMessage): void {
    this.#marks.changed(message, Date.now())
    this.#watch()
  }

  /** Those told here that are neither delivered nor failed nor beyond knowing. */
  pending(): readonly OutgoingMessage[] {
    return this.#marks.pending()
  }

  stop(): void {
    clearTimeout(this.#timer)
  }

  /** In the open conversation it stands as if it had been typed. */
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
    const nameOf = (peer: string): string => (peer === openPeer() ? '' : node.name(peer))
    const why = (peer: string): string => {
      const state = node.state(peer)
      return state.name === 'waiting' ? state.why : ''
    }
    print(this.#marks.due(Date.now(), nameOf, why))
    this.#watch()
  }
}
