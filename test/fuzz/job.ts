/** What the command gives to the process that fuzzes one target, and what that process writes at its end. */

export interface Job {
  readonly mode: 'fuzz' | 'distil' | 'replay'
  readonly target: string
  /** Whether its inputs are awaited. */
  readonly isAsync: boolean
  readonly maxInputBytes: number | undefined
  /** The targets as one file. */
  readonly bundle: string
  /** Folders of inputs; what is found new goes into the first. */
  readonly corpora: readonly string[]
  /** The target writes its own seeds here. */
  readonly seeds: string
  /** The folder of inputs that show a fault; with `distil`, of those to keep; with `replay`, the file to try. */
  readonly findings: string
  /** Where the process writes its {@link Summary}, as JSON, at its end. */
  readonly summary: string
  /** For what else has to lie somewhere. */
  readonly work: string
  readonly seconds: number
  /** How many inputs to try, in place of a time. */
  readonly inputs: number | undefined
  /** Which inputs the fuzzer makes of those that it has; by chance without it. */
  readonly seed: number | undefined
}

/** Inside `findings`: the last inputs before an error that came after its input was over. */
export const recentFolder = 'recent'

export interface Summary {
  readonly executions: number
  readonly seconds: number
  /** Held at the end beyond the warm-up, by the trend; undefined for a short run. */
  readonly grownBytes?: number | undefined
  readonly edges?: number
  readonly kept?: number
}

export function jobOf(text: string): Job {
  return JSON.parse(text) as Job
}
