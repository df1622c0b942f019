// A relay node: a libp2p host that keeps no roster, and relays between peers that have
// named it and reserved a place. It dials nobody, knows no names, and can read nobody's
// words. Like a directory it has a key for each port, and a page.
import { TypedEventEmitter } from 'main-event'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from '@libp2p/interface'
import type { StunPorts, StunResponder } from '../direct/stun/index.ts'
import { shortId } from '../lib/index.ts'
import { circuitLimits, relay, type RelayService } from '../relay/server/index.ts'
import {
  ConnectionGuard,
  directoryLimits,
  directoryServices,
  hostOptions,
  InterfaceWatch,
  limitsWithin,
  linkWatch,
  openFileLimit
} from '../transport/index.ts'
import { UsageError } from './api/errors.ts'
import type { Misbehaviour } from './api/chat-events.ts'
import type { Config } from './config/config.ts'
import { TrustedProxies } from './config/trusted-proxies.ts'
import { version } from './config/version.ts'
import { freePort, startHost, whyNotListening } from './dialing/listening.ts'
import type { DirectoryNodeEvents } from './directory-events.ts'
import { stunService } from './directory-stun.ts'
import { DIRECTORY_LINK_PING, type DirectoryNodeInit } from './directory-node.ts'
import { DirectoryPage, type PageScene } from './directory-page.ts'
import { misbehaviourOf, MisbehaviourWatch, withoutProxyHeader } from './misbehaviour.ts'
import { mendedTexts, type MendedModes } from './profile/file-modes.ts'
import { keyOf } from './profile/identity.ts'
import { directoryOwner, openDirectoryKey } from './profile/own-key.ts'

type RelayHost = Libp2p<{ readonly relay: RelayService; readonly stun?: StunResponder }>

interface RelayParts {
  readonly libp2p: RelayHost
  readonly guard: ConnectionGuard
  readonly page: DirectoryPage | undefined
  readonly proxies: TrustedProxies
}

/** What its page shows of a roster. */
const noRoster: PageScene['roster'] = {
  untold: 0,
  roster: () => [],
  // There are no changes to listen for.
  on: () => noRoster,
  off: () => noRoster
}

export class RelayNode extends TypedEventEmitter<DirectoryNodeEvents> {
  readonly #config: Config
  readonly #parts: RelayParts
  readonly #misbehaviour = new MisbehaviourWatch(Date.now())
  readonly #interfaces = new InterfaceWatch(() => this.#onInterfaces())
  /** The TCP port that it listens on. */
  readonly port: number
  readonly peerId: string
  /** Wrong file modes that were mended, in words. */
  readonly mended: readonly string[]
  readonly isRelayOnly = true
  #state: 'new' | 'started' | 'stopped' = 'new'
  #starting: Promise<void> | undefined
  #told = ''

  /** @throws as `DirectoryNode.create` */
  static async create(init: DirectoryNodeInit): Promise<RelayNode> {
    const { settings, folders } = init.config
    if (settings.relay === 'off')
      throw new UsageError('--relay-only relays, and --relay off does not: give one of them')
    if (settings.join.length > 0)
      throw new UsageError('--relay-only keeps no roster that it could share: leave --join out')
    const port = init.port === 0 ? await freePort(settings.host) : init.port
    const unusable = await whyNotListening({ host: settings.host, port })
    if (unusable !== undefined) throw unusable
    const { stored, mended } = await openDirectoryKey(folders, port)
    const key = await keyOf(stored, { owner: directoryOwner(port), profile: undefined }, init.unlock)
    let node: RelayNode | undefined
    const openFiles = openFileLimit()
    const page = init.page === undefined ? undefined : await DirectoryPage.prepare(init.page, openFiles)
    const figures = page?.figures
    const proxies = new TrustedProxies(settings.trustedProxy)
    const guard = new ConnectionGuard({
      limits: limitsWithin(directoryLimits, openFiles - (page?.maxConnections ?? 0)),
      standings: () => () => 'stranger',
      onPressure: (pressure) => node?.dispatchEvent(new CustomEvent('pressure', { detail: pressure })),
      isTrustedProxy: (address) => proxies.has(address),
      onHeaderMissing: (address) => node?.misbehaved(withoutProxyHeader(address))
    })
    const libp2p = await createLibp2p({
      ...hostOptions({
        key,
        host: settings.host,
        port,
        guard,
        discovery: [],
        gater: {},
        links: linkWatch(DIRECTORY_LINK_PING),
        version,
        onMisbehaviour: (error, remote) => node?.misbehaved(misbehaviourOf(error, remote))
      }),
      ...(figures === undefined ? {} : { metrics: figures.libp2p }),
      services: {
        ...directoryServices,
        places: guard.places(),
        relay: relay({
          bytesPerSecond: settings.relayRate,
          limits: circuitLimits(settings.relayCircuits),
          stun: () => node?.stunPorts,
          ...(figures === undefined ? {} : { metrics: figures.relay })
        }),
        ...stunService({
          isOn: settings.stun === 'on',
          host: settings.host,
          port,
          onProblem: (text) => node?.dispatchEvent(new CustomEvent('stun', { detail: { text } })),
          metrics: figures?.stun
        })
      }
    })
    node = new RelayNode(init.config, { libp2p, guard, page, proxies }, { port, peerId: stored.peer, mended })
    return node
  }

  private constructor(
    config: Config,
    parts: RelayParts,
    own: { readonly port: number; readonly peerId: string; readonly mended: MendedModes }
  ) {
    super()
    this.#config = config
    this.#parts = parts
    this.port = own.port
    this.peerId = own.peerId
    this.mended = mendedTexts(own.mended)
  }

  get shortId(): string {
    return shortId(this.peerId)
  }

  get network(): string {
    return this.#config.settings.network
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') return
    this.#state = 'started'
    const { libp2p, guard, page, proxies } = this.#parts
    this.#starting = startHost(libp2p, { host: this.#config.settings.host, port: this.port })
    await this.#starting
    await page?.open({
      self: this.peerId,
      network: this.network,
      addresses: () => this.addresses(),
      directoryPort: this.port,
      isRelayOnly: true,
      roster: noRoster,
      relay: () => libp2p.services.relay.figures(),
      federation: { turnedAway: 0, evicted: 0, cut: 0 },
      connections: (peer) => libp2p.getConnections(peer),
      connectionFigures: () => guard.figures(),
      isTrustedProxy: (address) => proxies.has(address),
      onMisbehaviour: (misbehaviour) => this.misbehaved(misbehaviour),
      onPressure: (report) => this.dispatchEvent(new CustomEvent('page-pressure', { detail: report }))
    })
    this.#told = JSON.stringify({ addresses: this.addresses(), pages: this.pages() })
    this.#interfaces.start()
  }

  async stop(): Promise<void> {
    this.#state = 'stopped'
    // libp2p can't be stopped while it starts. The caller of start() gets a failure.
    await this.#starting?.catch(() => undefined)
    this.#interfaces.stop()
    await this.#parts.page?.stop()
    await this.#parts.libp2p.stop()
  }

  /** Multiaddrs with the own peer ID. */
  addresses(): readonly string[] {
    return this.#parts.libp2p.getMultiaddrs().map((address) => address.toString())
  }

  /** Where it answers STUN; undefined while it does not. */
  get stunPorts(): StunPorts | undefined {
    return this.#parts.libp2p.services.stun?.ports
  }

  /** Where its page can be looked at with a browser; empty when it can't. */
  pages(): readonly string[] {
    return this.#parts.page?.addresses() ?? []
  }

  /** A remote broke a rule: that is reported, not too often. */
  misbehaved(misbehaviour: Misbehaviour): void {
    const report = this.#misbehaviour.record(misbehaviour, Date.now())
    if (report !== undefined) this.dispatchEvent(new CustomEvent('misbehaviour', { detail: report }))
  }

  #onInterfaces(): void {
    const news = { addresses: this.addresses(), pages: this.pages() }
    const told = JSON.stringify(news)
    if (told === this.#told) return
    this.#told = told
    this.dispatchEvent(new CustomEvent('addresses', { detail: news }))
  }
}
