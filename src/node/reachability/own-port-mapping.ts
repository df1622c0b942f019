// The port of the router that leads to this peer: it is announced once a directory has
// seen this peer at the very address that the router names. So a router that lies makes
// nobody dial a third party. It neither asks routers itself nor sends the record.
import { createHash } from 'node:crypto'
import { isIPv4 } from 'node:net'
import type { PeerId } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { lookOverIpv4, type StunServer } from '../../direct/stun/index.ts'
import {
  MappedPort,
  natPmp,
  pcp,
  PCP_NONCE_BYTES,
  upnp,
  type PortMapping,
  type PortMappingState,
  type PortMapper
} from '../../port-mapping/index.ts'
import { defaultGateway, networkInterfaces } from '../../transport/index.ts'
import { addressRange, type Rate, steadyNow, TokenBucket } from '../../wire/index.ts'
import type { RouterView } from '../api/chat-events.ts'
import type { Notice } from '../api/notices.ts'

export interface OwnPortMappingInit {
  readonly self: PeerId
  /** The TCP port on which this peer listens. */
  readonly port: () => number
  readonly stunServers: () => readonly StunServer[]
  readonly notice: (notice: Notice) => void
  /** {@link OwnPortMapping.addresses} has changed. */
  readonly onChange: () => void
  /** How the router of this moment may be asked; default PCP, NAT-PMP and UPnP at the default route. */
  readonly mappers?: () => readonly PortMapper[]
  readonly firstAfterMs?: number
  /** At which addresses directories see this machine; default by STUN. */
  readonly seenAddresses?: typeof seenAddresses
}

export class OwnPortMapping {
  readonly #init: OwnPortMappingInit
  readonly #mappedPort: MappedPort
  #mapping: PortMapping | undefined
  /** Why the router lets nobody in; undefined before it was asked. */
  #why: string | undefined
  #isStarted = false
  /** What directories say of the router's word. */
  #verdict: 'unknown' | 'confirmed' | 'denied' = 'unknown'
  #life = new AbortController()
  #checking: Promise<void> | undefined
  readonly #notices: TokenBucket

  constructor(init: OwnPortMappingInit) {
    this.#init = init
    this.#notices = new TokenBucket(PORT_NOTICE_RATE, steadyNow())
    this.#mappedPort = new MappedPort({
      port: init.port,
      mappers: init.mappers ?? (() => routerOfNow(init.self)),
      onState: (state) => this.#onState(state),
      ...(init.firstAfterMs === undefined ? {} : { firstAfterMs: init.firstAfterMs })
    })
  }

  start(): void {
    this.#life = new AbortController()
    this.#isStarted = true
    this.#mappedPort.start()
  }

  /** The router closes the port, where it answers within a moment. */
  async stop(): Promise<void> {
    this.#life.abort(new Error('the node was stopped'))
    await this.#checking
    await this.#mappedPort.stop()
    this.#isStarted = false
    this.#forget(undefined, undefined)
  }

  view(): RouterView {
    if (this.#mapping !== undefined) {
      const { protocol, publicAddress, publicPort } = this.#mapping
      const address = `${publicAddress}:${publicPort}`
      return { state: 'open', protocol, address, isAnnounced: this.#verdict === 'confirmed' }
    }
    if (!this.#isStarted) return { state: 'off' }
    return this.#why === undefined ? { state: 'asking' } : { state: 'closed', why: this.#why }
  }

  /** Where others reach this peer through the router, by a directory's word too. */
  addresses(): readonly Multiaddr[] {
    if (this.#mapping === undefined || this.#verdict !== 'confirmed') return []
    return [
      multiaddr(`/ip4/${this.#mapping.publicAddress}/tcp/${this.#mapping.publicPort}/p2p/${this.#init.self.toString()}`)
    ]
  }

  /** The network has changed: another router may be there. */
  networkChanged(): void {
    this.#mappedPort.wake()
  }

  /** A directory can be asked now. */
  directoryRegistered(): void {
    this.#check()
  }

  #onState(state: PortMappingState): void {
    const hadAddress = this.addresses().length > 0
    if (state.is === 'open') this.#forget(state.mapping, undefined)
    else this.#forget(undefined, state.why)
    if (hadAddress) this.#init.onChange()
    this.#check()
  }

  #forget(mapping: PortMapping | undefined, why: string | undefined): void {
    this.#mapping = mapping
    this.#why = why
    this.#verdict = 'unknown'
  }

  #check(): void {
    if (this.#checking !== undefined || this.#verdict !== 'unknown' || this.#mapping === undefined) return
    this.#checking = this.#verify(this.#mapping)
      // A directory that does not answer is asked again when it has registered this peer anew.
      .catch(() => undefined)
      .finally(() => (this.#checking = undefined))
  }

  async #verify(mapping: PortMapping): Promise<void> {
    const { stunServers, self, notice, onChange } = this.#init
    const servers = stunServers().filter(({ isHearsay }) => isHearsay !== true)
    if (servers.length === 0 || addressRange(mapping.publicAddress) !== 'public') return
    const see = this.#init.seenAddresses ?? seenAddresses
    const seen = await see(servers, self, this.#life.signal)
    if (seen.size === 0 || this.#mapping !== mapping) return
    this.#verdict = seen.has(mapping.publicAddress) ? 'confirmed' : 'denied'
    if (this.#verdict === 'denied') return
    const { publicAddress, publicPort, protocol } = mapping
    const text = `Your router lets others in at ${publicAddress}:${publicPort} (${protocol}), until you quit.`
    if (this.#notices.takeOne(steadyNow()) <= 0) notice({ code: 'router', text })
    onChange()
  }
}

/** A router that changes its port at each renewal is reported now and then; `parley status` shows the port of the moment. */
const PORT_NOTICE_RATE: Rate = { burst: 2, perSecond: 1 / 21_600 }

/** The addresses from which directories see this machine. */
async function seenAddresses(
  servers: readonly StunServer[],
  peerId: PeerId,
  signal: AbortSignal
): Promise<ReadonlySet<string>> {
  const { sightings } = await lookOverIpv4({ servers, peerId, signal })
  return new Set(sightings.map(({ address }) => address))
}

function routerOfNow(self: PeerId): readonly PortMapper[] {
  const gateway = defaultGateway()
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  // Others reach a machine that has a public address without a router's help.
  if (own.some(({ address }) => isIPv4(address) && addressRange(address) === 'public')) return []
  if (gateway === undefined) return []
  return [pcp({ gateway, nonce: nonceOf(self) }), natPmp({ gateway }), upnp({ gateway })]
}

/**
 * The same after a restart: a router lets only the nonce that made a mapping renew it. It is not a secret: a machine on
 * the LAN that forges this one's address can take the port away, as it can with NAT-PMP.
 */
function nonceOf(self: PeerId): Uint8Array {
  return createHash('sha256').update(`parley PCP nonce ${self.toString()}`).digest().subarray(0, PCP_NONCE_BYTES)
}
