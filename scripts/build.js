// Compiles src/ to dist/. Run as a program it builds; with --if-stale only when
// the sources have changed since the last build. bin/parley.js calls it too, so
// that a clone that was updated is never run from what was built before.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdir, readFile, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const dist = join(root, 'dist')
const stampFile = join(dist, '.stamp')
/** A build that takes longer than this says what it is doing. */
const quietBuildMs = 500

/** Builds unless dist/ was built from exactly these sources. Ends the process with the compiler's words when that fails. */
export async function buildIfStale() {
  const src = join(root, 'src')
  const present = await stat(src).catch(() => undefined)
  if (present === undefined) return // an installed package has no sources
  const stamp = await sourceStamp(src)
  if ((await readFile(stampFile, 'utf8').catch(() => '')) !== stamp) await build(stamp)
}

/** @param {string} stamp what dist/ will say that it was built from */
async function build(stamp) {
  const next = `${dist}.${process.pid}`
  const notice = setTimeout(() => process.stderr.write('Building Parley (the sources are new) …\n'), quietBuildMs)
  try {
    await rm(next, { recursive: true, force: true })
    await compile(next)
    await writeFile(join(next, '.stamp'), stamp)
    await replaceFolder(next)
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : error}\n`)
    process.exitCode = 1
  } finally {
    clearTimeout(notice)
    await rm(next, { recursive: true, force: true })
  }
  if (process.exitCode === 1) process.exit()
}

/** Two processes may build at once: the loser keeps what the winner put in place. */
async function replaceFolder(next) {
  const old = `${next}.old`
  await rename(dist, old).catch(() => undefined)
  await rename(next, dist).catch(() => undefined)
  await rm(old, { recursive: true, force: true })
}

/** @param {string} outDir */
async function compile(outDir) {
  await mkdir(outDir, { recursive: true })
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
async function sourceStamp(src) {
  const hash = createHash('sha256')
  const entries = await readdir(src, { recursive: true, withFileTypes: true })
  const files = entries.filter((e) => e.isFile() && e.name.endsWith('.ts')).map((e) => join(e.parentPath, e.name))
  for (const name of ['package.json', 'tsconfig.json', 'tsconfig.build.json']) files.push(join(root, name))
  for (const file of files.sort()) {
    const { size, mtimeMs } = await stat(file)
    hash.update(`${file} ${size} ${mtimeMs}\n`)
  }
  return hash.digest('hex')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  if (process.argv.includes('--if-stale')) await buildIfStale()
  else await build(await sourceStamp(join(root, 'src')))
}
