// The options of a run that a developer starts (`npm run attack`, `npm run fuzz`).
// A mistyped one ends it with how it is used, and no stack trace.
import { parseArgs, type ParseArgsConfig } from 'node:util'

/** @throws nothing: it ends the process with 2 */
export function runOptions<const T extends ParseArgsConfig>(config: T, usage: string): ReturnType<typeof parseArgs<T>> {
  try {
    return parseArgs(config)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    process.exit(2)
  }
}
