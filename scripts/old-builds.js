// Which builds of other sources go when a new one stands: all but the newest few,
// those that were built or started lately, and those that a program runs from,
// which may still load a part of its own. It knows folders and marks, not how a
// build is made.
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** One goes back to a few of them: another branch, the build before. */
const keptBuilds = 5
/** A program that was just started from one may not have left its mark yet. */
const keepBuildsMs = 60 * 60 * 1000
/** What V8 has compiled of all builds lies together, and is begun anew each day. */
const keepCompileCacheMs = 24 * 60 * 60 * 1000
/** The folder in a build that holds an empty file for each process that runs from it, under its ID. */
const marks = '.running'
const compileCache = 'compile-cache'
const isBuild = /^[0-9a-f]{16}$/u
/** What a build that was broken off has left behind. */
const isBroken = /^[0-9a-f]{16}\.\d+$/u

/**
 * This process runs from the build until it ends.
 *
 * @param {string} folder
 */
export function markRunning(folder) {
  const mark = join(folder, marks, String(process.pid))
  try {
    mkdirSync(join(folder, marks), { recursive: true })
    // Killed programs have left theirs behind: before long other processes would have their IDs.
    for (const name of readdirSync(join(folder, marks))) {
      if (!isAlive(Number(name))) rmSync(join(folder, marks, name), { force: true })
    }
    writeFileSync(mark, '')
  } catch {
    // A clone that can't be written to keeps its build anyway.
    return
  }
  process.once('exit', () => rmSync(mark, { force: true }))
}

/**
 * @param {string} dist
 * @returns {string | undefined} the folder of the build that was made last
 */
export function newestBuild(dist) {
  const folders = readdirSync(dist).flatMap((name) => (isBuild.test(name) ? [join(dist, name)] : []))
  const madeAt = (folder) => statSync(join(folder, 'cli')).mtimeMs
  return folders.toSorted((one, other) => madeAt(other) - madeAt(one))[0]
}

/**
 * @param {string} dist
 * @param {string} current the build that stays in any case
 */
export async function removeOldBuilds(dist, current) {
  const found = []
  for (const name of await readdir(dist)) {
    const folder = join(dist, name)
    const ageMs = Date.now() - (await lastUsedMs(folder))
    if (isBuild.test(name) && folder !== current) found.push({ folder, ageMs })
    else if (isBroken.test(name) && ageMs > keepBuildsMs) await remove(folder)
    else if (name === compileCache && ageMs > keepCompileCacheMs) await remove(folder)
  }
  const old = found.filter(({ ageMs }) => ageMs > keepBuildsMs).toSorted((one, other) => one.ageMs - other.ageMs)
  for (const { folder } of old.slice(keptBuilds)) if (!(await isRunning(folder))) await remove(folder)
}

/** @param {string} folder */
async function lastUsedMs(folder) {
  const times = [folder, join(folder, marks)].map(async (one) => (await stat(one).catch(() => undefined))?.mtimeMs ?? 0)
  return Math.max(...(await Promise.all(times)))
}

/** @param {string} folder */
async function isRunning(folder) {
  const names = await readdir(join(folder, marks)).catch(() => [])
  return names.some((name) => isAlive(Number(name)))
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    // It is there and belongs to another user.
    return error.code === 'EPERM'
  }
}

/** @param {string} folder */
async function remove(folder) {
  // Two processes may tidy up at once.
  await rm(folder, { recursive: true, force: true, maxRetries: 2 })
}
