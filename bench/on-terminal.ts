/** A program on a terminal of its own, timed from its start to the first sign that it shows. */

import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { launcherEnvironment } from './launcher.ts'

const deadlineMs = 30_000
const endMs = 5_000

export interface OnTerminal {
  /** From the start of the process to the sign. */
  readonly ms: number
  readonly pid: number
  /** Types, and resolves with the time until the sign is in what is shown from then on. @throws when it is not, in time */
  typed(text: string, sign: RegExp): Promise<number>
  end(): Promise<void>
}

/** A home of the bench's own, loopback only, and a network that nobody else is on. */
export function terminalEnvironment(home: string, network: string): NodeJS.ProcessEnv {
  return {
    PATH: process.env['PATH'],
    ...launcherEnvironment,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
    HOME: home,
    XDG_DATA_HOME: join(home, 'data'),
    XDG_CONFIG_HOME: join(home, 'config'),
    XDG_CACHE_HOME: join(home, 'cache'),
    PARLEY_NETWORK: network,
    PARLEY_HOST: '127.0.0.1',
    PARLEY_MDNS: 'false',
    PARLEY_DEFAULT_DIRECTORIES: 'false'
  }
}

/** @param args of Node @throws when the sign is not shown in time */
export async function onTerminal(
  args: readonly string[],
  { sign, env }: { readonly sign: RegExp; readonly env: NodeJS.ProcessEnv }
): Promise<OnTerminal> {
  const command = `stty cols 120 rows 40; exec ${process.execPath} ${args.join(' ')}`
  const startedAtMs = performance.now()
  const child = spawn('script', ['-qfec', command, '/dev/null'], { env })
  let output = ''
  let look = (): void => undefined
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
    look()
  })
  /** Since when it was waited for. */
  const shown = async (wanted: RegExp, sinceMs: number): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const late = (): void => reject(new Error(`no ${wanted.source} after ${deadlineMs} ms: ${output}`))
    const deadline = setTimeout(late, deadlineMs)
    look = () => {
      if (wanted.test(output)) resolve(performance.now() - sinceMs)
    }
    look()
    return promise.finally(() => clearTimeout(deadline))
  }
  const typed = async (text: string, wanted: RegExp): Promise<number> => {
    output = ''
    child.stdin.write(text)
    return shown(wanted, performance.now())
  }
  try {
    const ms = await shown(sign, startedAtMs)
    return { ms, pid: childOf(child.pid ?? 0), typed, end: async () => ended(child) }
  } catch (error) {
    await ended(child)
    throw error
  }
}

/** As a user does, so that the program ends in good order and writes down what is to be cached. */
async function ended(child: ChildProcessWithoutNullStreams): Promise<void> {
  const gone = once(child, 'exit')
  child.stdin.write('\u0003\u0003')
  const impatience = setTimeout(() => child.kill('SIGKILL'), endMs)
  await gone
  clearTimeout(impatience)
}

function childOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')[0])
}
