// A real HTTP proxy (tinyproxy) on a host of the test Internet.
import { execFile } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { ServerProgram } from './server-program.ts'

const program = '/usr/bin/tinyproxy'

export const proxyPort = 3128

/** Why there is no such proxy here; undefined when there is one. */
export async function whyNoTinyproxy(): Promise<string | undefined> {
  try {
    await promisify(execFile)(program, ['-v'])
    return undefined
  } catch {
    return 'no tinyproxy here'
  }
}

export interface TinyproxyInit {
  /** Goes before a command that is to run on its host. */
  readonly wrapper: readonly string[]
  /** The one port that it connects to. */
  readonly connectPort: number
  /** A name and a password, with a space between them; default anyone may use it. */
  readonly login?: string
}

/** Resolves when the proxy listens. */
export async function startTinyproxy({ wrapper, connectPort, login }: TinyproxyInit): Promise<ServerProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-proxy-'))
  const file = join(folder, 'tinyproxy.conf')
  const lines = [
    `Port ${proxyPort}`,
    'Timeout 600',
    `LogFile "${join(folder, 'log')}"`,
    'MaxClients 50',
    `ConnectPort ${connectPort}`,
    ...(login === undefined ? [] : [`BasicAuth ${login}`])
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  return ServerProgram.start({ folder, command: [...wrapper, program, '-d', '-c', file], port: proxyPort })
}
