// `parley demo`: the case study on this machine, every node its own process, in
// a folder and on a network of its own. It ends with what was seen.
import type { Command } from 'commander'
import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { isPort, MAX_PORT } from '../../lib/index.ts'
import { playCaseStudy } from '../demo/case-study.ts'
import { DemoTerminal } from '../demo/demo-terminal.ts'
import { textOption } from '../options/given-options.ts'
import { writeLines, type CommandIo } from '../process/io.ts'
import {
  DEFAULT_DIRECTORY_PORTS,
  exitCodes,
  isPortFree,
  packageFolder,
  PortTakenError,
  UsageError,
  whyNotListening,
  type ExitCode
} from '../../node/settings.ts'

const entryPoint = join(packageFolder, 'bin', 'parley.js')
/** 32 MiB: a file of many pieces, so that both that have it are asked. */
const SHARED_LINES = 1_525_202

/** Where its directories listen, as far as their ports go. */
const demoHost = '0.0.0.0'

export async function runDemo(io: CommandIo, command: Command): Promise<ExitCode> {
  const ports = readPorts(textOption(command, 'ports'))
  const taken = await takenAmong(ports)
  if (taken.length > 0) {
    const free = await freePorts(ports.length, Math.max(...ports) + 1)
    const [first = '', ...more] = taken
    const what = more.length === 0 ? `the port ${first} is` : `the ports ${taken.join(', ')} are`
    writeLines(io.stderr, [
      `parley: ${what} taken by another program. These are free: parley demo --ports ${free.join(',')}`
    ])
    return exitCodes.portTaken
  }
  const home = await mkdtemp(join(tmpdir(), 'parley-demo-'))
  const terminals: DemoTerminal[] = []
  const removeAll = async (): Promise<void> => {
    await Promise.all(terminals.map(async (terminal) => terminal.remove()))
    await rm(home, { recursive: true, force: true })
  }
  const stop = (): void => void removeAll()
  io.interrupted.addEventListener('abort', stop)
  try {
    return await play(io, ports, home, terminals)
  } finally {
    io.interrupted.removeEventListener('abort', stop)
    await removeAll()
  }
}

async function play(
  io: CommandIo,
  ports: readonly number[],
  home: string,
  terminals: DemoTerminal[]
): Promise<ExitCode> {
  const env = demoEnvironment(io.env, home)
  const network = `demo-${randomBytes(4).toString('hex')}`
  const print = (line: string): void => writeLines(io.stdout, [line])
  const open = (name: string, args: readonly string[]): DemoTerminal => {
    const terminal = new DemoTerminal({ name, entryPoint, env, print, args: [...args, '--network', network] })
    terminals.push(terminal)
    return terminal
  }
  const startedAtMs = Date.now()
  const seen: string[] = []
  const step = async (what: string, run: () => Promise<string | void>): Promise<void> => {
    writeLines(io.stdout, ['', `== ${what}`])
    try {
      const remark = await run()
      seen.push(`  seen      ${what}${typeof remark === 'string' ? ` (${remark})` : ''}`)
    } catch (error) {
      seen.push(`  NOT SEEN  ${what} (${error instanceof Error ? error.message : String(error)})`)
      throw new StepFailedError(error)
    }
  }
  let code: ExitCode = exitCodes.ok
  try {
    await playCaseStudy({
      ports,
      step,
      makeFolder: async (name, file) => {
        const folder = join(home, name)
        await mkdir(folder)
        await writeFile(join(folder, file), 'What we do in autumn.\n'.repeat(SHARED_LINES))
        return folder
      },
      openDirectory: (port, federationPeer) => {
        const joined = federationPeer === undefined ? [] : ['--join', String(federationPeer)]
        return open(`directory ${port}`, ['directory', '--port', String(port), ...joined])
      },
      openClient: (name) => {
        const directories = ports.flatMap((port) => ['--directory', String(port)])
        return open(name, ['--plain', '--name', name, '--no-default-directories', ...directories])
      }
    })
  } catch (error) {
    if (io.interrupted.aborted) throw io.interrupted.reason
    if (!(error instanceof StepFailedError)) throw error
    code = exitCodes.unexpected
  }
  const seconds = ((Date.now() - startedAtMs) / 1000).toFixed(1)
  writeLines(io.stdout, ['', `What was seen, in ${seconds} s:`, ...seen])
  writeLines(io.stdout, [
    '',
    code === exitCodes.ok
      ? 'Try it yourself: parley directory in one terminal, parley in two others, its roster page in a browser.'
      : 'The demo stopped there.'
  ])
  return code
}

/** A step failed. */
class StepFailedError extends Error {
  override readonly name = 'StepFailedError'

  constructor(cause: unknown) {
    super('a step of the demo failed', { cause })
  }
}

/** Nothing of the user's own settings, identities or folders. */
function demoEnvironment(env: NodeJS.ProcessEnv, home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('PARLEY_') && !name.startsWith('XDG_'))
  return { ...Object.fromEntries(kept), HOME: home, USERPROFILE: home }
}

function readPorts(value: string | undefined): readonly number[] {
  if (value === undefined) return DEFAULT_DIRECTORY_PORTS
  const ports = value.split(',').map(Number)
  const isRight = ports.every(isPort)
  if (
    !isRight ||
    new Set(ports).size !== DEFAULT_DIRECTORY_PORTS.length ||
    ports.length !== DEFAULT_DIRECTORY_PORTS.length
  ) {
    throw new UsageError(`--ports ${value}: expected three different ports, such as 8100,8101,8102`)
  }
  return ports
}

/**
 * The ports that other programs listen on.
 *
 * @throws PortForbiddenError
 */
async function takenAmong(ports: readonly number[]): Promise<readonly number[]> {
  const taken = await Promise.all(
    ports.map(async (port) => {
      const failure = await whyNotListening({ host: demoHost, port }, { portOption: '--ports' })
      if (failure === undefined || failure instanceof PortTakenError) return failure?.port
      throw failure
    })
  )
  return taken.filter((port) => port !== undefined)
}

async function freePorts(count: number, from: number): Promise<readonly number[]> {
  const found: number[] = []
  for (let port = Math.min(from, MAX_PORT - 1000); found.length < count && port <= MAX_PORT; port++) {
    if (await isPortFree({ host: demoHost, port })) found.push(port)
  }
  return found
}
