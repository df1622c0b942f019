/**
 * What a directory bears: connections accepted per second and what each costs,
 * memory per idle client, CPU at rest, and one join that goes to all, at each
 * of several numbers of clients. Beside it, in the same run, a bare libp2p node
 * that accepts the same connections and keeps no roster. The directory and the
 * clients are processes of their own on the same cores, and of one address, of
 * which a directory takes a hundred connections a second.
 *
 * Run: npm run bench -- directory-capacity [--clients 100,1000,3000] [--joins 20] [--rest 30] [--in-process 500]
 *      [--watched N]
 *      [--alone: without the bare node] [--prof FOLDER] [--json FILE] [--smoke]
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BenchProcess, checkOpenFiles, median, quantile, round, whereMeasured } from './bench-process.ts'
import type { LoadAnswer, LoadOrder } from './directory-load.ts'
import { arrivals } from './arrivals.ts'
import { directoryFlags } from './launcher.ts'
import type { ServerInit, ServerOrder, Usage } from './directory-side.ts'
import { ratio, Report, reportOptions } from './report.ts'

type Load = BenchProcess<LoadOrder, LoadAnswer>
type Server = BenchProcess<ServerOrder, unknown>

interface Row {
  readonly perSecond: number
  readonly cpuMsPerAccept: number
  readonly rssKb: number
  readonly heapKb: number
  readonly restPercent: number
  readonly told: Joins | undefined
}

interface Joins {
  readonly loopMs: number
  readonly cpuMs: number
  readonly medianMs: number
  readonly p99Ms: number
  readonly lastMs: number
}

const { values } = parseArgs({
  options: {
    ...reportOptions,
    clients: { type: 'string' },
    joins: { type: 'string', default: '20' },
    rest: { type: 'string' },
    watched: { type: 'string', default: 'Infinity' },
    alone: { type: 'boolean', default: false },
    'in-process': { type: 'string', default: '500' },
    prof: { type: 'string' }
  }
})
const sizes = (values.clients ?? (values.smoke ? '10,20' : '100,1000,3000')).split(',').map(Number)
const joins = values.smoke ? 2 : Number(values.joins)
const restMs = Number(values.rest ?? (values.smoke ? 0.5 : 30)) * 1_000
const inProcess = Number(values['in-process'])
/** All clients of a larger directory only register: so many snapshots of so many take longer than their accepts. */
const watched = Number(values.watched)
/** Clients of all processes together that connect at a time. */
const atOnce = 16
/** Windows, garbage and timers of the connections have settled by then. */
const settleMs = values.smoke ? 100 : 5_000
/** A connection may announce once a second (`ANNOUNCE_RATE`); and each join is to be the first change after quiet. */
const quietMs = 1_100

checkOpenFiles(Math.max(...sizes) + 200)
const table: string[][] = []
const measured = new Map<number, Row>()
const report = new Report()
for (const clients of sizes) {
  for (const kind of values.alone ? (['directory'] as const) : (['bare', 'directory'] as const)) {
    const row = await measure(kind, clients)
    if (kind === 'directory') measured.set(clients, row)
    if (kind === 'directory' && clients === 1_000) report.goal('clientMemory', row.rssKb)
    const { perSecond, cpuMsPerAccept, rssKb, heapKb, restPercent, told } = row
    const cells = [perSecond, cpuMsPerAccept, rssKb, heapKb, restPercent]
    const figures = told === undefined ? [] : [told.loopMs, told.cpuMs, told.medianMs, told.p99Ms, told.lastMs]
    for (let i = 0; i < 5; i++) cells.push(figures[i] ?? Number.NaN)
    table.push([kind === 'bare' ? 'bare libp2p node' : 'directory', String(clients), ...cells.map(round)])
  }
}
process.stdout.write(
  `${whereMeasured()}\n\n` +
    `${report.table(
      [
        'node',
        'clients',
        'accepted/s',
        'CPU ms per accept',
        'RSS KB per client',
        'heap KB per client',
        '% of a core at rest',
        'a join: send loop ms',
        'CPU ms',
        'median ms',
        'p99 ms',
        'last ms'
      ],
      table,
      2
    )}\n\n`
)
report.goal('acceptGrowth', ratio(measured.get(3_000)?.cpuMsPerAccept, measured.get(100)?.cpuMsPerAccept))
if (!measured.has(1_000)) report.goal('clientMemory', undefined)
report.finish()

/** A new server: all clients connect and register, then all watch, then nothing happens, then one comes and goes. */
async function measure(kind: ServerInit['kind'], clients: number): Promise<Row> {
  const network = `bench-${process.pid}`
  const profile =
    values.prof !== undefined && kind === 'directory' ? ['--cpu-prof', `--cpu-prof-dir=${values.prof}`] : []
  const server = await BenchProcess.start<ServerOrder, unknown>(
    'directory-side.ts',
    { kind, network } satisfies ServerInit,
    ['--expose-gc', ...(kind === 'directory' ? directoryFlags : []), ...profile]
  )
  // What directory-side.ts says first.
  const { address } = server.ready as { address: string }
  const loads: Load[] = []
  try {
    await warmUp({ address, network, bare: kind === 'bare' })
    const before = await server.process.ask<Usage>({ do: 'collected' })
    for (let left = clients; left > 0; left -= inProcess) loads.push(await startLoad(network))
    const startedAtMs = performance.now()
    await connect(loads, { address, bare: kind === 'bare', count: clients })
    const seconds = (performance.now() - startedAtMs) / 1_000
    const after = await usage(server.process)
    if (kind === 'directory' && clients <= watched) for (const load of loads) await load.ask({ do: 'watch' })
    await sleep(settleMs)
    const rested = await usage(server.process)
    await sleep(restMs)
    const end = await usage(server.process)
    const { rssBytes, heapBytes } = await server.process.ask<Usage>({ do: 'collected' })
    const row = {
      perSecond: clients / seconds,
      cpuMsPerAccept: (after.cpuMs - before.cpuMs) / clients,
      rssKb: (rssBytes - before.rssBytes) / clients / 1_024,
      heapKb: (heapBytes - before.heapBytes) / clients / 1_024,
      restPercent: ((end.cpuMs - rested.cpuMs) / (end.atMs - rested.atMs)) * 100,
      told:
        kind === 'directory' && joins > 0 && clients <= watched
          ? await tell(server.process, loads, { address, network, clients })
          : undefined
    }
    process.stderr.write(`${kind} ${clients}: ${JSON.stringify(row)}\n`)
    return row
  } finally {
    await Promise.all(loads.map(async (load) => load.stop()))
    if (profile.length > 0) await server.process.end({ do: 'stop' })
    else await server.process.stop()
  }
}

async function startLoad(network: string): Promise<Load> {
  const { process: load } = await BenchProcess.start<LoadOrder, LoadAnswer>('directory-load.ts', { network })
  return load
}

/** The first handshakes load code and are compiled; they are not what one costs. */
async function warmUp(init: { readonly address: string; readonly network: string; readonly bare: boolean }) {
  const load = await startLoad(init.network)
  await connect([load], { ...init, count: Math.min(50, Math.max(...sizes)) })
  await load.ask({ do: 'leave' })
  await load.stop()
}

async function usage(server: Server): Promise<Usage> {
  return server.ask<Usage>({ do: 'usage' })
}

async function connect(
  loads: readonly Load[],
  init: { readonly address: string; readonly bare: boolean; readonly count: number }
): Promise<void> {
  const { address, bare, count } = init
  const share = Math.max(1, Math.round(atOnce / loads.length))
  const answers = await Promise.all(
    loads.map(async (load, i) =>
      load.ask({
        do: 'connect',
        address,
        bare,
        count: Math.floor((count + i) / loads.length),
        atOnce: share
      })
    )
  )
  const failures = answers.flatMap((answer) => (answer.done === 'connect' ? answer.failures : []))
  if (failures.length > 0) throw new Error(`${failures.length} clients could not connect: ${failures[0]}`)
}

/** One more client comes and goes again and again; every other is asked when it was told. */
async function tell(
  server: Server,
  loads: readonly Load[],
  init: { readonly address: string; readonly network: string; readonly clients: number }
): Promise<Joins> {
  const { clients } = init
  const joiner = await startLoad(init.network)
  const delaysMs: number[] = []
  const lastMs: number[] = []
  const loopsMs: number[] = []
  const cpuMs: number[] = []
  try {
    await joiner.ask({ do: 'connect', address: init.address, bare: false, count: 1, atOnce: 1 })
    for (let i = 0; i < joins; i++) {
      await joiner.ask({ do: 'withdraw' })
      await arrivals(loads, clients)
      await sleep(quietMs)
      for (const load of loads) await load.ask({ do: 'arrivals' })
      const before = await usage(server)
      await server.ask<number[]>({ do: 'loops' })
      const announced = await joiner.ask({ do: 'announce' })
      const sentAtMs = announced.done === 'announce' ? announced.atMs : Number.NaN
      const delays = (await arrivals(loads, clients)).map((atMs) => atMs - sentAtMs)
      const loops = await server.ask<number[]>({ do: 'loops' })
      const after = await usage(server)
      if (delays.length < clients) throw new Error(`${clients - delays.length} clients were not told of a join`)
      delaysMs.push(...delays)
      lastMs.push(Math.max(...delays))
      loopsMs.push(Math.max(...loops))
      cpuMs.push(after.cpuMs - before.cpuMs)
      await sleep(quietMs)
    }
  } finally {
    await joiner.ask({ do: 'withdraw' })
    await joiner.stop()
  }
  return {
    loopMs: median(loopsMs),
    cpuMs: median(cpuMs),
    medianMs: median(delaysMs),
    p99Ms: quantile(delaysMs, 0.99),
    lastMs: median(lastMs)
  }
}
