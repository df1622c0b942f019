/**
 * Keeps a port of the router mapped to this node for as long as it runs, so that others
 * can dial it. The router is asked in each protocol that it may speak, the lease is
 * renewed, and the port is closed at the end. Nothing waits for a router.
 *
 * @example
 * const mappedPort = new MappedPort({ port: () => 41812, mappers: () => [natPmp({ gateway }), upnp({ gateway })], onState })
 * mappedPort.start()
 */
import { Backoff, Wakeup } from '../lib/index.ts'
import { toError, withDeadline } from '../wire/index.ts'
import { NoPortMappingError, type PortMapping, type PortMapper } from './port-mapper.ts'

/**
 * Asked of the router, in seconds: a port that a killed process leaves open closes within the hour. Routers that shorten
 * it are asked as much oftener.
 */
export const LEASE_S = 3_600

/** The first try, after the start: what sends one message and ends does not bother the router. */
export const FIRST_REQUEST_AFTER_MS = 3_000

/** All of one protocol, with a search and four orders to a slow machine. */
const OPEN_TIMEOUT_MS = 12_000

/** At the end, a router that does not answer is left alone: its lease ends by itself. */
const UNMAP_TIMEOUT_MS = 1_000

/** A router that opens nothing may be set to, or another one be there: it is asked again, ever more rarely. */
const RETRY = { firstMs: 60_000, maxMs: 30 * 60_000 } as const

/** A lease is renewed no more often, however short a router makes it. */
const MIN_MAPPING_RENEW_MS = 30_000

export type PortMappingState =
  | { readonly is: 'open'; readonly mapping: PortMapping }
  /** With why, of each protocol. */
  | { readonly is: 'closed'; readonly why: string }

export interface MappedPortInit {
  /** The TCP port on which this node listens. */
  readonly port: () => number
  /** How the router of this moment may be asked; none where there is no router. */
  readonly mappers: () => readonly PortMapper[]
  /** What has changed: a mapping that was renewed is the same. */
  readonly onState: (state: PortMappingState) => void
  readonly firstAfterMs?: number
}

export class MappedPort {
  readonly #init: MappedPortInit
  readonly #wakeup = new Wakeup()
  readonly #backoff = new Backoff(RETRY)
  #mapping: PortMapping | undefined
  #told = ''
  #life: { readonly controller: AbortController; readonly task: Promise<void> } | undefined

  constructor(init: MappedPortInit) {
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
    const mapping = this.#mapping
    this.#mapping = undefined
    this.#told = ''
    await closeMapping(mapping)
  }

  async #keep(signal: AbortSignal): Promise<void> {
    await this.#wakeup.sleep(signal, this.#init.firstAfterMs ?? FIRST_REQUEST_AFTER_MS)
    while (!signal.aborted) {
      const opened = await this.#open(signal)
      if (signal.aborted) return
      await this.#wakeup.sleep(signal, this.#took(opened))
    }
  }

  /** @returns the mapping, or why there is none */
  async #open(signal: AbortSignal): Promise<PortMapping | string> {
    const mappers = this.#init.mappers()
    const whys: { readonly protocol: string; readonly why: string }[] = []
    // The protocol that worked is asked first, so that a renewal is one.
    for (const mapper of mappers.toSorted((a, b) => Number(this.#isUsed(b)) - Number(this.#isUsed(a)))) {
      const port = this.#init.port()
      const wished = { port, publicPort: this.#mapping?.publicPort ?? port, leaseS: LEASE_S }
      try {
        // Waited for to its end, also when the node is stopped: it closes what it may have opened.
        const mapping = await mapper.open({
          ...wished,
          signal: AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)])
        })
        // It was opened while the node was stopped: nobody else will close it.
        if (signal.aborted) this.#mapping = mapping
        return mapping
      } catch (error) {
        if (signal.aborted) break
        const why = error instanceof NoPortMappingError ? error.message : `it failed: ${toError(error).message}`
        whys.push({ protocol: mapper.protocol, why })
      }
    }
    if (whys.length === 0) return 'there is none that can be asked'
    // A router that speaks none of them is silent in all.
    const alike = Map.groupBy(whys, ({ why }) => why)
    return [...alike].map(([why, those]) => `by ${those.map(({ protocol }) => protocol).join(', ')} ${why}`).join('; ')
  }

  #isUsed({ protocol }: PortMapper): boolean {
    return protocol === this.#mapping?.protocol
  }

  /** @returns when the router is asked again, in milliseconds */
  #took(opened: PortMapping | string): number {
    if (typeof opened === 'string') {
      this.#mapping = undefined
      this.#tell('', { is: 'closed', why: opened })
      return this.#backoff.nextMs()
    }
    this.#mapping = opened
    this.#backoff.reset()
    const { protocol, localAddress, publicAddress, publicPort, leaseS } = opened
    this.#tell([protocol, localAddress, publicAddress, publicPort].join(' '), { is: 'open', mapping: opened })
    return Math.max(MIN_MAPPING_RENEW_MS, (Math.min(leaseS, LEASE_S) * 1_000) / 2)
  }

  #tell(identity: string, state: PortMappingState): void {
    const told = state.is === 'open' ? identity : 'closed'
    if (told === this.#told) return
    this.#told = told
    this.#init.onState(state)
  }
}

async function closeMapping(mapping: PortMapping | undefined): Promise<void> {
  try {
    await withDeadline('close', UNMAP_TIMEOUT_MS, undefined, async (signal) => mapping?.close({ signal }))
  } catch {
    // Its lease ends by itself.
  }
}
