// What a start loads before its first word: Node's costly modules, and the parts that bring them, take longer than all of
// the rest.
import { execFile, spawnSync } from 'node:child_process'
import { closeSync, existsSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import { exitCodes, version } from '../../src/node/settings.ts'
import { JsonParley, randomNetwork } from '../fault/json-parley.ts'
import { secludedEnv } from '../processes/homes.ts'

const root = join(import.meta.dirname, '..', '..')
// The scripts are plain JavaScript.
const { buildIfStale } = (await import(new URL('../../scripts/build.js', import.meta.url).href)) as {
  readonly buildIfStale: () => Promise<string>
}
// A start that builds says so.
beforeAll(async () => buildIfStale())

/** Of storage, keys and the network. */
const costly = ['sqlite', 'crypto', 'zlib', 'http', 'https', 'http2', 'dns', 'tls']

async function started(
  args: readonly string[],
  env = process.env
): Promise<{ readonly stdout: string; readonly modules: Set<string> }> {
  const hook = 'process.once("exit", () => console.error(JSON.stringify(process.moduleLoadList)))'
  const start = ['--import', `data:text/javascript,${hook}`, join(root, 'bin', 'parley.js'), ...args]
  const running = promisify(execFile)(process.execPath, start, { env })
  running.child.stdin?.end()
  const { stdout, stderr } = await running
  // The list that the hook has printed; a warning of Node's may stand above it.
  const list = JSON.parse(stderr.trim().split('\n').at(-1) ?? '') as readonly string[]
  return { stdout, modules: new Set(list) }
}

test.each([[['--version']], [['--help']], [['send', '--help']]])('%j loads no storage and no keys', async (args) => {
  const { modules } = await started(args)
  expect(costly.filter((name) => modules.has(`NativeModule ${name}`))).toEqual([])
})

test('a chat loads no HTTP before it asks a router by it', async () => {
  const home = await mkdtemp(join(tmpdir(), 'parley-start-'))
  onTestFinished(async () => rm(home, { recursive: true }))
  const { modules } = await started(['--plain'], secludedEnv(home, randomNetwork()))
  expect([...modules].filter((name) => /undici|NativeModule http/u.test(name))).toEqual([])
})

test('a chat that attaches to a daemon loads no keys, no storage and no other programs', async () => {
  const home = await mkdtemp(join(tmpdir(), 'parley-start-'))
  onTestFinished(async () => rm(home, { recursive: true }))
  const network = randomNetwork()
  const daemon = await JsonParley.spawn({ home, network, args: ['daemon'] })
  onTestFinished(async () => daemon.kill())
  await daemon.until('"running"', () => daemon.events.find(({ event }) => event === 'running'))
  const { stdout, modules } = await started(['--plain'], secludedEnv(home, network))
  expect(stdout).toContain('You are')
  const unneeded = ['sqlite', 'crypto', 'zlib', 'child_process']
  expect(unneeded.filter((name) => modules.has(`NativeModule ${name}`))).toEqual([])
})

test('the version takes no command line: of Parley, only package.json is read', async () => {
  const { stdout, modules } = await started(['--version'])
  expect(stdout).toBe(`${version}\n`)
  expect(modules.has('NativeModule child_process')).toBe(false)
  expect(modules.has('NativeModule net')).toBe(false)
})

test.skipIf(!existsSync('/dev/full'))('a version that can not be written is reported', () => {
  const full = openSync('/dev/full', 'w')
  const ended = spawnSync(process.execPath, [join(root, 'bin', 'parley.js'), '--version'], {
    stdio: ['ignore', full, 'pipe'],
    encoding: 'utf8'
  })
  closeSync(full)
  expect(ended.stderr).toMatch(/ENOSPC/u)
  expect(ended.status).toBe(exitCodes.storage)
})
