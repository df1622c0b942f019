// Sends messages and sees to it that what becomes of them is told, up to the
// last ones when the chat ends.
import type { ChatApi } from '../chat-api.ts'
import type { CommandResult } from '../chat-command.ts'
import { MAX_COUNTED_WAITING } from '../constants.ts'
import type { News } from './news.ts'

export class Sending {
  readonly #node: ChatApi
  readonly #news: News

  constructor(node: ChatApi, news: News) {
    this.#node = node
    this.#news = news
  }

  async send(peer: string, text: string): Promise<void> {
    await this.marked(async () => {
      const message = await this.#node.send(peer, text)
      return { is: 'sent', peer, name: this.#node.name(peer), message }
    })
  }

  /** Runs what may send a message, so that what becomes of the message is told. */
  async marked(run: () => Promise<CommandResult>): Promise<CommandResult> {
    this.#news.own.sending()
    let result: CommandResult | undefined
    try {
      result = await run()
      return result
    } finally {
      this.#news.own.sent(result?.is === 'sent' ? result.message : undefined)
    }
  }

  /** Waits for what is under way, and returns what is to be said of all that still waits then. */
  async settle(signal: AbortSignal): Promise<string[]> {
    const pending = this.#news.own.pending()
    await Promise.allSettled(pending.map(async (message) => this.#node.settled(message, { signal })))
    const { messages, isAll } = await this.#node.history.waiting(MAX_COUNTED_WAITING)
    if (messages === 0) return []
    const what =
      messages === 1 && isAll
        ? 'One message waits and goes'
        : `${isAll ? '' : 'More than '}${messages} messages wait and go`
    return [`${what} out the next time, when the other side is seen.`]
  }
}
