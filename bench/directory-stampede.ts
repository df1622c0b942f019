/**
 * Everybody comes back at once to a directory: after kill -9, after a graceful
 * stop, and after the network of all clients was gone while the directory stayed.
 * The time until all are registered and have the roster again, tries that failed
 * on the way, which clients are not back at the end, and the directory's memory.
 *
 * Run: npm run bench -- directory-stampede [--clients 1000] [--own 20] [--in-process 250] [--limit 120] [--rounds 1]
 *      [--json FILE] [--smoke]
 *      [--settle 5]
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BenchProcess, checkOpenFiles, nowMs, quantile, round, whereMeasured } from './bench-process.ts'
import { directoryFlags } from './launcher.ts'
import type { ServerInit, ServerOrder, Usage } from './directory-side.ts'
import { Report, reportOptions } from './report.ts'
import type { StampedeInit, StampedeOrder, StampedeState } from './stampede-side.ts'

type Side = BenchProcess<StampedeOrder, StampedeState>
type Server = BenchProcess<ServerOrder, unknown>

const { values } = parseArgs({
  options: {
    ...reportOptions,
    clients: { type: 'string' },
    own: { type: 'string' },
    'in-process': { type: 'string', default: '250' },
    limit: { type: 'string', default: '120' },
    rounds: { type: 'string', default: '1' },
    settle: { type: 'string' }
  }
})
const clients = Number(values.clients ?? (values.smoke ? 10 : 1_000))
const own = Math.min(clients, Number(values.own ?? (values.smoke ? 1 : 20)))
const inProcess = Number(values['in-process'])
const limitMs = Number(values.limit) * 1_000
const rounds = Number(values.rounds)
const pollMs = 100
/** Memory is looked at when nothing has happened for so long. */
const settleMs = Number(values.settle ?? (values.smoke ? 0.1 : 5)) * 1_000

checkOpenFiles(clients + 200)
const folder = await mkdtemp(join(tmpdir(), 'parley-stampede-'))
const network = `bench-${process.pid}`
const sides: Side[] = []
const rows: string[][] = []
let notBack = 0
let { server, port, address } = await startServer(0)
try {
  const startedAtMs = nowMs()
  const processes = Math.ceil(clients / inProcess)
  for (let i = 0; i < processes; i++) {
    const count = Math.floor((clients + i) / processes)
    const ownCount = Math.floor((own + i) / processes)
    const init: StampedeInit = { network, address, light: count - ownCount, own: ownCount }
    sides.push((await BenchProcess.start<StampedeOrder, StampedeState>('stampede-side.ts', init)).process)
  }
  await note('the first time', startedAtMs)
  for (let i = 0; i < rounds; i++) {
    server.child.kill('SIGKILL')
    await server.gone()
    await restart('kill -9')
    await server.end({ do: 'stop' })
    await restart('graceful stop')
    await forget()
    const cutAtMs = nowMs()
    await Promise.all(sides.map(async (side) => side.ask({ do: 'cut' })))
    await note('network gone', cutAtMs)
  }
} finally {
  await Promise.all(sides.map(async (side) => side.stop()))
  await server.stop()
  await rm(folder, { recursive: true })
}
const report = new Report()
process.stdout.write(
  `${whereMeasured()}\n${clients} clients, ${own} of them Parley's own, on the same machine\n\n` +
    `${report.table(
      ['after', 'half back, s', '99 % back, s', 'all back, s', 'tries that failed', 'not back', 'RSS MB', 'heap MB'],
      rows
    )}\n\n`
)
report.goal('refusedForGood', clients === 1_000 ? notBack : undefined)
report.finish()
if (notBack > 0) process.exitCode = 1

async function restart(name: string): Promise<void> {
  await forget()
  ;({ server, port, address } = await startServer(port))
  await note(name, nowMs())
}

async function startServer(wanted: number) {
  const { process: started, ready } = await BenchProcess.start<ServerOrder, unknown>(
    'directory-side.ts',
    { kind: 'directory', network, folder, port: wanted } satisfies ServerInit,
    ['--expose-gc', ...directoryFlags]
  )
  // What directory-side.ts says first.
  const { address: place } = ready as { address: string }
  return { server: started satisfies Server, port: Number(/\/tcp\/(\d+)/.exec(place)?.[1]), address: place }
}

async function forget(): Promise<void> {
  await Promise.all(sides.map(async (side) => side.ask({ do: 'forget' })))
}

/** Waits until all are back, and writes a row. */
async function note(name: string, sinceMs: number): Promise<void> {
  let states: StampedeState[] = []
  const back = (): number[] => states.flatMap(({ backAtMs }) => backAtMs.filter((atMs) => atMs >= sinceMs))
  do {
    await sleep(pollMs)
    states = await Promise.all(sides.map(async (side) => side.ask({ do: 'state' })))
  } while (back().length < clients && nowMs() - sinceMs < limitMs)
  const seconds = back().map((atMs) => (atMs - sinceMs) / 1_000)
  const missing = clients - seconds.length
  notBack += missing
  await sleep(settleMs)
  const { rssBytes, heapBytes } = await server.ask<Usage>({ do: 'collected' })
  const tries = states.flatMap(({ failures }) => failures)
  process.stderr.write(`${name}: ${JSON.stringify(counted(tries))}\n`)
  rows.push([
    name,
    round(quantile(seconds, 0.5)),
    round(quantile(seconds, 0.99)),
    missing > 0 ? '–' : round(Math.max(...seconds)),
    String(tries.length),
    String(missing),
    round(rssBytes / 1e6),
    round(heapBytes / 1e6)
  ])
}

function counted(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1
  return counts
}
