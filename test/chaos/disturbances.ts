// What can happen to the cluster in a round: each disturbance with a random shape,
// under the names of what it takes hold of, so that two that would undo each
// other don't meet. Whatever it breaks it repairs before it is over.
import { setTimeout as sleep } from 'node:timers/promises'
import type { SeededRandom } from '../kill/seeded-random.ts'
import type { Directory } from './directory.ts'
import type { ClientHost } from './client-host.ts'
import type { Cluster } from './cluster.ts'

export interface Disturbance {
  readonly what: string
  /** Each is in the hands of one disturbance of a round only. */
  readonly holds: readonly string[]
  run(): Promise<void>
}

/** Shorter than anything notices; as long as a restart; longer than any connection stays without an answer. */
const brief = [10, 500] as const
const middling = [500, 3_000] as const
const long = [6_500, 8_000] as const
/** As many entries as it is likely. */
const lengthsMs = [brief, brief, middling, middling, middling, long]
/** A process is ready after this or a little later: a kill within it falls before, at or after that moment. */
const killedWhileStartingMs = 2_000
const burstMs = 600
const mostChanges = 5
/** Longer would be a process that was killed, as far as others can tell. */
const heldForMs = 8_000

type Make = (cluster: Cluster, random: SeededRandom) => Disturbance

/** As many entries as it is likely. */
const kinds: readonly Make[] = [
  killDirectories,
  killDirectories,
  killDirectories,
  stopDirectory,
  killClientHost,
  killClientHost,
  quitAndComeBack,
  quitAndComeBack,
  quitAndStayAway,
  changeWords,
  changeWords,
  cutOff,
  cutOff,
  split,
  hold
]

export function anyDisturbance(cluster: Cluster, random: SeededRandom): Disturbance {
  return random.choose(kinds)(cluster, random)
}

/** One or two at once; each is started again, and perhaps killed while it starts. */
function killDirectories(cluster: Cluster, random: SeededRandom): Disturbance {
  const victims = someOf(cluster.directories, random.isOne(3) ? 2 : 1, random)
  const deaths = victims.map((victim) => ({ victim, shape: deathShape(random) }))
  return {
    what: deaths.map(({ victim, shape }) => `${victim.name} killed ${shape.told}`).join(', '),
    holds: victims.map(({ name }) => `process ${name}`),
    run: async () => void (await Promise.all(deaths.map(async ({ victim, shape }) => die(cluster, victim, shape))))
  }
}

function killClientHost(cluster: Cluster, random: SeededRandom): Disturbance {
  const victim = random.choose(cluster.clientHosts)
  const shape = deathShape(random)
  return {
    what: `${victim.name} killed ${shape.told}`,
    holds: [`process ${victim.name}`],
    run: async () => die(cluster, victim, shape)
  }
}

interface DeathShape {
  readonly awayMs: number
  /** Killed once more so long after it was started. */
  readonly againAfterMs: number | undefined
  readonly told: string
}

function deathShape(random: SeededRandom): DeathShape {
  const awayMs = random.isOne(3) ? 0 : lengthOf(random)
  const againAfterMs = random.isOne(4) ? random.upTo(killedWhileStartingMs) : undefined
  const again = againAfterMs === undefined ? '' : ` and again ${seconds(againAfterMs)} after its start`
  return { awayMs, againAfterMs, told: `for ${seconds(awayMs)}${again}` }
}

async function die(
  cluster: Cluster,
  victim: Directory | ClientHost,
  { awayMs, againAfterMs }: DeathShape
): Promise<void> {
  cluster.note(`${victim.name} is killed`)
  await victim.kill()
  await sleep(awayMs)
  if (againAfterMs !== undefined) {
    cluster.note(`${victim.name} is started`)
    const started = victim.start()
    await sleep(againAfterMs)
    cluster.note(`${victim.name} is killed again`)
    await victim.kill()
    await started
  }
  cluster.note(`${victim.name} is started`)
  await victim.start()
}

function stopDirectory(cluster: Cluster, random: SeededRandom): Disturbance {
  const directory = random.choose(cluster.directories)
  const awayMs = lengthOf(random)
  return {
    what: `${directory.name} stopped for ${seconds(awayMs)}`,
    holds: [`process ${directory.name}`],
    run: async () => {
      cluster.note(`${directory.name} is asked to end`)
      await directory.terminate()
      await sleep(awayMs)
      cluster.note(`${directory.name} is started`)
      await directory.start()
    }
  }
}

/** As when its machine has no time for it, or sleeps: it goes on with a clock that stood still. */
function hold(cluster: Cluster, random: SeededRandom): Disturbance {
  const victim = random.choose([...cluster.directories, ...cluster.clientHosts])
  const heldMs = Math.min(lengthOf(random), heldForMs)
  return {
    what: `${victim.name} held for ${seconds(heldMs)}`,
    holds: [`process ${victim.name}`],
    run: async () => {
      cluster.note(`${victim.name} is held`)
      victim.signal('SIGSTOP')
      await sleep(heldMs)
      victim.signal('SIGCONT')
      cluster.note(`${victim.name} goes on`)
    }
  }
}

function quitAndComeBack(cluster: Cluster, random: SeededRandom): Disturbance {
  const { clientHost, client } = anyClient(cluster, random)
  const awayMs = random.isOne(2) ? 0 : lengthOf(random)
  return {
    what: `${client} quits for ${seconds(awayMs)}`,
    holds: [`client ${client}`],
    run: async () => {
      cluster.note(`${client} quits`)
      await clientHost.quit(client)
      await sleep(awayMs)
      cluster.note(`${client} comes back`)
      await clientHost.comeBack(client)
    }
  }
}

/** Until a later round. */
function quitAndStayAway(cluster: Cluster, random: SeededRandom): Disturbance {
  const { clientHost, client } = anyClient(cluster, random)
  return {
    what: `${client} quits`,
    holds: [`client ${client}`],
    run: async () => {
      cluster.note(`${client} quits`)
      await clientHost.quit(client)
    }
  }
}

export function comeBack(cluster: Cluster, clientHost: ClientHost, client: string): Disturbance {
  return {
    what: `${client} is back`,
    holds: [`client ${client}`],
    run: async () => {
      cluster.note(`${client} comes back`)
      await clientHost.comeBack(client)
    }
  }
}

function changeWords(cluster: Cluster, random: SeededRandom): Disturbance {
  const { clientHost, client } = anyClient(cluster, random)
  const count = 1 + Math.floor(random.upTo(mostChanges))
  const changes = Array.from({ length: count }, () => ({ afterMs: random.upTo(burstMs), isName: random.isOne(2) }))
  return {
    what: `${client} changes ${count} times`,
    holds: [`words ${client}`],
    run: async () => {
      const all = changes.map(async ({ afterMs, isName }) => {
        await sleep(afterMs)
        cluster.note(`${client} takes another ${isName ? 'name' : 'status'}`)
        await (isName ? clientHost.rename(client) : clientHost.setStatus(client))
      })
      await Promise.all(all)
    }
  }
}

function cutOff(cluster: Cluster, random: SeededRandom): Disturbance {
  const host = random.choose(cluster.hosts)
  const lengthMs = lengthOf(random)
  return {
    what: `${host} cut off for ${seconds(lengthMs)}`,
    holds: [`cable ${host}`],
    run: async () => {
      cluster.note(`${host} is cut off`)
      await cluster.cut(host)
      await sleep(lengthMs)
      await cluster.repair(host)
      cluster.note(`${host} is connected again`)
    }
  }
}

/** Two halves that each live on, with whichever directories and clients they have. */
function split(cluster: Cluster, random: SeededRandom): Disturbance {
  const count = 1 + Math.floor(random.upTo(cluster.hosts.length - 1))
  const moved = someOf(cluster.hosts, count, random)
  const lengthMs = lengthOf(random)
  const names = moved.toSorted().join(' ')
  return {
    what: `[${names}] parted from the others for ${seconds(lengthMs)}`,
    holds: moved.map((host) => `cable ${host}`),
    run: async () => {
      cluster.note(`${names} are parted from the others`)
      await Promise.all(moved.map(async (host) => cluster.moveOver(host)))
      await sleep(lengthMs)
      await Promise.all(moved.map(async (host) => cluster.repair(host)))
      cluster.note(`${names} are connected again`)
    }
  }
}

function anyClient(
  cluster: Cluster,
  random: SeededRandom
): { readonly clientHost: ClientHost; readonly client: string } {
  const clientHost = random.choose(cluster.clientHosts)
  return { clientHost, client: random.choose(clientHost.clients) }
}

function lengthOf(random: SeededRandom): number {
  const [fromMs, toMs] = random.choose(lengthsMs)
  return fromMs + random.upTo(toMs - fromMs)
}

export function someOf<T>(all: readonly T[], count: number, random: SeededRandom): readonly T[] {
  const rest = [...all]
  return Array.from({ length: count }, () => {
    const one = random.choose(rest)
    rest.splice(rest.indexOf(one), 1)
    return one
  })
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`
}
