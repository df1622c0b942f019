/** `scp` through an SSH server of its own on loopback, beside which a file is measured. It reads nobody's keys or settings. */

import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)
const sshd = '/usr/sbin/sshd'
const startTries = 50

export interface ScpServer {
  copy(path: string): Promise<void>
  stop(): Promise<void>
}

/** @returns undefined where there is no SSH server, or it does not start */
export async function scpServer(parent: string): Promise<ScpServer | undefined> {
  if (!existsSync(sshd)) return undefined
  const folder = join(parent, 'scp')
  await mkdir(folder, { mode: 0o700 })
  const [hostKey, key, copied] = [join(folder, 'host'), join(folder, 'key'), join(folder, 'copied')]
  for (const path of [hostKey, key]) await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path])
  await writeFile(join(folder, 'allowed'), await readFile(`${key}.pub`))
  const port = await freePort()
  const settings = [`Port ${port}`, 'ListenAddress 127.0.0.1', `HostKey ${hostKey}`, 'StrictModes no', 'UsePAM no']
  const more = [`AuthorizedKeysFile ${join(folder, 'allowed')}`, `PidFile ${join(folder, 'pid')}`]
  await writeFile(join(folder, 'settings'), [...settings, ...more, 'Subsystem sftp internal-sftp', ''].join('\n'))
  const server = spawn(sshd, ['-D', '-e', '-f', join(folder, 'settings')], { stdio: 'ignore' })
  const options = ['-o', 'StrictHostKeyChecking=no', '-o', 'UserKnownHostsFile=/dev/null', '-o', 'BatchMode=yes']
  const copy = async (path: string): Promise<void> => {
    const to = `127.0.0.1:${copied}`
    await run('scp', ['-q', '-F', 'none', '-i', key, '-P', String(port), ...options, path, to])
    await rm(copied)
  }
  const stop = async (): Promise<void> => {
    if (server.exitCode !== null) return
    server.kill()
    await once(server, 'exit')
  }
  for (let tried = 0; tried < startTries && server.exitCode === null; tried++) {
    if (
      await copy(`${key}.pub`).then(
        () => true,
        () => false
      )
    )
      return { copy, stop }
    await sleep(100)
  }
  await stop()
  return undefined
}

async function freePort(): Promise<number> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const place = server.address()
  server.close()
  return typeof place === 'object' && place !== null ? place.port : 0
}
