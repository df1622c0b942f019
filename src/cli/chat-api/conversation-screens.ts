// Which conversations are on the screens of the faces of one node: a conversation
// is left when the last face leaves it, so that one that closes takes nothing
// from the others.
import type { ChatApi, MessagingApi, StoredMessage } from './chat-api.ts'

type Messaging = Pick<MessagingApi, 'open' | 'leave'>

/** By peer, how many faces show the conversation. */
type Shown = Map<string, number>

export class ConversationScreens {
  readonly #messaging: Messaging
  readonly #shown: Shown
  /** The conversations of this face. */
  readonly #own = new Set<string>()

  constructor(messaging: Messaging, shown: Shown = new Map()) {
    this.#messaging = messaging
    this.#shown = shown
  }

  /** Another face of the same node. */
  another(): ConversationScreens {
    return new ConversationScreens(this.#messaging, this.#shown)
  }

  async open(peer: string): Promise<readonly StoredMessage[]> {
    if (!this.#own.has(peer)) {
      this.#own.add(peer)
      this.#shown.set(peer, (this.#shown.get(peer) ?? 0) + 1)
    }
    try {
      return await this.#messaging.open(peer)
    } catch (error) {
      await this.leave(peer).catch(() => undefined)
      throw error
    }
  }

  async leave(peer: string): Promise<void> {
    if (this.#drop(peer)) await this.#messaging.leave(peer)
  }

  /** Leaves all that no other face shows. */
  async close(): Promise<void> {
    await Promise.all([...this.#own].map(async (peer) => this.leave(peer).catch(() => undefined)))
  }

  /** @returns whether no face shows the conversation any more */
  #drop(peer: string): boolean {
    if (!this.#own.delete(peer)) return false
    const left = (this.#shown.get(peer) ?? 1) - 1
    if (left > 0) this.#shown.set(peer, left)
    else this.#shown.delete(peer)
    return left <= 0
  }
}

/** The node as one of its faces uses it: what it opens and leaves is on its own screen. */
export function faceOf(node: ChatApi, screens: ConversationScreens): ChatApi {
  const { events, self, peers, trust, messaging } = node
  return {
    events,
    self,
    peers,
    trust,
    snapshot: () => node.snapshot(),
    figures: async () => node.figures(),
    settings: async () => node.settings(),
    messaging: {
      history: messaging.history,
      open: async (peer) => screens.open(peer),
      leave: async (peer) => screens.leave(peer),
      send: async (...args) => messaging.send(...args),
      settled: async (...args) => messaging.settled(...args),
      typing: (peer) => messaging.typing(peer),
      setTellsTyping: async (tellsTyping) => messaging.setTellsTyping(tellsTyping),
      retry: async (...args) => messaging.retry(...args),
      cancel: async (...args) => messaging.cancel(...args),
      requests: async () => messaging.requests(),
      readRequest: async (peer) => messaging.readRequest(peer),
      clearRequests: async () => messaging.clearRequests(),
      accept: async (peer) => messaging.accept(peer),
      ignore: async (peer) => messaging.ignore(peer),
      room: async () => messaging.room(),
      copyHistory: async (options) => messaging.copyHistory(options)
    }
  }
}
