/** Drives bench/comparators/tox-messages.py: messages between two processes of toxcore. */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { python } from './comparators.ts'

export class ToxMessages {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>
  #complaint = ''

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child
    this.#lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.#complaint += text))
  }

  /** Resolves when the two are connected, which takes some seconds. */
  static async start(text: string): Promise<ToxMessages> {
    const script = join(import.meta.dirname, 'comparators', 'tox-messages.py')
    const messages = new ToxMessages(spawn(python, [script, text]))
    await messages.#line()
    return messages
  }

  /** @returns how many of these were confirmed in a second */
  async perSecond(count: number): Promise<number> {
    this.#child.stdin.write(`${count}\n`)
    return count / Number(await this.#line())
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null) return
    const gone = once(this.#child, 'exit')
    this.#child.stdin.end()
    await gone
  }

  async #line(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done === true) throw new Error(`toxcore has ended: ${this.#complaint}`)
    return value
  }
}
