/**
 * Goal 1: small messages through `ChatNode.send()`, one call each, all
 * receipted, with their history in SQLite's memory; beside them hyperdht with one write
 * each and in batches, a raw libp2p stream and plain TCP likewise, which store
 * and confirm nothing. Each side is a process; the CPU is that of both.
 *
 * Run: npm run bench -- messages [--rounds 5] [--seconds 1] [--json FILE] [--smoke]
 */

import { parseArgs } from 'node:util'
import { BenchProcess, nowMs } from './bench-process.ts'
import { builtParley } from './built.ts'
import type { ChatAnswer, ChatOrder } from './chat-side.ts'
import { hyperdht } from './comparators.ts'
import type { PipeKind } from './pipe-kinds.ts'
import { startPipes } from './pipes.ts'
import { ratio, Report, reportOptions } from './report.ts'

const { values } = parseArgs({
  options: { ...reportOptions, rounds: { type: 'string' }, seconds: { type: 'string', default: '0.8' } }
})
const rounds = Number(values.rounds ?? (values.smoke ? 1 : 5))
/** Each measurement lasts about so long, however fast the way is. */
const aimedMs = values.smoke ? 50 : Number(values.seconds) * 1_000
const batchBytes = 32 * 1_024
const warmUpMessages = values.smoke ? 200 : 20_000
/** As many as a session lets be without a receipt. */
const underWay = 4_000
const mostMessages = 2_000_000
/** What the store in memory keeps for ever, all rounds together, slows the collector down. */
const mostChatMessages = 60_000

interface Way {
  readonly name: string
  /** @returns how long it took, in ms */
  send(count: number, sizeBytes: number): Promise<number>
  cpuMs(): Promise<number>
  stop(): Promise<void>
  readonly mostMessages: number
}

interface Measured {
  readonly perSecond: number[]
  readonly cpuUs: number[]
}

const report = new Report()
/** Ways whose processes have ended, as when a busy machine has let a connection time out. */
const broken = new Set<Way>()
const comparator = await hyperdht()
report.note(
  comparator.isThere ? `${comparator.version}, which neither stores nor confirms what it carries` : comparator.why
)
report.note(
  `${rounds} rounds in turns of about ${aimedMs} ms each, batches of ${batchBytes / 1_024} KiB, ${underWay} under way`
)

const chat = await chatWay()
const ways: Way[] = [
  chat,
  ...(comparator.isThere ? await pipeWays('hyperdht', 'hyperdht') : []),
  ...(await pipeWays('raw libp2p stream', 'libp2p')),
  ...(await pipeWays('TCP in Node', 'tcp'))
]
try {
  const small = await compare(64)
  await compare(1_024)
  report.goal('smallOverHyperdht', ratio(small('ChatNode.send()'), small('hyperdht, one write each')))
} finally {
  await Promise.all(ways.map(async (way) => way.stop()))
}
report.finish()

/** Interleaved rounds of all ways. @returns the medians */
async function compare(sizeBytes: number): Promise<(way: string) => number | undefined> {
  const found = new Map<Way, Measured & { count: number }>()
  for (const way of ways) {
    await unlessBroken(way, async () => {
      await way.send(warmUpMessages, sizeBytes)
      const ms = await way.send(warmUpMessages, sizeBytes)
      const count = Math.min(way.mostMessages, Math.max(100, Math.round((warmUpMessages * aimedMs) / ms)))
      found.set(way, { perSecond: [], cpuUs: [], count })
    })
  }
  for (let round = 0; round < rounds; round++) {
    for (const [way, { count, perSecond, cpuUs }] of found) {
      await unlessBroken(way, async () => {
        const before = await way.cpuMs()
        const ms = await way.send(count, sizeBytes)
        cpuUs.push((((await way.cpuMs()) - before) * 1_000) / count)
        perSecond.push((count * 1_000) / ms)
      })
    }
  }
  const title = sizeBytes === 64 ? '64 B' : '1 KiB'
  const medians = new Map<string, number | undefined>()
  for (const [way, { perSecond, cpuUs }] of found) {
    if (broken.has(way)) continue
    const { name } = way
    medians.set(name, report.figure(`${title}, ${name}`, 'messages/s', perSecond))
    report.figure(`${title}, ${name}: CPU per message`, 'µs', cpuUs)
  }
  return (way) => medians.get(way)
}

/** A way that breaks is left out from then on: its rows are missing, and the others are measured. */
async function unlessBroken(way: Way, measure: () => Promise<void>): Promise<void> {
  if (broken.has(way)) return
  try {
    await measure()
  } catch (error) {
    broken.add(way)
    report.note(`${way.name} is left out: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function chatWay(): Promise<Way> {
  const build = await builtParley()
  const start = async () => BenchProcess.start<ChatOrder, ChatAnswer>('chat-side.ts', { build })
  const [receiver, sender] = await Promise.all([start(), start()])
  // What chat-side.ts says first.
  const { address } = receiver.ready as { address: string }
  await sender.process.ask({ do: 'connect', address })
  const sides = [sender.process, receiver.process]
  return {
    name: 'ChatNode.send()',
    mostMessages: mostChatMessages,
    send: async (count, sizeBytes) => first(await sender.process.ask({ do: 'send', count, sizeBytes, underWay })),
    cpuMs: async () => sum(await Promise.all(sides.map(async (side) => side.ask({ do: 'cpu' })))),
    stop: async () => void (await Promise.all(sides.map(async (side) => side.stop())))
  }
}

async function pipeWays(title: string, kind: PipeKind): Promise<Way[]> {
  const startedAtMs = nowMs()
  const pipes = await startPipes(kind, report)
  if (pipes === undefined) return []
  process.stderr.write(`${title} is ready after ${Math.round(nowMs() - startedAtMs)} ms\n`)
  const way = (name: string, batch: { readonly batchBytes?: number }, stop: () => Promise<void>): Way => ({
    name: `${title}, ${name}`,
    mostMessages,
    send: async (count, sizeBytes) => first(await pipes.sender.ask({ do: 'send', count, sizeBytes, ...batch })),
    cpuMs: async () => pipes.cpuMs(),
    stop
  })
  return [way('one write each', {}, async () => pipes.stop()), way('in batches', { batchBytes }, async () => undefined)]
}

function first({ ms }: ChatAnswer): number {
  return ms[0] ?? Number.NaN
}

function sum(answers: readonly ChatAnswer[]): number {
  return answers.reduce((total, answer) => total + first(answer), 0)
}
