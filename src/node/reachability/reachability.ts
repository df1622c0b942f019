// How others reach this peer, and it them: the addresses of its interfaces, the port that
// a router maps to it, and its relays. Who learns of them, and who is dialled, is not its
// business.
import type { Connection, Libp2p } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import type { StunServer } from '../../direct/stun/index.ts'
import { type Circuits, NamedRelays } from '../../relay/index.ts'
import { addressRange } from '../../wire/index.ts'
import type { RouterView } from '../api/chat-events.ts'
import type { Notice } from '../api/notices.ts'
import type { Settings } from '../config/setting-specs.ts'
import { hostPortOf } from '../dialing/address.ts'
import type { KnownAddresses } from '../dialing/dialable.ts'
import type { LostRelay } from '../dialing/dial-errors.ts'
import { OwnPortMapping } from './own-port-mapping.ts'
import { RelaysInUse, type RelaysInUseInit } from './relays-in-use.ts'

export interface ReachabilityInit extends Pick<RelaysInUseInit, 'connection' | 'directories'> {
  /** The own peer ID. */
  readonly self: string
  readonly settings: Pick<Settings, 'portMapping' | 'host'>
  /** This peer only looks: it asks for no port and no relay. */
  readonly observe: boolean
  /** Relays that the user named. */
  readonly namedRelays: readonly Multiaddr[]
  readonly libp2p: () => Pick<Libp2p, 'getMultiaddrs'>
  readonly circuits: () => Circuits
  readonly connect: (address: Multiaddr, options: { readonly signal: AbortSignal }) => Promise<Connection>
  readonly notice: (notice: Notice) => void
  /** A relay has come into use: peers may be reachable now that were not. */
  readonly onRelay: (relay: 'directory' | 'named') => void
  /** {@link Reachability.addresses} has changed. */
  readonly onAddresses: () => void
}

export class Reachability {
  readonly #init: ReachabilityInit
  readonly #portMapping: OwnPortMapping
  readonly #relays: RelaysInUse
  readonly #namedRelays: NamedRelays

  constructor(init: ReachabilityInit) {
    this.#init = init
    const { circuits, connect, notice } = init
    this.#relays = new RelaysInUse({ ...init, onNew: () => init.onRelay('directory') })
    this.#namedRelays = new NamedRelays({
      circuits: { reserveNamed: async (...reservation) => circuits().reserveNamed(...reservation) },
      connect,
      onState: (address, state) => {
        notice(this.#relays.namedRelayChanged(address, state))
        if (state.is === 'reserved') init.onRelay('named')
      }
    })
    this.#portMapping = new OwnPortMapping({
      self: peerIdFromString(init.self),
      port: () => hostPortOf(init.libp2p().getMultiaddrs()[0] ?? multiaddr('/'))?.port ?? 0,
      stunServers: () => this.stunServers(),
      notice,
      onChange: init.onAddresses
    })
  }

  /** The host has to run. */
  start(): void {
    const { namedRelays, observe, settings } = this.#init
    if (observe) return
    this.#namedRelays.start(namedRelays)
    if (settings.portMapping && addressRange(settings.host ?? '') !== 'loopback') this.#portMapping.start()
  }

  async stop(): Promise<void> {
    await Promise.all([this.#portMapping.stop(), this.#namedRelays.stop()])
  }

  /** The network has changed: another router may be there, and relays that could not be reached may be now. */
  networkChanged(): void {
    this.#namedRelays.wake()
    this.#portMapping.networkChanged()
  }

  /** The directory has registered this peer: it may relay, and it says where it sees this machine. */
  directoryRegistered(directory: string): void {
    void this.#relays.reserve(directory)
    this.#portMapping.directoryRegistered()
  }

  /** Other directories are in use. */
  directoriesChanged(): void {
    this.#relays.releaseUnused()
  }

  /** Where others may dial this peer: at its own interfaces, and at the port of the router that leads here. */
  addresses(): readonly Multiaddr[] {
    return [...this.#init.libp2p().getMultiaddrs(), ...this.#portMapping.addresses()]
  }

  /** Whether the router lets others in. */
  router(): RouterView {
    return this.#portMapping.view()
  }

  /** Where this peer may ask how its UDP sockets are seen from outside. */
  stunServers(): readonly StunServer[] {
    return this.#relays.stunServers()
  }

  /** See {@link RelaysInUse.circuitsTo}. */
  circuitsTo(peer: string): KnownAddresses {
    return this.#relays.circuitsTo(peer)
  }

  /** Relays that the user named, and that can't be used now. */
  lostRelays(): readonly LostRelay[] {
    return this.#relays.lost()
  }
}
