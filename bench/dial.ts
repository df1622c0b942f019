/**
 * Goal 5: from the dial to the first receipt, in processes that have done it
 * before: a peer that is new to the other one resolves its address, dials and
 * sends one message through `ChatNode.send()`. Beside it hyperdht, libp2p as it
 * comes, Parley's own host without a chat, and plain TCP, from the dial to the
 * first answer. On one machine a round trip costs next to nothing: how many there
 * are is counted by how much longer each way takes when the other side is far
 * away. Which they are is said in docs/benchmarks.md.
 *
 * Run: npm run bench -- dial [--rounds 7] [--dials 10] [--json FILE] [--smoke]
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BenchProcess, median } from './bench-process.ts'
import { builtParley } from './built.ts'
import type { ChatAnswer, ChatOrder } from './chat-side.ts'
import { hyperdht } from './comparators.ts'
import { farAway } from './far-away.ts'
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
/** Each way, where the other side is far away: many times what the processors add to a round trip. */
const farMs = 20
const farDials = values.smoke ? 1 : 9

interface Way {
  readonly name: string
  /** Where the other side is; undefined where it can't be put behind something else. */
  readonly address: string | undefined
  dials(count: number, address?: string): Promise<readonly number[]>
  readonly rounds: number[]
  /** What a dial takes longer when the other side is far away. */
  addedMs?: number | undefined
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
  for (const way of ways) way.addedMs = await addedFarAway(way)
} finally {
  await Promise.all(ways.map(async (way) => way.stop()))
}
for (const way of ways) {
  if (way.stalls > 0) report.note(`${way.name}: ${way.stalls} rounds stalled`)
  report.figure(way.name, 'ms', way.rounds)
}
// TCP’s own handshake is not held back, so what it needs beside that is the one round trip of message and answer.
const roundTripMs = ways.find(({ name }) => name.startsWith('TCP'))?.addedMs
for (const { name, addedMs } of ways) {
  if (addedMs === undefined || roundTripMs === undefined) continue
  report.figure(`${name}, beside TCP’s own`, 'round trips', [addedMs / roundTripMs])
}
report.goal('dialRoundTrips', ratio(ways.find(({ name }) => name.startsWith('Parley'))?.addedMs, roundTripMs))
report.finish()

async function chatWay(): Promise<Way> {
  const build = await builtParley()
  const start = async () => BenchProcess.start<ChatOrder, ChatAnswer>('chat-side.ts', { build })
  const [receiver, sender] = await Promise.all([start(), start()])
  // What chat-side.ts says first.
  const { address } = receiver.ready as { address: string }
  return {
    name: 'Parley: dial to first receipt',
    address,
    dials: async (count, to = address) => (await sender.process.ask({ do: 'dials', address: to, count })).ms,
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
    address: kind === 'hyperdht' ? undefined : pipes.address,
    dials: async (count, address = pipes.address) => (await pipes.sender.ask({ do: 'dials', address, count })).ms,
    stop: async () => pipes.stop(),
    rounds: [],
    stalls: 0,
    isDead: false
  })
}

async function addedFarAway(way: Way): Promise<number | undefined> {
  if (way.isDead || way.address === undefined || way.rounds.length === 0) return undefined
  const { address, stop } = await farAway(way.address, farMs)
  const ms = await dialOr(way, farDials, address)
  stop()
  return ms === undefined ? undefined : median(ms) - median(way.rounds)
}

/** A way that stalls is left out from then on: its process is still waiting. */
async function dialOr(way: Way, count: number, address?: string): Promise<readonly number[] | undefined> {
  if (way.isDead) return undefined
  const done = new AbortController()
  const late = sleep(stallMs, undefined, { signal: done.signal }).catch(() => undefined)
  const ms = await Promise.race([way.dials(count, address), late])
  done.abort()
  if (ms !== undefined) return ms
  way.stalls++
  way.isDead = true
  return undefined
}
