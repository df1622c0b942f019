// A program of the tests as one file: one that is started over and over spends its time on what is tested, and not on
// a hundred sources that it reads each time.
import { build } from 'esbuild'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { basename, join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')
/** Within the clone: packages are found from there, and not bundled. */
const cache = join(root, 'node_modules', '.cache')

export interface Bundled extends Disposable {
  readonly file: string
}

/** @param program its path in the clone */
export async function bundled(program: string): Promise<Bundled> {
  mkdirSync(cache, { recursive: true })
  const folder = mkdtempSync(join(cache, 'test-program-'))
  const file = join(folder, `${basename(program, '.ts')}.mjs`)
  await build({
    absWorkingDir: root,
    entryPoints: [program],
    outfile: file,
    bundle: true,
    packages: 'external',
    format: 'esm',
    platform: 'node',
    target: 'node24'
  })
  return { file, [Symbol.dispose]: () => rmSync(folder, { recursive: true }) }
}
