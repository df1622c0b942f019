// The daemon as a service of a real user manager of systemd, which is started for
// the test: in a mount namespace of its own, because systemd wants to see that it
// has booted the machine.
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { TestBed } from '../processes/test-bed.ts'

const run = promisify(execFile)
const systemd = '/usr/lib/systemd/systemd'
const canRun = process.getuid?.() === 0 && [systemd, '/usr/bin/dbus-daemon', '/usr/bin/unshare'].every(existsSync)

/**
 * Both end with their parent, whose standard input is the test's. The manager takes all processes of its control group
 * for its own, so it is given one that holds nothing else.
 */
const managerScript = `
group=/sys/fs/cgroup; [ -d $group/systemd ] && group=$group/systemd
own=$group/parley-test-$$; mkdir $own && echo $$ > $own/cgroup.procs || exit 1
mkdir -p /run/systemd && mount -t tmpfs tmpfs /run/systemd && mkdir /run/systemd/system
dbus-daemon --session --address="$DBUS_SESSION_BUS_ADDRESS" --nofork --nopidfile >/dev/null 2>&1 & bus=$!
until [ -S "$XDG_RUNTIME_DIR/bus" ]; do sleep 0.05; done
${systemd} --user >/dev/null 2>&1 & manager=$!
read end
kill $manager; wait $manager
kill $bus; wait $bus
echo $$ > $group/cgroup.procs
find $own -depth -type d -exec rmdir {} +
`

let bed: TestBed
let manager: ChildProcess
let env: NodeJS.ProcessEnv
let home: string
/** In the namespace of the manager. */
function inside(): readonly string[] {
  return ['nsenter', '--mount', '--target', String(manager.pid)]
}

async function systemctl(...args: readonly string[]): Promise<string> {
  const [program = '', ...rest] = [...inside(), 'systemctl', '--user', ...args]
  const { stdout } = await run(program, rest, { env: { ...bed.env(home), ...env } }).catch(
    (error: { readonly stdout: string }) => error
  )
  return stdout.trim()
}

async function parley(...args: readonly string[]): ReturnType<TestBed['run']> {
  return bed.run(args, { home, env, via: inside() })
}

async function pid(): Promise<number> {
  return Number(await systemctl('show', '--property=MainPID', '--value', 'parley.service'))
}

describe.skipIf(!canRun)('under systemd', () => {
  beforeEach(async () => {
    bed = await TestBed.make()
    home = bed.home()
    const runtime = join(bed.folder, 'runtime')
    await mkdir(runtime, { recursive: true, mode: 0o700 })
    env = { XDG_RUNTIME_DIR: runtime, DBUS_SESSION_BUS_ADDRESS: `unix:path=${join(runtime, 'bus')}` }
    await mkdir(home, { recursive: true })
    manager = spawn('unshare', ['--mount', '/bin/sh', '-c', managerScript], {
      env: { ...bed.env(home), ...env },
      stdio: ['pipe', 'ignore', 'ignore']
    })
    await eventually(async () => expect(await systemctl('is-system-running')).toBe('running'))
  })
  afterEach(async () => {
    const ended = new Promise((resolve) => manager.once('exit', resolve))
    manager.stdin?.end('end\n')
    await ended
    await bed[Symbol.asyncDispose]()
  })

  test('a service is installed, comes back after kill -9, restarts, stops, and is removed', async () => {
    // One that runs already, as /detach leaves it, makes room.
    const detached = await parley('daemon', '--restart', '--name', 'bob')
    expect(detached).toMatchObject({ code: 0 })
    const install = await parley('daemon', '--install', '--name', 'ann')
    expect(install.told).toContain('runs now, and starts when you log in')
    expect(await systemctl('is-enabled', 'parley.service')).toBe('enabled')
    const before = await pid()
    expect((await parley('status')).stdout).toContain(`in use by a daemon (process ${before})`)

    // Other options hold at once.
    expect(await parley('daemon', '--install', '--name', 'anna')).toMatchObject({ code: 0 })
    const first = await pid()
    expect(first).not.toBe(before)
    expect((await parley('status')).stdout).toContain(`in use by a daemon (process ${first})`)

    const face = await bed.start(['--json'], { home, env, name: 'a face' })
    expect(await face.event('ready')).toMatchObject({ nickname: 'anna' })
    process.kill(first, 'SIGKILL')
    await face.event('notice', ({ code }) => code === 'node-gone')
    await face.event('notice', ({ code }) => code === 'node-back')
    const second = await pid()
    expect(second).not.toBe(first)

    // Options of one restart would be gone at the next login.
    const again = "parley daemon --install --name 'anna b'"
    const refused = await parley('daemon', '--restart', '--name', 'anna b')
    expect(refused).toMatchObject({ code: 2 })
    expect(refused.stderr).toContain(again)
    expect(await pid()).toBe(second)

    expect(await parley('daemon', '--restart')).toMatchObject({ code: 0 })
    await face.event('notice', ({ code }) => code === 'node-back')
    expect([first, second]).not.toContain(await pid())

    expect(await parley('daemon', '--stop')).toMatchObject({ code: 0 })
    expect(await systemctl('is-active', 'parley.service')).toBe('inactive')
    expect(await parley('status')).toMatchObject({ code: 13 })
    expect((await parley('daemon', '--restart', '--name', 'anna b')).stderr).toContain(again)

    expect(await parley('daemon', '--restart')).toMatchObject({ code: 0 })
    expect(await systemctl('is-active', 'parley.service')).toBe('active')
    expect((await parley('status')).stdout).toContain(`in use by a daemon (process ${await pid()})`)

    expect(await parley('daemon', '--uninstall')).toMatchObject({ code: 0 })
    expect(await systemctl('is-enabled', 'parley.service')).not.toBe('enabled')
    expect(existsSync(join(home, 'config', 'systemd', 'user', 'parley.service'))).toBe(false)
  })
})
