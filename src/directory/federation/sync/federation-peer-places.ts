// Which directories may be joined at one time, besides those that the operator
// named: while there are places, everybody; else the address prefix with the most
// places gives one to a prefix with fewer, and within one prefix they take turns.
// Pure; knows no streams.
import { Shares } from '../../../wire/index.ts'
import { MAX_FEDERATION_PEERS } from '../../federation-frames.ts'

/** Where all places are taken by as many address prefixes, or by the newcomer's own, the oldest gives way after this. */
export const FEDERATION_TURN_MS = 60_000

/** A directory that was not named, with its place. */
export interface Stranger {
  readonly peer: string
  /** Its address class, whose share it counts for. */
  readonly holder: string
  /** Since when it has the place. */
  readonly sinceMs: number
}

export type PlaceVerdict =
  | { readonly is: 'free' }
  /** This one gives its place to the newcomer. `held`: how many its prefix has with it. */
  | { readonly is: 'given'; readonly by: Stranger; readonly held: number }
  | { readonly is: 'taken' }

/** @returns whether a newcomer gets a place among those that have one */
export function placeFor(
  newcomer: { readonly holder: string },
  strangers: readonly Stranger[],
  nowMs: number
): PlaceVerdict {
  if (strangers.length < MAX_FEDERATION_PEERS) return { is: 'free' }
  const places = new Shares<Stranger>({ capacity: MAX_FEDERATION_PEERS })
  for (const one of strangers.toSorted((a, b) => a.sinceMs - b.sinceMs)) places.add(one, one.holder)
  const own = places.countOf(newcomer.holder)
  const largest = places.largestHolder() ?? ''
  if (own + 1 < places.countOf(largest)) {
    // The youngest: links that have stood for long are worth most.
    const by = places.itemsOf(largest).at(-1)
    if (by !== undefined) return { is: 'given', by, held: places.countOf(largest) }
  }
  const holder = own > 0 ? newcomer.holder : largest
  const oldest = places.oldestOf(holder)
  if (oldest === undefined || nowMs - oldest.sinceMs < FEDERATION_TURN_MS) return { is: 'taken' }
  return { is: 'given', by: oldest, held: places.countOf(holder) }
}
