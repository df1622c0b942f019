/**
 * Goal 6: one peer joins, and 1,000 others learn of it: how long until the last of
 * them has it, and how long the directory's send loop takes. Beside it the same
 * with ngircd and with a line server on Twisted, in turns; servers and clients
 * are processes of their own on the same cores.
 *
 * Run: npm run bench -- join [--clients 1000] [--joins 15] [--json FILE] [--smoke]
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { arrivals } from './arrivals.ts'
import { BenchProcess, checkOpenFiles } from './bench-process.ts'
import { ngircd, twisted, type Comparator } from './comparators.ts'
import type { LoadAnswer, LoadOrder } from './directory-load.ts'
import { directoryFlags } from './launcher.ts'
import type { ServerInit, ServerOrder } from './directory-side.ts'
import type { LineAnswer, LineOrder } from './line-load.ts'
import { startNgircd, startTwisted, type LineServer } from './line-servers.ts'
import { ratio, Report, reportOptions } from './report.ts'

const { values } = parseArgs({
  options: { ...reportOptions, clients: { type: 'string' }, joins: { type: 'string' } }
})
const clients = Number(values.clients ?? (values.smoke ? 20 : 1_000))
const joins = Number(values.joins ?? (values.smoke ? 2 : 15))
/** Each with half of the clients, as the other sides' are. */
const loadProcesses = 2
const atOnce = 16
/** A connection may announce once a second (`ANNOUNCE_RATE`); and each join is to be the first change after quiet. */
const quietMs = 1_100
/** A line has come to all after so long. */
const toldMs = 300

interface Side {
  readonly name: string
  readonly lastMs: number[]
  /** @returns ms from the join to the last client, or undefined when not all were told */
  join(turn: number): Promise<number | undefined>
  stop(): Promise<void>
  missed: number
}

checkOpenFiles(3 * clients + 200)
const report = new Report()
const loopsMs: number[] = []
const sides: Side[] = []
try {
  sides.push(await directorySide())
  await add('Twisted line server', await twisted(!values.smoke), startTwisted)
  await add('ngircd', await ngircd(!values.smoke), startNgircd)
  for (const side of sides) await side.join(0)
  loopsMs.length = 0
  for (let turn = 1; turn <= joins; turn++) {
    for (const side of sides) {
      const ms = await side.join(turn)
      if (ms === undefined) side.missed++
      else side.lastMs.push(ms)
    }
  }
} finally {
  await Promise.all(sides.map(async (side) => side.stop()))
}
report.note(`${joins} joins in turns, ${clients} clients`)
const medians = new Map<string, number | undefined>()
for (const { name, lastMs, missed } of sides) {
  if (missed > 0) report.note(`${name}: not all clients were told of ${missed} joins`)
  medians.set(name, report.figure(`${name}: one join to the last client`, 'ms', lastMs))
}
report.figure('directory: send loop', 'ms', loopsMs)
report.goal('joinOverTwisted', ratio(medians.get('directory'), medians.get('Twisted line server')))
report.goal('joinOverNgircd', ratio(medians.get('directory'), medians.get('ngircd')))
report.finish()

async function add(name: string, comparator: Comparator, start: () => Promise<LineServer>): Promise<void> {
  report.note(comparator.isThere ? comparator.version : comparator.why)
  if (comparator.isThere) sides.push(await lineSide(name, await start()))
}

async function directorySide(): Promise<Side> {
  const network = `bench-${process.pid}`
  const init: ServerInit = { kind: 'directory', network }
  const { process: server, ready } = await BenchProcess.start<ServerOrder, unknown>(
    'directory-side.ts',
    init,
    directoryFlags
  )
  // What directory-side.ts says first.
  const { address } = ready as { address: string }
  const start = async (count: number) => {
    const { process: load } = await BenchProcess.start<LoadOrder, LoadAnswer>('directory-load.ts', { network })
    const answer = await load.ask({ do: 'connect', address, bare: false, count, atOnce })
    if (answer.done === 'connect' && answer.failures.length > 0) throw new Error(answer.failures[0])
    return load
  }
  const loads = await Promise.all(shares().map(start))
  for (const load of loads) await load.ask({ do: 'watch' })
  const joiner = await start(1)
  return {
    name: 'directory',
    lastMs: [],
    missed: 0,
    join: async () => {
      await joiner.ask({ do: 'withdraw' })
      await sleep(quietMs)
      for (const load of loads) await load.ask({ do: 'arrivals' })
      await server.ask<number[]>({ do: 'loops' })
      const announced = await joiner.ask({ do: 'announce' })
      const arrivedMs = await arrivals(loads, clients)
      loopsMs.push(Math.max(...(await server.ask<number[]>({ do: 'loops' }))))
      return announced.done === 'announce' ? lastOf(arrivedMs, announced.atMs) : undefined
    },
    stop: async () => void (await Promise.all([...loads, joiner, server].map(async (one) => one.stop())))
  }
}

async function lineSide(name: string, server: LineServer): Promise<Side> {
  const { port, hello, ready } = server
  const start = async (count: number, firstNumber: number) => {
    const { process: load } = await BenchProcess.start<LineOrder, LineAnswer>('line-load.ts', {})
    await load.ask({ do: 'connect', port, count, hello, ready, firstNumber })
    return load
  }
  const loads = await Promise.all(shares().map(async (count, i) => start(count, i * clients)))
  const joiner = await start(1, loadProcesses * clients)
  return {
    name,
    lastMs: [],
    missed: 0,
    join: async (turn) => {
      const { line, word, undo } = server.join(turn)
      await joiner.ask({ do: 'say', line: undo })
      await sleep(toldMs)
      for (const load of loads) await load.ask({ do: 'listen', word })
      const said = await joiner.ask({ do: 'say', line })
      await sleep(toldMs)
      const answers = await Promise.all(loads.map(async (load) => load.ask({ do: 'arrivals' })))
      return lastOf(
        answers.flatMap(({ atMs }) => atMs),
        said.atMs[0] ?? Number.NaN
      )
    },
    stop: async () => {
      await Promise.all([...loads, joiner].map(async (one) => one.stop()))
      await server.stop()
    }
  }
}

function shares(): number[] {
  return Array.from({ length: loadProcesses }, (_, i) => Math.floor((clients + i) / loadProcesses))
}

function lastOf(arrivalsMs: readonly number[], sinceMs: number): number | undefined {
  return arrivalsMs.length < clients ? undefined : Math.max(...arrivalsMs) - sinceMs
}
