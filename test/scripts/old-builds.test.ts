// Which builds stay in dist when a new one is made. The script is plain
// JavaScript for old Nodes, so it is run as its own process.
import { execFile, spawn } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const script = new URL('../../scripts/old-builds.js', import.meta.url).href
const hourMs = 60 * 60 * 1000

let dist = ''
beforeEach(async () => {
  dist = await mkdtemp(join(tmpdir(), 'parley-dist-'))
})
afterEach(async () => rm(dist, { recursive: true, force: true }))

const nameOf = (number: number): string => String(number).padStart(16, '0')

async function folder(name: string, ageMs: number, running?: number): Promise<void> {
  const path = join(dist, name)
  await mkdir(join(path, '.running'), { recursive: true })
  if (running !== undefined) await writeFile(join(path, '.running', String(running)), '')
  const usedAt = (Date.now() - ageMs) / 1000
  for (const one of [join(path, '.running'), path]) await utimes(one, usedAt, usedAt)
}

async function inScript(body: string): Promise<string> {
  const source = `import { markRunning, newestBuild, removeOldBuilds } from ${JSON.stringify(script)}\n${body}`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source])
  return stdout
}

async function remaining(current: string): Promise<readonly string[]> {
  await inScript(`await removeOldBuilds(${JSON.stringify(dist)}, ${JSON.stringify(join(dist, current))})`)
  return (await readdir(dist)).toSorted()
}

test('the build that was made last is found, whichever was used since, and none where there is none', async () => {
  const newest = `process.stdout.write(String(newestBuild(${JSON.stringify(dist)})))`
  expect(await inScript(newest)).toBe('undefined')
  for (const [number, ageMs] of [2 * hourMs, hourMs, 3 * hourMs].entries()) {
    await folder(nameOf(number), number)
    await mkdir(join(dist, nameOf(number), 'cli'))
    const madeAt = (Date.now() - ageMs) / 1000
    await utimes(join(dist, nameOf(number), 'cli'), madeAt, madeAt)
  }
  await folder('compile-cache', 0)
  expect(await inScript(newest)).toBe(join(dist, nameOf(1)))
})

test('the newest five stay, and all of the last hour', async () => {
  for (let number = 0; number < 12; number++) await folder(nameOf(number), number * hourMs * 0.4)
  // Those of 0, 24 and 48 minutes ago, and the five before them.
  expect(await remaining(nameOf(0))).toEqual(Array.from({ length: 8 }, (_, number) => nameOf(number)))
})

test('the one that was just made stays, whatever its time, and what is no build is left alone', async () => {
  for (let number = 0; number < 7; number++) await folder(nameOf(number), (number + 2) * hourMs)
  await folder('compile-cache', 2 * hourMs)
  await folder('notes', 1000 * hourMs)
  const kept = [0, 1, 2, 3, 4, 6].map(nameOf)
  expect(await remaining(nameOf(6))).toEqual([...kept, 'compile-cache', 'notes'])
})

test('what a build that was broken off has left behind goes after an hour, what V8 has compiled after a day', async () => {
  await folder(`${nameOf(1)}.77`, 2 * hourMs)
  await folder(`${nameOf(2)}.78`, 0)
  await folder('compile-cache', 25 * hourMs)
  expect(await remaining(nameOf(0))).toEqual([`${nameOf(2)}.78`])
})

test('one that a program runs from stays until that has ended', async () => {
  const program = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
  const ended = new Promise((resolve) => program.once('exit', resolve))
  try {
    for (let number = 0; number < 6; number++) await folder(nameOf(number), (number + 2) * hourMs)
    await folder(nameOf(8), 100 * hourMs, program.pid)
    expect(await remaining('none')).toContain(nameOf(8))
  } finally {
    program.kill('SIGKILL')
  }
  await ended
  // Killed, it has left its mark behind.
  expect(await remaining('none')).not.toContain(nameOf(8))
})

test('a process marks the build that it runs from in place of killed ones, and takes the mark away when it ends', async () => {
  const killed = spawn(process.execPath, ['-e', ''], { stdio: 'ignore' })
  await new Promise((resolve) => killed.once('exit', resolve))
  await folder(nameOf(0), 0, killed.pid)
  const build = JSON.stringify(join(dist, nameOf(0)))
  const seen = await inScript(`
    markRunning(${build})
    const { readdirSync } = await import('node:fs')
    console.log(readdirSync(${build} + '/.running').join() === String(process.pid))`)
  expect(seen.trim()).toBe('true')
  expect(await readdir(join(dist, nameOf(0), '.running'))).toEqual([])
})

test('a build that can not be written to is run all the same', async () => {
  await writeFile(join(dist, 'file'), '')
  await inScript(`markRunning(${JSON.stringify(join(dist, 'file'))})`)
})
