// Why a directory does not become, or remain, a fellow. Each is answered with
// another patience.

/** What answers there serves no federation. */
export class NoFellowError extends Error {
  override readonly name = 'NoFellowError'

  constructor(options?: { cause?: unknown }) {
    super('that node is no Parley directory that joins with others: check the address', options)
  }
}

/** The directory is of another network. */
export class OtherNetworkFellowError extends Error {
  override readonly name = 'OtherNetworkFellowError'
  readonly ours: string
  readonly theirs: string

  constructor(ours: string, theirs: string) {
    super(
      `the directory is of the network ${JSON.stringify(theirs)}, not ${JSON.stringify(ours)}: ` +
        'start both with the same --network'
    )
    this.ours = ours
    this.theirs = theirs
  }
}

/** Why a directory does not join with another. */
export type FellowRefusal =
  /** All places for directories that its operator did not name are taken. */
  | 'places-taken'
  /** The place was given to a directory of an address prefix that has fewer. */
  | 'place-given'
  /** It joins only with directories that its operator named. */
  | 'named-only'
  | 'flooding'
  /** Any reason that this version does not know, or none. */
  | 'refused'

const refusals: ReadonlySet<string> = new Set<FellowRefusal>(['places-taken', 'place-given', 'named-only', 'flooding'])

/** @returns the reason that the word on the wire stands for */
export function fellowRefusal(word: string): FellowRefusal {
  // The set holds exactly the members of the union.
  return refusals.has(word) ? (word as FellowRefusal) : 'refused'
}

/** One side has no place for the other, or does not want to hear from it for a while. */
export class FellowRefusedError extends Error {
  override readonly name = 'FellowRefusedError'
  readonly reason: FellowRefusal
  /** When to come back, as the other side says; undefined where it gave no reason. */
  readonly retryAfterMs: number | undefined

  constructor(reason: FellowRefusal = 'refused', retryAfterMs?: number) {
    super(refusalText(reason))
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** In words, for the operator of the directory that was refused. */
function refusalText(reason: FellowRefusal): string {
  switch (reason) {
    case 'places-taken':
      return 'all its places for directories that it does not name are taken: ask its operator to --join this one'
    case 'place-given':
      return 'it gave the place to a directory of another address: ask its operator to --join this one'
    case 'named-only':
      return 'it joins only with directories that it names (--federate named): ask its operator to --join this one'
    case 'flooding':
      return 'it says that this directory floods it, or passes on forgeries'
    case 'refused':
      return 'it gave no reason'
  }
}
