/**
 * What a directory bears: connections accepted per second and what each costs,
 * memory per idle client, CPU at rest, and one join told to everybody, at each
 * of several numbers of clients. Beside it, in the same run, a bare libp2p node
 * that accepts the same connections and keeps no roster. The directory and the
 * clients are processes of their own on the same cores.
 *
 * Run: node bench/directory-capacity.ts [--clients 100,1000,5000] [--joins 20] [--rest 30] [--in-process 500]
 *      [--prof FOLDER]
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BenchProcess, checkOpenFiles, markdownTable, median, quantile, round, whereMeasured } from './bench-process.ts'
import type { LoadAnswer, LoadOrder } from './directory-load.ts'
import type { ServerInit, ServerOrder, Usage } from './directory-side.ts'

type Load = BenchProcess<LoadOrder, LoadAnswer>
type Server = BenchProcess<ServerOrder, unknown>

interface Row {
  readonly clients: number
  readonly perSecond: number
  readonly cpuMsPerAccept: number
  readonly rssKb: number
  readonly heapKb: number
  readonly restPercent: number
  readonly joins: Joins | undefined
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
    clients: { type: 'string', default: '100,1000,5000' },
    joins: { type: 'string', default: '20' },
    rest: { type: 'string', default: '30' },
    'in-process': { type: 'string', default: '500' },
    prof: { type: 'string' }
  }
})
const sizes = values.clients.split(',').map(Number)
const joins = Number(values.joins)
const restMs = Number(values.rest) * 1_000
const inProcess = Number(values['in-process'])
/** Clients of all processes together that connect at a time. */
const atOnce = 16
/** Longer than a change waits to be gathered with others. */
const quietMs = 300

checkOpenFiles(Math.max(...sizes) + 200)
const table: string[][] = []
for (const kind of ['bare', 'directory'] as const) {
  for (const row of await measure(kind)) {
    const { perSecond, cpuMsPerAccept, rssKb, heapKb, restPercent, joins: join } = row
    const cells = [perSecond, cpuMsPerAccept, rssKb, heapKb, restPercent].map(round)
    const joined = join === undefined ? [] : [join.loopMs, join.cpuMs, join.medianMs, join.p99Ms, join.lastMs]
    const name = kind === 'bare' ? 'bare libp2p node' : 'directory'
    table.push([
      name,
      String(row.clients),
      ...cells,
      ...Array.from({ length: 5 }, (_, i) => round(joined[i] ?? Number.NaN))
    ])
  }
}
process.stdout.write(
  `${whereMeasured()}\n\n` +
    `${markdownTable(
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
      table
    )}\n`
)

/** One server that grows from size to size; each row's cost of an accept is that of the clients since the row before. */
async function measure(kind: ServerInit['kind']): Promise<Row[]> {
  const network = `bench-${process.pid}`
  const profile =
    values.prof !== undefined && kind === 'directory' ? ['--cpu-prof', `--cpu-prof-dir=${values.prof}`] : []
  const server = await BenchProcess.start<ServerOrder, unknown, { address: string }>(
    'directory-side.ts',
    { kind, network } satisfies ServerInit,
    ['--expose-gc', ...profile]
  )
  const { address } = server.ready
  const loads: Load[] = []
  const rows: Row[] = []
  try {
    const empty = await server.process.ask<Usage>({ do: 'collected' })
    let connected = 0
    for (const clients of sizes) {
      const before = await usage(server.process)
      const startedAtMs = performance.now()
      const fresh = await connect(loads, { address, network, bare: kind === 'bare', count: clients - connected })
      const seconds = (performance.now() - startedAtMs) / 1_000
      const after = await usage(server.process)
      if (kind === 'directory') for (const load of fresh) await load.ask({ do: 'watch' })
      await sleep(2_000)
      const rested = await usage(server.process)
      await sleep(restMs)
      const end = await usage(server.process)
      const { rssBytes, heapBytes } = await server.process.ask<Usage>({ do: 'collected' })
      rows.push({
        clients,
        perSecond: (clients - connected) / seconds,
        cpuMsPerAccept: (after.cpuMs - before.cpuMs) / (clients - connected),
        rssKb: (rssBytes - empty.rssBytes) / clients / 1_024,
        heapKb: (heapBytes - empty.heapBytes) / clients / 1_024,
        restPercent: ((end.cpuMs - rested.cpuMs) / (end.atMs - rested.atMs)) * 100,
        joins: kind === 'directory' && joins > 0 ? await join(server.process, loads, { address, network }) : undefined
      })
      process.stderr.write(`${kind}: ${JSON.stringify(rows.at(-1))}\n`)
      connected = clients
    }
    return rows
  } finally {
    for (const load of loads) await load.stop()
    if (profile.length > 0) server.process.child.send({ do: 'stop' })
    else await server.process.stop()
  }
}

async function usage(server: Server): Promise<Usage> {
  return server.ask<Usage>({ do: 'usage' })
}

/** @returns the processes of the new clients, which are also among the loads now */
async function connect(
  loads: Load[],
  init: { readonly address: string; readonly network: string; readonly bare: boolean; readonly count: number }
): Promise<Load[]> {
  const { address, network, bare, count } = init
  const fresh: { load: Load; count: number }[] = []
  for (let left = count; left > 0; left -= inProcess) {
    const load = await BenchProcess.start<LoadOrder, LoadAnswer, unknown>('directory-load.ts', { network })
    fresh.push({ load: load.process, count: Math.min(left, inProcess) })
  }
  loads.push(...fresh.map(({ load }) => load))
  const share = Math.max(1, Math.round(atOnce / fresh.length))
  const answers = await Promise.all(
    fresh.map(async (one) => one.load.ask({ do: 'connect', address, bare, count: one.count, atOnce: share }))
  )
  const failures = answers.flatMap((answer) => (answer.done === 'connect' ? answer.failures : []))
  if (failures.length > 0) throw new Error(`${failures.length} clients could not connect: ${failures[0]}`)
  return fresh.map(({ load }) => load)
}

/** One more client comes and goes again and again; every other is asked when it was told. */
async function join(
  server: Server,
  loads: readonly Load[],
  init: { readonly address: string; readonly network: string }
): Promise<Joins> {
  const { process: joiner } = await BenchProcess.start<LoadOrder, LoadAnswer, unknown>('directory-load.ts', init)
  const delaysMs: number[] = []
  const lastMs: number[] = []
  const loopsMs: number[] = []
  const cpuMs: number[] = []
  try {
    await joiner.ask({ do: 'connect', address: init.address, bare: false, count: 1, atOnce: 1 })
    for (let i = 0; i < joins; i++) {
      await joiner.ask({ do: 'withdraw' })
      await sleep(quietMs + 2 * loads.length * 50)
      for (const load of loads) await load.ask({ do: 'arrivals' })
      const before = await usage(server)
      await server.ask<number[]>({ do: 'loops' })
      const announced = await joiner.ask({ do: 'announce' })
      const sentAtMs = announced.done === 'announce' ? announced.atMs : Number.NaN
      await sleep(quietMs + 2 * loads.length * 50)
      const loops = await server.ask<number[]>({ do: 'loops' })
      const after = await usage(server)
      const delays: number[] = []
      for (const load of loads) {
        const answer = await load.ask({ do: 'arrivals' })
        if (answer.done === 'arrivals') delays.push(...answer.atMs.map((atMs) => atMs - sentAtMs))
      }
      delaysMs.push(...delays)
      lastMs.push(Math.max(...delays))
      loopsMs.push(Math.max(...loops))
      cpuMs.push(after.cpuMs - before.cpuMs)
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
