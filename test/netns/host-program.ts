// A program of this folder that runs on a host of the test LAN, and what it has
// printed. It knows nothing of what the program does.
import { spawn, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
/** Where it runs. */
interface ProgramHost {
  /** Goes before a command that is to run there. */
  readonly wrapper: readonly string[]
}

/** Sources of Parley hold parameter properties. */
const flags = ['--experimental-transform-types', '--disable-warning=ExperimentalWarning']

export class HostProgram {
  readonly #child: ChildProcess
  #output = ''

  constructor(host: ProgramHost, file: string, args: readonly string[]) {
    const [command = '', ...rest] = host.wrapper
    const path = fileURLToPath(new URL(file, import.meta.url))
    this.#child = spawn(command, [...rest, process.execPath, ...flags, path, ...args], {
      stdio: ['pipe', 'pipe', 'inherit']
    })
    // It has ended: what it has not printed says so.
    this.#child.stdin?.on('error', () => undefined)
    this.#child.stdout?.setEncoding('utf8').on('data', (chunk: string) => (this.#output += chunk))
  }

  /** A line on its standard input. */
  tell(line: string): void {
    this.#child.stdin?.write(`${line}\n`)
  }

  /** How often it has printed this line. */
  count(line: string): number {
    return this.#output.split('\n').filter((one) => one === line).length
  }

  /** What it has printed so far. */
  get output(): string {
    return this.#output
  }

  stop(): void {
    this.#child.kill('SIGKILL')
  }
}
