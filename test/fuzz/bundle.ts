/**
 * Bundles the targets of one file, with all that they reach, into one CommonJS file: the fuzzer instruments what is
 * loaded by `require`, and so counts the branches of Parley and of libp2p's own decoders alike.
 */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** Native, or of no interest: their branches are not ours, and counting them makes each input slow. */
const external = ['sodium-native', 'udx-native', '@noble/*', '@chainsafe/as-chacha20poly1305', '@chainsafe/as-sha256']

/** CommonJS has no `import.meta`. */
const importMetaUrl = 'const importMetaUrl = require("node:url").pathToFileURL(__filename).href;'

/** @returns the file, which exports `targets` and `Trial` */
export async function bundleTargets(group: string, folder: string): Promise<string> {
  const outfile = join(folder, `${group}.cjs`)
  await build({
    absWorkingDir: root,
    stdin: {
      contents: `export { targets } from './test/fuzz/targets/${group}.ts'; export { Trial } from './test/fuzz/trial.ts'`,
      resolveDir: root,
      sourcefile: `${group}.ts`,
      loader: 'ts'
    },
    outfile,
    external,
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    // Most packages have an ESM and a CommonJS form: these are the ones that Parley loads.
    conditions: ['node', 'import'],
    mainFields: ['module', 'main'],
    banner: { js: importMetaUrl },
    define: { 'import.meta.url': 'importMetaUrl' },
    sourcemap: 'inline',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'warning'
  })
  return outfile
}
