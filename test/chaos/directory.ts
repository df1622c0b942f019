// One of the directories: a real `parley directory` process on a host of its
// own, with a key that outlives its processes. It can be killed at any moment,
// also while it starts.
import { join } from 'node:path'
import { nodePath } from '../processes/parley-process.ts'
import { Child, ChildEndedError } from './child.ts'
import type { EventLog } from './event-log.ts'
import { eventualMs } from '../patience.ts'
import { foldersOf } from '../processes/homes.ts'

export interface DirectoryInit {
  readonly name: string
  readonly home: string
  readonly network: string
  /** IP address. */
  readonly host: string
  readonly wrapper: readonly string[]
  /** The folder of the built sources. */
  readonly build: string
  /** `HOST:PORT` of the federation peers. */
  readonly federationPeers: readonly string[]
  readonly log: EventLog
}

export const directoryPort = 8000
/** A start on two busy cores. */
const startTimeoutMs = eventualMs

export class Directory {
  readonly name: string
  readonly #init: DirectoryInit
  #child: Child | undefined
  #peer: string | undefined
  #isListening = false

  constructor(init: DirectoryInit) {
    this.name = init.name
    this.#init = init
  }

  /** Multiaddr without the peer ID. */
  get address(): string {
    return `/ip4/${this.#init.host}/tcp/${directoryPort}`
  }

  /** Its peer ID, while it listens. */
  get peer(): string | undefined {
    return this.#isListening && this.#child?.isOver === false ? this.#peer : undefined
  }

  /** Resolves when it listens, or has been killed before that. */
  async start(): Promise<void> {
    const { name, home, network, host, wrapper, build, federationPeers, log } = this.#init
    const options = [
      '--host',
      host,
      '--port',
      String(directoryPort),
      '--network',
      network,
      '--no-mdns',
      '--no-http',
      '--json'
    ]
    const joins = federationPeers.flatMap((federationPeer) => ['--join', federationPeer])
    const child = new Child({
      name,
      log,
      command: [...wrapper, nodePath, join(import.meta.dirname, 'parley.ts'), build, 'directory', ...options, ...joins],
      env: {
        PATH: process.env['PATH'],
        DEBUG: process.env['DEBUG'],
        HOME: home,
        ...foldersOf(home)
      }
    })
    this.#child = child
    this.#isListening = false
    try {
      const line = await child.says(/"event":"listening"/u, startTimeoutMs)
      this.#peer = String(/"peer":"(\w+)"/u.exec(line)?.[1])
      this.#isListening = true
    } catch (error) {
      if (!(error instanceof ChildEndedError)) log.fault(name, String(error))
    }
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#child?.kill()
  }

  async terminate(): Promise<void> {
    await this.#child?.terminate()
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.signal(signal)
  }
}
