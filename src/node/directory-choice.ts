// Which of the directories that nobody named are used: how many, whose turn it is
// at the start, and when one that stands by is so much nearer that it takes the
// place of one in use. Pure.
import { DIRECTORIES_IN_USE, NEARER_BY } from './constants.ts'

/** Where a directory was heard of. They are taken in this order. */
export type Origin = 'named' | 'remembered' | 'found' | 'default'

export interface Candidate {
  readonly origin: Origin
  /** It is used, or is about to be: from the connection on, until that is lost. */
  readonly hasPlace: boolean
  /** Its place is for another as soon as that one is ready. */
  readonly yields: boolean
  readonly isConnecting: boolean
  /** It does not register us, and so does not count. */
  readonly refuses: boolean
}

/**
 * @param candidates in their order
 * @param hasPrecedence whether those before it that are still on their way go first
 */
export function mayTakePlace(candidate: Candidate, candidates: readonly Candidate[], hasPrecedence: boolean): boolean {
  if (candidate.origin === 'named') return true
  const before = candidates.slice(0, candidates.indexOf(candidate))
  const taken = candidates.filter((other) => {
    if (other === candidate || other.origin === 'named' || other.refuses) return false
    return (other.hasPlace && !other.yields) || (hasPrecedence && other.isConnecting && before.includes(other))
  })
  return taken.length < DIRECTORIES_IN_USE
}

/** How far a directory is, in milliseconds there and back. */
export type Distances<T> = ReadonlyMap<T, number>

/** @returns the one in use to give up and the one to use instead, if that is clearly nearer */
export function betterChoice<T>(inUse: Distances<T>, standby: Distances<T>): { give: T; take: T } | undefined {
  const [farthest] = [...inUse].toSorted(([, a], [, b]) => b - a)
  const [nearest] = [...standby].toSorted(([, a], [, b]) => a - b)
  if (farthest === undefined || nearest === undefined) return undefined
  const [give, farMs] = farthest
  const [take, nearMs] = nearest
  return nearMs < farMs * NEARER_BY.factor && farMs - nearMs >= NEARER_BY.leastMs ? { give, take } : undefined
}
