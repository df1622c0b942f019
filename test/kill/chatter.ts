// One of the two who talk: a profile that outlives its processes, and what was
// asked of them. It can be killed at any moment and started again; what it was
// asked to say while it was away it says when it is back.
import { execFile } from 'node:child_process'
import { createInterface } from 'node:readline'
import { exitCodes } from '../../src/node/api/exit-codes.ts'
import { JsonParley } from '../fault/json-parley.ts'
import { entryPoint, nodePath } from '../processes/parley-process.ts'
import type { KeptMessage, Side } from './compare.ts'
import { secludedEnv } from '../processes/homes.ts'

export interface ChatterInit {
  readonly name: string
  readonly home: string
  readonly network: string
  readonly port: number
  readonly host: string
  /** Goes before the command: `['ip', 'netns', 'exec', NAME]`. */
  readonly wrapper?: readonly string[]
}

const settledPollMs = 100
/** More than can be pending when nothing is wrong; the comparison at the end looks at all. */
const lookedAt = 400
const shownStates = 12

export class Chatter {
  readonly name: string
  readonly #init: ChatterInit
  readonly #answered = new Set<string>()
  readonly #refusals: string[] = []
  #parley: JsonParley | undefined
  #isReady = false
  #unsaid: string[] = []
  #asked = 0
  #starts = 0
  #peer = ''

  constructor(init: ChatterInit) {
    this.name = init.name
    this.#init = init
  }

  get counts(): { readonly asked: number; readonly answered: number; readonly starts: number } {
    return { asked: this.#asked, answered: this.#answered.size, starts: this.#starts }
  }

  /** Commands that were answered with an error. */
  get refusals(): readonly string[] {
    return this.#refusals
  }

  /** Starts a process and doesn't wait for it. */
  async spawn(): Promise<void> {
    const { name, home, network, port, host, wrapper } = this.#init
    const args = ['--profile', name, '--port', String(port), '--host', host, '--no-mdns', '--accept', 'all']
    this.#starts += 1
    this.#parley = await JsonParley.spawn({
      args,
      home,
      network,
      secluded: false,
      ...(wrapper === undefined ? {} : { wrapper })
    })
  }

  /** Waits until the process is on the network, and says what was to be said meanwhile. */
  async ready(): Promise<void> {
    await this.#process.ready()
    this.#isReady = true
    for (const text of this.#unsaid.splice(0)) this.#send(text)
  }

  async start(): Promise<void> {
    await this.spawn()
    await this.ready()
  }

  /** Starts it, again and again as long as another command has the profile. */
  async startWhenFree(): Promise<void> {
    for (;;) {
      try {
        await this.start()
        return
      } catch (error) {
        if (this.#process.exitCode !== exitCodes.profileInUse) throw error
      }
    }
  }

  /** For other commands on its profile. */
  get commandLine(): { readonly home: string; readonly env: NodeJS.ProcessEnv; readonly profile: string } {
    const { name, home, network, host } = this.#init
    const env = { ...secludedEnv(home, network), PARLEY_HOST: host }
    return { home, env, profile: name }
  }

  /** Where its running process is reached, with its peer ID. */
  async address(): Promise<string> {
    return this.#process.address()
  }

  /** Makes the two contacts of each other, by the address of the other one. */
  async meet(other: Chatter): Promise<void> {
    const address = await other.#process.address()
    const { peer } = await this.#process.do({ do: 'open', peer: address })
    this.#peer = String(peer)
    other.#peer = await this.#process.peerId()
    await other.#process.do({ do: 'open', peer: other.#peer })
  }

  /** Asks it to say something; nobody waits for the answer. */
  say(text: string): void {
    this.#asked += 1
    if (this.#isReady) this.#send(text)
    else this.#unsaid.push(text)
  }

  /** Resolves when its process stores the next message of its own, whichever command asked for it. */
  async nextSent(): Promise<void> {
    const from = this.#process.events.length
    const isSent = (): true | undefined =>
      this.#process.events.slice(from).some(({ event }) => event === 'sent') ? true : undefined
    await this.#process.until('message that is sent', isSent)
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#isReady = false
    await this.#process.kill()
    this.#note()
  }

  async quit(): Promise<void> {
    this.#isReady = false
    await this.#process.quit()
    this.#note()
  }

  /** What waits to be delivered, among its last messages. */
  async pending(): Promise<number> {
    const { messages } = await this.#process.do({ do: 'history', peer: this.#peer, limit: lookedAt })
    if (!Array.isArray(messages)) throw new TypeError('history answers with messages')
    return messages.filter((one: KeptMessage) => one.direction === 'out' && one.state === 'pending').length
  }

  /** Resolves to true when nothing waits any more, to false when the time is over. */
  async settled(timeoutMs: number): Promise<boolean> {
    const until = performance.now() + timeoutMs
    while ((await this.pending()) > 0) {
      if (performance.now() > until) return false
      await new Promise((resolve) => setTimeout(resolve, settledPollMs))
    }
    return true
  }

  /** The latest events of the conversation: they say why nothing arrives. */
  lastStates(): string {
    const now = performance.now()
    const told = this.#process.events.filter(({ event }) => event === 'conversation' || event === 'notice')
    const shown = told.slice(-shownStates).map((event) => {
      const words = ['state', 'why', 'text'].map((field) => event[field]).filter((word) => typeof word === 'string')
      return `${words.join(' ')} (${Math.round(now - event.atMs)} ms ago)`
    })
    return shown.join(', ')
  }

  /** Its whole history, from the command line. No process may run. */
  async side(): Promise<Side> {
    const { name } = this
    const { env } = this.commandLine
    const child = execFile(nodePath, [entryPoint, 'export', '--json', '--profile', name], { env, maxBuffer: Infinity })
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve))
    child.stderr?.pipe(process.stderr)
    const history: KeptMessage[] = []
    if (child.stdout === null) throw new TypeError('the command has an output')
    // The fields are those of a message, as the manual has them.
    for await (const line of createInterface({ input: child.stdout })) history.push(JSON.parse(line) as KeptMessage)
    const code = await exited
    if (code !== 0) throw new Error(`the history of ${name} could not be read whole: exit code ${code}`)
    return { history, answered: this.#answered }
  }

  #send(text: string): void {
    this.#process.tell([{ do: 'send', peer: this.#peer, text }])
  }

  /** Remembers what the process that has ended had promised. */
  #note(): void {
    for (const event of this.#process.events) {
      if (event['do'] !== 'send') continue
      if (event.event === 'error') this.#refusals.push(`${this.name}: ${String(event['message'])}`)
      const message = event['message']
      if (event.event === 'done' && typeof message === 'object' && message !== null && 'id' in message) {
        this.#answered.add(String(message.id))
      }
    }
  }

  get #process(): JsonParley {
    if (this.#parley === undefined) throw new Error(`${this.name} was never started`)
    return this.#parley
  }
}
