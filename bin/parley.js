#!/usr/bin/env node
// The one entry point: checks the Node that runs it, rebuilds a clone whose
// sources are newer than what was built from them, and starts the command line.
// What V8 has compiled is kept beside the build: a fifth of the time to a prompt.
// It is plain JavaScript that old Nodes can read, so that they can say so.
const [major, minor] = process.versions.node.split('.').map(Number)
// 24.7 brings Argon2 (node:crypto), by which a passphrase protects the identity key.
if (major < 24 || (major === 24 && minor < 7)) {
  process.stderr.write(
    `parley needs Node 24.7 or newer and this is Node ${process.versions.node}: ` +
      'run it with `npm start` or bin/parley in the clone after `npm ci`, which bring their own.\n'
  )
  process.exit(1)
}
// Scripts ask for the version alone: it is printed without loading the command line, in half of the time.
if (process.argv.length === 3 && (process.argv[2] === '--version' || process.argv[2] === '-V')) {
  const { readFileSync, writeSync } = await import('node:fs')
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  try {
    writeSync(1, `${version}\n`)
    process.exit()
  } catch {
    // The command line tries again, and reports what is wrong with the output.
  }
}
const { dirname, join } = await import('node:path')
const { enableCompileCache } = await import('node:module')
const { fileURLToPath, pathToFileURL } = await import('node:url')
// Where the clone can't be written to, and under NODE_DISABLE_COMPILE_CACHE, there is none.
enableCompileCache(join(dirname(dirname(fileURLToPath(import.meta.url))), 'dist', 'compile-cache'))
const { setFlagsFromString } = await import('node:v8')
// What starting leaves behind would grow the young generation to 27 MB, of which a chat at rest uses two. A directory
// of many needs more of it, and is given a bound by what starts this file.
if (process.argv[2] !== 'directory') setFlagsFromString('--semi-space-growth-factor=1')
// A chat that is opened may turn out to be a face of a node that runs elsewhere, which only draws: V8's two optimizing
// compilers are 8 MB of its program, and what they leave behind is three more. A node of its own turns them on again.
if (/^(?:-.*|chat|attach)?$/.test(process.argv[2] ?? '')) setFlagsFromString('--no-turbofan --no-maglev')
// The program is a bundle: so that the place of an error is one in its sources.
if (process.env.PARLEY_DEBUG === '1') process.setSourceMapsEnabled(true)
const { buildIfStale } = await import('../scripts/build.js')
const folder = await buildIfStale()
const { main } = await import(pathToFileURL(join(folder, 'cli', 'main.js')).href)
await main(process.argv.slice(2))
