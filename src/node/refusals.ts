// The reasons with which another peer refuses messages, in words for the user.
import type { RefuseReason } from '../chat-protocol/index.ts'

export function refusalText(reason: RefuseReason): string {
  switch (reason) {
    case 'no-room':
      return 'has no room for more messages from people who are not accepted yet'
    case 'rate':
      return 'takes no more messages for a moment: they came too fast'
    case 'too-long':
      return 'does not take messages as long as this'
    case 'not-accepted':
      return 'does not take messages from you'
    case 'evicted':
      return 'deleted the message without accepting it: other requests needed the room, or it had waited too long'
    case 'quota':
      return 'takes no more messages for now: your share of its disk is used up, or its disk is nearly full'
    case 'other':
      return 'does not take the message, for a reason that this version does not know'
  }
}

/** The other side will never take the message: it has failed. The other reasons pass. */
export function isFinal(reason: RefuseReason): boolean {
  return reason === 'too-long' || reason === 'not-accepted' || reason === 'evicted'
}
