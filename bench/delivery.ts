/**
 * Goal 3: how fast messages are delivered between two processes on this machine,
 * each stored and synced before it is sent and before its receipt; beside them
 * the same on a memory disk, the same with the tables in SQLite's memory (no
 * file, no sync, indexed only when searched), the statements
 * that SQLite has to run for it at both sides and nothing else, a bare stream
 * that only counts bytes, and toxcore, which stores nothing, at its own
 * interval; all in the same run and in turns. For each: messages a second, and
 * from send() to delivered at one a second, ten a second and at full rate (with
 * --rates). (Parley brings its search index up to date when it is quiet: the row
 * with the index says what that costs where it is never quiet.)
 *
 * Run: npm run bench -- delivery [FOLDER] [--rates] [--json FILE] [--smoke]
 */

import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { cpus, release, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { builtParley, root } from './built.ts'
import { toxcore } from './comparators.ts'
import { ratio, Report, reportOptions } from './report.ts'
import type { Measured, Order, SideInit, Store } from './delivery-side.ts'
import { ToxMessages } from './tox-messages.ts'

const memoryDisk = '/dev/shm'
const { values: options, positionals } = parseArgs({
  options: { ...reportOptions, rates: { type: 'boolean', default: false } },
  allowPositionals: true
})
/** What people write to one another. */
const text = 'a message of the length that people write to one another, give or take a few words of it. '
const turns = options.smoke ? 1 : 5
const messagesInATurn = options.smoke ? 200 : 10_000
const warmUpMessages = options.smoke ? 100 : 2_000
/** Enough for every batch to be full, as when a script pastes a file. */
const underWay = 1_000
const rates = options.rates
  ? [
      { name: '1/s', everyMs: 1_000, count: 30 },
      { name: '10/s', everyMs: 100, count: 300 }
    ]
  : []

interface Pair {
  readonly name: string
  /** False: each side stores for itself. */
  readonly isSending: boolean
  readonly sender: ChildProcess
  readonly receiver: ChildProcess
  readonly folder: string
  readonly perSecond: number[]
  readonly latenciesMs: Map<string, number[]>
}

const build = await builtParley()
let toxcoreFound = await toxcore(!options.smoke)
const tox = toxcoreFound.isThere ? await ToxMessages.start(text).catch(withoutToxcore) : undefined
const diskFolder = positionals[0] ?? tmpdir()
const toxPerSecond: number[] = []
const pairs = [
  await startPair('stored and synced', 'disk', diskFolder),
  ...(existsSync(memoryDisk) ? [await startPair('the same on a memory disk', 'disk', memoryDisk)] : []),
  await startPair('store in memory', 'memory', diskFolder),
  await startPair('SQLite’s statements alone', 'statements', diskFolder),
  await startPair('the same, and the search index', 'statements and index', diskFolder),
  await startPair('bare stream', 'none', diskFolder)
]
try {
  for (const pair of pairs) await send(pair, warmUpMessages) // what starts slowly has started
  await tox?.perSecond(warmUpMessages)
  for (let turn = 0; turn < turns; turn++) {
    for (const pair of pairs) {
      const measured = await send(pair, messagesInATurn)
      pair.perSecond.push(messagesInATurn / measured.seconds)
      note(pair, 'full rate', measured)
      process.stderr.write(`turn ${turn + 1}: ${pair.name}: ${(messagesInATurn / measured.seconds).toFixed(0)}/s\n`)
    }
    if (tox !== undefined) toxPerSecond.push(await tox.perSecond(messagesInATurn))
  }
  for (const { name, everyMs, count } of rates) {
    process.stderr.write(`${count} messages at ${name}, all at the same time\n`)
    await Promise.all(
      pairs
        .filter(({ isSending }) => isSending)
        .map(async (pair) => note(pair, name, await ask(pair.sender, { do: 'send', count, everyMs })))
    )
  }
  printTable()
} finally {
  await tox?.stop()
  for (const { sender, receiver, folder } of pairs) {
    for (const child of [sender, receiver]) {
      if (child.exitCode !== null || child.signalCode !== null) continue
      const gone = once(child, 'exit')
      child.disconnect()
      await gone
    }
    rmSync(folder, { recursive: true })
  }
}

/** Its goal counts as not met. */
function withoutToxcore(error: unknown): undefined {
  toxcoreFound = { isThere: false, why: String(error) }
}

async function startPair(name: string, store: Store, where: string): Promise<Pair> {
  const folder = mkdtempSync(join(where, 'parley-delivery-'))
  const receiver = await start({ role: 'receiver', store, folder: join(folder, 'receiver'), build, text })
  const sender = await start({ role: 'sender', store, folder: join(folder, 'sender'), build, text })
  const connected = answerOf(sender.child)
  sender.child.send({ do: 'connect', address: receiver.address } satisfies Order)
  await connected
  const isSending = !store.startsWith('statements')
  return {
    name,
    isSending,
    folder,
    sender: sender.child,
    receiver: receiver.child,
    perSecond: [],
    latenciesMs: new Map()
  }
}

async function send({ sender, receiver, isSending }: Pair, count: number): Promise<Measured> {
  const order: Order = { do: 'send', count, underWay }
  if (isSending) return ask(sender, order)
  const sides = await Promise.all([ask(sender, order), ask(receiver, order)])
  return { seconds: Math.max(...sides.map(({ seconds }) => seconds)), latenciesMs: [] }
}

async function start(init: SideInit): Promise<{ readonly child: ChildProcess; readonly address: string }> {
  const child = fork(join(import.meta.dirname, 'delivery-side.ts'), [JSON.stringify(init)])
  // What delivery-side.ts says first.
  const { address } = (await answerOf(child)) as { address: string }
  return { child, address }
}

async function ask(child: ChildProcess, order: Order): Promise<Measured> {
  const answer = answerOf(child)
  child.send(order)
  // The answer to this order: see delivery-side.ts.
  return (await answer) as Measured
}

/** @throws when the process ends without an answer: it has said why */
async function answerOf(child: ChildProcess): Promise<unknown> {
  return new Promise<unknown>((resolve, reject) => {
    const onExit = (): void => reject(new Error('a process of the benchmark has ended: what it said is above'))
    child.once('exit', onExit)
    child.once('message', (answer) => {
      child.off('exit', onExit)
      resolve(answer)
    })
  })
}

function note(pair: Pair, rate: string, { latenciesMs }: Measured): void {
  pair.latenciesMs.set(rate, [...(pair.latenciesMs.get(rate) ?? []), ...latenciesMs])
}

function printTable(): void {
  const names = [...rates.map(({ name }) => name), 'full rate']
  const ratesOf = (store: string): readonly number[] => pairs.find(({ name }) => name === store)?.perSecond ?? []
  const bare = median(ratesOf('bare stream'))
  const statements = median(ratesOf('SQLite’s statements alone'))
  const lines = [
    `${process.version}, ${packageOf('libp2p')}, ${packageOf('.')}, Linux ${release()}, ${cpus().length} × ${cpus()[0]?.model}`,
    `median of ${turns} turns of ${messagesInATurn} messages, ${underWay} under way; p50 / p99 in ms from send() to delivered`,
    '',
    `| | messages/s | of the statements | of the bare stream | ${names.join(' | ')} |`,
    `| --- | ---: | ---: | ---: | ${names.map(() => '---:').join(' | ')} |`
  ]
  for (const { name, perSecond, latenciesMs } of pairs) {
    const rate = median(perSecond)
    const latencies = names.map((at) => {
      const all = latenciesMs.get(at) ?? []
      return all.length === 0 ? '' : `${part(all, 0.5).toFixed(1)} / ${part(all, 0.99).toFixed(1)}`
    })
    const ratios = [rate / statements, rate / bare].map((share) => share.toFixed(3)).join(' | ')
    lines.push(`| ${name} | ${rate.toFixed(0)} | ${ratios} | ${latencies.join(' | ')} |`)
  }
  process.stdout.write(`${lines.join('\n')}\n\n`)
  const report = new Report()
  report.note(toxcoreFound.isThere ? `${toxcoreFound.version}, in memory, at its own interval` : toxcoreFound.why)
  for (const { name, perSecond } of pairs) report.figure(name, 'messages/s', perSecond)
  const toxcoreRate = report.figure('toxcore', 'messages/s', toxPerSecond)
  report.note(`${turns} turns of ${messagesInATurn} messages, ${underWay} under way`)
  report.goal('storedOverStatements', ratio(median(ratesOf('stored and synced')), statements))
  report.goal('storedOverToxcore', ratio(median(ratesOf('stored and synced')), toxcoreRate))
  report.finish()
}

function packageOf(name: string): string {
  const file = name === '.' ? join(root, 'package.json') : join(root, 'node_modules', name, 'package.json')
  // A package.json has both.
  const { name: title, version } = JSON.parse(readFileSync(file, 'utf8')) as { name: string; version: string }
  return `${title} ${version}`
}

function median(values: readonly number[]): number {
  return part(values, 0.5)
}

function part(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
}
