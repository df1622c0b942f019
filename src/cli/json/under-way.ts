// What is under way on a node when somebody begins to look at it: conversations
// that are open or being opened, and how much waits to be sent. It asks the node
// and changes nothing.
import type { ChatApi } from '../chat-api.ts'
import { maxCountedWaiting } from '../constants.ts'
import { conversationJson } from './event-json.ts'

/** The fields `conversations` and `waiting` of the event `ready`. */
export async function underWayJson(node: ChatApi): Promise<Readonly<Record<string, unknown>>> {
  const summaries = await node.history.conversations()
  const peers = new Set([...summaries, ...node.contacts(), ...node.roster()].map(({ peer }) => peer))
  const conversations = [...peers].flatMap((peer) => {
    const state = node.state(peer)
    return state.name === 'closed' ? [] : [{ peer, name: node.name(peer), ...conversationJson(state) }]
  })
  const { messages, peers: waitingPeers, isAll } = await node.history.waiting(maxCountedWaiting)
  return { conversations, waiting: { messages, peers: waitingPeers, more: !isAll } }
}
