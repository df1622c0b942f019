// The places for directories that are used, of which there are few: who has one,
// who may take one, and how one is handed over. Rules are in directory-choice.ts;
// this applies them to the members.
import { DIRECTORY_PRECEDENCE_MS, TAKEOVER_MS } from './constants.ts'
import { mayTakePlace, type Candidate } from './directory-choice.ts'
import { isReady, isStandby, StandbyError, type Member } from './directory-member.ts'

export class DirectoryPlaces {
  readonly #members: () => readonly Member[]
  /** Until then the directories are taken in their order; later whoever answers. */
  #precedenceUntilMs = 0
  #precedenceEnd: NodeJS.Timeout | undefined

  constructor(members: () => readonly Member[]) {
    this.#members = members
  }

  /** The directories begin to be dialled. */
  open(): void {
    this.#precedenceUntilMs = performance.now() + DIRECTORY_PRECEDENCE_MS
    // Members that stood back before they were dialled do not wait out a back-off after that.
    this.#precedenceEnd = setTimeout(() => {
      for (const member of this.#members()) {
        if (isStandby(member) && member.reachedAt === undefined) member.client.wake()
      }
    }, DIRECTORY_PRECEDENCE_MS)
  }

  /** The directories are left alone. */
  close(): void {
    clearTimeout(this.#precedenceEnd)
  }

  /** @throws StandbyError when enough others are in use, or for a moment on their way to it before this one */
  check(member: Member): void {
    const all = new Map(this.#members().map((one) => [one, candidate(one)] as const))
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
    const others = this.#members().filter((other) => other !== member)
    if (others.some(({ hasPlace, peer }) => hasPlace && peer === member.peer)) {
      throw new StandbyError('the same directory as one that is in use')
    }
    this.check(member) // others have been faster, perhaps
    member.hasPlace = true
  }

  /** A place is free: nobody waits out a back-off now. */
  freed(by: Member): void {
    for (const other of this.#members()) if (other !== by && isReady(other)) other.client.wake()
  }

  /** The nearer one gets ready first; the other keeps its place until then, or when that fails. */
  handOver(give: Member, take: Member): void {
    give.yields = true
    setTimeout(() => (give.yields = false), TAKEOVER_MS).unref()
    take.client.wake()
  }

  /** This one is ready: whoever yields its place goes without a word, and what was told of us there ends by itself. */
  async ready(member: Member): Promise<void> {
    const yielding = this.#members().find((other) => other !== member && other.yields)
    if (yielding === undefined) return
    yielding.yields = false
    yielding.hasPlace = false
    await yielding.client.stop()
    if (this.#members().includes(yielding)) yielding.client.start()
  }
}

function candidate({ origin, hasPlace, yields, state }: Member): Candidate {
  return {
    origin,
    hasPlace,
    yields,
    isConnecting: state.state === 'connecting',
    refuses: state.state === 'refused'
  }
}
