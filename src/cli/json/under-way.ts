// What is under way on a node when somebody begins to look at it: conversations
// that are open or being opened, and how much waits to be sent. It asks the node
// and changes nothing.
import type { ChatApi } from '../chat-api.ts'
import { exitCodes } from '../../node/settings.ts'
import { MAX_COUNTED_WAITING } from '../constants.ts'
import { conversationJson, roomJson } from './event-json.ts'

/** The fields `conversations`, `waiting` and `room` of the event `ready`; what the history can't tell is null. */
export async function underWayJson(node: ChatApi): Promise<Readonly<Record<string, unknown>>> {
  const summaries = (await unlessUnreadable(node.history.conversations())) ?? []
  const peers = new Set([...summaries, ...node.contacts(), ...node.roster()].map(({ peer }) => peer))
  const conversations = [...peers].flatMap((peer) => {
    const state = node.state(peer)
    return state.name === 'closed' ? [] : [{ peer, name: node.name(peer), ...conversationJson(state) }]
  })
  const waiting = await unlessUnreadable(node.history.waiting(MAX_COUNTED_WAITING))
  const room = await unlessUnreadable(node.room())
  return {
    conversations,
    waiting: waiting === undefined ? null : { messages: waiting.messages, peers: waiting.peers, more: !waiting.isAll },
    room: room === undefined ? null : roomJson(room)
  }
}

/** A history with a damaged part ends no face: a notice tells of it, and the next start mends it. */
export async function unlessUnreadable<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work
  } catch (error) {
    if (error instanceof Error && 'exitCode' in error && error.exitCode === exitCodes.storage) return undefined
    throw error
  }
}
