// A directory node: a libp2p host that keeps the roster and shows who comes and
// goes. It has a key for each port, and carries nobody's words.
import { createLibp2p } from 'libp2p'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { multiaddr } from '@multiformats/multiaddr'
import {
  directory,
  federation,
  MAX_FEDERATION_PEERS,
  type DirectoryService,
  type FederationService,
  type FederationRefusal
} from '../directory/index.ts'
import { type VerifiedRecord } from '../presence/index.ts'
import type { EvictionReport } from '../directory/http/index.ts'
import {
  ConnectionGuard,
  directoryLimits,
  directoryServices,
  hostOptions,
  InterfaceWatch,
  limitsWithin,
  openFileLimit,
  type Pressure
} from '../transport/index.ts'
import { formatAddress } from './dialing/address.ts'
import { ownNetworkNow } from './dialing/own-network.ts'
import { LanSightings } from './discovery/lan.ts'
import { MdnsPorts } from './discovery/mdns-port.ts'
import { LanNotices } from './discovery/multicast.ts'
import type { Misbehaviour, MisbehaviourReport, RosterRow } from './api/chat-events.ts'
import { type Config } from './config/config.ts'
import { DEFAULT_DIRECTORY_PORTS } from './config/setting-specs.ts'
import { vantageOf, whyNotDialled } from './dialing/dialable.ts'
import { DirectoryPage, type PageWish } from './directory-page.ts'
import { OwnPeerError } from './api/errors.ts'
import { mendedTexts, type MendedModes } from './profile/file-modes.ts'
import { keyOf, type Unlocker } from './profile/identity.ts'
import { directoryOwner, openDirectoryKey } from './profile/own-key.ts'
import { freePort, isPortFree, whyNotListening, startHost } from './dialing/listening.ts'
import { version } from './config/version.ts'
import { misbehaviourOf, MisbehaviourWatch, withoutProxyHeader } from './misbehaviour.ts'
import { readDirectoryAddress } from './peers/peer-resolver.ts'
import { addressDialer, Dialer, type AddressDialer } from './dialing/dialer.ts'
import { compareRows } from './peers/peer-label.ts'
import { rosterRow } from './peers/roster-rows.ts'
import { shortId } from '../lib/index.ts'
import { TrustedProxies } from './config/trusted-proxies.ts'

/**
 * A directory is more patient than its clients, so that they ask and it only answers. A client that died on a cut
 * link is noticed in ten seconds, and off the roster after the grace: within fifteen.
 */
const DIRECTORY_LINK_PING = { pingAfterMs: 5_000, answerWithinMs: 4_000 } as const

/** One peer, as a line on the directory's terminal names it. */
export interface DirectoryGuest {
  readonly peer: string
  readonly nickname: string
  readonly shortId: string
  /** The address it is connected from, or the one that it announces; empty when there is none. */
  readonly address: string
}

/** Another directory, as a line on the directory's terminal names it. */
export interface FederatedDirectory {
  readonly peer: string
  readonly shortId: string
  /** The address it is connected from; empty when it is not. */
  readonly address: string
  /** Of a directory of another network: that network. */
  readonly network?: string
}

/** A directory that was named with `--join` and is not reached. */
export interface UnreachedDirectory {
  /** As people write it. */
  readonly address: string
  readonly why: string
}

/** What an operator may want to do something about, among directories that are joined or want to be. */
export type FederationNotice = {
  readonly peer: string
  readonly shortId: string
  /** Where it is connected from, or may be reached; empty when nothing is known of that. */
  readonly address: string
} & (
  | { readonly event: 'directory-turned-away'; readonly reason: FederationRefusal; readonly places: number }
  | {
      readonly event: 'directory-evicted'
      /** The address prefix that had the most places, and how many. */
      readonly holder: string
      readonly held: number
      readonly places: number
      /** The directory that has the place now. */
      readonly to: string
      readonly toShortId: string
    }
  | {
      readonly event: 'directory-refused-us'
      readonly reason: FederationRefusal
      readonly why: string
      readonly retryAfterMs: number
    }
  | { readonly event: 'directory-cut'; readonly forMs: number }
  | {
      readonly event: 'directory-left-out'
      /** Peers that it has and that are not on the roster, and those that are. */
      readonly leftOut: number
      readonly peers: number
      readonly named: boolean
    }
)

export interface DirectoryNodeEvents {
  ready: CustomEvent<DirectoryGuest>
  left: CustomEvent<DirectoryGuest>
  lost: CustomEvent<DirectoryGuest>
  /** As many peers as may be are registered, and others are refused. */
  full: CustomEvent<{ readonly limit: number; readonly refused: number }>
  'directory-joined': CustomEvent<FederatedDirectory>
  'directory-lost': CustomEvent<FederatedDirectory>
  'directory-refused': CustomEvent<FederatedDirectory>
  'directory-unreached': CustomEvent<UnreachedDirectory>
  federation: CustomEvent<FederationNotice>
  /** A client holds so much of the roster page that the oldest of it gave way to others. */
  'page-pressure': CustomEvent<EvictionReport>
  /** The addresses at which it is reached have changed. */
  addresses: CustomEvent<{ readonly addresses: readonly string[]; readonly pages: readonly string[] }>
  /** On a link of this machine it can't be found by mDNS, or can be again; in words. */
  lan: CustomEvent<{ readonly text: string }>
  /** A remote was cut or refused for what it did; at a bounded pace. */
  misbehaviour: CustomEvent<MisbehaviourReport>
  /** Connections have begun to give way because there are too many, or no longer do. */
  pressure: CustomEvent<Pressure>
}

type DirectoryHost = Libp2p<{ directory: DirectoryService; federation: FederationService; dialer: AddressDialer }>

export class DirectoryNode extends TypedEventEmitter<DirectoryNodeEvents> {
  readonly #config: Config
  readonly #libp2p: DirectoryHost
  readonly #guard: ConnectionGuard
  readonly #page: DirectoryPage | undefined
  readonly #proxies: TrustedProxies
  readonly #misbehaviour = new MisbehaviourWatch(Date.now())
  /** The TCP port that it listens on. */
  readonly port: number
  readonly peerId: string
  /** What was wrong with the modes of the files, in words. */
  readonly mended: readonly string[]
  #state: 'new' | 'started' | 'stopped' = 'new'
  #starting: Promise<void> | undefined
  readonly #interfaces = new InterfaceWatch(() => this.#onInterfaces())
  #told = ''

  /**
   * @param init.port the port to listen on; 0 for any that is free
   * @param init.page how to show the roster over HTTP; without it, it is not shown, and nothing is counted
   * @param init.unlock finds the passphrase of a key that has one; without it such a directory is refused
   * @throws PortTakenError, PortForbiddenError, ListenAddressError, UsageError, BadAddressError, KeyLockedError, WrongPassphraseError, ForeignFolderError
   */
  static async create(init: {
    readonly config: Config
    readonly port: number
    readonly page?: PageWish | undefined
    readonly unlock?: Unlocker
  }): Promise<DirectoryNode> {
    const { settings, folders } = init.config
    const port = init.port === 0 ? await freePort(settings.host) : init.port
    const unusable = await whyNotListening({ host: settings.host, port })
    if (unusable !== undefined) throw unusable
    const { stored, mended } = await openDirectoryKey(folders, port)
    const self = stored.peer
    const key = await keyOf(stored, { owner: directoryOwner(port), profile: undefined }, init.unlock)
    const federationPeers = settings.join.map(readDirectoryAddress)
    let host: DirectoryHost | undefined
    let node: DirectoryNode | undefined
    const running = (): DirectoryHost => {
      if (host === undefined) throw new Error('the directory is not made yet')
      return host
    }
    const ownNetwork = ownNetworkNow()
    const lanNotices = new LanNotices(({ text }) => {
      if (node !== undefined) node.#tell('lan', { text })
    })
    const ports = new MdnsPorts({
      isOwn: (ip) => ownNetwork().isOwn(ip),
      onChange: () => lanNotices.look(ports.links(), ports.problems())
    })
    const lan = new LanSightings({
      ports,
      ownNetwork,
      onSighting: (peer, addresses) => {
        host?.services.federation.sighted(
          peer,
          addresses.map((address) => multiaddr(address))
        )
      }
    })
    const dialer = new Dialer({
      libp2p: running,
      ownNetwork,
      addressDialer: () => running().services.dialer,
      addressesOf: (peer) => [
        // Both have passed the filter when they were told.
        { addresses: lan.addressesOf(peer), from: 'known' },
        {
          addresses: running()
            .services.federation.addressesOf(peer)
            .map((address) => address.toString()),
          from: 'known'
        }
      ],
      isBlocked: () => false,
      isContact: (peer) => running().services.federation.isNamed(peer)
    })
    const openFiles = openFileLimit()
    const page = init.page === undefined ? undefined : await DirectoryPage.prepare(init.page, openFiles)
    const figures = page?.figures
    const proxies = new TrustedProxies(settings.trustedProxy)
    const guard = new ConnectionGuard({
      limits: limitsWithin(directoryLimits, openFiles - (page?.maxConnections ?? 0)),
      standings: () => {
        const joined = new Set(running().services.federation.federationPeers().map(String))
        return ({ remotePeer }) => (joined.has(remotePeer.toString()) ? 'known' : 'stranger')
      },
      onPressure: (pressure) => {
        if (node !== undefined) node.#tell('pressure', pressure)
      },
      isTrustedProxy: (address) => proxies.has(address),
      onHeaderMissing: (address) => {
        if (node !== undefined) node.#misbehaved(withoutProxyHeader(address))
      }
    })
    const libp2p = await createLibp2p({
      ...hostOptions({
        key,
        host: settings.host,
        port,
        guard,
        discovery: settings.mdns ? [lan.discovery(settings.network, 'directory', true)] : [],
        gater: {},
        inboundLink: DIRECTORY_LINK_PING,
        version,
        onMisbehaviour: (error, remote) => {
          if (node !== undefined) node.#misbehaved(misbehaviourOf(error, remote))
        }
      }),
      ...(figures === undefined ? {} : { metrics: figures.libp2p }),
      services: {
        ...directoryServices,
        places: guard.places(),
        dialer: addressDialer(),
        directory: directory({
          network: settings.network,
          holderOf: (peer) => running().services.federation.holderOf(peer),
          proofs: {
            statementsOf: async (peer) =>
              (await running().services.federation.proofsOf(peer)).map(({ envelope }) => envelope),
            federationPeers: () => running().services.federation.federationPeers(),
            epoch: () => running().services.federation.epoch
          },
          ...(figures === undefined ? {} : { metrics: figures.directory })
        }),
        federation: federation({
          network: settings.network,
          join: federationPeers,
          admitsOthers: settings.federate === 'all',
          dialable: (addresses, teller) => {
            const own = ownNetwork()
            const from = vantageOf(teller, own)
            return addresses.filter((address) => whyNotDialled(address, from, own) === undefined)
          },
          dial: async (address, options) => {
            try {
              return await dialer.dial(address, options)
            } catch (error) {
              if (error instanceof OwnPeerError) return undefined
              throw error
            }
          },
          connect: async (peer, options) => dialer.connect(peer, options)
        })
      }
    })
    host = libp2p
    node = new DirectoryNode(init.config, { libp2p, guard, page, proxies }, { port, peerId: self, mended })
    return node
  }

  private constructor(
    config: Config,
    parts: {
      readonly libp2p: DirectoryHost
      readonly guard: ConnectionGuard
      readonly page: DirectoryPage | undefined
      readonly proxies: TrustedProxies
    },
    own: { readonly port: number; readonly peerId: string; readonly mended: MendedModes }
  ) {
    super()
    this.#config = config
    this.#libp2p = parts.libp2p
    this.#guard = parts.guard
    this.#page = parts.page
    this.#proxies = parts.proxies
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
    const service = this.#libp2p.services.directory
    service.on('ready', ({ record, remoteAddr }) => this.#tell('ready', guest(record, remoteAddr.toString())))
    service.on('left', ({ record }) => this.#tell('left', guest(record)))
    service.on('lost', ({ record }) => this.#tell('lost', guest(record)))
    service.on('full', (detail) => this.#tell('full', detail))
    const federationPeers = this.#libp2p.services.federation
    federationPeers.on('joined', ({ peer, remoteAddr }) =>
      this.#tell('directory-joined', federationPeer(peer, remoteAddr.toString()))
    )
    federationPeers.on('lost', ({ peer }) => this.#tell('directory-lost', federationPeer(peer)))
    federationPeers.on('other-network', ({ peer, network }) => {
      this.#tell('directory-refused', { ...federationPeer(peer), network })
    })
    federationPeers.on('unreached', ({ address, error }) => {
      this.#tell('directory-unreached', { address: formatAddress(address), why: error.message })
    })
    this.#followFederation(federationPeers)
    this.#starting = startHost(this.#libp2p, { host: this.#config.settings.host, port: this.port })
    await this.#starting
    await this.#page?.open({
      self: this.peerId,
      network: this.network,
      addresses: () => this.addresses(),
      directoryPort: this.port,
      roster: service,
      federationPeers: () => federationPeers.directories().filter(({ directory: one }) => one !== this.peerId),
      federation: federationPeers.tally,
      connections: (peer) => this.#libp2p.getConnections(peer),
      connectionFigures: () => this.#guard.figures(),
      isTrustedProxy: (address) => this.#proxies.has(address),
      onMisbehaviour: (misbehaviour) => this.#misbehaved(misbehaviour),
      onPressure: ({ what, holder, held, capacity, evicted }) => {
        this.#tell('page-pressure', { what, holder, held, capacity, evicted })
      }
    })
    this.#told = JSON.stringify({ addresses: this.addresses(), pages: this.pages() })
    this.#interfaces.start()
  }

  async stop(): Promise<void> {
    this.#state = 'stopped'
    // libp2p can't be stopped while it starts. Whoever started it hears of a failure.
    await this.#starting?.catch(() => undefined)
    this.#interfaces.stop()
    await this.#page?.stop()
    await this.#libp2p.stop()
  }

  /** Multiaddrs with the own peer ID. */
  addresses(): readonly string[] {
    return this.#libp2p.getMultiaddrs().map((address) => address.toString())
  }

  /** Where the roster can be looked at with a browser; empty when it can't. */
  pages(): readonly string[] {
    return this.#page?.addresses() ?? []
  }

  roster(): readonly RosterRow[] {
    const around = { connectionAddress: () => undefined }
    return this.#libp2p.services.directory
      .roster()
      .map((entry) => rosterRow(entry, around))
      .toSorted(compareRows)
  }

  /** The directories that are joined with this one now: peer IDs. */
  federationPeers(): readonly string[] {
    return this.#libp2p.services.federation.federationPeers().map(String)
  }

  #onInterfaces(): void {
    const news = { addresses: this.addresses(), pages: this.pages() }
    const told = JSON.stringify(news)
    if (told === this.#told) return
    this.#told = told
    this.#tell('addresses', news)
  }

  #misbehaved(misbehaviour: Misbehaviour): void {
    const report = this.#misbehaviour.record(misbehaviour, Date.now())
    if (report !== undefined) this.#tell('misbehaviour', report)
  }

  #followFederation(federationPeers: FederationService): void {
    const places = MAX_FEDERATION_PEERS
    const tell = (notice: FederationNotice): void => this.#tell('federation', notice)
    federationPeers.on('turned-away', ({ peer, remoteAddr, reason }) => {
      tell({ event: 'directory-turned-away', ...federationPeer(peer, remoteAddr.toString()), reason, places })
    })
    federationPeers.on('evicted', ({ peer, remoteAddr, holder, held, to }) => {
      const whose = { to: to.toString(), toShortId: shortId(to.toString()) }
      tell({
        event: 'directory-evicted',
        ...federationPeer(peer, remoteAddr.toString()),
        holder,
        held,
        places,
        ...whose
      })
    })
    federationPeers.on('refused', ({ peer, error: { reason, message, retryAfterMs = 0 } }) => {
      tell({ event: 'directory-refused-us', ...this.#known(peer), reason, why: message, retryAfterMs })
    })
    federationPeers.on('banned', ({ peer, forMs }) => {
      tell({ event: 'directory-cut', ...this.#known(peer.toString()), forMs })
    })
    federationPeers.on('left-out', ({ directory: peer, leftOut, peers, isNamed }) => {
      tell({ event: 'directory-left-out', ...this.#known(peer), leftOut, peers, named: isNamed })
    })
  }

  /** A directory, with an address at which it may be reached. */
  #known(peer: string): FederatedDirectory {
    const [address] = this.#libp2p.services.federation.addressesOf(peer)
    return { peer, shortId: shortId(peer), address: address?.toString() ?? '' }
  }

  #tell<K extends keyof DirectoryNodeEvents>(type: K, detail: DirectoryNodeEvents[K]['detail']): void {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}

/**
 * The first of the case study's ports that nothing listens on; undefined when all are taken.
 *
 * @param except a port that something else is about to listen on
 * @throws ListenAddressError
 */
export async function firstFreeDirectoryPort(
  host: string | undefined,
  except: number | undefined
): Promise<number | undefined> {
  for (const port of DEFAULT_DIRECTORY_PORTS) if (port !== except && (await isPortFree({ host, port }))) return port
  return undefined
}

function guest({ record }: VerifiedRecord, address?: string): DirectoryGuest {
  const peer = record.peer.toString()
  return {
    peer,
    nickname: record.nickname,
    shortId: shortId(peer),
    address: address ?? record.addresses[0]?.toString() ?? ''
  }
}

function federationPeer(peer: PeerId, address = ''): FederatedDirectory {
  return { peer: peer.toString(), shortId: shortId(peer.toString()), address }
}
