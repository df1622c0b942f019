/**
 * Keeps a port of the router open that leads to this node, as long as it runs: so that
 * others can dial it. The router is asked in the protocols that it may speak, its lease
 * is renewed, and the port closed at the end. Nothing waits for a router.
 *
 * @example
 * const doors = new Doors({ port: () => 41812, mappers: () => [natPmp({ gateway }), upnp({ gateway })], onState })
 * doors.start()
 */
import { Backoff, Wakeup } from '../lib/index.ts'
import { toError, withDeadline } from '../wire/index.ts'
import { NoDoorError, type Door, type PortMapper } from './port-mapper.ts'

/**
 * Asked of the router, in seconds: a port that a killed process leaves open closes within the hour. Routers that shorten
 * it are asked as much oftener.
 */
export const DOOR_LEASE_S = 3_600

/** The first try, after the start: what sends one message and ends does not bother the router. */
export const FIRST_DOOR_AFTER_MS = 3_000

/** All of one protocol, with a search and four orders to a slow machine. */
const OPEN_TIMEOUT_MS = 12_000

/** At the end, a router that does not answer is left alone: its lease ends by itself. */
const CLOSE_TIMEOUT_MS = 1_000

/** A router that opens nothing may be set to, or another one be there: it is asked again, ever more rarely. */
const RETRY = { firstMs: 60_000, maxMs: 30 * 60_000 } as const

/** A lease is renewed no more often, however short a router makes it. */
const MIN_RENEW_MS = 30_000

export type DoorState =
  | { readonly is: 'open'; readonly door: Door }
  /** With why, of each protocol. */
  | { readonly is: 'closed'; readonly why: string }

export interface DoorsInit {
  /** The TCP port on which this node listens. */
  readonly port: () => number
  /** How the router of this moment may be asked; none where there is no router. */
  readonly mappers: () => readonly PortMapper[]
  /** What has changed: a door that was renewed is the same. */
  readonly onState: (state: DoorState) => void
  readonly firstAfterMs?: number
}

export class Doors {
  readonly #init: DoorsInit
  readonly #wakeup = new Wakeup()
  readonly #backoff = new Backoff(RETRY)
  #door: Door | undefined
  #told = ''
  #life: { readonly controller: AbortController; readonly task: Promise<void> } | undefined

  constructor(init: DoorsInit) {
    this.#init = init
  }

  start(): void {
    if (this.#life !== undefined) return
    const controller = new AbortController()
    this.#life = { controller, task: this.#keep(controller.signal) }
  }

  /** The network has changed: another router may be there, or this machine have another address. */
  wake(): void {
    this.#backoff.reset()
    this.#wakeup.wake()
  }

  /** Closes what is open, where the router answers within a moment. */
  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    life.controller.abort(new Error('the node was stopped'))
    await life.task
    const door = this.#door
    this.#door = undefined
    this.#told = ''
    await closeDoor(door)
  }

  async #keep(signal: AbortSignal): Promise<void> {
    await this.#wakeup.sleep(signal, this.#init.firstAfterMs ?? FIRST_DOOR_AFTER_MS)
    while (!signal.aborted) {
      const opened = await this.#open(signal)
      if (signal.aborted) return
      await this.#wakeup.sleep(signal, this.#took(opened))
    }
  }

  /** @returns the door, or why there is none */
  async #open(signal: AbortSignal): Promise<Door | string> {
    const mappers = this.#init.mappers()
    const whys: string[] = []
    // The protocol that worked is asked first, so that a renewal is one.
    for (const mapper of mappers.toSorted((a, b) => Number(this.#isUsed(b)) - Number(this.#isUsed(a)))) {
      const port = this.#init.port()
      const wished = { port, publicPort: this.#door?.publicPort ?? port, leaseS: DOOR_LEASE_S }
      try {
        const door = await withDeadline('negotiate', OPEN_TIMEOUT_MS, signal, async (inTime) =>
          mapper.open({ ...wished, signal: inTime })
        )
        // It was opened while the node was stopped: nobody else will close it.
        if (signal.aborted) this.#door = door
        return door
      } catch (error) {
        if (signal.aborted) break
        const why = error instanceof NoDoorError ? error.message : `it failed: ${toError(error).message}`
        whys.push(`by ${mapper.protocol} ${why}`)
      }
    }
    return whys.length === 0 ? 'none was found that can be asked' : whys.join('; ')
  }

  #isUsed({ protocol }: PortMapper): boolean {
    return protocol === this.#door?.protocol
  }

  /** @returns when the router is asked again, in milliseconds */
  #took(opened: Door | string): number {
    if (typeof opened === 'string') {
      this.#door = undefined
      this.#tell('', { is: 'closed', why: opened })
      return this.#backoff.nextMs()
    }
    this.#door = opened
    this.#backoff.reset()
    const { protocol, localAddress, publicAddress, publicPort, leaseS } = opened
    this.#tell([protocol, localAddress, publicAddress, publicPort].join(' '), { is: 'open', door: opened })
    return Math.max(MIN_RENEW_MS, (Math.min(leaseS, DOOR_LEASE_S) * 1_000) / 2)
  }

  #tell(door: string, state: DoorState): void {
    const told = state.is === 'open' ? door : 'closed'
    if (told === this.#told) return
    this.#told = told
    this.#init.onState(state)
  }
}

async function closeDoor(door: Door | undefined): Promise<void> {
  try {
    await withDeadline('close', CLOSE_TIMEOUT_MS, undefined, async (signal) => door?.close({ signal }))
  } catch {
    // Its lease ends by itself.
  }
}
