// Whether a message from this peer is taken into the history, held as a
// stranger's request, or refused. Pure: the sender goes in.
import type { AcceptPolicy } from './config.ts'

export interface Sender {
  readonly isContact: boolean
  readonly isBlocked: boolean
  /** Connected over the LAN, by the connection's own address. */
  readonly isLan: boolean
}

export type Admission = 'accept' | 'hold' | 'refuse'

/** An ignored stranger is held like any other: to the other side the two must look alike. */
export function admit(sender: Sender, policy: AcceptPolicy): Admission {
  if (sender.isBlocked) return 'refuse'
  const isTrusted = sender.isContact || policy === 'all' || (policy === 'lan' && sender.isLan)
  return isTrusted ? 'accept' : 'hold'
}
