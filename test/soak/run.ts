/**
 * `npm run test:soak -- --cycles 10000 --messages 1000000`: peers connect to a chat and to a directory and leave again,
 * and two chats exchange messages. What each of these processes holds is noted again and again, after a forced
 * collection; it ends with 1 when any of it grows. It knows the order of things and the judgement, and nothing of what
 * a node does.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BenchProcess, markdownTable, whereMeasured } from '../../bench/bench-process.ts'
import { builtParley } from '../../bench/built.ts'
import { LightClient } from '../../bench/light-client.ts'
import { PasserBy } from './passer-by.ts'
import type { Figures, SoakInit, SoakOrder } from './soak-side.ts'
import { trend, type Sample } from './trend.ts'

/** So often what the processes hold is noted. */
const samples = 60
/**
 * The first part of a run fills what has a fixed size: caches, compiled code, tombstones, which a directory keeps for
 * two leases.
 */
const warmUpPart = 0.4
/** Done before anything is noted: tables are read in when they are first needed, and code is compiled. */
const warmUpCycles = 500
const warmUpMessages = 10_000
/** Messages on the way without a receipt. */
const underWay = 2_000
/**
 * The pace of cycles. What a directory keeps of peers that have left, it keeps for a time: at a pace that changes it
 * would be more or less without any of it being a leak.
 */
const cycleMs = 50
/** After so many visits another peer comes, with another key. */
const visitsOfOne = 10

type What = keyof Figures

/**
 * What may come on top over the judged part of a run, although the slope is surely above 0. Of a short run that is what
 * a directory keeps of those who have left, for two leases, until as many are forgotten as come; and what the system's
 * allocator has taken and not given back.
 */
const tolerance: Readonly<Record<What, number>> = {
  heapBytes: 4 * 1024 * 1024,
  externalBytes: 4 * 1024 * 1024,
  residentBytes: 48 * 1024 * 1024,
  descriptors: 1,
  resources: 2,
  listeners: 0
}
const units: Readonly<Record<What, { readonly name: string; readonly by: number }>> = {
  heapBytes: { name: 'heap, KiB', by: 1024 },
  externalBytes: { name: 'external, KiB', by: 1024 },
  residentBytes: { name: 'resident, KiB', by: 1024 },
  descriptors: { name: 'descriptors', by: 1 },
  resources: { name: 'sockets and timers', by: 1 },
  listeners: { name: 'listeners', by: 1 }
}

type Side = BenchProcess<SoakOrder, Figures | { readonly done: true }>

interface Watched {
  readonly name: string
  readonly side: Side
  readonly address: string
  readonly noted: { readonly x: number; readonly figures: Figures }[]
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: { cycles: { type: 'string', default: '1000' }, messages: { type: 'string', default: '100000' } }
  })
  const [cycles, messages] = [Number(values.cycles), Number(values.messages)]
  if (!(cycles >= 0 && messages >= 0)) throw new RangeError('--cycles and --messages are numbers')
  const build = await builtParley()
  console.log(whereMeasured())
  let grown = 0
  if (cycles > 0) grown += await connectCycles(build, cycles)
  if (messages > 0) grown += await exchange(build, messages)
  console.log(grown === 0 ? 'nothing grows' : `${grown} figures grow`)
  return grown === 0 ? 0 : 1
}

async function connectCycles(build: string, cycles: number): Promise<number> {
  const [chat, directory] = await Promise.all([
    start('the chat that is visited', { build, kind: 'chat' }),
    start('the directory', { build, kind: 'directory' })
  ])
  const startedMs = performance.now()
  let passerBy: PasserBy | undefined
  let client: LightClient | undefined
  try {
    for (let cycle = -warmUpCycles; cycle < cycles; cycle++) {
      await sleep(Math.max(0, startedMs + (cycle + warmUpCycles) * cycleMs - performance.now()))
      if (cycle >= 0 && isTimeToNote(cycle, cycles)) await Promise.all([note(chat, cycle), note(directory, cycle)])
      if (passerBy === undefined || cycle % visitsOfOne === 0) {
        await Promise.all([passerBy?.leave(), client?.leave()])
        passerBy = await PasserBy.create()
        client = await LightClient.create('soak')
      }
      await Promise.all([
        passerBy?.visit(chat.address),
        client === undefined ? undefined : attend(client, directory.address, cycle)
      ])
    }
    await Promise.all([note(chat, cycles), note(directory, cycles)])
  } finally {
    await Promise.all([passerBy?.leave(), client?.leave()])
    await Promise.all([chat.side.stop(), directory.side.stop()])
  }
  const seconds = (performance.now() - startedMs) / 1000
  console.log(`\n${cycles} times connected and left, in ${seconds.toFixed(0)} s:`)
  return judge([chat, directory], 1000, 'each 1,000 cycles')
}

/** Registers at the directory, and leaves: by word, or without one. Some look at the roster. */
async function attend(client: LightClient, address: string, cycle: number): Promise<void> {
  await client.connect(address)
  const { ended } = await client.register()
  if (cycle % 4 === 0) await client.watch()
  if (cycle % 2 === 0) await client.withdraw()
  client.cut()
  await ended
}

async function exchange(build: string, messages: number): Promise<number> {
  const [sender, receiver] = await Promise.all([
    start('the chat that sends', { build, kind: 'chat' }),
    start('the chat that receives', { build, kind: 'chat' })
  ])
  const startedMs = performance.now()
  try {
    await sender.side.ask({ do: 'connect', address: receiver.address })
    await sender.side.ask({ do: 'send', count: warmUpMessages, underWay })
    for (let sent = 0; sent < messages;) {
      await Promise.all([note(sender, sent), note(receiver, sent)])
      const count = Math.min(Math.ceil(messages / samples), messages - sent)
      await sender.side.ask({ do: 'send', count, underWay })
      sent += count
    }
    await Promise.all([note(sender, messages), note(receiver, messages)])
  } finally {
    await Promise.all([sender.side.stop(), receiver.side.stop()])
  }
  const seconds = (performance.now() - startedMs) / 1000
  console.log(`\n${messages} messages, each stored on both sides and confirmed, in ${seconds.toFixed(0)} s:`)
  return judge([sender, receiver], 10_000, 'each 10,000 messages')
}

async function start(name: string, init: SoakInit): Promise<Watched> {
  const started = await BenchProcess.start<SoakOrder, Figures | { readonly done: true }>(
    '../test/soak/soak-side.ts',
    init,
    ['--expose-gc']
  )
  // What soak-side.ts says first.
  const { address } = started.ready as { readonly address: string }
  return { name, side: started.process, address, noted: [] }
}

function isTimeToNote(done: number, all: number): boolean {
  return Math.floor((done * samples) / all) !== Math.floor(((done - 1) * samples) / all)
}

async function note({ side, noted }: Watched, x: number): Promise<void> {
  const figures = await side.ask<Figures>({ do: 'figures' })
  noted.push({ x, figures })
}

/** @returns how many figures grow */
function judge(all: readonly Watched[], per: number, perWhat: string): number {
  let grown = 0
  const rows: string[][] = []
  for (const { name, noted } of all) {
    for (const what of Object.keys(tolerance) as What[]) {
      const { name: unit, by } = units[what]
      const series = noted.map(({ x, figures }): Sample => ({ x, y: figures[what] }))
      const judged = series.slice(Math.floor(series.length * warmUpPart))
      const [first, last] = [judged[0], judged.at(-1)]
      if (first === undefined || last === undefined) continue
      const { slope, least, most } = trend(judged)
      const span = last.x - first.x
      const isGrowing = least > 0 && slope * span > tolerance[what]
      if (isGrowing) grown++
      const shown = (value: number): string => (value / by).toFixed(by === 1 ? 2 : 1)
      rows.push([
        `${name}: ${unit}`,
        shown(first.y),
        shown(last.y),
        shown(slope * per),
        `${shown(least * per)} to ${shown(most * per)}`,
        shown(tolerance[what]),
        isGrowing ? 'GROWS' : 'no'
      ])
    }
  }
  const head = ['what', 'after warm-up', 'at the end', `slope, ${perWhat}`, 'with 99 %', 'tolerated in all', 'grows']
  console.log(markdownTable(head, rows))
  return grown
}

process.exitCode = await main()
