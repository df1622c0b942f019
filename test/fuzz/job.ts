/** What the command tells the process that fuzzes one target, and what that process says at its end. */

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
}

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
