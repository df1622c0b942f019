/**
 * Push delay: from the moment at which a client announces itself to the moment
 * at which the roster of another changes, over one directory, and over two that
 * share one roster, the newcomer at one and the others at the other. Directories
 * and clients are processes of their own on the same cores.
 *
 * Run: npm run bench -- directory-push [--clients 10,100,1000] [--joins 30] [--in-process 500] [--json FILE] [--smoke]
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BenchProcess, checkOpenFiles, median, quantile, round, whereMeasured } from './bench-process.ts'
import type { LoadAnswer, LoadOrder } from './directory-load.ts'
import { arrivals } from './arrivals.ts'
import { directoryFlags } from './launcher.ts'
import type { ServerInit, ServerOrder } from './directory-side.ts'
import { Report, reportOptions } from './report.ts'

type Load = BenchProcess<LoadOrder, LoadAnswer>
type Server = BenchProcess<ServerOrder, unknown>

const { values } = parseArgs({
  options: {
    ...reportOptions,
    clients: { type: 'string' },
    joins: { type: 'string' },
    'in-process': { type: 'string', default: '500' }
  }
})
const sizes = (values.clients ?? (values.smoke ? '4' : '10,100,1000')).split(',').map(Number)
const joins = Number(values.joins ?? (values.smoke ? 2 : 30))
const inProcess = Number(values['in-process'])
const atOnce = 16
/** A connection may announce once a second (`ANNOUNCE_RATE`); and each join is to be the first change after quiet. */
const quietMs = 1_100
/** Two directories have found each other and told all by then. */
const federatedMs = 3_000

checkOpenFiles(Math.max(...sizes) + 200)
const rows: string[][] = []
for (const clients of sizes) {
  const one = await measure(clients, 1)
  const two = await measure(clients, 2)
  rows.push([String(clients), ...[one, two].flatMap((delays) => cells(delays)), round(median(two) / median(one))])
}
const report = new Report()
process.stdout.write(
  `${whereMeasured()}\n${joins} joins, ms from the announcement to each other client's roster\n\n` +
    `${report.table(['clients', 'one directory: median', 'p99', 'two: median', 'p99', 'two / one, medians'], rows)}\n\n`
)
report.finish()

function cells(delaysMs: readonly number[]): string[] {
  return [median(delaysMs), quantile(delaysMs, 0.99)].map(round)
}

/** @returns the delays of all joins at all clients */
async function measure(clients: number, directories: 1 | 2): Promise<number[]> {
  const network = `bench-${process.pid}-${clients}-${directories}`
  const servers: Server[] = []
  const loads: Load[] = []
  try {
    const first = await startServer({ kind: 'directory', network })
    servers.push(first.server)
    let { address } = first
    if (directories === 2) {
      const second = await startServer({ kind: 'directory', network, join: first.address })
      servers.push(second.server)
      address = second.address
    }
    for (let left = clients; left > 0; left -= inProcess) {
      const load = await startLoad(network)
      loads.push(load)
      await connect(load, address, Math.min(left, inProcess))
    }
    for (const load of loads) await load.ask({ do: 'watch' })
    const joiner = await startLoad(network)
    loads.push(joiner)
    await connect(joiner, first.address, 1)
    await sleep(federatedMs)
    return await joined(joiner, loads.slice(0, -1), clients)
  } finally {
    await Promise.all([...loads, ...servers].map(async (one) => one.stop()))
  }
}

async function joined(joiner: Load, loads: readonly Load[], clients: number): Promise<number[]> {
  const delaysMs: number[] = []
  for (let i = 0; i < joins; i++) {
    await joiner.ask({ do: 'withdraw' })
    await arrivals(loads, clients)
    await sleep(quietMs)
    for (const load of loads) await load.ask({ do: 'arrivals' })
    const announced = await joiner.ask({ do: 'announce' })
    const sentAtMs = announced.done === 'announce' ? announced.atMs : Number.NaN
    const atMs = await arrivals(loads, clients)
    if (atMs.length < clients) throw new Error(`${clients - atMs.length} clients were not told of a join`)
    delaysMs.push(...atMs.map((at) => at - sentAtMs))
    await sleep(quietMs)
  }
  return delaysMs
}

async function startServer(init: ServerInit): Promise<{ readonly server: Server; readonly address: string }> {
  const { process: server, ready } = await BenchProcess.start<ServerOrder, unknown>(
    'directory-side.ts',
    init,
    directoryFlags
  )
  // What directory-side.ts says first.
  return { server, address: (ready as { address: string }).address }
}

async function startLoad(network: string): Promise<Load> {
  return (await BenchProcess.start<LoadOrder, LoadAnswer>('directory-load.ts', { network })).process
}

async function connect(load: Load, address: string, count: number): Promise<void> {
  const answer = await load.ask({ do: 'connect', address, bare: false, count, atOnce })
  const failures = answer.done === 'connect' ? answer.failures : []
  if (failures.length > 0) throw new Error(`${failures.length} clients could not connect: ${failures[0]}`)
}
