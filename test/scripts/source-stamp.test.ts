// By which stamp a build is known, and that a change of anything it is made of is
// another one. The script is plain JavaScript, so it is run as its own process.
import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, expect, test } from 'vitest'

const clone = join(import.meta.dirname, '..', '..')
const script = new URL('../../scripts/source-stamp.js', import.meta.url).href
const others = ['package.json', 'tsconfig.json', 'tsconfig.build.json']
const scripts = ['scripts/build-page.js', 'scripts/build-program.js', 'scripts/patched-packages.js', 'scripts/proto.ts']

let root = ''
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'parley-stamp-'))
  await mkdir(join(root, 'src', 'inner'), { recursive: true })
  await mkdir(join(root, 'scripts'))
  for (const name of [...others, ...scripts]) await cp(join(clone, name), join(root, name))
  await writeFile(join(root, 'src', 'inner', 'one.ts'), 'one')
  await writeFile(join(root, 'src', 'page.css'), 'page')
})
afterEach(async () => rm(root, { recursive: true, force: true }))

async function stamp(): Promise<string> {
  const source = `import { sourceStamp } from ${JSON.stringify(script)}
    process.stdout.write(sourceStamp(${JSON.stringify(root)}))`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', source])
  return stdout
}

test('the same sources have the same stamp, of sixteen hexadecimal digits', async () => {
  expect(await stamp()).toMatch(/^[0-9a-f]{16}$/u)
  expect(await stamp()).toBe(await stamp())
})

test('each change of a source, its time alone, a new one and one that is gone make another', async () => {
  const stamps = [await stamp()]
  await writeFile(join(root, 'src', 'inner', 'one.ts'), 'more')
  stamps.push(await stamp())
  await utimes(join(root, 'src', 'inner', 'one.ts'), 1_000, 1_000)
  stamps.push(await stamp())
  await writeFile(join(root, 'src', 'inner', 'two.ts'), 'two')
  stamps.push(await stamp())
  await rm(join(root, 'src', 'page.css'))
  stamps.push(await stamp())
  await utimes(join(root, scripts[1] ?? ''), 1_000, 1_000)
  stamps.push(await stamp())
  expect(new Set(stamps).size).toBe(6)
})

test('the frame codecs that the build itself generates make no other build, and their source does', async () => {
  const before = await stamp()
  await mkdir(join(root, 'src', 'inner', 'pb'))
  await writeFile(join(root, 'src', 'inner', 'pb', 'frames.ts'), 'generated')
  expect(await stamp()).toBe(before)
  await writeFile(join(root, 'src', 'inner', 'frames.proto'), 'message')
  expect(await stamp()).not.toBe(before)
})

test('packages that were installed since make another build', async () => {
  const installed = join(root, 'node_modules', '.package-lock.json')
  const stamps = [await stamp()]
  await mkdir(join(root, 'node_modules'))
  await writeFile(installed, '{}')
  stamps.push(await stamp())
  await utimes(installed, 1_000, 1_000)
  stamps.push(await stamp())
  expect(new Set(stamps).size).toBe(3)
})

test('what is no source makes no other build', async () => {
  const first = await stamp()
  await writeFile(join(root, 'src', 'notes.md'), 'notes')
  expect(await stamp()).toBe(first)
})
