// Three directories and twelve clients on a network of their own, and somebody
// who looks at all of them at once. What is done to them is chosen elsewhere; the
// town knows when the last thing was done.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { nodePath } from '../processes/parley-process.ts'
import { randomNetwork } from '../fault/json-parley.ts'
import type { SeededRandom } from '../kill/seeded-random.ts'
import type { CensusAnswer, CensusQuestion } from './census.ts'
import { Child } from './child.ts'
import type { Chronicle } from './chronicle.ts'
import type { Inhabitant, Snapshot, View } from './compare.ts'
import { Directory, directoryPort } from './directory.ts'
import { Ground } from './ground.ts'
import { Household } from './household.ts'

const directoryCount = 3
const households = [
  ['anna', 'berta', 'clara'],
  ['dora', 'emil', 'franz'],
  ['gerd', 'hanna', 'ida'],
  ['jakob', 'karl', 'lena']
] as const
/** The directories, the households, and the one who looks. */
const hostCount = directoryCount + households.length + 1
const censusStartTimeoutMs = 30_000
/** Without a user's word a client uses two directories at a time. */
const usedAtOnce = 2

export interface TownInit {
  /** For profiles and keys. */
  readonly home: string
  /** The folder of the built sources. */
  readonly build: string
  readonly chronicle: Chronicle
  readonly random: SeededRandom
}

export class Town {
  readonly directories: readonly Directory[]
  readonly households: readonly Household[]
  readonly chronicle: Chronicle
  readonly #ground: Ground
  readonly #network: string
  readonly #census: Child
  #disturbedAtMs = performance.now()

  /** @throws Error where there can be no network namespaces */
  static async found(init: TownInit): Promise<Town> {
    const ground = await Ground.make(hostCount)
    const town = new Town(init, ground)
    try {
      await town.#start(init)
      return town
    } catch (error) {
      await town.remove()
      throw error
    }
  }

  private constructor({ home, build, chronicle }: TownInit, ground: Ground) {
    this.chronicle = chronicle
    this.#ground = ground
    this.#network = randomNetwork()
    const network = this.#network
    this.directories = Array.from({ length: directoryCount }, (_, index) => {
      const { address: host, wrapper } = ground.host(index)
      const name = `d${index + 1}`
      const others = Array.from({ length: directoryCount }, (__, other) => other).filter((other) => other !== index)
      const fellows = others.map((other) => `${ground.host(other).address}:${directoryPort}`)
      return new Directory({ name, home: join(home, name), network, host, wrapper, build, fellows, chronicle })
    })
    this.households = households.map((clients, index) => {
      const { address: host, wrapper } = ground.host(directoryCount + index)
      const name = `h${index + 1}`
      return new Household({ name, clients, home: join(home, name), network, host, wrapper, build, chronicle })
    })
    const { wrapper } = ground.host(hostCount - 1)
    const program = join(import.meta.dirname, 'census.ts')
    this.#census = new Child({
      name: 'census',
      chronicle,
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
    return [...this.directories, ...this.households].map(({ name }) => name)
  }

  /** Says that something was done to it just now. */
  note(what: string): void {
    this.#disturbedAtMs = performance.now()
    this.chronicle.write('town', what)
  }

  async cut(host: string): Promise<void> {
    await this.#ground.host(this.hosts.indexOf(host)).cut()
  }

  /** Moves a host to the other half of a network that falls in two. */
  async moveOver(host: string): Promise<void> {
    await this.#ground.moveOver(this.hosts.indexOf(host))
  }

  async repair(host: string): Promise<void> {
    await this.#ground.host(this.hosts.indexOf(host)).repair()
  }

  /** Everything that there is to see, and what should be seen. */
  async look(): Promise<Snapshot> {
    const running = this.directories.flatMap(({ name, peer, address }) =>
      peer === undefined ? [] : [{ name, peer, address }]
    )
    const question: CensusQuestion = { network: this.#network, directories: running }
    const [answers, ...seen] = await Promise.all([
      this.#census.ask('ask', question),
      ...this.households.map(async (household) => household.views())
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
    for (const [index, household] of this.households.entries()) {
      for (const { client, nickname, status } of household.members) {
        const view = seen[index]?.find((one) => one.client === client)
        if (view === undefined) {
          unseen.push(`${client}: it should run in ${household.name} and is not there`)
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

  /** The process or host in which somebody lives. */
  placeOf(who: string): string {
    return this.households.find(({ members }) => members.some(({ client }) => client === who))?.name ?? who
  }

  async remove(): Promise<void> {
    const all = [...this.directories, ...this.households, this.#census]
    await Promise.allSettled(all.map(async (one) => one.kill()))
    await this.#ground.remove()
  }

  async #start({ home, random }: TownInit): Promise<void> {
    for (const { name } of [...this.directories, ...this.households]) await mkdir(join(home, name))
    const shuffled = (): readonly string[] =>
      this.directories
        .map(({ address }) => ({ address, place: random.next() }))
        .toSorted((a, b) => a.place - b.place)
        .map(({ address }) => address)
    for (const household of this.households) await household.remember(shuffled)
    await Promise.all([
      ...this.directories.map(async (directory) => directory.start()),
      ...this.households.map(async (household) => household.start()),
      this.#census.says(/^ready$/u, censusStartTimeoutMs)
    ])
    this.note('everybody has started')
  }
}
