// Which conversations are on the screens of the faces of one node: a conversation
// is left when the last face leaves it, so that one that closes takes nothing
// from the others. A peer that is removed, blocked or ignored is on no screen.
import type { ChatApi, ChatSnapshot, MessagingApi, StoredMessage } from './chat-api.ts'

interface Node {
  readonly messaging: Pick<MessagingApi, 'open' | 'leave'>
  snapshot(): Pick<ChatSnapshot, 'contacts'>
}

/** By peer, the faces that show the conversation. */
type Shown = Map<string, Set<ConversationScreens>>

export class ConversationScreens {
  readonly #node: Node
  /** Of all faces of the node. */
  readonly #shown: Shown

  constructor(node: Node, shown: Shown = new Map()) {
    this.#node = node
    this.#shown = shown
  }

  /** Another face of the same node. */
  another(): ConversationScreens {
    return new ConversationScreens(this.#node, this.#shown)
  }

  async open(peer: string): Promise<readonly StoredMessage[]> {
    const faces = this.#shown.get(peer) ?? new Set()
    this.#shown.set(peer, faces.add(this))
    try {
      return await this.#node.messaging.open(peer)
    } catch (error) {
      await this.leave(peer).catch(() => undefined)
      throw error
    }
  }

  /** Puts the conversation with a contact on the screen again. For any other peer it does nothing: it accepts nobody. */
  async reopen(peer: string): Promise<void> {
    // Nothing is awaited between the look and the opening.
    if (this.#node.snapshot().contacts.some((contact) => contact.peer === peer)) await this.open(peer)
  }

  async leave(peer: string): Promise<void> {
    const faces = this.#shown.get(peer)
    if (faces?.delete(this) === true && faces.size === 0) await this.takeOff(peer)
  }

  /** Takes the conversation off the screens of all faces. */
  async takeOff(peer: string): Promise<void> {
    if (this.#shown.delete(peer)) await this.#node.messaging.leave(peer)
  }

  /** Leaves all that no other face shows. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#shown.keys(), async (peer) => this.leave(peer).catch(() => undefined)))
  }
}

/** The node as one of its faces uses it: what it opens and leaves is on its own screen. */
export function faceOf(node: ChatApi, screens: ConversationScreens): ChatApi {
  const { events, self, peers, trust, invitations, files, shares, messaging } = node
  return {
    events,
    self,
    peers: {
      firstLook: async (options) => peers.firstLook(options),
      resolve: async (...args) => peers.resolve(...args),
      look: (peer) => peers.look(peer),
      measurePath: async (...args) => peers.measurePath(...args),
      renameContact: async (...args) => peers.renameContact(...args),
      removeContact: async (peer) => {
        await peers.removeContact(peer)
        await screens.takeOff(peer)
      }
    },
    trust: {
      safetyNumber: async (peer) => trust.safetyNumber(peer),
      verify: async (peer) => trust.verify(peer),
      unverify: async (peer) => trust.unverify(peer),
      block: async (peer) => {
        await trust.block(peer)
        await screens.takeOff(peer)
      },
      unblock: async (peer) => trust.unblock(peer)
    },
    invitations: {
      make: async (options) => invitations.make(options),
      list: async () => invitations.list(),
      revoke: async (number) => invitations.revoke(number)
    },
    files: {
      offer: async (peer, paths, options) => files.offer(peer, paths, options),
      list: async () => files.list(),
      get: async (number, options) => files.get(number, options),
      decline: async (number, options) => files.decline(number, options),
      pause: async (number, options) => files.pause(number, options),
      resume: async (number, options) => files.resume(number, options)
    },
    shares: {
      add: async (...args) => shares.add(...args),
      list: async () => shares.list(),
      remove: async (name) => shares.remove(name),
      browse: async (...args) => shares.browse(...args),
      get: async (...args) => shares.get(...args),
      find: async (...args) => shares.find(...args),
      keepFinding: async (words) => shares.keepFinding(words),
      endFinding: async (words) => shares.endFinding(words)
    },
    snapshot: () => node.snapshot(),
    figures: async () => node.figures(),
    settings: async () => node.settings(),
    examine: async (...args) => node.examine(...args),
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
      ignore: async (peer) => {
        await messaging.ignore(peer)
        await screens.takeOff(peer)
      },
      room: async () => messaging.room(),
      copyHistory: async (options) => messaging.copyHistory(options)
    }
  }
}
