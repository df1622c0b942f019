// One seed's story: how many directories and clients there are, which of them lie,
// what goes wrong and when; and what must hold of the honest ones, meanwhile and in
// the end.
import type { FederationLimits } from '../../../src/directory/federation/state/known-directories.ts'
import { defaultLimits } from '../../../src/directory/federation/state/known-directories.ts'
import { MAX_KNOWN_DIRECTORIES } from '../../../src/directory/federation-frames.ts'
import type { Identity } from '../../presence/records.ts'
import { Simulation } from '../network.ts'
import { FederationNetwork } from './federation-network.ts'
import type { Overheard, SimDirectory } from './federation-network.ts'
import { Liar } from './lies.ts'

/** What is disturbed for the last time is made good in this time. */
const BOUND_MS = 15_000

/** Longer than a directory that is silent counts as alive, so that nothing is still to end that looks well. */
const AT_LEAST_MS = 6_500

/** What is looked at so often while things go wrong. */
const LOOK_MS = 700

interface Client {
  readonly who: Identity
  seq: bigint
  /** Since when it is attached at which directory, without a break. */
  readonly sinceMs: Map<SimDirectory, number>
}

export interface Cast {
  readonly directories: readonly Identity[]
  readonly clients: readonly Identity[]
}

type Fault = (scenario: Scenario) => void

export class Scenario {
  readonly simulation: Simulation
  readonly network: FederationNetwork
  readonly honest: readonly SimDirectory[]
  readonly #clients: readonly Client[]
  readonly #limits: Partial<FederationLimits>

  /** @throws with the seed and the last events when something does not hold */
  static play(seed: number, cast: Cast): Scenario {
    const scenario = new Scenario(seed, cast)
    scenario.#goWrong()
    scenario.#comeRight()
    return scenario
  }

  constructor(seed: number, cast: Cast) {
    const simulation = new Simulation(seed)
    this.simulation = simulation
    const directories = cast.directories.slice(0, simulation.between(2, cast.directories.length))
    // With little room some peers are left out: what holds then is the bound.
    this.#limits = simulation.random.isOne(12) ? { roomBytes: 10_000, namedRoomBytes: 10_000, maxDirectories: 2 } : {}
    this.network = new FederationNetwork(simulation, directories, this.#limits)
    this.#clients = cast.clients.map((who) => ({ who, seq: 0n, sinceMs: new Map() }))
    const liars = directories.length > 2 && simulation.random.isOne(3) ? 1 : 0
    this.honest = this.network.directories.slice(liars)
    for (const liar of this.network.directories.slice(0, liars)) {
      const victims = this.honest.map(({ who }) => who)
      liar.lies = new Liar(simulation, liar.who, victims, cast.clients)
    }
  }

  #goWrong(): void {
    const { simulation, network } = this
    network.noise.lost = simulation.random.upTo(simulation.random.isOne(3) ? 0.6 : 0.3)
    network.noise.doubled = simulation.random.upTo(0.3)
    network.noise.unsealed = simulation.random.isOne(5) ? 0.05 : 0
    const deeds = simulation.between(6, 22)
    for (let deed = 0; deed < deeds; deed++) {
      this.#act()
      this.#pass(simulation.random.isOne(4) ? simulation.between(500, 3_500) : simulation.between(1, 300))
    }
  }

  #comeRight(): void {
    const { simulation, network } = this
    simulation.note('all is made good')
    network.noise.unsealed = 0
    network.repairAll()
    // One may stay dead, and two may stay apart that have a third between them.
    const [dead] = simulation.random.isOne(3) ? this.honest.slice(1) : []
    for (const directory of network.directories) if (directory !== dead) directory.start()
    if (dead !== undefined) this.kill(dead)
    const [a, b, between] = this.honest.filter((directory) => directory !== dead)
    if (a !== undefined && b !== undefined && between !== undefined && simulation.random.isOne(3)) {
      network.part(a, b, simulation.random.isOne(2))
    }
    while (network.directories.some(({ isStill }) => isStill)) this.#pass(LOOK_MS)
    const startedMs = simulation.nowMs
    // The dead one's heartbeats are old ones, and prove nothing however often they come.
    for (let passedMs = 0; passedMs < AT_LEAST_MS; passedMs += LOOK_MS) {
      this.replay(({ by, isHeartbeat }) => isHeartbeat && by === dead)
      this.#pass(LOOK_MS)
    }
    for (let wrong = this.#wrong(); wrong !== undefined; wrong = this.#wrong()) {
      if (simulation.nowMs - startedMs >= BOUND_MS) throw simulation.failure(wrong)
      this.#pass(LOOK_MS)
    }
  }

  /** Lets time pass, and looks at what must hold at any time. */
  #pass(forMs: number): void {
    const { simulation } = this
    const untilMs = simulation.nowMs + forMs
    while (simulation.nowMs < untilMs) {
      simulation.runTo(Math.min(untilMs, simulation.nowMs + LOOK_MS))
      const wrong = this.#believedWithoutProof() ?? this.#overBound() ?? this.#offTheRoster()
      if (wrong !== undefined) throw simulation.failure(wrong)
    }
  }

  #act(): void {
    const { random } = this.simulation
    const fault = random.choose(faults)
    fault(this)
  }

  get aDirectory(): SimDirectory {
    return this.simulation.random.choose(this.network.directories)
  }

  get aClient(): Client {
    return this.simulation.random.choose(this.#clients)
  }

  /** An eavesdropper plays a message of gossip again. */
  replay(isMeant: (message: Overheard) => boolean): void {
    const { overheard } = this.network
    const old = overheard.filter(isMeant)
    if (old.length === 0) return
    const { by, life, isHeartbeat, bytes } = this.simulation.random.choose(old)
    const to = this.aDirectory
    const what = isHeartbeat ? 'a heartbeat' : 'a statement'
    this.simulation.note(`${nameOf(to)} hears ${what} of ${nameOf(by)} from its life ${life} again`)
    to.hears(bytes)
  }

  // What clients do.

  attach(client: Client, directory: SimDirectory): void {
    directory.meets(() => {
      this.simulation.note(`${nameOf(client)} announces itself at ${nameOf(directory)}`)
      client.seq++
      const record = this.network.seals.record(client.who.peer, client.seq)
      directory.merge((roster, nowMs) => {
        const announced = roster.announce(record, { source: directory.id, nowMs })
        return announced.outcome === 'full' ? [] : announced.changes
      })
      if (!client.sinceMs.has(directory)) client.sinceMs.set(directory, this.simulation.nowMs)
    })
  }

  detach(client: Client, directory: SimDirectory): void {
    if (!client.sinceMs.delete(directory)) return
    this.simulation.note(`${nameOf(client)} is lost at ${nameOf(directory)}`)
    directory.meets(() => directory.merge((roster) => roster.detach(client.who.id, directory.id)))
  }

  /** It tells every directory that it is attached to. */
  leave(client: Client): void {
    client.seq++
    const record = this.network.seals.record(client.who.peer, client.seq, true)
    for (const directory of client.sinceMs.keys()) {
      this.simulation.note(`${nameOf(client)} leaves at ${nameOf(directory)}`)
      directory.meets(() => {
        directory.merge((roster, nowMs) => {
          const withdrawn = roster.withdraw(record, nowMs)
          return withdrawn.outcome === 'full' ? [] : withdrawn.changes
        })
      })
    }
    client.sinceMs.clear()
  }

  /** With it the connections of its clients break. */
  kill(directory: SimDirectory): void {
    const isNoticed = this.simulation.random.isOne(2)
    this.simulation.note(`${nameOf(directory)} is killed${isNoticed ? '' : ', without a word'}`)
    directory.kill(isNoticed)
    for (const client of this.#clients) client.sinceMs.delete(directory)
  }

  /** Its key has said things that it does not know of: somebody plays them again. */
  restart(directory: SimDirectory): void {
    const { simulation } = this
    simulation.after(simulation.between(100, 2_000), `${nameOf(directory)} is started`, () => {
      directory.start()
      simulation.after(simulation.between(0, 3_000), '', () => {
        this.replay(({ by, life, isHeartbeat }) => !isHeartbeat && by === directory && life < by.life)
      })
    })
  }

  // What must hold.

  /** All honest directories show what is true of each other's peers, and have nothing left over. */
  #wrong(): string | undefined {
    if (this.#isCramped) return undefined
    const living = this.#living
    const shown = living.map((directory) => [directory, this.#shownBy(directory)] as const)
    const truth = this.#truth()
    for (const [directory, roster] of shown) {
      if (roster !== truth) return `${nameOf(directory)} shows\n${roster}\nand true is\n${truth}`
    }
    const unlike = this.#unlikeDigests()
    if (unlike !== undefined) return unlike
    for (const directory of living) {
      const others = this.network.directories.length - 1
      const joined = directory.machine.links.sessions().length
      const reachable = living.filter((other) => other !== directory && !this.network.areApart(directory, other)).length
      if (joined < reachable) return `${nameOf(directory)} is joined with ${joined} directories of ${reachable}`
      if (directory.streams > others)
        return `${nameOf(directory)} has ${directory.streams} streams to ${others} directories`
    }
    return undefined
  }

  get #isCramped(): boolean {
    return this.#limits.roomBytes !== undefined
  }

  get #living(): readonly SimDirectory[] {
    return this.honest.filter(({ isUp }) => isUp)
  }

  /** What each honest directory that lives has attached by its own roster. */
  #truth(): string {
    return this.#sorted(
      this.#living.flatMap((directory) => this.#attachments(directory, ({ id }) => id === directory.id))
    )
  }

  #shownBy(directory: SimDirectory): string {
    return this.#sorted(this.#attachments(directory, () => true))
  }

  #sorted(lines: readonly string[]): string {
    return lines.toSorted().join('\n')
  }

  #attachments(at: SimDirectory, isMeant: (source: SimDirectory) => boolean): string[] {
    return at.roster.entries().flatMap(({ peer, attachments }) =>
      attachments.flatMap(({ source }) => {
        const of = this.honest.find(({ id }) => id === source)
        return of !== undefined && isMeant(of) ? [`  ${peer.slice(-6)} at ${nameOf(of)}`] : []
      })
    )
  }

  #unlikeDigests(): string | undefined {
    const of = (directory: SimDirectory): string =>
      this.#sorted(
        directory.machine.state.digests(directory.nowMs).flatMap((digest) => {
          const author = this.#living.find(({ id }) => id === digest.directory)
          const { epoch, count } = digest
          return author === undefined
            ? []
            : [`  ${nameOf(author)} ${epoch} ${count} ${Buffer.from(digest.digest).toString('hex').slice(0, 8)}`]
        })
      )
    const [first, ...others] = this.#living
    const unlike = first === undefined ? undefined : others.find((other) => of(other) !== of(first))
    return unlike === undefined || first === undefined
      ? undefined
      : `${nameOf(first)} holds\n${of(first)}\nand ${nameOf(unlike)}\n${of(unlike)}`
  }

  /** A client that is attached all the time is on every roster to which nothing was in the way for as long. */
  #offTheRoster(): string | undefined {
    if (this.#isCramped) return undefined
    const beforeMs = this.simulation.nowMs - BOUND_MS
    for (const client of this.#clients) {
      for (const [at, sinceMs] of client.sinceMs) {
        if (sinceMs > beforeMs || !this.honest.includes(at)) continue
        for (const directory of this.honest) {
          if (!directory.isUp || this.network.areApart(directory, at)) continue
          if (this.network.disturbedAtMs(directory, at) > beforeMs) continue
          const shown = directory.roster.get(client.who.id)?.attachments ?? []
          if (!shown.some(({ source }) => source === at.id)) {
            return `${nameOf(client)} is at ${nameOf(at)} since ${sinceMs} ms, and ${nameOf(directory)} does not show it`
          }
        }
      }
    }
    return undefined
  }

  /** Nothing is held, and nothing is shown, that its author has not signed. */
  #believedWithoutProof(): string | undefined {
    const { seals } = this.network
    for (const directory of this.#living) {
      const { machine, roster, nowMs } = directory
      for (const { heartbeat } of machine.state.digests(nowMs)) {
        if (heartbeat !== undefined && !seals.isSealedHeartbeat(heartbeat)) {
          return `${nameOf(directory)} believes a heartbeat that nobody has signed`
        }
      }
      for (const { peer, record, attachments } of roster.entries()) {
        if (!seals.isSealedRecord(record)) return `${nameOf(directory)} shows a record that ${peer} has not signed`
        const statements = machine.state.statementsOf(peer)
        for (const { source } of attachments) {
          if (source === directory.id) continue
          const proof = statements.find(
            ({ statement }) => statement.attached && statement.directory.toString() === source
          )
          if (proof === undefined) return `${nameOf(directory)} shows an attachment at ${source} without a statement`
          if (!seals.isSealed(proof)) return `${nameOf(directory)} believes a statement that ${source} has not signed`
        }
      }
    }
    return undefined
  }

  /** What is held of others stays within its bounds, and what is waited for ends. */
  #overBound(): string | undefined {
    const { maxDirectories = MAX_KNOWN_DIRECTORIES, roomBytes = defaultLimits.roomBytes } = this.#limits
    for (const directory of this.#living) {
      const { state, links } = directory.machine
      for (const isNamed of [true, false]) {
        const { bytes } = state.room(isNamed)
        if (!isNamed && bytes > roomBytes) return `${nameOf(directory)} holds ${bytes} bytes of others`
        if (bytes > (this.#limits.namedRoomBytes ?? Infinity))
          return `${nameOf(directory)} holds ${bytes} bytes of named ones`
      }
      const connected = links.sessions().length
      const known = state.directories(directory.nowMs).length - 1
      if (known > Math.max(maxDirectories, connected)) return `${nameOf(directory)} knows ${known} directories`
      const { pending } = directory
      if (pending > MAX_PENDING) return `${nameOf(directory)} has ${pending} things to do at once`
    }
    return undefined
  }
}

/** Envelopes that are being opened, frames that wait: of a handful of directories there are never many. */
const MAX_PENDING = 500

function nameOf(one: SimDirectory | Client): string {
  return one.who.id.slice(-6)
}

const faults: readonly Fault[] = [
  ...many(6, (scenario) => scenario.attach(scenario.aClient, scenario.aDirectory)),
  ...many(3, (scenario) => scenario.detach(scenario.aClient, scenario.aDirectory)),
  ...many(2, (scenario) => scenario.leave(scenario.aClient)),
  ...many(2, (scenario) => {
    const directory = scenario.aDirectory
    scenario.kill(directory)
    if (!scenario.simulation.random.isOne(3)) scenario.restart(directory)
  }),
  // The power fails for all: nobody knows any more what their keys have said.
  (scenario) => {
    for (const directory of scenario.network.directories) {
      scenario.kill(directory)
      scenario.restart(directory)
    }
  },
  ...many(2, (scenario) => {
    const directory = scenario.aDirectory
    scenario.simulation.note(`${nameOf(directory)} is started`)
    directory.start()
  }),
  (scenario) => {
    const directory = scenario.aDirectory
    scenario.simulation.note(`${nameOf(directory)} is stopped and started`)
    directory.bounce()
  },
  (scenario) => {
    const directory = scenario.aDirectory
    const forMs = scenario.simulation.between(200, 12_000)
    scenario.simulation.note(`${nameOf(directory)} stands still for ${forMs} ms`)
    directory.suspend(forMs)
  },
  ...many(2, (scenario) => {
    const [a, b] = [scenario.aDirectory, scenario.aDirectory]
    const isNoticed = scenario.simulation.random.isOne(2)
    scenario.simulation.note(`${nameOf(a)} and ${nameOf(b)} are parted${isNoticed ? '' : ' by a cable'}`)
    scenario.network.part(a, b, isNoticed)
  }),
  (scenario) => {
    const [a, b] = [scenario.aDirectory, scenario.aDirectory]
    scenario.simulation.note(`${nameOf(a)} and ${nameOf(b)} are together again`)
    scenario.network.repair(a, b)
  },
  ...many(3, (scenario) => scenario.replay(({ by, life, isHeartbeat }) => !isHeartbeat && life < by.life)),
  (scenario) => scenario.replay(({ isHeartbeat }) => !isHeartbeat),
  (scenario) => scenario.replay(({ isHeartbeat }) => isHeartbeat)
]

function many(times: number, fault: Fault): Fault[] {
  return Array.from({ length: times }, () => fault)
}
