// The state of a node at a face's start: conversations
// that are open or being opened, and how much waits to be sent. It asks the node
// and changes nothing.
import type { ChatApi } from '../chat-api/chat-api.ts'
import { exitCodes } from '../../node/settings.ts'
import { MAX_COUNTED_WAITING } from '../chat-api/settling.ts'
import { conversationJson, roomJson } from './event-json.ts'
import type { EventJson } from './json-fields.ts'

/** The fields `conversations`, `waiting` and `room` of the event `ready`; what the history can't tell is null. */
export async function sessionSnapshot(
  node: ChatApi
): Promise<Pick<EventJson<'ready'>, 'conversations' | 'waiting' | 'room'>> {
  const summaries = (await unlessUnreadable(node.messaging.history.conversations())) ?? []
  const peers = new Set([...summaries, ...node.snapshot().contacts, ...node.snapshot().roster].map(({ peer }) => peer))
  const conversations = [...peers].flatMap((peer) => {
    const state = node.peers.look(peer).state
    return state.name === 'closed' ? [] : [{ peer, name: node.peers.look(peer).name, ...conversationJson(state) }]
  })
  const waiting = await unlessUnreadable(node.messaging.history.waiting(MAX_COUNTED_WAITING))
  const room = await unlessUnreadable(node.messaging.room())
  return {
    conversations,
    waiting: waiting === undefined ? null : { messages: waiting.messages, peers: waiting.peers, more: !waiting.isAll },
    room: room === undefined ? null : roomJson(room)
  }
}

/** Damage in the history does not end a face: a notice reports it, and the next start mends it. */
export async function unlessUnreadable<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && 'exitCode' in error && error.exitCode === exitCodes.storage) return undefined
    throw error
  }
}
