// Whether a message from this peer is taken into the history, held as a
// stranger's request, or refused. Pure: it is told who asks and what is held.
import type { HeldCounts } from '../storage/index.ts'
import type { AcceptPolicy } from './config.ts'
import { HELD_RESERVED_FOR_LAN, MAX_HELD_PER_STRANGER, MAX_HELD_TOTAL, NO_ROOM_RETRY_MS } from './constants.ts'

export interface Sender {
  readonly isContact: boolean
  readonly isBlocked: boolean
  /** Connected over the LAN, by the connection's own address. */
  readonly isLan: boolean
}

export type Admission =
  | { readonly kind: 'accept' }
  /** There is room for this many more. */
  | { readonly kind: 'hold'; readonly room: number }
  | { readonly kind: 'refuse'; readonly reason: 'blocked' | 'no-room'; readonly retryAfterMs: number }

/** An ignored stranger is held like any other: to the other side the two must look alike. */
export function admit(sender: Sender, policy: AcceptPolicy, held: HeldCounts): Admission {
  if (sender.isBlocked) return { kind: 'refuse', reason: 'blocked', retryAfterMs: NO_ROOM_RETRY_MS }
  if (sender.isContact || policy === 'all' || (policy === 'lan' && sender.isLan)) return { kind: 'accept' }
  const room = Math.min(MAX_HELD_PER_STRANGER - held.fromPeer, roomForAll(sender, held))
  return room > 0 ? { kind: 'hold', room } : { kind: 'refuse', reason: 'no-room', retryAfterMs: NO_ROOM_RETRY_MS }
}

/** Strangers from elsewhere can't fill the part that is kept for the LAN. */
function roomForAll(sender: Sender, held: HeldCounts): number {
  const total = MAX_HELD_TOTAL - held.total
  if (sender.isLan) return total
  const fromElsewhere = held.total - held.lan
  return Math.min(total, MAX_HELD_TOTAL - HELD_RESERVED_FOR_LAN - fromElsewhere)
}
