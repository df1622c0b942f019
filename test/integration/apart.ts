// Hosts that reach directories and not each other, with real commands on them, for
// tests of what goes through a directory. A test calls `leaveNothing` when it ends.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { JsonParley, patienceMs, randomNetwork, type ParleyEvent } from '../fault/json-parley.ts'
import { Lan, type NetHost } from '../netns/lan.ts'
import { untilListening } from '../netns/listening.ts'
import { nodePath } from '../processes/parley-process.ts'

const run = promisify(execFile)

const directoryPort = 8000
const httpPort = 8080

export interface Directory {
  readonly process: JsonParley
  readonly host: NetHost
  readonly id: string
  readonly address: string
}

/** Two hosts, each as behind a router of its own, and the directories. */
export interface Apart {
  readonly network: string
  readonly hosts: readonly [NetHost, NetHost]
  readonly directories: readonly Directory[]
}

let lan: Lan | undefined
const running: { stop(): unknown }[] = []

export async function leaveNothing(): Promise<void> {
  await Promise.all(running.splice(0).map(async (one) => one.stop()))
  await lan?.remove()
  lan = undefined
}

export async function apart({ directories = 2, options = [] as readonly string[] } = {}): Promise<Apart> {
  lan = await Lan.create({ hosts: 2 + directories })
  const hosts = [lan.host(0), lan.host(1)] as const
  await Promise.all(hosts.map(async (host) => host.isolate()))
  const network = randomNetwork()
  const others = lan.hosts.slice(2)
  return {
    network,
    hosts,
    directories: await Promise.all(others.map(async (host) => startDirectory(host, network, options)))
  }
}

/** Two peers on the hosts, which know the directories. */
export async function twoPeers(
  { network, hosts, directories }: Apart,
  options: readonly string[] = ['--no-mdns']
): Promise<readonly [JsonParley, JsonParley]> {
  const named = directories.flatMap(({ address }) => ['--directory', address])
  const start = async (host: NetHost, name: string): Promise<JsonParley> => {
    const args = ['--name', name, ...options, ...named]
    const started = await JsonParley.spawn({ wrapper: host.wrapper, secluded: false, network, args })
    running.push(started)
    await started.ready()
    return started
  }
  return Promise.all([start(hosts[0], 'anna'), start(hosts[1], 'berta')])
}

async function startDirectory(host: NetHost, network: string, options: readonly string[]): Promise<Directory> {
  const args = ['directory', '--port', String(directoryPort), '--no-mdns', '--http', String(httpPort), ...options]
  const started = await JsonParley.spawn({ wrapper: host.wrapper, secluded: false, network, args })
  running.push(started)
  await untilListening(started.pid, directoryPort, patienceMs)
  const { peer } = await started.until('"listening"', () => started.events.find(({ event }) => event === 'listening'))
  return { process: started, host, id: String(peer), address: `${host.address}:${directoryPort}` }
}

/** One figure of the directory, as its page shows it on its own machine. */
export async function figure({ host }: Directory, name: string): Promise<number> {
  const [command = '', ...wrapped] = host.wrapper
  const script = `fetch('http://127.0.0.1:${httpPort}/metrics').then((r) => r.text()).then((t) => process.stdout.write(t))`
  const { stdout } = await run(command, [...wrapped, nodePath, '-e', script])
  return Number(new RegExp(`^${name} (\\S+)$`, 'mu').exec(stdout)?.[1] ?? Number.NaN)
}

/** The two become contacts: one writes, and the other accepts. @returns the answer to that */
export async function acquaint(from: JsonParley, to: JsonParley): Promise<ParleyEvent> {
  const [fromId, toId] = [await from.peerId(), await to.peerId()]
  await from.do({ do: 'chat', peer: toId })
  await from.do({ do: 'send', peer: toId, text: 'may I?' })
  await to.until('the request', () => to.events.find(({ event }) => event === 'request'))
  const accepted = await to.do({ do: 'accept', peer: fromId })
  await from.untilConversation(toId, 'open')
  return accepted
}

export function sayMany(from: JsonParley, to: string, texts: readonly string[]): void {
  from.tell(texts.map((text) => ({ do: 'send', peer: to, text })))
}

export function numbered(name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, at) => `${name} ${at + 1}`)
}
