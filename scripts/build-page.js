// Bundles the roster page of src/web into a folder: one script, one style sheet,
// one document, one icon, and nothing to be fetched from elsewhere. Called by
// scripts/build.js beside the compiler, which checks the types.
import { build } from 'esbuild'
import { copyFile, mkdir } from 'node:fs/promises'
import { join } from 'node:path'

/** The first versions that know light-dark() and @property: all of 2024. */
const target = ['chrome123', 'firefox128', 'safari17.5']

/**
 * @param {string} source src/web
 * @param {string} outDir where page.js, page.css, index.html and icon.svg will be
 */
export async function buildPage(source, outDir) {
  await mkdir(outDir, { recursive: true })
  const options = { bundle: true, minify: true, target, logLevel: 'silent', legalComments: 'none' }
  await Promise.all([
    build({
      ...options,
      entryPoints: [join(source, 'page.tsx')],
      outfile: join(outDir, 'page.js'),
      format: 'iife',
      jsx: 'automatic',
      jsxImportSource: 'preact',
      // Types are the compiler's affair: its settings must not change what is bundled.
      tsconfigRaw: {}
    }),
    build({ ...options, entryPoints: [join(source, 'page.css')], outfile: join(outDir, 'page.css') }),
    ...['index.html', 'icon.svg'].map((name) => copyFile(join(source, name), join(outDir, name)))
  ])
}
