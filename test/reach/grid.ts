// Kinds of routers against each other: in how many runs of each pair the conversation got
// a direct path. Pure.

/** The kinds that answer UDP, each with each other. */
const gridKinds = ['full-cone', 'adf', 'plain', 'symmetric'] as const

export interface PairRuns {
  /** `KIND/KIND`, in either order. */
  readonly name: string
  readonly runs: number
  readonly direct: number
}

/** A row for each kind; a pair that was not measured stays empty. */
export function gridRows(pairs: readonly PairRuns[]): readonly (readonly string[])[] {
  const of = (one: string, other: string): PairRuns | undefined =>
    pairs.find(({ name }) => name === `${one}/${other}` || name === `${other}/${one}`)
  return gridKinds.map((one) => [
    one,
    ...gridKinds.map((other) => {
      const pair = of(one, other)
      return pair === undefined ? '' : `${pair.direct} of ${pair.runs}`
    })
  ])
}

export const gridHead: readonly string[] = ['direct in', ...gridKinds]
