/**
 * Goal 5: from the dial to the first receipt, in processes that have done it
 * before: a peer that is new to the other one resolves its address, dials and
 * sends one message through `ChatNode.send()`. Beside it hyperdht, libp2p as it
 * comes, Parley's own host without a chat, and plain TCP, from the dial to the
 * first answer. What lies between the rows of libp2p and of the chat is said in
 * docs/benchmarks.md, round trip by round trip.
 *
 * Run: npm run bench -- dial [--rounds 7] [--dials 10] [--json FILE] [--smoke]
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BenchProcess, median } from './bench-process.ts'
import { builtParley } from './built.ts'
import type { ChatAnswer, ChatOrder } from './chat-side.ts'
import { hyperdht } from './comparators.ts'
import type { PipeKind } from './pipe-kinds.ts'
import { startPipes } from './pipes.ts'
import { ratio, Report, reportOptions } from './report.ts'

const { values } = parseArgs({
  options: { ...reportOptions, rounds: { type: 'string' }, dials: { type: 'string', default: '10' } }
})
const rounds = Number(values.rounds ?? (values.smoke ? 1 : 7))
const dials = values.smoke ? 2 : Number(values.dials)
const warmUpDials = values.smoke ? 1 : 20
/** A round of dials that takes longer has stalled. */
const stallMs = 8_000

interface Way {
  readonly name: string
  dials(count: number): Promise<readonly number[]>
  readonly rounds: number[]
  stop(): Promise<void>
  stalls: number
  isDead: boolean
}

const report = new Report()
const comparator = await hyperdht()
report.note(comparator.isThere ? comparator.version : comparator.why)
report.note(`${rounds} rounds in turns, each the median of ${dials} dials, after ${warmUpDials} to warm up`)
const ways: Way[] = [await chatWay()]
try {
  if (comparator.isThere) await add('hyperdht: dial to first echo', 'hyperdht')
  await add('raw libp2p stream as it comes: dial to first echo', 'libp2p')
  await add('src/wire on Parley’s host: dial to first echo', 'wire')
  await add('TCP in Node: dial to first echo', 'tcp')
  for (const way of ways) await dialOr(way, warmUpDials)
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) {
      const ms = await dialOr(way, dials)
      if (ms !== undefined) way.rounds.push(median(ms))
    }
  }
} finally {
  await Promise.all(ways.map(async (way) => way.stop()))
}
const medians = ways.map((way) => {
  if (way.stalls > 0) report.note(`${way.name}: ${way.stalls} rounds stalled`)
  return [way.name, report.figure(way.name, 'ms', way.rounds)] as const
})
const of = (words: string): number | undefined => medians.find(([name]) => name.startsWith(words))?.[1]
report.goal('dialOverHyperdht', ratio(of('Parley'), of('hyperdht')))
report.finish()

async function chatWay(): Promise<Way> {
  const build = await builtParley()
  const start = async () => BenchProcess.start<ChatOrder, ChatAnswer>('chat-side.ts', { build })
  const [receiver, sender] = await Promise.all([start(), start()])
  // What chat-side.ts says first.
  const { address } = receiver.ready as { address: string }
  return {
    name: 'Parley: dial to first receipt',
    dials: async (count) => (await sender.process.ask({ do: 'dials', address, count })).ms,
    stop: async () => void (await Promise.all([sender.process.stop(), receiver.process.stop()])),
    rounds: [],
    stalls: 0,
    isDead: false
  }
}

async function add(name: string, kind: PipeKind): Promise<void> {
  const pipes = await startPipes(kind, report)
  if (pipes === undefined) return
  ways.push({
    name,
    dials: async (count) => (await pipes.sender.ask({ do: 'dials', address: pipes.address, count })).ms,
    stop: async () => pipes.stop(),
    rounds: [],
    stalls: 0,
    isDead: false
  })
}

/** A way that stalls is left out from then on: its process is still waiting. */
async function dialOr(way: Way, count: number): Promise<readonly number[] | undefined> {
  if (way.isDead) return undefined
  const done = new AbortController()
  const late = sleep(stallMs, undefined, { signal: done.signal }).catch(() => undefined)
  const ms = await Promise.race([way.dials(count), late])
  done.abort()
  if (ms !== undefined) return ms
  way.stalls++
  way.isDead = true
  return undefined
}
