/**
 * Goal 17: what relayed conversations cost. 200 of them through one directory, beside
 * the same ones directly: messages a second, their delay, and CPU; a pair that sends
 * without end beside others that write lines; and what a directory holds for a receiver
 * that has stopped reading. The directory and both sides are processes of their own, all
 * of one address: the worst case for turns that are shared by address.
 *
 * Run: npm run bench -- relay [--pairs 200] [--rounds 3] [--only many,greedy,stopped,far] [--json FILE] [--smoke]
 */

import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BenchProcess, checkOpenFiles, median, quantile } from './bench-process.ts'
import { directoryFlags } from './launcher.ts'
import { farAway } from './far-away.ts'
import type { ServerInit, ServerOrder, Usage } from './directory-side.ts'
import { residentMegabytes } from './process-use.ts'
import type { PeerPlace, PeersAnswer, PeersInit, PeersOrder } from './relay-side.ts'
import { ratio, Report, reportOptions } from './report.ts'

const { values } = parseArgs({
  options: {
    ...reportOptions,
    pairs: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: 'many,greedy,stopped,far' }
  }
})
const pairs = Number(values.pairs ?? (values.smoke ? 4 : 200))
const rounds = values.smoke ? 1 : Number(values.rounds)
/** Of each pair; enough for a few seconds. */
const messagesOfPair = values.smoke ? 10 : 50
const messageBytes = 1_024
const underWay = 4
/** As people write in a lively conversation. */
const lines = values.smoke ? 3 : 10
const MEBIBYTE = 1 << 20
const lineEveryMs = values.smoke ? 50 : 500
/** Pairs beside the greedy one. */
const bystanders = values.smoke ? 3 : 20
const floodMs = values.smoke ? 300 : 10_000
const lookMs = 100
/** Between each peer and the directory, there and back. */
const farMs = 80
/** So long until a peer's burst is over, and so long it is measured then. */
const farMeasuredMs = values.smoke ? 200 : 5_000
/** Files of one process: a listener, and connections with the directory and another peer. */
const filesOfPeer = 4

type Side = BenchProcess<PeersOrder, PeersAnswer>

interface Scene {
  readonly directory: BenchProcess<ServerOrder, unknown>
  readonly senders: Side
  readonly receivers: Side
  readonly places: readonly PeerPlace[]
}

interface Way {
  readonly over: 'direct' | 'relay'
  readonly name: string
  readonly perSecond: number[]
  readonly medianMs: number[]
  readonly slowMs: number[]
  readonly endsUs: number[]
  readonly relayUs: number[]
}

const report = new Report()
report.note(
  `${pairs} pairs, ${rounds} rounds in turns; a directory with its defaults, but the first without --relay-rate`
)
checkOpenFiles(pairs * filesOfPeer)
const parts = { many, greedy: besideGreedy, stopped: stoppedReceiver, far: farApart }
for (const [name, part] of Object.entries(parts)) if (values.only.split(',').includes(name)) await part()
report.finish()

async function many(): Promise<void> {
  await within({ count: pairs, relayRate: 'none' }, async (scene) => {
    const wayOf = (over: Way['over'], name: string): Way => {
      return { over, name, perSecond: [], medianMs: [], slowMs: [], endsUs: [], relayUs: [] }
    }
    const ways = [wayOf('direct', 'direct'), wayOf('relay', 'relayed')] as const
    for (let round = 0; round < rounds; round++) for (const way of ways) await measure(scene, way)
    const [direct, relayed] = ways.map((way) => {
      const perSecond = report.figure(`${pairs} pairs, ${way.name}: messages of 1 KiB`, 'messages/s', way.perSecond)
      report.figure(`${pairs} pairs, ${way.name}: a line and its receipt, median`, 'ms', way.medianMs)
      report.figure(`${pairs} pairs, ${way.name}: 99 % of them`, 'ms', way.slowMs)
      report.figure(`${pairs} pairs, ${way.name}: CPU of both ends per message`, 'µs', way.endsUs)
      report.figure(`${pairs} pairs, ${way.name}: CPU of the directory per message`, 'µs', way.relayUs)
      return perSecond
    })
    const part = ratio(relayed, direct)
    report.figure(`${pairs} pairs: relayed messages, of direct ones`, '×', part === undefined ? [] : [part])
  })
}

async function measure({ directory, senders, receivers, places }: Scene, way: Way): Promise<void> {
  await senders.ask({ do: 'connect', peers: places, over: way.over })
  await senders.ask({ do: 'send', count: Math.ceil(messagesOfPair / 10), sizeBytes: messageBytes, underWay })
  const cpuMs = async (): Promise<readonly [number, number]> => {
    const ofSides = await Promise.all(
      [senders, receivers].map(async (side) => (await side.ask({ do: 'cpu' })).ms[0] ?? 0)
    )
    return [ofSides.reduce((sum, one) => sum + one, 0), (await usage(directory)).cpuMs]
  }
  const before = await cpuMs()
  const { ms } = await senders.ask({ do: 'send', count: messagesOfPair, sizeBytes: messageBytes, underWay })
  const after = await cpuMs()
  const sent = pairs * messagesOfPair
  way.perSecond.push((sent * 1_000) / (ms[0] ?? Number.NaN))
  way.endsUs.push(((after[0] - before[0]) * 1_000) / sent)
  way.relayUs.push(((after[1] - before[1]) * 1_000) / sent)
  const delays = (await senders.ask({ do: 'lines', count: lines, everyMs: lineEveryMs })).ms
  way.medianMs.push(median(delays))
  way.slowMs.push(quantile(delays, 0.99))
  await senders.ask({ do: 'disconnect' })
}

async function besideGreedy(): Promise<void> {
  await within({ count: bystanders + 1 }, async ({ senders, places }) => {
    await senders.ask({ do: 'connect', peers: places, over: 'relay' })
    const aloneMs: number[] = []
    const besideMs: number[] = []
    const say = async (): Promise<number> =>
      median((await senders.ask({ do: 'lines', count: lines, everyMs: lineEveryMs })).ms)
    await say()
    for (let round = 0; round < rounds; round++) {
      aloneMs.push(await say())
      await senders.ask({ do: 'greedy', is: 'on' })
      // What may come at once has come.
      await sleep(values.smoke ? 0 : 2_000)
      besideMs.push(await say())
      await senders.ask({ do: 'greedy', is: 'off' })
    }
    const alone = report.figure(`${bystanders} relayed pairs: a line and its receipt, median`, 'ms', aloneMs)
    const beside = report.figure('the same beside a pair that sends without end', 'ms', besideMs)
    report.goal('greedyPair', alone === undefined || beside === undefined ? undefined : Math.max(0, beside - alone))
  })
}

async function stoppedReceiver(): Promise<void> {
  const grownMb: number[] = []
  for (let round = 0; round < rounds; round++) {
    await within({ count: 1 }, async ({ directory, senders, receivers, places }) => {
      const [place] = places
      if (place === undefined) throw new Error('there is a receiver')
      await receivers.ask({ do: 'stop-reading' })
      await directory.ask({ do: 'collected' })
      const pid = directory.child.pid ?? 0
      const beforeMb = residentMegabytes(pid)
      await senders.ask({ do: 'flood', peer: place })
      let mostMb = beforeMb
      for (let passedMs = 0; passedMs < floodMs; passedMs += lookMs) {
        await sleep(lookMs)
        mostMb = Math.max(mostMb, residentMegabytes(pid))
      }
      grownMb.push(mostMb - beforeMb)
    })
  }
  const grown = report.figure(
    'a directory, while a sender floods a receiver that has stopped: memory more',
    'MB',
    grownMb
  )
  report.goal('relayStopped', grown)
}

/** One direction at its fastest: what a peer may send in a second, or what its window lets through in a round trip. */
async function farApart(): Promise<void> {
  const perSecond: number[] = []
  for (let round = 0; round < rounds; round++) {
    await within({ count: 1, oneWayMs: farMs / 2 }, async ({ senders, receivers, places }) => {
      const received = async (): Promise<number> => (await receivers.ask({ do: 'received' })).bytes ?? 0
      await senders.ask({ do: 'connect', peers: places, over: 'relay' })
      await senders.ask({ do: 'greedy', is: 'on' })
      await sleep(farMeasuredMs)
      const [before, startedAtMs] = [await received(), performance.now()]
      await sleep(farMeasuredMs)
      const passed = (await received()) - before
      perSecond.push(passed / MEBIBYTE / ((performance.now() - startedAtMs) / 1_000))
    })
  }
  report.figure(`one relayed direction, ${farMs} ms between each peer and the directory`, 'MiB/s', perSecond)
}

async function within(
  { count, relayRate, oneWayMs }: { readonly count: number; readonly relayRate?: string; readonly oneWayMs?: number },
  measured: (scene: Scene) => Promise<void>
): Promise<void> {
  const network = `bench-${process.pid}`
  const server: ServerInit = { kind: 'directory', network, ...(relayRate === undefined ? {} : { relayRate }) }
  const flags = [...directoryFlags, '--expose-gc']
  const directory = await BenchProcess.start<ServerOrder, unknown>('directory-side.ts', server, flags)
  // What directory-side.ts says first.
  const { address: near } = directory.ready as { address: string }
  const far = oneWayMs === undefined ? undefined : await farAway(near, oneWayMs)
  const address = far?.address ?? near
  const side = async () =>
    BenchProcess.start<PeersOrder, PeersAnswer>('relay-side.ts', {
      network,
      directory: address,
      count
    } satisfies PeersInit)
  const [senders, receivers] = await Promise.all([side(), side()])
  try {
    const { places = [] } = await receivers.process.ask({ do: 'places' })
    await measured({ directory: directory.process, senders: senders.process, receivers: receivers.process, places })
  } finally {
    await Promise.all([senders, receivers, directory].map(async ({ process: one }) => one.stop()))
    far?.stop()
  }
}

async function usage(directory: Scene['directory']): Promise<Usage> {
  return directory.ask<Usage>({ do: 'usage' })
}
