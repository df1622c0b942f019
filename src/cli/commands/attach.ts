// `parley attach ssh:[USER@]HOST[:PORT]`: the chat of another machine in this terminal,
// through the ssh program. ssh starts `parley attach --pipe` there, which passes
// bytes between its ends and the socket of faces; no port is opened.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Command } from 'commander'
import {
  type Config,
  type ExitCode,
  exitCodes,
  loadConfig,
  ParleyError,
  parsePort,
  UsageError
} from '../../node/settings.ts'
import { AttachedNode, faceSocket } from '../attach/index.ts'
import { writeLines, type CommandIo } from '../process/io.ts'
import { flagsOf, hasSwitch, textOption } from '../options/given-options.ts'
import { openAttached } from './chat.ts'

/** ssh may ask for a password, or whether a host is to be trusted, and a person takes time to answer; a slow line, too. */
const SSH_HELLO_MS = 120_000

/** Nothing answered over ssh, whose message is shown above. */
class NothingThereError extends ParleyError {
  override readonly name = 'NothingThereError'
  override readonly exitCode = exitCodes.unreachable
}

/** There is no ssh to connect with. */
class NoSshError extends ParleyError {
  override readonly name = 'NoSshError'
  override readonly exitCode = exitCodes.unreachable
}

export async function runAttach(io: CommandIo, command: Command): Promise<ExitCode> {
  const config = await loadConfig({ flags: flagsOf(command), env: io.env })
  if (hasSwitch(command, 'pipe')) return passBytes(io, config)
  const [where = ''] = command.args
  const { host, port } = destinationOf(where)
  const remote = textOption(command, 'remoteCommand') ?? 'parley'
  const { profile } = config.settings
  const args = [
    ...(port === undefined ? [] : ['-p', String(port)]),
    '-T',
    '-o',
    'ServerAliveInterval=10',
    '-o',
    'ServerAliveCountMax=3'
  ]
  const words = [remote, 'attach', '--pipe', ...(config.sources.profile === 'default' ? [] : ['--profile', profile])]
  let isFirst = true
  const connect = async ({ signal }: { readonly signal: AbortSignal }): Promise<Duplex> => {
    // Later it must neither ask nor write: the screen is the face's.
    const quietly = isFirst ? [] : ['-q', '-o', 'BatchMode=yes']
    const errors = isFirst ? 'inherit' : 'ignore'
    isFirst = false
    return overSsh(io, [...args, ...quietly, '--', host, ...words], { errors, signal })
  }
  const node = await AttachedNode.attach({
    signal: io.interrupted,
    connect,
    isAttended: !hasSwitch(command, 'json'),
    helloMs: SSH_HELLO_MS
  }).catch((error: unknown) => {
    if (!(error instanceof Error) || error.name !== 'NodeGoneError') throw error
    throw new NothingThereError(
      `no Parley answered at ${host}: it has to run there (parley daemon), and ${remote} has to be found there by ssh ` +
        '(--remote-command names another path)'
    )
  })
  if (node === undefined) return exitCodes.unreachable
  return openAttached(io, command, {
    config,
    openFirst: [],
    wantsJson: hasSwitch(command, 'json'),
    node,
    isRemote: true
  })
}

/** @throws UsageError: a destination that ssh would take for an option is refused */
function destinationOf(where: string): { readonly host: string; readonly port: number | undefined } {
  const destination = where.startsWith('ssh:') ? where.slice('ssh:'.length).replace(/^\/\/(.*?)\/?$/u, '$1') : ''
  // A second colon outside brackets is part of an IPv6 address.
  const [, before = destination, port] = /^((?:[^:]*@)?(?:[^:@]+|\[.*\])):(\d+)$/u.exec(destination) ?? []
  const host = before.replaceAll(/[[\]]/gu, '')
  if (!/^[\p{L}\p{N}_:][\p{L}\p{N}_.@:%-]*$/u.test(host)) {
    throw new UsageError(
      `${JSON.stringify(where)} is no place to attach to: expected ssh:HOST, ssh:USER@HOST or ssh:USER@HOST:PORT, as in parley attach ssh:anna@home.example`
    )
  }
  return { host, port: port === undefined ? undefined : parsePort(port) }
}

/** @throws NoSshError; the signal's reason */
async function overSsh(
  io: CommandIo,
  args: readonly string[],
  { errors, signal }: { readonly errors: 'inherit' | 'ignore'; readonly signal: AbortSignal }
): Promise<Duplex> {
  const ssh = spawn('ssh', args, { stdio: ['pipe', 'pipe', errors], env: io.env, signal })
  try {
    await once(ssh, 'spawn')
  } catch (error) {
    signal.throwIfAborted()
    throw new NoSshError("the ssh program can't be started: install OpenSSH, or add it to the PATH", { cause: error })
  }
  const stream = Duplex.from({ readable: ssh.stdout, writable: ssh.stdin })
  ssh.once('error', () => stream.destroy())
  ssh.once('exit', () => stream.push(null))
  stream.once('close', () => ssh.kill())
  return stream
}

/** The far end: standard input and output are the face's. */
async function passBytes(io: CommandIo, config: Config): Promise<ExitCode> {
  const socket = await faceSocket(config, io.interrupted)
  if (socket === undefined) {
    writeLines(io.stderr, [
      `parley: nothing runs on the profile ${config.settings.profile} here: parley daemon --install keeps it running`
    ])
    return exitCodes.notRunning
  }
  const ended = [pipeline(io.stdin, socket), pipeline(socket, io.stdout)]
  await Promise.race(ended).catch(() => undefined) // an end is an end, however it came
  socket.destroy()
  return exitCodes.ok
}
