/**
 * The servers that people would use in place of a directory, started with no
 * limits of their own in the way: ngircd and a line server on Twisted. Each says
 * how a client comes in, and how all notice one more.
 */

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { ngircdCommand, python } from './comparators.ts'
import { freePort } from '../test/processes/ports.ts'

export interface LineServer {
  readonly port: number
  readonly hello: string
  readonly ready: string
  /** The joiner says the first and all others get the word; the second takes it back. */
  join(turn: number): { readonly line: string; readonly word: string; readonly undo: string }
  stop(): Promise<void>
}

export async function startTwisted(): Promise<LineServer> {
  const file = join(import.meta.dirname, 'comparators', 'line-server.py')
  const child = spawn(python, [file], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [said] = (await once(child.stdout, 'data')) as [Buffer]
  return {
    port: Number(said.toString()),
    hello: '',
    ready: '',
    join: (turn) => ({ line: `JOIN joiner-${turn}`, word: `JOIN joiner-${turn}`, undo: `QUIT joiner-${turn}` }),
    stop: async () => stop(child)
  }
}

const readyTries = 100

export async function startNgircd(): Promise<LineServer> {
  const port = await freePort()
  const folder = mkdtempSync(join(tmpdir(), 'parley-ngircd-'))
  const config = join(folder, 'ngircd.conf')
  writeFileSync(
    config,
    `[Global]
Name = irc.bench.test
Info = bench
Listen = 127.0.0.1
Ports = ${port}
MotdPhrase = bench
[Limits]
MaxConnections = 0
MaxConnectionsIP = 0
MaxJoins = 0
MaxPenaltyTime = 0
PingTimeout = 3600
PongTimeout = 3600
[Options]
DNS = no
Ident = no
PAM = no
SyslogFacility = local7
`
  )
  const child = spawn(ngircdCommand, ['--nodaemon', '--config', config], { stdio: 'ignore' })
  for (let tries = 0; !(await isListening(port)); tries++) {
    if (tries === readyTries || child.exitCode !== null) throw new Error('ngircd did not start')
    await sleep(50)
  }
  return {
    port,
    hello: 'NICK n%\r\nUSER n% 0 * :n%\r\nJOIN #bench\r\n',
    // The end of the names of the channel.
    ready: ' 366 ',
    join: () => ({ line: 'JOIN #bench', word: ' JOIN ', undo: 'PART #bench' }),
    stop: async () => {
      await stop(child)
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}

async function isListening(port: number): Promise<boolean> {
  const socket = createConnection({ port, host: '127.0.0.1' })
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
