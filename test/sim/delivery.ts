// Two peers that write to each other, or one that writes to another program, with
// the machines of the program in their processes (delivery-process.ts). Their streams,
// disks and clocks are simulated, and everything that can go wrong with these does, as
// one seed decides. What must hold is checked all along, and when the faults have
// ended everything must arrive.
import type { Dialect } from '../../src/chat-protocol/index.ts'
import type { RefuseReason } from '../../src/chat-protocol/frames.ts'
import type { WindowLimits } from '../../src/chat-protocol/send-window.ts'
import type { OutboxEvent } from '../../src/node/messaging/outbox.ts'
import { Life } from './delivery-process.ts'
import { Disk, type Conversation } from './disk.ts'
import type { Simulation } from './network.ts'

export interface World {
  readonly simulation: Simulation
  readonly dialect: Dialect
  readonly limits: WindowLimits
  /** The most messages that are read from the store at once. */
  readonly readLimit: number
  /** IDs of messages that were refused or tried again one by one: they have no order with the others. */
  readonly outOfOrder: Set<string>
  /** IDs of messages that the user was told to be stored, and that no restored copy has undone. */
  readonly stored: Set<string>
  /** IDs that a receiver had and lost with a restored copy. */
  readonly forgotten: Set<string>
  /** What another program has been written, in a plain dialect, by ID. */
  readonly written: Map<string, number>
  /** IDs that were being written to another program, or noted as written, when the process was killed. */
  readonly excused: Set<string>
  /** Both peers, or the one that writes to another program. */
  readonly sides: Side[]
  /** What the outbox hears in place of what has happened: for the proof that the simulation finds faults. */
  readonly distort: (event: OutboxEvent) => OutboxEvent
}

/** Longer than anything is under way. */
const RESTORE_MS = 2_000

/** A peer: its history outlives its processes. */
export class Side {
  readonly name: string
  readonly world: World
  readonly disk: Disk
  /** Messages of the other side are held as those of a stranger. */
  isStranger: boolean
  /** Why it refuses some messages now. */
  refuses: RefuseReason | undefined
  life: Life | undefined
  backup: Conversation
  /** Its history was restored, or something was sent that could not be noted: it may have to begin a new log. */
  mayLoseItsLog = false
  #ids = 0
  #restoredAtMs = -Infinity

  constructor(world: World, name: string) {
    this.name = name
    this.world = world
    this.disk = new Disk(world.simulation, `${name}'s disk`, `${name}-0`)
    this.isStranger = world.simulation.random.isOne(4)
    this.backup = this.disk.durable
    this.life = new Life(this)
  }

  newLog(): string {
    return `${this.name}-${this.world.simulation.steps}`
  }

  newId(): string {
    return `${this.name}${++this.#ids}`
  }

  kill(restored?: Conversation): void {
    for (const id of this.life?.unnoted ?? []) this.world.excused.add(id)
    this.life?.end()
    this.life = undefined
    const before = this.disk.state
    if (restored === undefined) this.disk.kill()
    else this.disk.restore(restored)
    const after = this.disk.state
    for (const id of before.received.keys()) if (!after.received.has(id)) this.world.forgotten.add(id)
    if (restored === undefined) return
    this.mayLoseItsLog = true
    this.#restoredAtMs = this.world.simulation.nowMs
    for (const id of before.sent.keys()) {
      if (!after.sent.has(id)) this.world.stored.delete(id)
      // In another program it has been written, and here it waits again.
      this.world.excused.add(id)
    }
  }

  /** A copy is restored by hand: what the process before has sent is not under way any more. */
  start(): void {
    if (this.world.simulation.nowMs - this.#restoredAtMs > RESTORE_MS) this.life ??= new Life(this)
  }

  /** Keeps a copy of what is on the disk. */
  copy(): void {
    this.backup = this.disk.durable
  }

  /** Messages of a stranger wait for an answer of the user. */
  get isAsked(): boolean {
    return this.isStranger || [...this.disk.state.received.values()].some(({ state }) => state === 'held')
  }

  /** All that waited has arrived, on this disk too; what the other side held when it arrived may not be known to be accepted. */
  get hasArrived(): boolean {
    const { durable, state } = this.disk
    return (
      this.life !== undefined && durable === state && state.waiting(0, Infinity).every((one) => one.state === 'held')
    )
  }

  get isDone(): boolean {
    return this.hasArrived && this.disk.state.waiting(0, 1).length === 0
  }
}
