// Through which directories a peer is seen, and on whose word alone. Pure.
import type { Tellings } from './tellings.ts'

export interface Vouched {
  /** The directories at which the peer is attached, by anybody's word, each with since when. */
  readonly via: ReadonlyMap<string, number>
  /**
   * Whose word it is, first-hand: a directory that we are connected to and that says itself that the peer is attached
   * to it; one that we are not connected to, of which all that we are connected to say so; else who told it.
   */
  readonly vouchers: ReadonlySet<string>
}

export function vouched(tellings: Tellings, peer: string): Vouched {
  const tellers = tellings.tellers()
  const complete = tellings.complete()
  const via = new Map<string, number>()
  const vouchers = new Set<string>()
  for (const teller of tellers) {
    for (const [at, sinceMs] of tellings.of(teller, peer)?.attachedAt ?? []) {
      via.set(at, Math.min(via.get(at) ?? sinceMs, sinceMs))
      vouchers.add(isFirstHand(at) ? at : teller)
    }
  }
  return { via, vouchers }

  function isFirstHand(at: string): boolean {
    const whoMustSay = tellers.includes(at) ? [at] : complete
    return whoMustSay.length > 0 && whoMustSay.every((one) => tellings.of(one, peer)?.attachedAt.has(at) === true)
  }
}
