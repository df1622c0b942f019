// The programs by which people keep a firewall, ufw and firewalld, as they run on one host
// of a test network alone: with their own copy of the settings, and a bus of their own.
// They are switched on as they come, which lets nobody in.
import { spawn } from 'node:child_process'
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { patienceMs } from '../fault/json-parley.ts'
import type { Stage, StageHost } from './stage.ts'

export const UFW = '/usr/sbin/ufw'
export const FIREWALLD = '/usr/sbin/firewalld'

/** @returns the host, on which commands find ufw switched on */
export async function withUfw(stage: Stage, host: StageHost): Promise<StageHost> {
  const settings = await copyOf(stage, '/etc/ufw')
  // Each command has mounts of its own: they hide the settings of this machine.
  const mount = `mount --make-rprivate / && mount --bind ${settings} /etc/ufw && exec "$@"`
  const own = { ...host, wrapper: [...host.wrapper, 'unshare', '--mount', 'sh', '-ec', mount, 'sh'] }
  await stage.shell(own, 'ufw --force enable')
  return own
}

/** @returns the host, on which commands find firewalld running */
export async function withFirewalld(stage: Stage, host: StageHost): Promise<StageHost> {
  const settings = await copyOf(stage, '/etc/firewalld')
  const [config, address] = [join(settings, 'bus.conf'), `unix:path=${join(settings, 'bus')}`]
  await writeFile(config, busConfig(address))
  const own = { ...host, wrapper: [...host.wrapper, 'env', `DBUS_SYSTEM_BUS_ADDRESS=${address}`] }
  run(stage, own, ['dbus-daemon', `--config-file=${config}`, '--nofork', '--nopidfile'])
  await until(stage, own, `test -S ${join(settings, 'bus')}`)
  const log = join(settings, 'log')
  run(stage, own, [FIREWALLD, '--nofork', '--nopid', '--system-config', settings, '--log-file', log])
  await until(stage, own, 'firewall-cmd --state')
  return own
}

/** Runs the command until it succeeds. */
async function until(stage: Stage, host: StageHost, command: string): Promise<void> {
  const latestMs = performance.now() + patienceMs
  for (;;) {
    try {
      await stage.shell(host, command)
      return
    } catch (error) {
      if (performance.now() > latestMs) throw error
    }
    await sleep(POLL_MS)
  }
}

const POLL_MS = 100

async function copyOf(stage: Stage, folder: string): Promise<string> {
  const copy = await mkdtemp(join(tmpdir(), 'parley-firewall-'))
  stage.onEnd(async () => rm(copy, { recursive: true, force: true }))
  await cp(folder, copy, { recursive: true })
  return copy
}

/** Until the stage ends. */
function run(stage: Stage, { wrapper }: StageHost, command: readonly string[]): void {
  const [program = '', ...args] = [...wrapper, ...command]
  const child = spawn(program, args, { stdio: 'ignore' })
  stage.onEnd(() => child.kill('SIGKILL'))
}

/** Everything is allowed: firewalld and its command alone are on it. */
function busConfig(address: string): string {
  const rules = [
    'user="*"',
    'own="*"',
    'send_type="method_call"',
    'send_type="signal"',
    'send_requested_reply="true" send_type="method_return"',
    'send_requested_reply="true" send_type="error"',
    ...['method_call', 'method_return', 'error', 'signal'].map((type) => `receive_type="${type}"`)
  ]
  const policy = rules.map((rule) => `<allow ${rule}/>`).join('')
  return (
    `<busconfig><type>system</type><listen>${address}</listen><auth>EXTERNAL</auth>` +
    `<policy context="default">${policy}</policy></busconfig>`
  )
}
