// Messages made of messages, field by field, for every store alike: a message that
// is delivered is made anew three times, and this costs a tenth of a spread that
// leaves a field out.
import type { ArrivalState, DeliveryState, IncomingMessage, OutgoingMessage } from './message-store.ts'
import type { NewIncoming, NewOutgoing } from './message-store.ts'

/** The own message in another state: whatever reason there was is gone. */
export function inState(message: OutgoingMessage, state: DeliveryState, reason?: string): OutgoingMessage {
  const { peer, id, log, seq, sentAtMs, storedAtMs, text, replyTo, seenAtMs } = message
  const fields = { direction: 'out' as const, peer, id, log, seq, sentAtMs, storedAtMs, text, state }
  if (replyTo === undefined && seenAtMs === undefined && reason === undefined) return fields
  return {
    ...fields,
    ...(replyTo === undefined ? {} : { replyTo }),
    ...(seenAtMs === undefined ? {} : { seenAtMs }),
    ...(reason === undefined ? {} : { reason })
  }
}

/** An own message as it is when it is new. */
export function pendingMessage(
  peer: string,
  { text, replyTo }: NewOutgoing,
  { id, log, seq, sentAtMs, storedAtMs }: Pick<OutgoingMessage, 'id' | 'log' | 'seq' | 'sentAtMs' | 'storedAtMs'>
): OutgoingMessage {
  const fields = { direction: 'out', peer, id, log, seq, sentAtMs, storedAtMs, text, state: 'pending' } as const
  return replyTo === undefined ? fields : { ...fields, replyTo }
}

export function incomingMessage(
  peer: string,
  { id, log, seq, sentAtMs, text, replyTo }: NewIncoming,
  storedAtMs: number,
  state: ArrivalState
): IncomingMessage {
  const fields = { direction: 'in' as const, peer, id, log, seq, sentAtMs, storedAtMs, text, state }
  return replyTo === undefined ? fields : { ...fields, replyTo }
}
