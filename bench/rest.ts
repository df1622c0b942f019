/**
 * Goal 12: what a client takes that nobody touches: the plain face of the whole
 * program, with 2 directories, 50 people on its roster, and mDNS. Beside it a
 * Node that has imported libp2p and does nothing.
 *
 * Run: npm run bench -- rest [--seconds 30] [--settle 10] [--people 50] [--json FILE] [--smoke]
 */

import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BenchProcess } from './bench-process.ts'
import { builtParley, root } from './built.ts'
import type { LoadAnswer, LoadOrder } from './directory-load.ts'
import { directoryFlags } from './launcher.ts'
import type { ServerInit, ServerOrder } from './directory-side.ts'
import { processorSeconds, residentMegabytes } from './process-use.ts'
import { Report, reportOptions } from './report.ts'
import { homeEnv } from '../test/processes/homes.ts'

const { values } = parseArgs({
  options: {
    ...reportOptions,
    seconds: { type: 'string' },
    settle: { type: 'string' },
    people: { type: 'string' }
  }
})
const seconds = Number(values.seconds ?? (values.smoke ? 0.5 : 30))
const settleMs = Number(values.settle ?? (values.smoke ? 0.2 : 10)) * 1_000
const people = Number(values.people ?? (values.smoke ? 4 : 50))
/** The memory and the CPU are looked at so many times, each in a part of the seconds. */
const looks = 5
const directories = 2
const atOnce = 8

const home = mkdtempSync(join(tmpdir(), 'parley-rest-'))
const network = `bench-${process.pid}`
const processes: { stop(): Promise<void> }[] = []
const children: ChildProcess[] = []
const report = new Report()
report.note(`${people} people over ${directories} directories, after ${settleMs / 1_000} s, for ${seconds} s`)
try {
  await builtParley()
  const addresses: string[] = []
  for (let i = 0; i < directories; i++) {
    const first = addresses[0]
    const init: ServerInit = { kind: 'directory', network, ...(first === undefined ? {} : { join: first }) }
    const { process: server, ready } = await BenchProcess.start<ServerOrder, unknown>(
      'directory-side.ts',
      init,
      directoryFlags
    )
    processes.push(server)
    // What directory-side.ts says first.
    addresses.push((ready as { address: string }).address)
  }
  for (const [i, address] of addresses.entries()) {
    const { process: load } = await BenchProcess.start<LoadOrder, LoadAnswer>('directory-load.ts', { network })
    processes.push(load)
    await load.ask({ do: 'connect', address, bare: false, count: Math.floor((people + i) / directories), atOnce })
  }
  const options = ['--plain', '--name', 'anna', ...addresses.flatMap((address) => ['--directory', address])]
  const client = start(options, join(root, 'bin', 'parley'))
  const known = await rosterOf(client)
  report.note(`the client's roster had ${known} people`)
  const bare = start(['-e', "import('libp2p').then(() => setInterval(() => undefined, 1e9))"])
  await sleep(settleMs)
  const [restedMb, restedPercent] = await use(client)
  const [bareMb] = await use(bare)
  const memory = report.figure('client at rest: memory', 'MB', restedMb)
  const cpu = report.figure('client at rest: CPU', '% of a core', restedPercent)
  report.figure('a Node that has imported libp2p: memory', 'MB', bareMb)
  const isWhole = known === people
  report.goal('restMemory', isWhole ? memory : undefined)
  report.goal('restCpu', isWhole ? cpu : undefined)
  report.finish()
} finally {
  for (const child of children) {
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  await Promise.all(processes.map(async (one) => one.stop()))
  rmSync(home, { recursive: true, force: true })
}

function start(args: readonly string[], program = process.execPath): ChildProcess {
  const env = homeEnv(home, network)
  const child = spawn(program, args, { env, stdio: ['pipe', 'pipe', 'ignore'] })
  children.push(child)
  return child
}

/** Asks for the roster until all are on it, or for a while. @returns how many were */
async function rosterOf(client: ChildProcess): Promise<number> {
  let output = ''
  client.stdout?.setEncoding('utf8').on('data', (text: string) => (output += text))
  let most = 0
  for (let tries = 0; tries < 40 && most < people; tries++) {
    await sleep(500)
    output = ''
    client.stdin?.write('/roster\n')
    await sleep(500)
    most = Math.max(most, new Set(output.match(/client \w{6}/gu)).size)
  }
  return most
}

async function use({ pid }: ChildProcess): Promise<[megabytes: number[], percent: number[]]> {
  const megabytes: number[] = []
  const percent: number[] = []
  if (pid === undefined) return [megabytes, percent]
  for (let look = 0; look < looks; look++) {
    const before = processorSeconds(pid)
    const startedAtMs = performance.now()
    await sleep((seconds * 1_000) / looks)
    percent.push(((processorSeconds(pid) - before) * 100_000) / (performance.now() - startedAtMs))
    megabytes.push(residentMegabytes(pid))
  }
  return [megabytes, percent]
}
