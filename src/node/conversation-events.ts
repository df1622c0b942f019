// What happens in conversations as the node tells it: with the names that people
// know, and failures in words. It decides nothing.
import type { ChatNodeEvents, PeerTrust, RequestView } from './chat-events.ts'
import type { ConversationEvents } from './conversations.ts'
import { roomNewsText, type RoomNews } from './room-notices.ts'

export interface ConversationEventsInit {
  readonly name: (peer: string) => string
  readonly trust: (peer: string) => PeerTrust
  readonly tell: <K extends keyof ChatNodeEvents>(type: K, detail: () => ChatNodeEvents[K]['detail']) => void
}

export function conversationEvents({ name, trust, tell }: ConversationEventsInit): ConversationEvents {
  return {
    message: (message) => tell('message', () => ({ message, name: name(message.peer), arrival: message.state })),
    request: (view) => tell('request', () => withNamesake(view, trust(view.peer))),
    room: (news) => tell('notice', () => roomNotice(news, name)),
    delivery: (message) => tell('delivery', () => ({ message, state: message.state })),
    refused: (peer, reason, retryAfterMs) => tell('refused', () => ({ peer, name: name(peer), reason, retryAfterMs })),
    state: (peer, state) => tell('conversation', () => ({ peer, name: name(peer), state })),
    entered: (peer) => tell('entered', () => ({ peer, name: name(peer) })),
    typing: (peer) => tell('typing', () => ({ peer, name: name(peer) })),
    left: (peer, reason) => tell('left', () => ({ peer, name: name(peer), reason })),
    futile: (peer, why) =>
      tell('notice', () => ({ code: 'fault', text: `the conversation with ${name(peer)} ends: ${why}` })),
    fault: (peer, error) => {
      const why = error instanceof Error ? error.message : String(error)
      const text = `something failed in the conversation with ${name(peer)}: ${why}`
      tell('notice', () => ({ code: 'fault', text }))
    }
  }
}

function roomNotice(news: RoomNews, name: (peer: string) => string): ChatNodeEvents['notice']['detail'] {
  const text = roomNewsText(news, name)
  switch (news.is) {
    case 'crowded':
    case 'expired':
      return { code: 'requests', text }
    case 'over quota':
      return { code: 'disk', text, peer: news.peer }
    case 'disk low':
      return { code: 'disk', text }
  }
}

/** A stranger who goes by another's name writes as such. */
export function withNamesake(view: RequestView, { sameNameAs }: PeerTrust): RequestView {
  return sameNameAs === undefined ? view : { ...view, sameNameAs }
}
