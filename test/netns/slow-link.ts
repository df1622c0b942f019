// A link that is late and loses packets, where the kernel can't make one (netem): a
// small program carries what comes on one card to another. Node can't do that itself:
// it opens neither packet sockets nor TUN devices. It knows nothing of what is carried.
import { execFile, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'

const run = promisify(execFile)
const slowSwitch = join(import.meta.dirname, 'slow-switch.py')

/** What each packet suffers, each way. */
export interface Impairment {
  readonly delayMs: number
  /** What chance adds to the delay at most: packets overtake each other. Default 0. */
  readonly jitterMs?: number
  /** Default 0. */
  readonly lossPercent?: number
  /** Of chance; default 1. */
  readonly seed?: number
}

/** Why there can be no slow links here; undefined when there can. */
export async function whyNoSlowLinks(): Promise<string | undefined> {
  try {
    await run('python3', ['-c', 'import ctypes, fcntl, socket; socket.AF_PACKET'])
    return undefined
  } catch (error) {
    return `no slow links here (they need python3): ${String(error)}`
  }
}

export class SlowLink {
  readonly #program: ChildProcessWithoutNullStreams
  readonly #answers: AsyncIterator<string>

  /**
   * Nothing else may connect the two cards, and what sends to them must be plain: see {@link makePlain}.
   *
   * @param wrapper goes before a command that is to run where the cards are
   */
  static async between(
    wrapper: readonly string[],
    [first, second]: readonly [string, string],
    impairment: Impairment
  ): Promise<SlowLink> {
    const { delayMs, jitterMs = 0, lossPercent = 0, seed = 1 } = impairment
    const numbers = [delayMs, jitterMs, lossPercent, seed].map(String)
    const link = new SlowLink([...wrapper, 'python3', slowSwitch, 'between', first, second, ...numbers])
    await link.#answer()
    return link
  }

  private constructor([program = '', ...args]: readonly string[]) {
    this.#program = spawn(program, args, { stdio: 'pipe' })
    this.#program.stderr.pipe(process.stderr)
    // It has ended: the missing answer says so.
    this.#program.stdin.on('error', () => undefined)
    this.#answers = createInterface({ input: this.#program.stdout })[Symbol.asyncIterator]()
  }

  async cut(): Promise<void> {
    await this.#ask('cut')
  }

  async repair(): Promise<void> {
    await this.#ask('repair')
  }

  async end(): Promise<void> {
    const { exitCode, signalCode, stdin } = this.#program
    if (exitCode !== null || signalCode !== null) return
    const closed = once(this.#program, 'close')
    stdin.end()
    await closed
  }

  async #ask(line: string): Promise<void> {
    this.#program.stdin.write(`${line}\n`)
    await this.#answer()
  }

  async #answer(): Promise<void> {
    if ((await this.#answers.next()).done === true) throw new Error('the program that carries the packets has ended')
  }
}

/** The card sends what a cable carries from now on, and leaves nothing to do to the card at the other end. */
export async function makePlain(wrapper: readonly string[], card: string): Promise<void> {
  const [program = '', ...args] = wrapper
  await run(program, [...args, 'python3', slowSwitch, 'plain', card])
}
