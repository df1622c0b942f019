import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { PassThrough } from 'node:stream'
import { expect, test, vi } from 'vitest'
import { eventually } from '../../eventually.ts'
import { serveWhileLocked } from '../../../src/cli/attach/index.ts'
import { installService, settledDaemon, startDaemon } from '../../../src/cli/commands/daemon-service.ts'
import { launchAgent, systemdUnit } from '../../../src/cli/commands/service-files.ts'
import { loadConfig, profileFolder } from '../../../src/node/settings.ts'
import { ProfileLock } from '../../../src/storage/index.ts'

const hasPython = spawnSync('python3', ['-c', 'import plistlib']).status === 0
const hasVerifier = spawnSync('systemd-analyze', ['--version']).status === 0

test('the unit of a profile starts its daemon with the options that were given, and not again after a wrong setting', async () => {
  const config = await loadConfig({ flags: { profile: 'work' }, env: {} })
  const { file, name, text } = systemdUnit(
    config,
    { XDG_CONFIG_HOME: '/home/anna/.config', XDG_DATA_HOME: '/data' },
    { profile: 'work', name: 'an "odd" 100 % $name', directory: ['8000', '8001'], mdns: false }
  )
  expect(name).toBe('parley-work.service')
  expect(file).toBe('/home/anna/.config/systemd/user/parley-work.service')
  const start = text.split('\n').find((line) => line.startsWith('ExecStart='))
  expect(start).toContain('"daemon" "--profile" "work" "--name" "an \\"odd\\" 100 %% $$name"')
  expect(start).toContain('"--directory" "8000" "--directory" "8001" "--no-mdns"')
  expect(text).toContain('Environment="XDG_DATA_HOME=/data"')
  expect(text).toContain('RestartPreventExitStatus=2 8\n')
  const launcher = await readFile(new URL('../../../bin/parley', import.meta.url), 'utf8')
  expect(text).toContain(`Environment="MALLOC_ARENA_MAX=${/MALLOC_ARENA_MAX:-(\d+)/u.exec(launcher)?.[1]}"`)
})

test.skipIf(!hasVerifier)('systemd finds no fault in it', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-unit-'))
  try {
    const config = await loadConfig({ flags: {}, env: {} })
    const { name, text } = systemdUnit(config, { XDG_DATA_HOME: '/a folder/with "quotes"' }, { name: '100 % $HOME' })
    const file = join(folder, name)
    await writeFile(file, text)
    const { stderr, status } = spawnSync('systemd-analyze', ['verify', '--user', file], {
      encoding: 'utf8',
      env: { ...process.env, XDG_RUNTIME_DIR: folder }
    })
    expect(stderr.split('\n').filter((line) => line.includes(name))).toEqual([])
    expect(status).toBe(0)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test.skipIf(!hasPython)(
  'the agent of launchd is a property list that runs the daemon in the same folders',
  async () => {
    const config = await loadConfig({ flags: { profile: 'work' }, env: {} })
    const { name, text } = launchAgent(
      config,
      { XDG_DATA_HOME: '/a "folder" & <more>', XDG_CONFIG_HOME: '' },
      { name: `it's <anna> & "co"`, directory: ['8000'] }
    )
    const program = 'import json, plistlib, sys; print(json.dumps(plistlib.loads(sys.stdin.buffer.read())))'
    const { stdout, stderr } = spawnSync('python3', ['-c', program], { input: text, encoding: 'utf8' })
    expect(stderr).toBe('')
    const node: unknown = expect.stringMatching(/node$/u)
    const parley: unknown = expect.stringMatching(/bin\/parley\.js$/u)
    const options = ['--profile', 'work', '--name', `it's <anna> & "co"`, '--directory', '8000']
    expect(JSON.parse(stdout)).toEqual({
      Label: name,
      ProgramArguments: [node, parley, 'daemon', ...options],
      EnvironmentVariables: { XDG_DATA_HOME: '/a "folder" & <more>', MALLOC_ARENA_MAX: '2' },
      RunAtLoad: true,
      KeepAlive: true
    })
  }
)

test('a process that has the profile and answers nowhere yet is waited for, until it is a daemon or gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-settled-'))
  try {
    const env = { XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, XDG_RUNTIME_DIR: folder }
    const config = await loadConfig({ flags: {}, env })
    const { signal } = new AbortController()
    const profile = profileFolder(config.folders.data, 'default')
    await mkdir(profile, { recursive: true })
    expect(await settledDaemon(config, signal)).toBeUndefined()
    const lock = ProfileLock.take(profile)
    const looking = settledDaemon(config, signal)
    const end = await serveWhileLocked({ config, profile: 'default', daemon: { options: ['--no-mdns'] } })
    expect(await looking).toMatchObject({ pid: process.pid, options: ['--no-mdns'] })
    await end()
    const lookingAgain = settledDaemon(config, signal)
    lock.release()
    expect(await lookingAgain).toBeUndefined()
  } finally {
    await rm(folder, { recursive: true })
  }
})

test.skipIf(process.platform === 'darwin')('a service that can not be started leaves no unit behind', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-unit-'))
  try {
    const env = { XDG_CONFIG_HOME: folder, PATH: join(folder, 'nothing') } // so there is no systemctl
    const { io, written } = ioWith(env)
    const config = await loadConfig({ flags: {}, env })
    const { file } = systemdUnit(config, env, {})
    const makeRoom = vi.fn(async () => undefined)
    await expect(installService(io, { config, flags: {}, makeRoom })).rejects.toThrow(/there is no systemctl here/u)
    expect(await readdir(dirname(file))).toEqual([])
    // The daemon that runs goes on.
    expect(makeRoom).not.toHaveBeenCalled()
    const instead = 'Without a service: parley daemon --restart starts the daemon in the background.'
    expect(written()).toBe(`Written: ${file}\nRemoved again: ${file}\n${instead}\n`)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test.skipIf(process.platform === 'darwin')('the service manager is that of the given environment', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-unit-'))
  try {
    await writeFile(join(folder, 'systemctl'), '#!/bin/sh\necho "of $OWNER" >&2\nexit 1\n', { mode: 0o755 })
    const env = { XDG_CONFIG_HOME: folder, PATH: folder, OWNER: 'anna' }
    const { io } = ioWith(env)
    const config = await loadConfig({ flags: {}, env })
    const makeRoom = async (): Promise<void> => undefined
    await expect(installService(io, { config, flags: {}, makeRoom })).rejects.toThrow(/failed: of anna/u)
  } finally {
    await rm(folder, { recursive: true })
  }
})

test('a daemon gets the environment that was given, and no other', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'parley-env-'))
  try {
    // The first file that its Node loads says what it has, and ends it.
    const [probe, told] = [join(folder, 'probe.cjs'), join(folder, 'told.json')]
    const text = `require('node:fs').writeFileSync(${JSON.stringify(told)}, JSON.stringify(process.env)); process.exit(7)`
    await writeFile(probe, text)
    const env = { XDG_DATA_HOME: join(folder, 'data'), NODE_OPTIONS: `--require=${probe}` }
    const daemon = startDaemon(await loadConfig({ flags: {}, env }), [], env)
    await eventually(() => expect(daemon.end()).toBe('exit code 7'))
    const found: unknown = JSON.parse(await readFile(told, 'utf8'))
    expect(found).toMatchObject(env)
    expect(found).not.toHaveProperty('PATH')
  } finally {
    await rm(folder, { recursive: true })
  }
})

function ioWith(env: NodeJS.ProcessEnv) {
  const stdout = new PassThrough()
  const io = {
    stdin: new PassThrough(),
    stdout,
    stderr: new PassThrough(),
    env,
    interrupted: new AbortController().signal,
    surviveOutputFailure: vi.fn()
  }
  return { io, written: () => String(stdout.read()) }
}
