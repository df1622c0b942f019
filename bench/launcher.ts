/** How Node is started, as `bin/parley` does it: read there, so that the benchmarks show that one. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const launcher = readFileSync(join(import.meta.dirname, '..', 'bin', 'parley'), 'utf8')

/** The flags of a directory's Node. */
export const directoryFlags: readonly string[] = found(
  /^case \$\{1-\} in directory\) flags=(\S+)/m,
  'with which flags a directory is started'
).split(' ')

/** What every Node finds in its environment. */
export const launcherEnvironment: NodeJS.ProcessEnv = {
  MALLOC_ARENA_MAX: found(/^export MALLOC_ARENA_MAX="\$\{MALLOC_ARENA_MAX:-(\d+)\}"/m, 'how memory is allocated')
}

function found(pattern: RegExp, what: string): string {
  const [, text] = pattern.exec(launcher) ?? []
  if (text === undefined) throw new Error(`bin/parley does not say ${what}`)
  return text
}
