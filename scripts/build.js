// Generates the frame codecs, checks the types of src/ and bundles it into dist/STAMP/, the page into
// dist/STAMP/web/, where the stamp tells the sources. Run as a program it builds;
// with --if-stale only what has not been built. bin/parley.js calls it too, so
// that a clone that was updated is never run from what was built before. A build
// in use is never replaced: a new one stands beside it.
import { existsSync } from 'node:fs'
import { mkdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { markRunning, newestBuild, removeOldBuilds } from './old-builds.js'
import { sourceStamp } from './source-stamp.js'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
const bundler = join(root, 'node_modules', 'esbuild')
/** A build that takes longer than this says what it is doing. */
const quietBuildMs = 500

/**
 * Builds unless these sources have been built. Ends the process with the compiler's words when that fails. The build
 * stays for as long as this process runs. Where the packages that build were left out, as in an image, the newest build
 * is the right one.
 *
 * @returns the folder of the build
 */
export async function buildIfStale() {
  const stamped = join(dist, sourceStamp(root))
  const folder = existsSync(stamped) || existsSync(bundler) ? stamped : (newestBuild(dist) ?? stamped)
  if (!existsSync(folder)) await build(folder)
  markRunning(folder)
  return folder
}

/** @param {string} folder where the build will be */
async function build(folder) {
  const next = `${folder}.${process.pid}`
  const notice = setTimeout(() => process.stderr.write('Building Parley (the sources are new) …\n'), quietBuildMs)
  try {
    await mkdir(next, { recursive: true })
    // Loaded here and not above: a start that finds everything built waits for no bundler, and needs none.
    const { buildProgram } = await import('./build-program.js')
    const { buildPage } = await import('./build-page.js')
    const { generateFrames } = await import('./proto.ts')
    await generateFrames()
    await Promise.all([checkTypes(), buildProgram(root, next), buildPage(join(root, 'src', 'web'), join(next, 'web'))])
    // Two processes may build the same at once: the second one keeps what is there.
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

async function checkTypes() {
  const { spawn } = await import('node:child_process')
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const args = [tsc, '-p', join(root, 'tsconfig.build.json')]
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

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (!process.argv.includes('--if-stale')) await rm(join(dist, sourceStamp(root)), { recursive: true, force: true })
  await buildIfStale()
}
