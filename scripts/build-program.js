// Bundles the program of src/ and the packages that it uses into a folder, by
// parts: what a command does not use is a part that it does not load. From one
// file instead of nine hundred it starts in half the time and takes 12 MB less.
// Called by scripts/build.js beside the compiler, which checks the types.
import { build } from 'esbuild'
import { patchedPackages } from './patched-packages.js'

/** Where a program is entered: the command line, and what the benchmarks drive without one. */
const entryPoints = ['src/cli/main.ts', 'src/node/index.ts', 'src/node/server/index.ts']

/** Their native parts are found beside their package.json, and they may be missing. */
const external = ['sodium-native', 'udx-native']

/** Packages that are CommonJS ask for Node's modules by `require`, which a module has not. */
const banner = {
  js: "import{createRequire as requireFrom}from'node:module';const require=requireFrom(import.meta.url);"
}

/**
 * @param {string} root the folder of package.json
 * @param {string} outDir where cli/main.js, node/index.js, node/server/index.js and the parts of all will be; their source maps, which name
 *   the files of the clone, lie beside them and are read under PARLEY_DEBUG=1 alone
 */
export async function buildProgram(root, outDir) {
  await build({
    absWorkingDir: root,
    entryPoints,
    external,
    banner,
    outdir: outDir,
    outbase: 'src',
    chunkNames: 'parts/[name]-[hash]',
    bundle: true,
    plugins: [patchedPackages(), httpAlone(), spawnLater()],
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    minify: true,
    sourcemap: 'linked',
    sourcesContent: false,
    legalComments: 'none',
    logLevel: 'warning'
  })
}

/**
 * A module that imports `node:http` reads all of its exports, and one of them loads undici: 50 ms of a start, for nobody.
 * `require` gives the same object and reads none. For esbuild. What is imported only where it is needed stays an import: by
 * `require` it would have no names of its own.
 *
 * @returns {import('esbuild').Plugin}
 */
function httpAlone() {
  return {
    name: 'http-alone',
    setup(bundler) {
      bundler.onResolve({ filter: /^(?:node:)?https?$/ }, ({ path, kind }) =>
        kind === 'import-statement' ? { path, namespace: 'required' } : undefined
      )
      bundler.onLoad({ filter: /./, namespace: 'required' }, ({ path }) => ({
        contents: `module.exports = require(${JSON.stringify(path)})`
      }))
    }
  }
}

/**
 * commander imports `node:child_process` for subcommands that are programs of their own, which Parley has none of: without it
 * each command starts in a twelfth less time, and a face takes half a megabyte less. For esbuild.
 *
 * @returns {import('esbuild').Plugin}
 */
function spawnLater() {
  return {
    name: 'spawn-later',
    setup(bundler) {
      bundler.onResolve({ filter: /^node:child_process$/ }, ({ path, importer }) =>
        /[\\/]node_modules[\\/]commander[\\/]/.test(importer) ? { path, namespace: 'later' } : undefined
      )
      bundler.onLoad({ filter: /./, namespace: 'later' }, ({ path }) => ({
        contents: `export default { spawn: (...args) => require(${JSON.stringify(path)}).spawn(...args) }`
      }))
    }
  }
}
