// What happens in conversations, as the events of the node say it: with the names that
// people know, and failures in words. Which face shows what is not its business.
import type { IncomingMessage, OutgoingMessage } from '../../storage/index.ts'
import type { ChatEvents, ChatNodeEvents, ConversationState, PeerTrust, RequestView } from '../api/chat-events.ts'
import type { PeerDirectory } from '../peers/peer-directory.ts'
import { roomNewsText, type RoomNews } from './room-notices.ts'

/** What happens in conversations, by peer ID. */
export interface ConversationEvents {
  message(message: IncomingMessage): void
  /** A stranger's message, told before as its request, is part of the history now. */
  accepted(message: IncomingMessage): void
  request(view: RequestView): void
  room(news: RoomNews): void
  delivery(message: OutgoingMessage): void
  refused(peer: string, reason: string, retryAfterMs: number): void
  state(peer: string, state: ConversationState): void
  entered(peer: string): void
  typing(peer: string): void
  left(peer: string, reason: 'left' | 'quit'): void
  /** There will never be a conversation with this peer. */
  futile(peer: string, why: string): void
  fault(peer: string, error: unknown): void
}

export interface ConversationEventsInit {
  readonly peers: Pick<PeerDirectory, 'name' | 'label' | 'trust' | 'conversationChanged'>
  readonly events: Pick<ChatEvents, 'tell'>
  /** Whether the conversation is open on this side's screen: what arrives there is read. */
  readonly isOnScreen: (peer: string) => boolean
  /** A message that is part of the history offers files. */
  readonly onOffer: (message: IncomingMessage) => void
  /** The path of a conversation may have changed with its state. */
  readonly onState: (peer: string) => void
}

/** What happens in conversations as events of the node: with the names that people know, and failures in words. */
export function conversationEvents({
  peers,
  events,
  isOnScreen,
  onOffer,
  onState
}: ConversationEventsInit): ConversationEvents {
  const named = (peer: string): { peer: string; name: string; label: string } => ({
    peer,
    name: peers.name(peer),
    label: peers.label(peer)
  })
  const label = (peer: string): string => peers.label(peer)
  const tellOffer = (message: IncomingMessage): void => {
    if (message.files !== undefined) onOffer(message)
  }
  return {
    accepted: tellOffer,
    message: (message) => {
      events.tell('message', () => ({
        message,
        name: peers.name(message.peer),
        // Worked out when it is read: of a flood of messages most faces show no label.
        get label() {
          return peers.label(message.peer)
        },
        arrival: message.state
      }))
      if (message.state === 'accepted') tellOffer(message)
      if (isOnScreen(message.peer)) events.tell('read', () => ({ peer: message.peer }))
    },
    request: (view) => events.tell('request', () => withNamesake(view, peers.trust(view.peer))),
    room: (news) => events.tell('notice', () => roomNotice(news, label)),
    delivery: (message) => events.tell('delivery', () => ({ message, state: message.state })),
    refused: (peer, reason, retryAfterMs) => events.tell('refused', () => ({ ...named(peer), reason, retryAfterMs })),
    state: (peer, state) => {
      events.tell('conversation', () => ({ peer, name: peers.name(peer), state }))
      peers.conversationChanged(peer, state)
      onState(peer)
    },
    entered: (peer) => events.tell('entered', () => named(peer)),
    typing: (peer) => events.tell('typing', () => ({ peer, name: peers.name(peer) })),
    left: (peer, reason) => events.tell('left', () => ({ ...named(peer), reason })),
    futile: (peer, why) =>
      events.tell('notice', () => ({ code: 'fault', text: `the conversation with ${label(peer)} ends: ${why}` })),
    fault: (peer, error) => {
      const why = error instanceof Error ? error.message : String(error)
      const text = `something failed in the conversation with ${label(peer)}: ${why}`
      events.tell('notice', () => ({ code: 'fault', text }))
    }
  }
}

function roomNotice(news: RoomNews, name: (peer: string) => string): ChatNodeEvents['notice']['detail'] {
  const text = roomNewsText(news, name)
  switch (news.is) {
    case 'crowded':
    case 'expired':
    case 'waiting':
      return { code: 'requests', text }
    case 'unkept':
      return { code: 'unkept', text, peer: news.peer }
    case 'over quota':
      return { code: 'disk', text, peer: news.peer }
    case 'disk low':
    case 'disk full':
      return { code: 'disk', text }
  }
}

/** A stranger who goes by another's name writes as such. */
export function withNamesake(view: RequestView, { sameNameAs, sharesNameWith }: PeerTrust): RequestView {
  return {
    ...view,
    ...(sameNameAs === undefined ? {} : { sameNameAs }),
    ...(sharesNameWith === undefined ? {} : { sharesNameWith })
  }
}
