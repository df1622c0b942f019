// The relays of this peer: directories in use that relay, and relays that the user
// named. A directory is reserved when this peer is registered there, and let go when it
// is used no more. It dials nobody.
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { StunServer } from '../../direct/stun/index.ts'
import { MS_PER_SECOND, shortId } from '../../lib/index.ts'
import {
  circuitAddress,
  type Circuits,
  type NamedRelayState,
  RelayRefusedError,
  RESERVE_TIMEOUT_MS,
  type RelayStatus
} from '../../relay/index.ts'
import type { Notice } from '../api/notices.ts'
import { durationText, sizeText } from '../config/setting-values.ts'
import { formatAddress } from '../dialing/address.ts'
import type { LostRelay } from '../dialing/dial-errors.ts'
import type { KnownAddresses } from '../dialing/dialable.ts'
import type { Directories } from '../directories/directories.ts'
import { stunServersAt } from '../directories/stun-servers.ts'

export interface RelaysInUseInit {
  readonly circuits: () => Pick<Circuits, 'relays' | 'named' | 'reserve' | 'release' | 'stunPlaces'>
  readonly directories: () => Pick<Directories, 'reachedAt' | 'seenBy' | 'stunServers'>
  readonly connection: (directory: string) => Connection | undefined
  /** Peers may be reachable now that were not. */
  readonly onNew: () => void
}

export class RelaysInUse {
  readonly #init: RelaysInUseInit
  /** The relays that the user named, by the address that was given: why each can't be used, as a clause. */
  readonly #named = new Map<string, { readonly relay: string | undefined; readonly lost: string | undefined }>()

  constructor(init: RelaysInUseInit) {
    this.#init = init
  }

  /** Others reach this peer through the directory, and this peer reaches them, where it relays. */
  async reserve(directory: string): Promise<void> {
    const connection = this.#init.connection(directory)
    if (connection === undefined) return
    try {
      const signal = AbortSignal.timeout(RESERVE_TIMEOUT_MS)
      if (await this.#init.circuits().reserve(connection, { signal })) this.#init.onNew()
    } catch (error) {
      // It is asked again at the next renewal of the registration.
      connection.log('the directory does not relay for this peer - %e', error)
    }
  }

  /** A directory that is left behind relays no more, though the connection to it may stay open. */
  releaseUnused(): void {
    const circuits = this.#init.circuits()
    const inUse = new Map(this.#init.directories().reachedAt())
    for (const relay of circuits.relays) if (!inUse.has(relay)) circuits.release(relay)
  }

  /** @param address as the user named the relay. @returns what became of it, in words */
  namedRelayChanged(address: Multiaddr, state: NamedRelayState): Notice {
    const key = address.toString()
    const [relay, lost] =
      state.is === 'reserved'
        ? [state.relay, undefined]
        : [this.#named.get(key)?.relay, lostRelayText(address, state.why)]
    this.#named.set(key, { relay, lost })
    return relayNotice(address, state)
  }

  /** Relays that the user named, and that can't be used now. */
  lost(): readonly LostRelay[] {
    return [...this.#named.values()].flatMap(({ relay, lost }) => (lost === undefined ? [] : [{ relay, text: lost }]))
  }

  /** Where this peer may ask how it is seen from outside: at directories in use, and at relays that it named. */
  stunServers(): readonly StunServer[] {
    return [...this.#init.directories().stunServers(), ...this.#init.circuits().stunPlaces().flatMap(stunServersAt)]
  }

  /** A peer that is announced at a relay in use is reached through it, whatever it announces; one behind a named relay may be. */
  circuitsTo(peer: string): KnownAddresses {
    const { via } = this.#init.directories().seenBy(peer)
    const circuits = this.#init.circuits()
    const relays = [...circuits.relays].filter(
      (relay) => via.has(relay) || (circuits.named.has(relay) && relay !== peer)
    )
    return { addresses: relays.map((relay) => circuitAddress(relay, peer).toString()), from: 'known' }
  }
}

/** Why a named relay refuses a reservation, and what the user can do about it. */
const refusals: Partial<Record<RelayStatus, string>> = {
  'permission-denied': 'it does not relay for you. A directory relays for those who use it: give --directory too',
  'reservation-refused': 'it has no place for you. Name another one, or wait',
  'resource-limit-exceeded': 'it has no place for you. Name another one, or wait'
}

/** @returns a clause: `the relay at 203.0.113.7:4001 can't be used: it does not relay` */
function lostRelayText(address: Multiaddr, why: Error): string {
  return `the relay at ${formatAddress(address)} can't be used: ${whyLost(why)}`
}

function whyLost(why: Error): string {
  return (why instanceof RelayRefusedError ? refusals[why.status] : undefined) ?? why.message
}

/** @param address as the user named the relay */
export function relayNotice(address: Multiaddr, state: NamedRelayState): Notice {
  if (state.is === 'lost') {
    const text = `The relay at ${formatAddress(address)} can't be used: ${whyLost(state.why)}. Parley tries again.`
    return { code: 'relay', text }
  }
  const { relay, allowance } = state
  const text = `Others who name the relay ${shortId(relay)} reach you through it.`
  const limits = [
    ...(allowance.durationS === Infinity ? [] : [`after ${durationText(allowance.durationS * MS_PER_SECOND, '')}`]),
    ...(allowance.bytes === Infinity ? [] : [`after ${sizeText(allowance.bytes)} each way`])
  ]
  if (limits.length === 0) return { code: 'relay', text }
  return { code: 'relay', text: `${text} It ends a connection ${limits.join(' or ')}; Parley then makes a new one.` }
}
