/** How a directory's Node is started, as `bin/parley directory` does it: read there, so that the benchmarks show that one. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const launcher = readFileSync(join(import.meta.dirname, '..', 'bin', 'parley'), 'utf8')

export const directoryFlags: readonly string[] = (
  /^case \$\{1-\} in directory\) flags=(\S+)/m.exec(launcher)?.[1] ?? missing()
).split(' ')

function missing(): never {
  throw new Error('bin/parley does not say with which flags a directory is started')
}
