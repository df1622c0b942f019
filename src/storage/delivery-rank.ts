// How far each delivery state is from a message's beginning, for every store alike.
import type { DeliveryState } from './message-store.ts'

/** What a user sees beside a message that was cancelled. */
export const CANCELLED_REASON = 'cancelled'

const rank: Record<DeliveryState, number> = { pending: 0, failed: 0, held: 1, unconfirmed: 2, delivered: 3 }

/** A message only moves on; from failed it may begin again. One that is held may still be deleted over there. */
export function mayMove(from: DeliveryState, to: DeliveryState): boolean {
  if (to === 'failed') return isInOutbox(from)
  return from !== to && rank[from] <= rank[to]
}

/** Whether a message in this state still waits for its final receipt. */
export function isInOutbox(state: DeliveryState): boolean {
  return state === 'pending' || state === 'held'
}
