// A world without real time, threads and sockets. One seed decides everything that
// happens in it, so a failed run can be replayed. Events wait in a queue, the clock
// jumps from one to the next, and what is sent arrives in order after a delay,
// unless the link is cut first. It knows no protocol.
import { env } from 'node:process'
import { SeededRandom } from '../kill/seeded-random.ts'

/** Something that will happen. */
export interface Planned {
  cancel(): void
}

interface Item {
  readonly atMs: number
  /** Of two events at one time the one that was planned first happens first. */
  readonly order: number
  readonly what: string
  readonly happen: () => void
  isCancelled: boolean
}

/** The seeds from 1 to `count`, or the one that SIM_SEED names, to replay a failure. */
export function seedsToPlay(count: number): readonly number[] {
  const only = env['SIM_SEED']
  return only === undefined ? Array.from({ length: count }, (_, n) => n + 1) : [Number(only)]
}

/** Events of a failed run that are printed. */
const TRACED_EVENTS = 60

export class Simulation {
  readonly seed: number
  readonly random: SeededRandom
  readonly #queue: Item[] = []
  readonly #trace: string[] = []
  #nowMs = 0
  #order = 0
  #steps = 0

  constructor(seed: number) {
    this.seed = seed
    this.random = new SeededRandom(seed)
  }

  get nowMs(): number {
    return this.#nowMs
  }

  /** How many events have happened. */
  get steps(): number {
    return this.#steps
  }

  /** @returns a whole number from `least` up to `most`, both included */
  between(least: number, most: number): number {
    return least + Math.floor(this.random.upTo(most - least + 1))
  }

  /** Plans an event; with a delay of 0 it follows all that is planned for now. */
  after(delayMs: number, what: string, happen: () => void): Planned {
    const item: Item = { atMs: this.#nowMs + delayMs, order: this.#order++, what, happen, isCancelled: false }
    this.#push(item)
    return {
      cancel: () => {
        item.isCancelled = true
      }
    }
  }

  /** Adds a fact to the trace that a failure prints. */
  note(fact: string): void {
    this.#trace.push(`${this.#nowMs} ms: ${fact}`)
    if (this.#trace.length > TRACED_EVENTS) this.#trace.shift()
  }

  /**
   * Runs events until one has made `isDone` true.
   *
   * @throws when no events are left, or after `maxSteps` of them, and it is still false
   */
  runUntil(isDone: () => boolean, maxSteps: number): void {
    for (const end = this.#steps + maxSteps; !isDone();) {
      if (this.#steps >= end) throw this.failure(`not done after ${maxSteps} events`)
      if (!this.#step()) throw this.failure('not done, and nothing more will happen')
    }
  }

  /** Runs everything that is planned up to a time. */
  runTo(atMs: number): void {
    for (let top = this.#queue[0]; top !== undefined && top.atMs <= atMs; top = this.#queue[0]) this.#step()
    this.#nowMs = Math.max(this.#nowMs, atMs)
  }

  /** What went wrong, with the seed, the last events before it, and the command that replays it. */
  failure(what: string): Error {
    return new Error(
      `seed ${this.seed}, at ${this.#nowMs} ms: ${what}\n  ${this.#trace.join('\n  ')}\n` +
        `To replay this seed alone: SIM_SEED=${this.seed} npx vitest run test/sim`
    )
  }

  #step(): boolean {
    const item = this.#pop()
    if (item === undefined) return false
    if (item.isCancelled) return true
    this.#nowMs = Math.max(this.#nowMs, item.atMs)
    this.#steps++
    if (item.what !== '') this.note(item.what)
    item.happen()
    return true
  }

  #push(item: Item): void {
    let at = this.#queue.push(item) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = this.#queue[above]
      if (parent === undefined || isBefore(parent, item)) break
      this.#queue[at] = parent
      at = above
    }
    this.#queue[at] = item
  }

  #pop(): Item | undefined {
    const [top] = this.#queue
    const last = this.#queue.pop()
    if (last === undefined || this.#queue.length === 0) return top
    let at = 0
    for (;;) {
      const [left, right] = [this.#queue[2 * at + 1], this.#queue[2 * at + 2]]
      const isRight = left !== undefined && right !== undefined && isBefore(right, left)
      const child = isRight ? right : left
      if (child === undefined || isBefore(last, child)) break
      this.#queue[at] = child
      at = 2 * at + (isRight ? 2 : 1)
    }
    this.#queue[at] = last
    return top
  }
}

function isBefore(one: Item, other: Item): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order)
}

export interface PipeInit<T> {
  readonly name: string
  /** The shortest and the longest time under way. */
  readonly delayMs: readonly [least: number, most: number]
  readonly onItem: (item: T) => void
}

/** One direction of a link: what is sent arrives in its order, each item after a time of its own. */
export class Pipe<T> {
  readonly #simulation: Simulation
  readonly #init: PipeInit<T>
  readonly #underWay = new Set<Planned>()
  #freeAtMs = 0
  #isCut = false

  constructor(simulation: Simulation, init: PipeInit<T>) {
    this.#simulation = simulation
    this.#init = init
  }

  /** What is sent after the cut is lost. */
  send(item: T, what = ''): void {
    if (this.#isCut) return
    const { delayMs, name, onItem } = this.#init
    const [least, most] = delayMs
    this.#freeAtMs = Math.max(this.#freeAtMs, this.#simulation.nowMs + this.#simulation.between(least, most))
    const planned = this.#simulation.after(
      this.#freeAtMs - this.#simulation.nowMs,
      what === '' ? '' : `${name} ${what}`,
      () => {
        this.#underWay.delete(planned)
        onItem(item)
      }
    )
    this.#underWay.add(planned)
  }

  /** What is under way is lost. */
  cut(): void {
    this.#isCut = true
    for (const planned of this.#underWay) planned.cancel()
    this.#underWay.clear()
  }
}
