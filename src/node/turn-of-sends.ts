// Gathers what is sent to a peer within one turn of the event loop, so that what
// sending costs once is paid once for all of it: a script's thousand lines are
// stored together, a person's one line at the end of the same turn. It knows
// neither store nor session.
import { SENDS_AT_ONCE } from './constants.ts'

interface Turn<Text, Message> {
  readonly texts: Text[]
  readonly sent: Promise<readonly Message[]>
}

export class TurnOfSends<Text, Message> {
  readonly #send: (peer: string, texts: readonly Text[]) => Promise<readonly Message[]>
  /** What is gathered in this turn, by peer. */
  readonly #open = new Map<string, Turn<Text, Message>>()

  /** @param send is called in the order of {@link add}; its messages are in the order of the texts */
  constructor(send: (peer: string, texts: readonly Text[]) => Promise<readonly Message[]>) {
    this.#send = send
  }

  /** Rejects with what `send` throws for the turn that this text is in. */
  add(peer: string, text: Text): Promise<Message> {
    const { texts, sent } = this.#openFor(peer)
    const index = texts.push(text) - 1
    return sent.then((messages) => {
      const message = messages[index]
      if (message === undefined) throw new TypeError(`${messages.length} messages of ${texts.length} texts`)
      return message
    })
  }

  #openFor(peer: string): Turn<Text, Message> {
    const open = this.#open.get(peer)
    if (open !== undefined && open.texts.length < SENDS_AT_ONCE) return open
    const texts: Text[] = []
    const turn = { texts, sent: Promise.resolve().then(async () => this.#close(peer, texts)) }
    this.#open.set(peer, turn)
    return turn
  }

  async #close(peer: string, texts: readonly Text[]): Promise<readonly Message[]> {
    if (this.#open.get(peer)?.texts === texts) this.#open.delete(peer)
    return this.#send(peer, texts)
  }
}
