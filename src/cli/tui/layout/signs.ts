// The signs of the screen: for terminals that show Unicode, and in ASCII for the
// others. Each stands for a fact that no colour alone says.
import type { StoredMessage } from '../../chat-api/chat-api.ts'

export interface Signs {
  readonly online: string
  readonly offline: string
  readonly request: string
  readonly delivered: string
  readonly seen: string
  readonly pending: string
  readonly held: string
  readonly unconfirmed: string
  readonly failed: string
  readonly mention: string
  readonly verified: string
  readonly blocked: string
  readonly vertical: string
  readonly horizontal: string
  readonly below: string
  readonly chosen: string
  readonly dot: string
}

const unicode: Signs = {
  online: '●',
  offline: '○',
  request: '?',
  delivered: '✓',
  seen: '✓✓',
  pending: '…',
  held: '?',
  unconfirmed: '→',
  failed: '!',
  mention: '»',
  verified: '◆',
  blocked: '×',
  vertical: '│',
  horizontal: '─',
  below: '↓',
  chosen: '▸',
  dot: '·'
}

const ascii: Signs = {
  online: '*',
  offline: '-',
  request: '?',
  delivered: 'v',
  seen: 'vv',
  pending: '..',
  held: '?',
  unconfirmed: '>',
  failed: '!',
  mention: '>>',
  verified: '#',
  blocked: 'x',
  vertical: '|',
  horizontal: '-',
  below: 'v',
  chosen: '>',
  dot: '-'
}

export function signsFor(isUtf8: boolean): Signs {
  return isUtf8 ? unicode : ascii
}

/** The mark beside a message: the state of an own one. */
export function deliverySign(message: StoredMessage, signs: Signs): string {
  if (message.direction === 'in') return ''
  switch (message.state) {
    case 'pending':
      return signs.pending
    case 'held':
      return signs.held
    case 'delivered':
      return message.seenAtMs === undefined ? signs.delivered : signs.seen
    case 'unconfirmed':
      return signs.unconfirmed
    case 'failed':
      return signs.failed
  }
}
