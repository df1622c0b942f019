/**
 * Runs one foreign chat peer as a process: commands as JSON lines to its standard input,
 * events as JSON lines from its standard output. README.md has the contract. It knows
 * neither dialects nor what a test expects.
 */
import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

import { EventLog } from './event-log.ts'

export type PeerEvent =
  | { event: 'listening'; address: string; peerId: string }
  | { event: 'stream'; direction: 'inbound' | 'outbound' }
  | { event: 'text'; text: string }
  | { event: 'closed' }
  | { event: 'error'; message: string }

export type PeerCommand = { send: string } | { sendMany: readonly string[] } | { raw: string } | { close: true }

/** How the process is started, without the mode and its arguments. */
export interface PeerProgram {
  readonly command: string
  readonly args: readonly string[]
}

// Python takes a second to start alone, and several peers may be starting on two cores.
const eventTimeoutMs = 20_000
// After standard input ends, a peer closes its connections and exits.
const exitTimeoutMs = 3_000
// Enough for a stack trace in the message of a failed test.
const keptStderrChars = 2_000

export class PeerProcess {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #log = new EventLog<PeerEvent>()
  readonly #exited: Promise<unknown>
  #stderr = ''

  constructor(program: PeerProgram, args: readonly string[]) {
    this.#child = spawn(program.command, [...program.args, ...args], { stdio: 'pipe' })
    this.#exited = once(this.#child, 'close').catch((error: unknown) => error)
    this.#child.on('error', (error) => this.#log.fail(error))
    this.#child.on('close', (code, signal) => {
      this.#log.fail(new Error(`the peer exited (${signal ?? code})${this.#complaint()}`))
    })
    // Writing to a peer that has just died; its exit tells why.
    this.#child.stdin.on('error', () => {})
    this.#child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-keptStderrChars)
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => this.#take(line))
  }

  command(command: PeerCommand): void {
    this.#child.stdin.write(`${JSON.stringify(command)}\n`)
  }

  /** The first event of a kind, which may have happened already. */
  async first<K extends PeerEvent['event']>(kind: K): Promise<Extract<PeerEvent, { event: K }>> {
    return this.#log.until(`"${kind}" event`, eventTimeoutMs, (events) =>
      events.find((event): event is Extract<PeerEvent, { event: K }> => event.event === kind)
    )
  }

  /** The texts so far, once there are `count`. */
  async texts(count: number): Promise<readonly string[]> {
    const texts = (events: readonly PeerEvent[]): string[] =>
      events.flatMap((event) => (event.event === 'text' ? [event.text] : []))
    try {
      return await this.#log.until(`${count} texts`, eventTimeoutMs, (events) => {
        const soFar = texts(events)
        return soFar.length >= count ? soFar : undefined
      })
    } catch (error) {
      if (error instanceof Error) error.message += `; received ${shown(texts(this.#log.entries))}`
      throw error
    }
  }

  /** How many chat streams there were, and how many have ended. */
  get streams(): { readonly opened: number; readonly closed: number } {
    const count = (kind: PeerEvent['event']): number => this.#log.entries.filter(({ event }) => event === kind).length
    return { opened: count('stream'), closed: count('closed') }
  }

  /** Resolves when the process has ended. */
  get exited(): Promise<unknown> {
    return this.#exited
  }

  /** Ends it, and resolves to its exit code: null when it had to be killed. */
  async stop(): Promise<number | null> {
    this.#child.stdin.end()
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), exitTimeoutMs)
    await this.#exited
    clearTimeout(timer)
    return this.#child.exitCode
  }

  #take(line: string): void {
    let event: PeerEvent
    try {
      // The programs are ours and keep to the contract, apart from what is caught here.
      event = JSON.parse(line) as PeerEvent
    } catch (cause) {
      this.#log.fail(new Error(`the peer printed something other than JSON: ${line}`, { cause }))
      return
    }
    if (event.event === 'error') {
      this.#log.fail(new Error(`the peer reports: ${event.message}${this.#complaint()}`))
    } else {
      this.#log.append(event)
    }
  }

  #complaint(): string {
    return this.#stderr === '' ? '' : `\n${this.#stderr}`
  }
}

/** How many and the last of them, cut to one line. */
function shown(texts: readonly string[]): string {
  const last = texts.at(-1)
  return last === undefined ? 'none' : `${texts.length}, the last ${JSON.stringify(last.slice(0, 100))}`
}
