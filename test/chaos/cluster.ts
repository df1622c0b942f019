// Three directories, twelve clients on four hosts, and a census that looks at all
// of them at once, on a network of their own. Other files choose what happens to
// them; the cluster knows when the last disturbance was.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { nodePath } from '../processes/parley-process.ts'
import { randomNetwork } from '../fault/json-parley.ts'
import type { SeededRandom } from '../kill/seeded-random.ts'
import type { CensusAnswer, CensusQuestion } from './census.ts'
import { Child } from './child.ts'
import type { EventLog } from './event-log.ts'
import type { Inhabitant, Snapshot, View } from './compare.ts'
import { Directory, directoryPort } from './directory.ts'
import { SplitLan } from './split-lan.ts'
import { ClientHost } from './client-host.ts'
import { eventualMs } from '../patience.ts'

const directoryCount = 3
const clientHosts = [
  ['anna', 'berta', 'clara'],
  ['dora', 'emil', 'franz'],
  ['gerd', 'hanna', 'ida'],
  ['jakob', 'karl', 'lena']
] as const
/** The directories, the hosts of clients, and the census. */
const hostCount = directoryCount + clientHosts.length + 1
const censusStartTimeoutMs = eventualMs
/** Without a user's word a client uses two directories at a time. */
const usedAtOnce = 2

export interface ClusterInit {
  /** For profiles and keys. */
  readonly home: string
  /** The folder of the built sources. */
  readonly build: string
  readonly log: EventLog
  readonly random: SeededRandom
}

export class Cluster {
  readonly directories: readonly Directory[]
  readonly clientHosts: readonly ClientHost[]
  readonly log: EventLog
  readonly #lan: SplitLan
  readonly #network: string
  readonly #census: Child
  #disturbedAtMs = performance.now()

  /** @throws Error where there can be no network namespaces */
  static async start(init: ClusterInit): Promise<Cluster> {
    const lan = await SplitLan.make(hostCount)
    const cluster = new Cluster(init, lan)
    try {
      await cluster.#start(init)
      return cluster
    } catch (error) {
      await cluster.remove()
      throw error
    }
  }

  private constructor({ home, build, log }: ClusterInit, lan: SplitLan) {
    this.log = log
    this.#lan = lan
    this.#network = randomNetwork()
    const network = this.#network
    this.directories = Array.from({ length: directoryCount }, (_, index) => {
      const { address: host, wrapper } = lan.host(index)
      const name = `d${index + 1}`
      const others = Array.from({ length: directoryCount }, (__, other) => other).filter((other) => other !== index)
      const federationPeers = others.map((other) => `${lan.host(other).address}:${directoryPort}`)
      return new Directory({ name, home: join(home, name), network, host, wrapper, build, federationPeers, log })
    })
    this.clientHosts = clientHosts.map((clients, index) => {
      const { address: host, wrapper } = lan.host(directoryCount + index)
      const name = `h${index + 1}`
      return new ClientHost({ name, clients, home: join(home, name), network, host, wrapper, build, log })
    })
    const { wrapper } = lan.host(hostCount - 1)
    const program = join(import.meta.dirname, 'census.ts')
    this.#census = new Child({
      name: 'census',
      log,
      // From the sources: generated code has namespaces, which Node has to be asked to transform.
      command: [...wrapper, nodePath, '--experimental-transform-types', '--no-warnings', program],
      env: { PATH: process.env['PATH'] }
    })
  }

  /** When the last thing was done to it, by `performance.now()`. */
  get disturbedAtMs(): number {
    return this.#disturbedAtMs
  }

  /** The names of all hosts whose cables may be pulled. */
  get hosts(): readonly string[] {
    return [...this.directories, ...this.clientHosts].map(({ name }) => name)
  }

  /** Says that something was done to it just now. */
  note(what: string): void {
    this.#disturbedAtMs = performance.now()
    this.log.write('cluster', what)
  }

  async cut(host: string): Promise<void> {
    await this.#lan.host(this.hosts.indexOf(host)).cut()
  }

  /** Moves a host to the other half of a network that falls in two. */
  async moveOver(host: string): Promise<void> {
    await this.#lan.moveOver(this.hosts.indexOf(host))
  }

  async repair(host: string): Promise<void> {
    await this.#lan.host(this.hosts.indexOf(host)).repair()
  }

  /** Everything that there is to see, and what should be seen. */
  async look(): Promise<Snapshot> {
    const running = this.directories.flatMap(({ name, peer, address }) =>
      peer === undefined ? [] : [{ name, peer, address }]
    )
    const question: CensusQuestion = { network: this.#network, directories: running }
    const [answers, ...seen] = await Promise.all([
      this.#census.ask('ask', question),
      ...this.clientHosts.map(async (clientHost) => clientHost.views())
    ])
    const unseen: string[] = []
    const views: View[] = []
    // What census.ts answers.
    for (const { name, rows, why } of answers as readonly CensusAnswer[]) {
      const peer = running.find((one) => one.name === name)?.peer ?? ''
      if (rows === undefined) unseen.push(`${name}: its roster can't be had: ${why}`)
      else views.push({ who: name, peer, rows })
    }
    const truth: Inhabitant[] = []
    for (const [index, clientHost] of this.clientHosts.entries()) {
      for (const { client, nickname, status } of clientHost.members) {
        const view = seen[index]?.find((one) => one.client === client)
        if (view === undefined) {
          unseen.push(`${client}: it should run in ${clientHost.name} and is not there`)
          continue
        }
        const { peer, directories, rows } = view
        truth.push({ client, peer, nickname, status, directories })
        views.push({ who: client, peer, rows })
      }
    }
    const names = new Map(running.map(({ peer, name }) => [peer, name]))
    return { truth, views, directories: names, usedAtOnce, unseen }
  }

  /** The process or host in which a client or directory runs. */
  placeOf(who: string): string {
    return this.clientHosts.find(({ members }) => members.some(({ client }) => client === who))?.name ?? who
  }

  async remove(): Promise<void> {
    const all = [...this.directories, ...this.clientHosts, this.#census]
    await Promise.allSettled(all.map(async (one) => one.kill()))
    await this.#lan.remove()
  }

  async #start({ home, random }: ClusterInit): Promise<void> {
    for (const { name } of [...this.directories, ...this.clientHosts]) await mkdir(join(home, name))
    const shuffled = (): readonly string[] =>
      this.directories
        .map(({ address }) => ({ address, place: random.next() }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ address }) => address)
    for (const clientHost of this.clientHosts) await clientHost.remember(shuffled)
    await Promise.all([
      ...this.directories.map(async (directory) => directory.start()),
      ...this.clientHosts.map(async (clientHost) => clientHost.start()),
      this.#census.says(/^ready$/u, censusStartTimeoutMs)
    ])
    this.note('all have started')
  }
}
