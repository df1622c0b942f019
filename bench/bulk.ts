/**
 * Goal 4: bulk bytes one way, in pieces of 64 KiB, over the duplex of src/wire
 * on Parley's own host; beside it hyperdht, an unchanged libp2p stream and
 * plain TCP. Each side is a process; the CPU is that of both.
 *
 * Run: npm run bench -- bulk [--rounds 5] [--megabytes 100] [--json FILE] [--smoke]
 */

import { parseArgs } from 'node:util'
import { hyperdht } from './comparators.ts'
import type { PipeKind } from './pipe-kinds.ts'
import { startPipes, type Pipes } from './pipes.ts'
import { ratio, Report, reportOptions } from './report.ts'

const { values } = parseArgs({
  options: { ...reportOptions, rounds: { type: 'string' }, megabytes: { type: 'string' } }
})
const rounds = Number(values.rounds ?? (values.smoke ? 1 : 5))
const megabytes = Number(values.megabytes ?? (values.smoke ? 2 : 100))
const pieceBytes = 64 * 1_024
const pieces = Math.ceil((megabytes * 1e6) / pieceBytes)
const warmUpPieces = Math.min(pieces, 200)

interface Way {
  readonly name: string
  readonly kind: PipeKind
  readonly pipes: Pipes
  readonly rates: number[]
  readonly cpuMs: number[]
}

const report = new Report()
const comparator = await hyperdht()
report.note(comparator.isThere ? comparator.version : comparator.why)
report.note(`${rounds} rounds in turns of ${megabytes} MB each, pieces of ${pieceBytes / 1_024} KiB`)
const ways: Way[] = []
try {
  await add('src/wire’s duplex', 'wire')
  await add('raw libp2p stream as it comes', 'libp2p')
  if (comparator.isThere) await add('hyperdht', 'hyperdht')
  await add('TCP in Node', 'tcp')
  for (const way of ways) await send(way, warmUpPieces)
  for (let round = 0; round < rounds; round++) {
    for (const way of ways) {
      const before = await way.pipes.cpuMs()
      const ms = await send(way, pieces)
      way.rates.push((pieces * pieceBytes) / 1e3 / ms)
      way.cpuMs.push(((await way.pipes.cpuMs()) - before) / megabytes)
    }
  }
} finally {
  await Promise.all(ways.map(async ({ pipes }) => pipes.stop()))
}
const medians = new Map<PipeKind, number | undefined>()
for (const { name, kind, rates, cpuMs } of ways) {
  medians.set(kind, report.figure(name, 'MB/s', rates))
  report.figure(`${name}: CPU per MB`, 'ms', cpuMs)
}
report.goal('bulkOverHyperdht', ratio(medians.get('wire'), medians.get('hyperdht')))
report.goal('bulkOverRaw', ratio(medians.get('wire'), medians.get('libp2p')))
report.finish()

async function add(name: string, kind: PipeKind): Promise<void> {
  const pipes = await startPipes(kind, report)
  if (pipes !== undefined) ways.push({ name, kind, pipes, rates: [], cpuMs: [] })
}

async function send({ pipes }: Way, count: number): Promise<number> {
  const { ms } = await pipes.sender.ask({ do: 'send', count, sizeBytes: pieceBytes })
  return ms[0] ?? Number.NaN
}
