/**
 * `npm run test:soak -- --cycles 10000 --messages 1000000 --identities 30000 --identities-in-memory 100000`: peers connect
 * to a chat and to a directory and leave again, identities that a directory has not seen before register there and leave
 * for good, and two chats exchange messages. What each of these processes holds is noted again and again, after a forced
 * collection; it ends with 1 when any of it grows. It knows the order of things and the judgement, and nothing of what
 * a node does.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { BenchProcess, markdownTable, whereMeasured } from '../../bench/bench-process.ts'
import { builtParley } from '../../bench/built.ts'
import { LightClient } from '../../bench/light-client.ts'
import type { ForgetfulOrder } from './forgetful-side.ts'
import type { NewcomersAnswer, NewcomersInit, NewcomersOrder } from './newcomers-side.ts'
import { PasserBy } from './passer-by.ts'
import type { Figures, SoakInit, SoakOrder } from './soak-side.ts'
import { trend, type Sample } from './trend.ts'
import { network } from './visit.ts'

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
/** The processes of newcomers: each costs half as much as the directory. */
const newcomersProcesses = 2
/** So often what a forgetful directory holds is noted: each time it has forgotten all before, which takes some seconds. */
const samplesOfForgetful = 30
/** Identities from which is seen how many the time allows. */
const firstPart = 200
/** After so many visits another peer comes, with another key. */
const visitsOfOne = 10

/** Sources are mapped where types are taken away, which would keep the maps of the whole build. */
const collectable = ['--expose-gc', '--no-enable-source-maps'] as const

type What = keyof Figures

/**
 * From here on everything of a fixed size is full. A directory keeps tombstones for two leases, which are 2,400 cycles,
 * and the addresses of some 350 records decoded. After ten thousand messages a chat has no more to read in.
 */
const settledAfter = { cycles: 4_000, messages: 100_000, identities: 10_000 } as const

const KiB = 1024
const MiB = 1024 * KiB

/**
 * What may come on top over the judged part of a run, although the slope is surely above 0. Of a short run that is what
 * fills tables of a fixed size; of one that is judged after it has settled, what a collection leaves more or less of.
 * V8 compiles functions of the program for hours, and the system's allocator gives little back.
 */
const tolerances: Readonly<Record<'settling' | 'settled', Readonly<Record<What, number>>>> = {
  settling: {
    heapBytes: 4 * MiB,
    codeBytes: 4 * MiB,
    externalBytes: 4 * MiB,
    residentBytes: 48 * MiB,
    descriptors: 1,
    resources: 2,
    listeners: 0
  },
  settled: {
    heapBytes: 192 * KiB,
    codeBytes: MiB,
    externalBytes: MiB,
    residentBytes: 16 * MiB,
    descriptors: 1,
    resources: 2,
    listeners: 0
  }
}
const units: Readonly<Record<What, { readonly name: string; readonly by: number }>> = {
  heapBytes: { name: 'objects on the heap, KiB', by: KiB },
  codeBytes: { name: 'compiled code, KiB', by: KiB },
  externalBytes: { name: 'external, KiB', by: KiB },
  residentBytes: { name: 'resident, KiB', by: KiB },
  descriptors: { name: 'descriptors', by: 1 },
  resources: { name: 'sockets and timers', by: 1 },
  listeners: { name: 'listeners', by: 1 }
}

type Side = BenchProcess<SoakOrder, Figures | { readonly done: true }>

/** A process whose figures are noted. */
interface Watched {
  readonly name: string
  figures(): Promise<Figures>
  readonly noted: { readonly x: number; readonly figures: Figures }[]
}

interface WatchedNode extends Watched {
  readonly side: Side
  readonly address: string
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      cycles: { type: 'string', default: '1000' },
      messages: { type: 'string', default: '100000' },
      identities: { type: 'string', default: '0' },
      'identities-in-memory': { type: 'string', default: '0' },
      minutes: { type: 'string', default: 'Infinity' }
    }
  })
  const [cycles, messages] = [Number(values.cycles), Number(values.messages)]
  const [identities, inMemory] = [Number(values.identities), Number(values['identities-in-memory'])]
  const limitMs = Number(values.minutes) * 60_000
  if (!(cycles >= 0 && messages >= 0 && identities >= 0 && inMemory >= 0 && limitMs > 0)) {
    throw new RangeError('--cycles, --messages, --identities, --identities-in-memory and --minutes are numbers')
  }
  const build = await builtParley()
  console.log(whereMeasured())
  let grown = 0
  if (cycles > 0) grown += await connectCycles(build, cycles)
  if (messages > 0) grown += await exchange(build, messages)
  if (identities > 0) grown += await joinAndLeave(identities, 'over TCP', limitMs)
  if (inMemory > 0) grown += await joinAndLeave(inMemory, 'in memory', limitMs)
  console.log(grown === 0 ? 'nothing grows' : `${grown} figures grow, or visits have failed`)
  return grown === 0 ? 0 : 1
}

async function connectCycles(build: string, cycles: number): Promise<number> {
  const [chat, directory] = await Promise.all([
    start('the chat that is visited', { build, kind: 'chat', network }),
    start('the directory', { build, kind: 'directory', network })
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
        client = await LightClient.create(network)
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
  const isSettled = warmUpCycles + warmUpPart * cycles >= settledAfter.cycles
  return judge([chat, directory], isSettled, 1000, 'each 1,000 cycles')
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

/**
 * Each identity registers once and never comes again: over an encrypted connection of its own, or in memory. As many
 * come as the time allows.
 *
 * @returns how many figures grow, and how much has failed
 */
async function joinAndLeave(identities: number, way: 'over TCP' | 'in memory', limitMs: number): Promise<number> {
  const { process: side, ready } = await BenchProcess.start<ForgetfulOrder, Figures | NewcomersAnswer>(
    '../test/soak/forgetful-side.ts',
    {},
    collectable
  )
  // What forgetful-side.ts says first.
  const init = ready as NewcomersInit
  const directory: Watched = {
    name: 'the directory',
    figures: async () => side.ask<Figures>({ do: 'figures' }),
    noted: []
  }
  const newcomers = await Promise.all(
    Array.from({ length: way === 'over TCP' ? newcomersProcesses : 0 }, async () =>
      BenchProcess.start<NewcomersOrder, NewcomersAnswer>('../test/soak/newcomers-side.ts', init)
    )
  )
  const come = async (count: number): Promise<NewcomersAnswer[]> =>
    way === 'in memory'
      ? [await side.ask<NewcomersAnswer>({ do: 'come', count })]
      : Promise.all(
          newcomers.map(async ({ process: some }, i) =>
            some.ask({ count: Math.floor((count + i) / newcomersProcesses) })
          )
        )
  const startedMs = performance.now()
  const failures: string[] = []
  let done = 0
  try {
    await note(directory, 0)
    let count = Math.min(firstPart, Math.ceil(identities / samplesOfForgetful))
    for (let left = samplesOfForgetful - 1; done < identities; left--) {
      const partStartedMs = performance.now()
      const answers = await come(count)
      const eachMs = (performance.now() - partStartedMs) / count
      failures.push(...[...answers, await side.ask<NewcomersAnswer>({ do: 'forget' })].flatMap((some) => some.failures))
      done += count
      await note(directory, done)
      if (left === 0) break
      const forgetMs = performance.now() - partStartedMs - eachMs * count
      const inTime = ((limitMs - (performance.now() - startedMs)) / left - forgetMs) / eachMs
      count = Math.max(1, Math.floor(Math.min((identities - done) / left, inTime)))
    }
  } finally {
    await Promise.all([side.stop(), ...newcomers.map(async ({ process: some }) => some.stop())])
  }
  const seconds = (performance.now() - startedMs) / 1000
  console.log(`\n${done} identities registered ${way} and left, in ${seconds.toFixed(0)} s:`)
  for (const [why, alike] of Map.groupBy(failures, (failure) => failure)) console.log(`${alike.length} failed: ${why}`)
  const isSettled = warmUpPart * done >= settledAfter.identities
  return failures.length + judge([directory], isSettled, 10_000, 'each 10,000 identities')
}

async function exchange(build: string, messages: number): Promise<number> {
  const [sender, receiver] = await Promise.all([
    start('the chat that sends', { build, kind: 'chat', network }),
    start('the chat that receives', { build, kind: 'chat', network })
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
  const isSettled = warmUpMessages + warmUpPart * messages >= settledAfter.messages
  return judge([sender, receiver], isSettled, 10_000, 'each 10,000 messages')
}

async function start(name: string, init: SoakInit): Promise<WatchedNode> {
  const started = await BenchProcess.start<SoakOrder, Figures | { readonly done: true }>(
    '../test/soak/soak-side.ts',
    init,
    collectable
  )
  // What soak-side.ts says first.
  const { address } = started.ready as { readonly address: string }
  const side = started.process
  return { name, side, address, figures: async () => side.ask<Figures>({ do: 'figures' }), noted: [] }
}

function isTimeToNote(done: number, all: number): boolean {
  return Math.floor((done * samples) / all) !== Math.floor(((done - 1) * samples) / all)
}

async function note(watched: Watched, x: number): Promise<void> {
  const figures = await watched.figures()
  watched.noted.push({ x, figures })
}

/** @returns how many figures grow */
function judge(all: readonly Watched[], isSettled: boolean, per: number, perWhat: string): number {
  const tolerance = tolerances[isSettled ? 'settled' : 'settling']
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
