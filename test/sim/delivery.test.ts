// Whatever happens on the way, everything arrives, once and in order: for a thousand
// seeds. A failure prints the run with the fewest actions that still make it fail, and
// the command that replays its seed.
import { expect, test } from 'vitest'
import type { OutboxEvent } from '../../src/node/messaging/outbox.ts'
import { connect, connectProgram, freeze } from './delivery-streams.ts'
import { Side, type World } from './delivery.ts'
import { seedsToPlay, Simulation } from './network.ts'

const SEEDS = 1_000

/** Faults and wishes of users in one run. */
const MAX_ACTIONS = 50

/** Events after the faults have ended, by which everything must have arrived. */
const MAX_STEPS_TO_THE_END = 20_000

type Action = (world: World, side: Side) => void

/** What happens, and how often beside the others. */
const actions: readonly { readonly weight: number; readonly name: string; readonly act: Action }[] = [
  { weight: 8, name: 'writes', act: ({ simulation }, { life }) => life?.store(simulation.between(1, 6)) },
  { weight: 2, name: 'cancels', act: (_, { life }) => life?.cancel() },
  { weight: 1, name: 'retries', act: (_, { life }) => life?.retry() },
  { weight: 1, name: 'accepts', act: (_, { life }) => life?.accept() },
  { weight: 3, name: 'loses its streams', act: lose },
  {
    weight: 1,
    name: 'has dead streams',
    act: ({ simulation }, { life }) => life?.ends.forEach((end) => freeze(simulation, end))
  },
  { weight: 4, name: 'opens a stream', act: open },
  { weight: 2, name: 'is killed', act: (_, side) => side.kill() },
  { weight: 1, name: 'is copied', act: (_, side) => side.copy() },
  { weight: 1, name: 'is restored', act: (_, side) => side.kill(side.backup) },
  { weight: 2, name: 'has a full disk, or room again', act: (_, { disk }) => void (disk.isFull = !disk.isFull) },
  { weight: 1, name: 'has no disk, or has it again', act: (_, { disk }) => void (disk.isBroken = !disk.isBroken) },
  { weight: 1, name: 'refuses some messages, or none', act: refuse }
]
const weighted = actions.flatMap((action) => Array.from({ length: action.weight }, () => action))

function lose({ simulation, dialect }: World, { life }: Side): void {
  for (const end of life?.ends ?? []) life?.lose(end, dialect !== 'parley' && simulation.random.isOne(2))
}

function open({ simulation, sides, dialect }: World, side: Side): void {
  const other = sides.find((one) => one !== side)
  if (side.life === undefined) return
  if (dialect !== 'parley') connectProgram(simulation, side.life)
  else if (other?.life !== undefined) connect(simulation, side.life, other.life)
}

const reasons = ['rate', 'no-room', 'not-accepted', 'evicted', 'other', 'none'] as const

function refuse({ simulation }: World, side: Side): void {
  const reason = simulation.random.choose(reasons)
  side.refuses = reason === 'none' ? undefined : reason
}

/** @param most the actions after which the faults end */
function simulate(seed: number, most = MAX_ACTIONS, distort: World['distort'] = (event) => event): void {
  const simulation = new Simulation(seed)
  const world = newWorld(simulation, distort)
  const { sides } = world
  const tick = (): void => {
    for (const side of sides) side.start()
    const side = simulation.random.choose(sides)
    if (side.life?.hasSession !== true && (side.life?.ends.length ?? 0) < 3) open(world, side)
    simulation.after(simulation.between(200, 3_000), '', tick)
  }
  tick()
  const count = Math.min(most, simulation.between(5, MAX_ACTIONS))
  for (let done = 0; done < count; done++) {
    const side = simulation.random.choose(sides)
    const { name, act } = simulation.random.choose(weighted)
    simulation.note(`${side.name} ${name}`)
    act(world, side)
    simulation.runTo(simulation.nowMs + waitMs(simulation))
  }
  simulation.note('the faults end')
  for (const { disk } of sides) disk.isFull = disk.isBroken = false
  for (const side of sides) side.refuses = undefined
  const haveArrived = (): boolean => {
    for (const side of sides) if (side.isAsked) side.life?.accept()
    return sides.every((side) => side.hasArrived && !side.isAsked)
  }
  simulation.runUntil(haveArrived, MAX_STEPS_TO_THE_END)
  // That a stranger was accepted may have been said on a stream that was lost: the next session says it again.
  if (!sides.every((side) => side.isDone)) for (const side of sides) lose(world, side)
  simulation.runUntil(() => sides.every((side) => side.isDone), MAX_STEPS_TO_THE_END)
  verify(world)
}

function newWorld(simulation: Simulation, distort: World['distort']): World {
  const { random } = simulation
  const dialect = random.choose(['parley', 'parley', 'parley', 'lines', 'framed-text'] as const)
  const limits = {
    maxMessages: simulation.between(1, 8),
    maxBytes: simulation.between(200, 1_500),
    firstBytes: simulation.between(100, 1_500)
  }
  const world: World = {
    simulation,
    dialect,
    limits,
    readLimit: simulation.between(1, 8),
    outOfOrder: new Set(),
    stored: new Set(),
    forgotten: new Set(),
    written: new Map(),
    excused: new Set(),
    sides: [],
    distort
  }
  world.sides.push(new Side(world, 'a'))
  if (dialect === 'parley') world.sides.push(new Side(world, 'b'))
  return world
}

/** Most things happen at once or soon; now and then nothing happens for minutes. */
function waitMs(simulation: Simulation): number {
  if (simulation.random.isOne(3)) return simulation.between(0, 20)
  return simulation.random.isOne(10) ? simulation.between(0, 200_000) : simulation.between(0, 2_000)
}

/** Everything has its fate, arrived once, and in the order of its log. */
function verify({ simulation, sides, dialect, stored, forgotten, outOfOrder, written }: World): void {
  for (const side of sides) {
    const { sent } = side.disk.durable
    const other = sides.find((one) => one !== side)
    for (const id of stored) if (id.startsWith(side.name) && !sent.has(id)) throw simulation.failure(`${id} is lost`)
    for (const { id, state } of sent.values()) {
      if (state === 'failed') continue
      if (state !== (dialect === 'parley' ? 'delivered' : 'unconfirmed')) throw simulation.failure(`${id} is ${state}`)
      const isThere = other === undefined ? written.has(id) : other.disk.durable.received.has(id) || forgotten.has(id)
      if (!isThere) throw simulation.failure(`${id} is ${state} and did not arrive`)
    }
    const last = new Map<string, number>()
    const numbers = new Set<string>()
    for (const { id, log, seq } of side.disk.durable.received.values()) {
      if (numbers.has(`${log} ${seq}`)) throw simulation.failure(`${id} has the number of another message`)
      numbers.add(`${log} ${seq}`)
      if (outOfOrder.has(id)) continue
      if (seq < (last.get(log) ?? 0)) throw simulation.failure(`${id}, ${seq} of its log, came after ${last.get(log)}`)
      last.set(log, seq)
    }
  }
}

/** The failure of a seed with as few actions as still make it fail. */
function failureOf(seed: number): unknown {
  let failure: unknown
  for (let most = MAX_ACTIONS; most > 0; most--) {
    try {
      simulate(seed, most)
      if (failure !== undefined) break
    } catch (error) {
      failure = error
    }
  }
  return failure
}

test('whatever happens on the way, everything arrives, once and in order', () => {
  for (const seed of seedsToPlay(SEEDS)) {
    try {
      simulate(seed)
    } catch {
      throw failureOf(seed)
    }
  }
})

const distortions: readonly { readonly name: string; readonly distort: (event: OutboxEvent) => OutboxEvent }[] = [
  { name: 'a failed send counts as sent', distort: (event) => (event.kind === 'unsent' ? { kind: 'sent' } : event) },
  {
    name: 'what the disk refused to note counts as noted',
    distort: (event) => (event.kind === 'store-failed' ? { kind: 'settled' } : event)
  },
  {
    name: 'a peer that takes nothing is not waited for',
    distort: (event) => (event.kind === 'postpone' ? { ...event, isOfAll: false } : event)
  }
]

test.each(distortions)('the simulation finds it when $name', ({ distort }) => {
  const all = (): void => {
    for (let seed = 1; seed <= SEEDS; seed++) simulate(seed, MAX_ACTIONS, distort)
  }
  expect(all).toThrow(/seed \d+/u)
})
