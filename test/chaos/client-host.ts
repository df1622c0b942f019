// Some clients in one process on one host. The process can be killed at any
// moment, with all of them; each can quit, come back and change what it says of
// itself. It knows what is true of each: that is what rosters are compared with.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { nodePath } from '../processes/parley-process.ts'
import { Child, ChildEndedError } from './child.ts'
import type { EventLog } from './event-log.ts'
import type { ClientStart, ClientView } from './clients.ts'
import { eventualMs } from '../patience.ts'

export interface ClientHostInit {
  readonly name: string
  readonly clients: readonly string[]
  readonly home: string
  readonly network: string
  /** IP address. */
  readonly host: string
  readonly wrapper: readonly string[]
  /** The folder of the built sources. */
  readonly build: string
  readonly log: EventLog
}

/** A client as it was told to be. */
export interface Member {
  readonly client: string
  readonly nickname: string
  readonly status: string
}

interface Kept {
  readonly client: string
  readonly port: number
  nickname: string
  status: string
  isWanted: boolean
  /** The process in which it was started. */
  upIn: Child | undefined
  lives: number
  words: number
  turn: Promise<void>
}

const firstPort = 9001
/** A start on two busy cores. */
const startTimeoutMs = eventualMs

export class ClientHost {
  readonly name: string
  readonly #init: ClientHostInit
  readonly #members: readonly Kept[]
  #child: Child | undefined

  constructor(init: ClientHostInit) {
    this.name = init.name
    this.#init = init
    this.#members = init.clients.map((client, index) => ({
      client,
      port: firstPort + index,
      nickname: client,
      status: '',
      isWanted: true,
      upIn: undefined,
      lives: 0,
      words: 0,
      turn: Promise.resolve()
    }))
  }

  /** Those that run. */
  get members(): readonly Member[] {
    return this.#members.filter((member) => this.#isUp(member))
  }

  get clients(): readonly string[] {
    return this.#init.clients
  }

  /** Those that have quit and stay away. */
  get away(): readonly string[] {
    return this.#members.filter(({ isWanted }) => !isWanted).map(({ client }) => client)
  }

  /** Gives each profile the directories that it remembers, as if it had used them. */
  async remember(addressesFor: () => readonly string[]): Promise<void> {
    for (const { client } of this.#members) {
      const folder = join(this.#init.home, 'data', 'parley', 'profiles', client)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await writeFile(join(folder, 'book.json'), JSON.stringify({ directories: addressesFor() }), { mode: 0o600 })
    }
  }

  /** Resolves when all who are not away run, or the process was killed before that. */
  async start(): Promise<void> {
    const { name, wrapper, build, log } = this.#init
    const program = join(import.meta.dirname, 'clients.ts')
    const child = new Child({
      name,
      log,
      command: [...wrapper, nodePath, program, build],
      env: { PATH: process.env['PATH'], DEBUG: process.env['DEBUG'] }
    })
    this.#child = child
    try {
      await child.says(/^ready$/u, startTimeoutMs)
    } catch (error) {
      this.#note(error)
      return
    }
    await Promise.all(this.#members.map(async (member) => this.#settle(member)))
  }

  /** kill -9. */
  async kill(): Promise<void> {
    await this.#child?.kill()
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.signal(signal)
  }

  /** QUIT: resolves when the client has said goodbye. */
  async quit(client: string): Promise<void> {
    const member = this.#member(client)
    member.isWanted = false
    await this.#settle(member)
  }

  async comeBack(client: string): Promise<void> {
    const member = this.#member(client)
    member.isWanted = true
    await this.#settle(member)
  }

  /** Does nothing to a client that does not run. */
  async rename(client: string): Promise<void> {
    const member = this.#member(client)
    if (!this.#isUp(member)) return
    member.nickname = `${client} ${member.lives}.${++member.words}`
    await this.#ask('rename', { client, nickname: member.nickname })
  }

  /** Does nothing to a client that does not run. */
  async setStatus(client: string): Promise<void> {
    const member = this.#member(client)
    if (!this.#isUp(member)) return
    member.status = `life ${member.lives}, word ${++member.words}`
    await this.#ask('setStatus', { client, status: member.status })
  }

  /** What its clients see. */
  async views(): Promise<readonly ClientView[]> {
    if (this.members.length === 0) return []
    // What clients.ts answers.
    return ((await this.#ask('views')) ?? []) as readonly ClientView[]
  }

  #isUp({ upIn }: Kept): boolean {
    return upIn !== undefined && upIn === this.#child && !upIn.isOver
  }

  async #settle(member: Kept): Promise<void> {
    member.turn = member.turn.then(async () => this.#adjust(member))
    await member.turn
  }

  /** Starts or stops it, when it is not as it is wanted. */
  async #adjust(member: Kept): Promise<void> {
    const child = this.#child
    if (child === undefined || child.isOver || member.isWanted === this.#isUp(member)) return
    const { client, port } = member
    if (!member.isWanted) {
      member.upIn = undefined
      await this.#ask('stop', { client })
      return
    }
    member.lives += 1
    // New words in each life: an old record can't be taken for the new one.
    member.nickname = `${client} ${member.lives}`
    member.status = `life ${member.lives}`
    const { home, network, host } = this.#init
    const { nickname, status } = member
    const start: ClientStart = { client, home, network, host, port, nickname, status }
    if ((await this.#ask('start', start)) !== undefined) member.upIn = child
  }

  /** @returns undefined when it was killed meanwhile, or failed, which is noted */
  async #ask(what: string, details: object = {}): Promise<unknown> {
    try {
      return await this.#child?.ask(what, details)
    } catch (error) {
      this.#note(error)
      return undefined
    }
  }

  #note(error: unknown): void {
    if (!(error instanceof ChildEndedError)) this.#init.log.fault(this.name, String(error))
  }

  #member(client: string): Kept {
    const member = this.#members.find((one) => one.client === client)
    if (member === undefined) throw new RangeError(`${client} does not live in ${this.name}`)
    return member
  }
}
