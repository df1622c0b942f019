/**
 * The relays that the user named: each is connected with and reserved for as long as
 * the node runs, its reservation renewed, and a lost one made anew. These may be relays
 * of other programs, whose reservations end by a clock; that clock is not believed.
 *
 * @example
 * const relays = new NamedRelays({ circuits, connect: (address, options) => dialer.dial(address, options), onState })
 * relays.start([multiaddr('/ip4/192.0.2.7/tcp/4001/p2p/12D3KooW…')])
 */
import { UnsupportedProtocolError, type Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { Backoff, Wakeup } from '../../lib/index.ts'
import { onClosed, toError } from '../../wire/index.ts'
import type { CircuitAllowance } from '../relay-frames.ts'
import { RESERVE_TIMEOUT_MS, type Circuits } from './circuits.ts'

/** The longest time between two renewals: a message of a few bytes, and half of the shortest lease that relays give. */
export const MAX_RENEW_MS = 60_000

/** The shortest: whatever a relay says, it is not asked more often. */
const MIN_RESERVATION_RENEW_MS = 5_000

/** A relay that was named is looked for as long as the node runs. */
const RECONNECT = { firstMs: 250, maxMs: 10_000 } as const

export type NamedRelayState =
  /** Others reach this peer through it. */
  | { readonly is: 'reserved'; readonly relay: string; readonly allowance: CircuitAllowance }
  | { readonly is: 'lost'; readonly why: Error }

/** The other end of the connection does not relay. */
class NoRelayError extends Error {
  override readonly name = 'NoRelayError'

  constructor(options?: ErrorOptions) {
    super('it does not relay', options)
  }
}

export interface NamedRelaysInit {
  readonly circuits: Pick<Circuits, 'reserveNamed'>
  readonly connect: (address: Multiaddr, options: { readonly signal: AbortSignal }) => Promise<Connection>
  /** A relay can be used now, or no longer. Not called again while that stays so. */
  readonly onState: (address: Multiaddr, state: NamedRelayState) => void
  readonly maxRenewMs?: number
  readonly wallNowMs?: () => number
}

interface Renewal {
  readonly wakeup: Wakeup
  readonly signal: AbortSignal
  readonly tell: (state: NamedRelayState) => void
  /** The reservation has lasted: only then is a loss the first one. A relay that grants and closes is not asked ever faster. */
  readonly onRenewed: () => void
}

export class NamedRelays {
  readonly #init: NamedRelaysInit
  readonly #wakeups = new Set<Wakeup>()
  #life: { readonly controller: AbortController; readonly tasks: readonly Promise<void>[] } | undefined

  constructor(init: NamedRelaysInit) {
    this.#init = init
  }

  start(addresses: readonly Multiaddr[]): void {
    if (this.#life !== undefined) return
    const controller = new AbortController()
    this.#life = { controller, tasks: addresses.map(async (address) => this.#keep(address, controller.signal)) }
  }

  async stop(): Promise<void> {
    const life = this.#life
    this.#life = undefined
    life?.controller.abort(new Error('the node was stopped'))
    await Promise.all(life?.tasks ?? [])
  }

  /** The network has changed: relays that could not be reached may be now, and the others are asked again. */
  wake(): void {
    for (const wakeup of this.#wakeups) wakeup.wake()
  }

  async #keep(address: Multiaddr, signal: AbortSignal): Promise<void> {
    const wakeup = new Wakeup()
    const backoff = new Backoff(RECONNECT)
    let connection: Connection | undefined
    let told: NamedRelayState['is'] | undefined
    const tell = (state: NamedRelayState): void => {
      if (signal.aborted || told === state.is) return
      told = state.is
      this.#init.onState(address, state)
    }
    this.#wakeups.add(wakeup)
    while (!signal.aborted) {
      try {
        if (connection?.status !== 'open') connection = await this.#init.connect(address, { signal })
        await this.#renew(connection, { wakeup, signal, tell, onRenewed: () => backoff.reset() })
      } catch (error) {
        tell({ is: 'lost', why: toError(error) })
      }
      await wakeup.sleep(signal, backoff.nextMs())
    }
    this.#wakeups.delete(wakeup)
  }

  /** @throws why the relay is not in use any more */
  async #renew(connection: Connection, { wakeup, signal, tell, onRenewed }: Renewal): Promise<void> {
    const { circuits, maxRenewMs = MAX_RENEW_MS, wallNowMs = Date.now } = this.#init
    const relay = connection.remotePeer.toString()
    // Not a wake-up: one that finds no sleeper is kept, and would end the pause before the next connection.
    const closed = new AbortController()
    const untilClosed = AbortSignal.any([signal, closed.signal])
    const unlisten = onClosed(connection, () => closed.abort())
    let held = 0
    try {
      while (!signal.aborted) {
        const within = AbortSignal.any([signal, AbortSignal.timeout(RESERVE_TIMEOUT_MS)])
        const { expiresAtS, allowance } = await circuits.reserveNamed(connection, { signal: within })
        tell({ is: 'reserved', relay, allowance })
        if (held++ > 0) onRenewed()
        await wakeup.sleep(untilClosed, renewAfterMs(expiresAtS, wallNowMs(), maxRenewMs))
        if (connection.status !== 'open') throw new Error('the connection to it was lost')
      }
    } catch (error) {
      throw error instanceof UnsupportedProtocolError ? new NoRelayError({ cause: error }) : error
    } finally {
      unlisten()
    }
  }
}

/**
 * When a reservation is renewed. The time that a relay names is of its own clock: where that agrees with this machine's,
 * it shortens the wait; a wrong one can't lengthen it.
 *
 * @param expiresAtS by the clock of the relay
 * @param nowMs by the clock of this machine
 */
export function renewAfterMs(expiresAtS: number, nowMs: number, maxMs = MAX_RENEW_MS): number {
  const halfMs = (expiresAtS * 1_000 - nowMs) / 2
  return halfMs <= 0 ? maxMs : Math.min(maxMs, Math.max(MIN_RESERVATION_RENEW_MS, halfMs))
}
