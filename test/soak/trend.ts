/**
 * The trend of a series of measurements: a least-squares line, and between which slopes the true one lies. Pure.
 *
 * The measurements of one process depend on each other (a heap that is high now is high a second later), which makes
 * the usual interval too narrow. So the series is first averaged into blocks that are long against that memory; the
 * blocks' means are nearly independent.
 */

export interface Sample {
  readonly x: number
  readonly y: number
}

export interface Trend {
  /** Change of y for one of x. */
  readonly slope: number
  /** With 99 % confidence the slope is no less, and no more. */
  readonly least: number
  readonly most: number
}

const blocks = 10
/** Student's t for 99 % (one-sided 99.5 %) at 8 degrees of freedom, two fewer than there are blocks. */
const quantile = 3.355

/** @throws RangeError with fewer samples than blocks */
export function trend(samples: readonly Sample[]): Trend {
  if (samples.length < blocks) throw new RangeError(`${samples.length} samples: a trend needs ${blocks}`)
  const means = Array.from({ length: blocks }, (_, i) => {
    const from = Math.floor((i * samples.length) / blocks)
    return meanOf(samples.slice(from, Math.floor(((i + 1) * samples.length) / blocks)))
  })
  const centre = meanOf(means)
  const xx = sum(means.map(({ x }) => (x - centre.x) ** 2))
  const xy = sum(means.map(({ x, y }) => (x - centre.x) * (y - centre.y)))
  const slope = xx === 0 ? 0 : xy / xx
  const residuals = sum(means.map(({ x, y }) => (y - centre.y - slope * (x - centre.x)) ** 2))
  const error = xx === 0 ? 0 : Math.sqrt(residuals / (blocks - 2) / xx)
  return { slope, least: slope - quantile * error, most: slope + quantile * error }
}

function meanOf(samples: readonly Sample[]): Sample {
  return { x: sum(samples.map(({ x }) => x)) / samples.length, y: sum(samples.map(({ y }) => y)) / samples.length }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
