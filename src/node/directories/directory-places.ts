// Which of the directories that the user did not name are used: a few places, the
// rules by which a directory takes one, and how one hands its place to a nearer one.
import type { Member, Members, Origin } from './directory-member.ts'
import { StandbyError } from './directory-member.ts'

/** Two, so that one may die without a gap. */
export const DIRECTORIES_IN_USE = 2

/** Hysteresis: a standby directory replaces one in use when it is nearer by both, twice in a row. */
const NEARER_BY = { factor: 0.7, leastMs: 10 } as const

/** For this long directories that were used before go first; after that, one that does not answer delays no other. */
export const DIRECTORY_PRECEDENCE_MS = 1_000

/** The nearer directory has this long to get ready; after that the other keeps its place. */
const TAKEOVER_MS = 5_000

/** What the rules look at. */
export interface Candidate {
  readonly origin: Origin
  /** It is used, or is about to be: from the connection on, until that is lost. */
  readonly hasPlace: boolean
  /** Its place goes to a nearer directory as soon as that one is ready. */
  readonly yields: boolean
  readonly isConnecting: boolean
  /** It does not register us, and so does not count. */
  readonly refuses: boolean
}

/**
 * @param candidates in their order
 * @param hasPrecedence whether candidates before this one that are still connecting go first
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

/** Round-trip times in milliseconds. */
export type Distances<T> = ReadonlyMap<T, number>

/** @returns the directory in use to give up and the standby one to use instead, if that is clearly nearer */
export function betterChoice<T>(inUse: Distances<T>, standby: Distances<T>): { give: T; take: T } | undefined {
  const [farthest] = [...inUse].toSorted(([, a], [, b]) => b - a)
  const [nearest] = [...standby].toSorted(([, a], [, b]) => a - b)
  if (farthest === undefined || nearest === undefined) return undefined
  const [give, farMs] = farthest
  const [take, nearMs] = nearest
  return nearMs < farMs * NEARER_BY.factor && farMs - nearMs >= NEARER_BY.leastMs ? { give, take } : undefined
}

export class DirectoryPlaces {
  readonly #members: Members
  /** Until then the directories are taken in their order, later in the order of their answers. */
  #precedenceUntilMs = 0
  #precedenceEnd: NodeJS.Timeout | undefined

  constructor(members: Members) {
    this.#members = members
  }

  /** The directories begin to be dialled. */
  open(): void {
    this.#precedenceUntilMs = performance.now() + DIRECTORY_PRECEDENCE_MS
    // Members that stood back before they were dialled do not wait out a back-off after that.
    this.#precedenceEnd = setTimeout(() => {
      for (const member of this.#members.all()) {
        if (member.isStandby && member.reachedAt === undefined) member.client.wake()
      }
    }, DIRECTORY_PRECEDENCE_MS)
  }

  /** No directory is dialled any more. */
  close(): void {
    clearTimeout(this.#precedenceEnd)
  }

  /** @throws StandbyError when enough others are in use, or are connecting and go before this one */
  check(member: Member): void {
    const all = new Map(this.#members.all().map((one) => [one, candidateOf(one)] as const))
    const own = all.get(member)
    const hasPrecedence = performance.now() < this.#precedenceUntilMs
    if (own !== undefined && !mayTakePlace(own, [...all.values()], hasPrecedence)) {
      throw new StandbyError('enough directories are in use')
    }
  }

  /**
   * Gives the place to a member that is connected.
   *
   * @throws StandbyError as {@link check}, and when the same directory is used by another address
   */
  take(member: Member): void {
    if (this.#members.isSecondWay(member)) throw new StandbyError('the same directory as one that is in use')
    this.check(member) // others may have been faster
    member.hasPlace = true
  }

  /** A place is free: the others try at once, whatever their back-off. */
  freed(by: Member): void {
    for (const other of this.#members.all()) if (other !== by && other.isReady) other.client.wake()
  }

  /** The nearer one gets ready first; the other keeps its place until then, or when that fails. */
  handOver(give: Member, take: Member): void {
    give.yields = true
    setTimeout(() => (give.yields = false), TAKEOVER_MS).unref()
    take.client.wake()
  }

  /** The member is ready: the one that yields its place leaves without a farewell, and its registration runs out. */
  async ready(member: Member): Promise<void> {
    const yielding = this.#members.all().find((other) => other !== member && other.yields)
    if (yielding === undefined) return
    yielding.yields = false
    yielding.hasPlace = false
    await yielding.client.stop()
    if (this.#members.includes(yielding)) yielding.client.start()
  }
}

function candidateOf({ origin, hasPlace, yields, isConnecting, state }: Member): Candidate {
  return { origin, hasPlace, yields, isConnecting, refuses: state.state === 'refused' }
}
