// Compiles src/ into dist/STAMP/ and bundles the page into dist/STAMP/web/, where
// the stamp tells the sources. Run as a program it builds; with --if-stale only
// what has not been built. bin/parley.js calls it too, so that a clone that was
// updated is never run from what was built before. A build in use is never
// replaced: a new one stands beside it.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { markRunning, removeOldBuilds } from './old-builds.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const src = join(root, 'src')
const dist = join(root, 'dist')
/** A build that takes longer than this says what it is doing. */
const quietBuildMs = 500
const isSource = /\.(?:tsx?|css|html|svg)$/u

/**
 * Builds unless these sources have been built. Ends the process with the compiler's words when that fails. The build
 * stays for as long as this process runs.
 *
 * @returns the folder of the build
 */
export async function buildIfStale() {
  const folder = join(dist, await sourceStamp())
  const isThere = await stat(folder).then(
    () => true,
    () => false
  )
  if (!isThere) await build(folder)
  markRunning(folder)
  return folder
}

/** @param {string} folder where the build will be */
async function build(folder) {
  const next = `${folder}.${process.pid}`
  const notice = setTimeout(() => process.stderr.write('Building Parley (the sources are new) …\n'), quietBuildMs)
  try {
    await mkdir(next, { recursive: true })
    // Loaded here and not above: who finds everything built does not wait for a bundler.
    const { buildPage } = await import('./build-page.js')
    await Promise.all([compile(next), buildPage(join(src, 'web'), join(next, 'web'))])
    // Two processes may build the same at once: whoever comes second keeps what is there.
    await rename(next, folder).catch(async () => stat(folder))
    await removeOldBuilds(dist, folder)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  } finally {
    clearTimeout(notice)
    await rm(next, { recursive: true, force: true })
  }
  if (process.exitCode === 1) process.exit()
}

/** @param {string} outDir */
async function compile(outDir) {
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [tsc, '-p', join(root, 'tsconfig.build.json'), '--outDir', outDir]
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  if (code !== 0) {
    throw new Error(`${output}parley could not be built: the errors are above. Run \`npm ci\` if packages are missing.`)
  }
}

/** Names, sizes and times of everything that the build reads. */
async function sourceStamp() {
  const hash = createHash('sha256')
  const entries = await readdir(src, { recursive: true, withFileTypes: true })
  const files = entries.filter((e) => e.isFile() && isSource.test(e.name)).map((e) => join(e.parentPath, e.name))
  for (const name of ['package.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build-page.js'])
    files.push(join(root, name))
  for (const file of files.toSorted()) {
    const { size, mtimeMs } = await stat(file)
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex').slice(0, 16)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--if-stale')) await rm(join(dist, await sourceStamp()), { recursive: true, force: true })
  await buildIfStale()
}
