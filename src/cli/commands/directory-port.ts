// Which port a directory listens on when nobody has set one: asked for on a
// terminal, and elsewhere the first of the case study's ports that is free. It
// knows no directory.
import { UsageError } from '../../node/settings.ts'
import { readAtPortPrompt } from '../chat-commands/input-line.ts'
import { type CommandIo, writeLines } from '../process/io.ts'

/** Of the case study's ports; undefined when all are taken. */
type FindFreePort = () => Promise<number | undefined>

/**
 * @param pagePort the port of the page, which the directory can't have too
 * @returns undefined when no port was given at the prompt
 * @throws UsageError
 */
export async function choosePort(
  io: CommandIo,
  host: string | undefined,
  pagePort: number | undefined
): Promise<number | undefined> {
  const { firstFreeDirectoryPort, DEFAULT_DIRECTORY_PORTS } = await import('../../node/index.ts')
  const findFree: FindFreePort = async () => firstFreeDirectoryPort(host, pagePort)
  if (io.stdin.isTTY === true) return askPort(io, findFree, pagePort)
  const free = await findFree()
  if (free === undefined) {
    throw new UsageError(`the ports ${DEFAULT_DIRECTORY_PORTS.join(', ')} are all taken: choose another with --port`)
  }
  return free
}

/** Several directories may ask at one time: a port that was free when it was offered is looked at again when it is chosen. */
export async function askPort(
  io: CommandIo,
  findFree: FindFreePort,
  pagePort: number | undefined
): Promise<number | undefined> {
  const { createInterface } = await import('node:readline/promises')
  const readline = createInterface({ input: io.stdin, output: io.stdout })
  // It repeats the errors of its input; a terminal that was closed is the process's business.
  readline.on('error', () => undefined)
  const ended = new AbortController()
  readline.once('close', () => ended.abort())
  readline.once('SIGINT', () => ended.abort())
  const signal = AbortSignal.any([ended.signal, io.interrupted])
  try {
    for (let offered = await findFree(); ;) {
      const typed = await readline.question(offered === undefined ? 'Port: ' : `Port (Enter for ${offered}): `, {
        signal
      })
      if (typed.trim() === '' && offered !== undefined) {
        const free = await findFree()
        if (free === offered) return offered
        writeLines(io.stdout, [`${offered} was taken in the meantime.`])
        offered = free
        continue
      }
      const input = readAtPortPrompt(typed)
      if (input.is === 'port' && input.port !== pagePort) return input.port
      if (input.is === 'quit') return undefined
      const isOfPage = input.is === 'port'
      writeLines(io.stdout, [isOfPage ? `${pagePort} is the port of the page.` : 'A port is a number from 1 to 65535.'])
    }
  } catch (error) {
    if (signal.aborted) return undefined
    throw error
  } finally {
    readline.close()
  }
}
