// Gathers what is sent to a peer within one turn of the event loop, so that what
// sending costs once is paid once for all of it: a script's thousand lines are
// stored together, a person's one line at the end of the same turn. It knows
// neither store nor session.
import { SENDS_AT_ONCE } from './constants.ts'

interface Sent<Text, Message> {
  readonly texts: Text[]
  readonly waiting: { resolve(message: Message): void; reject(error: unknown): void }[]
}

export class TurnOfSends<Text, Message> {
  readonly #send: (peer: string, texts: readonly Text[]) => Promise<readonly Message[]>
  /** What is gathered in this turn, by peer. */
  readonly #open = new Map<string, Sent<Text, Message>>()

  /** @param send is called in the order of {@link add}; its messages are in the order of the texts */
  constructor(send: (peer: string, texts: readonly Text[]) => Promise<readonly Message[]>) {
    this.#send = send
  }

  /** @throws what `send` throws for the turn that this text is in */
  async add(peer: string, text: Text): Promise<Message> {
    const { texts, waiting } = this.#openFor(peer)
    const { promise, resolve, reject } = Promise.withResolvers<Message>()
    texts.push(text)
    waiting.push({ resolve, reject })
    return promise
  }

  #openFor(peer: string): Sent<Text, Message> {
    const open = this.#open.get(peer)
    if (open !== undefined && open.texts.length < SENDS_AT_ONCE) return open
    const sent: Sent<Text, Message> = { texts: [], waiting: [] }
    this.#open.set(peer, sent)
    queueMicrotask(() => {
      if (this.#open.get(peer) === sent) this.#open.delete(peer)
      void this.#close(peer, sent)
    })
    return sent
  }

  async #close(peer: string, { texts, waiting }: Sent<Text, Message>): Promise<void> {
    try {
      const messages = await this.#send(peer, texts)
      for (const [index, { resolve, reject }] of waiting.entries()) {
        const message = messages[index]
        if (message === undefined) reject(new TypeError(`${messages.length} messages of ${texts.length} texts`))
        else resolve(message)
      }
    } catch (error) {
      for (const { reject } of waiting) reject(error)
    }
  }
}
