// What a directory and a relay are alike: a libp2p host on a port with a key of its
// own, guarded against strangers, with a page; started and stopped once. Which services
// it has, and what its page shows, are those of its kind.
import { TypedEventEmitter } from 'main-event'
import type { Libp2p } from '@libp2p/interface'
import { shortId } from '../../lib/index.ts'
import {
  ConnectionGuard,
  cutFromSmallPieces,
  directoryLimits,
  hostOptions,
  InterfaceWatch,
  limitsWithin,
  linkWatch,
  openFileLimit,
  type ConnectionGuardInit,
  type HostInit
} from '../../transport/index.ts'
import type { Misbehaviour } from '../api/notices.ts'
import type { Config } from '../config/config.ts'
import { TrustedProxies } from '../config/trusted-proxies.ts'
import { version } from '../config/version.ts'
import { withPeerId } from '../dialing/address.ts'
import { freePort, startHost, whyNotListening } from '../dialing/listening.ts'
import type { DirectoryNodeEvents } from './directory-events.ts'
import { directoryWebSocket, webSocketAt, webSocketsOf, type DirectoryWebSocket } from './directory-websocket.ts'
import { DirectoryPage, type PageScene, type PageWish } from './directory-page.ts'
import { misbehaviourOf, MisbehaviourWatch, withoutProxyHeader } from '../misbehaviour.ts'
import { mendedTexts, type MendedModes } from '../profile/file-modes.ts'
import { keyOf, type Unlocker } from '../profile/identity.ts'
import { directoryOwner, openDirectoryKey } from '../profile/own-key.ts'

/**
 * A directory is more patient than its clients, so that they ask and it only answers. A client that died on a cut
 * link is noticed in ten seconds, and off the roster after the grace: within fifteen.
 */
const DIRECTORY_LINK_PING = { pingAfterMs: 5_000, answerWithinMs: 4_000 } as const

export interface ServerNodeInit {
  readonly config: Config
  /** The port to listen on; 0 for any that is free. */
  readonly port: number
  /** How to show the roster over HTTP; without it, it is not shown, and nothing is counted. */
  readonly page?: PageWish | undefined
  /** Finds the passphrase of a key that has one; without it such a directory is refused. */
  readonly unlock?: Unlocker
}

/** What is made before there is a host, and without one. */
export interface Ground {
  readonly config: Config
  readonly port: number
  readonly peerId: string
  readonly mended: MendedModes
  readonly guard: ConnectionGuard
  readonly page: DirectoryPage | undefined
  readonly proxies: TrustedProxies
  readonly webSocket: DirectoryWebSocket | undefined
  /** For `createLibp2p`, without the services. */
  readonly options: ReturnType<typeof hostOptions>
}

/** What its page shows of it. */
type OwnScene = Pick<PageScene, 'roster' | 'relay' | 'federation' | 'federationPeers' | 'isRelayOnly'>

/** What ends with it. */
export interface NodeLoad {
  /** Peers that are registered, or have reserved a place. */
  readonly peers: number
  /** Relayed connections. */
  readonly circuits: number
}

/**
 * @param kind whom the guard knows, what looks around, and the node once there is one
 * @throws PortTakenError, PortForbiddenError, ListenAddressError, UsageError, KeyLockedError, WrongPassphraseError, ForeignFolderError
 */
export async function groundFor(
  init: ServerNodeInit,
  kind: Pick<ConnectionGuardInit, 'standings'> &
    Pick<HostInit, 'discovery'> & { readonly node: () => ServerNode | undefined }
): Promise<Ground> {
  cutFromSmallPieces()
  const { config } = init
  const { settings, folders } = config
  const { host } = settings
  const port = init.port === 0 ? await freePort(host) : init.port
  const unusable = await whyNotListening({ host, port })
  if (unusable !== undefined) throw unusable
  const webSocket = await directoryWebSocket(settings, port)
  const { stored, mended } = await openDirectoryKey(folders, port)
  const key = await keyOf(stored, { owner: directoryOwner(port), profile: undefined }, init.unlock)
  const openFiles = openFileLimit()
  const page = init.page === undefined ? undefined : await DirectoryPage.prepare(init.page, openFiles)
  const proxies = new TrustedProxies(settings.trustedProxy)
  const guard = new ConnectionGuard({
    limits: limitsWithin(directoryLimits, openFiles - (page?.maxConnections ?? 0)),
    standings: kind.standings,
    onPressure: (pressure) => kind.node()?.tell('pressure', pressure),
    isTrustedProxy: (address) => proxies.has(address),
    onHeaderMissing: (address) => kind.node()?.misbehaved(withoutProxyHeader(address))
  })
  const options = {
    ...hostOptions({
      key,
      host,
      port,
      guard,
      ...(webSocket === undefined
        ? {}
        : { webSockets: webSocketsOf(webSocket, { proxies, misbehaved: (what) => kind.node()?.misbehaved(what) }) }),
      discovery: kind.discovery,
      gater: {},
      links: linkWatch(DIRECTORY_LINK_PING),
      version,
      onMisbehaviour: (error, remote) => kind.node()?.misbehaved(misbehaviourOf(error, remote))
    }),
    ...(page === undefined ? {} : { metrics: page.figures.libp2p })
  }
  return { config, port, peerId: stored.peer, mended, guard, page, proxies, webSocket, options }
}

export abstract class ServerNode extends TypedEventEmitter<DirectoryNodeEvents> {
  /** The TCP port that it listens on. */
  readonly port: number
  readonly peerId: string
  /** Wrong file modes that were mended, in words. */
  readonly mended: readonly string[]
  /** It keeps no roster. */
  abstract readonly isRelayOnly: boolean
  readonly #ground: Ground
  readonly #libp2p: Libp2p
  readonly #misbehaviour = new MisbehaviourWatch(Date.now())
  readonly #interfaces = new InterfaceWatch(() => this.#onInterfaces())
  #state: 'new' | 'started' | 'stopped' = 'new'
  #starting: Promise<void> | undefined
  #told = ''

  protected constructor(ground: Ground, libp2p: Libp2p) {
    super()
    this.#ground = ground
    this.#libp2p = libp2p
    this.port = ground.port
    this.peerId = ground.peerId
    this.mended = mendedTexts(ground.mended)
  }

  protected abstract scene(): OwnScene

  /** Whom its end concerns. */
  abstract load(): NodeLoad

  get shortId(): string {
    return shortId(this.peerId)
  }

  get network(): string {
    return this.#ground.config.settings.network
  }

  async start(): Promise<void> {
    if (this.#state !== 'new') return
    this.#state = 'started'
    const { config, guard, page, proxies } = this.#ground
    this.#starting = startHost(this.#libp2p, { host: config.settings.host, port: this.port })
    await this.#starting
    await page?.open({
      self: this.peerId,
      network: this.network,
      addresses: () => this.addresses(),
      directoryPort: this.port,
      ...this.scene(),
      connections: (peer) => this.#libp2p.getConnections(peer),
      connectionFigures: () => guard.figures(),
      isTrustedProxy: (address) => proxies.has(address),
      onMisbehaviour: (misbehaviour) => this.misbehaved(misbehaviour),
      onPressure: ({ what, holder, held, capacity, evicted }) =>
        this.tell('page-pressure', { what, holder, held, capacity, evicted })
    })
    this.#told = JSON.stringify({ addresses: this.addresses(), pages: this.pages() })
    this.#interfaces.start()
  }

  async stop(): Promise<void> {
    this.#state = 'stopped'
    // libp2p can't be stopped while it starts. The caller of start() gets a failure.
    await this.#starting?.catch(() => undefined)
    this.#interfaces.stop()
    await this.#ground.page?.stop()
    await this.#libp2p.stop()
  }

  /** Multiaddrs with the own peer ID. */
  addresses(): readonly string[] {
    return this.#libp2p.getMultiaddrs().map((address) => address.toString())
  }

  /** Where clients reach it by WebSocket: the address that the operator announces, else where it listens. */
  webSocket(): string | undefined {
    const { webSocket } = this.#ground
    if (webSocket === undefined) return undefined
    const { announced = webSocketAt(webSocket) } = webSocket
    return withPeerId(announced, this.peerId).toString()
  }

  /** Where its page can be looked at with a browser; empty when it can't. */
  pages(): readonly string[] {
    return this.#ground.page?.addresses() ?? []
  }

  /** A remote broke a rule: that is reported, not too often. */
  misbehaved(misbehaviour: Misbehaviour): void {
    const report = this.#misbehaviour.record(misbehaviour, Date.now())
    if (report !== undefined) this.tell('misbehaviour', report)
  }

  /** What happens while it is being stopped is its own doing: nobody is lost, and nobody left. */
  tell<K extends keyof DirectoryNodeEvents>(type: K, detail: DirectoryNodeEvents[K]['detail']): void {
    if (this.#state === 'stopped') return
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }

  #onInterfaces(): void {
    const news = { addresses: this.addresses(), pages: this.pages() }
    const told = JSON.stringify(news)
    if (told === this.#told) return
    this.#told = told
    this.tell('addresses', news)
  }
}
