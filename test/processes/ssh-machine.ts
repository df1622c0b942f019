// A machine that `ssh` reaches: a real sshd on this one, with keys made for it, over
// a line that may take time. Knows nothing of what runs there.
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { DelayedLine } from './delayed-line.ts'
import { entryPoint, nodePath } from './parley-process.ts'
import { freePort } from './ports.ts'

const sshdPath = '/usr/sbin/sshd'
const run = promisify(execFile)

export class SshMachine {
  readonly line: DelayedLine
  /** A PATH on which `ssh` reaches it as the host `there`. */
  readonly path: string
  readonly #sshd: ChildProcess

  static get isPossible(): boolean {
    return existsSync(sshdPath)
  }

  /**
   * @param folder for its files, which are made there
   * @param init.delayMs how long each byte takes, each way
   */
  static async start(folder: string, { delayMs = 0 }: { readonly delayMs?: number } = {}): Promise<SshMachine> {
    const bin = join(folder, 'bin')
    await mkdir(bin, { recursive: true })
    // sshd parts with its rights in this folder, which its service makes otherwise.
    await mkdir('/run/sshd', { recursive: true })
    for (const key of ['host', 'client'])
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', join(folder, key)])
    const port = await freePort()
    const line = await DelayedLine.to(port, { delayMs, seed: 1 })
    const hostKey = (await readFile(join(folder, 'host.pub'), 'utf8')).trim()
    await writeFile(join(folder, 'known'), `[127.0.0.1]:${line.port} ${hostKey}\n`)
    await writeFile(
      join(folder, 'sshd_config'),
      [
        `ListenAddress 127.0.0.1:${port}`,
        `HostKey ${join(folder, 'host')}`,
        `AuthorizedKeysFile ${join(folder, 'client.pub')}`,
        'StrictModes no',
        'UsePAM no',
        'PasswordAuthentication no',
        'PermitRootLogin yes',
        `PidFile ${join(folder, 'pid')}`,
        ''
      ].join('\n')
    )
    await writeFile(
      join(folder, 'ssh_config'),
      [
        'Host there',
        '  HostName 127.0.0.1',
        `  Port ${line.port}`,
        `  User ${userInfo().username}`,
        `  IdentityFile ${join(folder, 'client')}`,
        `  UserKnownHostsFile ${join(folder, 'known')}`,
        '  BatchMode yes',
        ''
      ].join('\n')
    )
    await writeFile(join(bin, 'ssh'), `#!/bin/sh\nexec /usr/bin/ssh -F ${join(folder, 'ssh_config')} "$@"\n`)
    await chmod(join(bin, 'ssh'), 0o755)
    const sshd = spawn(sshdPath, ['-D', '-e', '-f', join(folder, 'sshd_config')], { stdio: 'ignore' })
    return new SshMachine(line, `${bin}:${process.env['PATH'] ?? ''}`, sshd)
  }

  private constructor(line: DelayedLine, path: string, sshd: ChildProcess) {
    this.line = line
    this.path = path
    this.#sshd = sshd
  }

  /** How parley is called there, with this environment. */
  static parley(env: NodeJS.ProcessEnv): string {
    const words = Object.entries(env).flatMap(([name, value]) => (name === 'PATH' ? [] : [`${name}=${value ?? ''}`]))
    return ['env', ...words, nodePath, entryPoint].join(' ')
  }

  stop(): void {
    this.#sshd.kill()
    this.line.close()
  }
}
