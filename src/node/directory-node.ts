// A directory node: a libp2p host that keeps the roster and shows who comes and
// goes, and relays between peers that can't reach each other. It has a key for each
// port, and can read nobody's words.
import { createLibp2p } from 'libp2p'
import type { Libp2p } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { multiaddr } from '@multiformats/multiaddr'
import type { StunResponder } from '../direct/stun/index.ts'
import { federation, type FederationService } from '../directory/federation/index.ts'
import { directory, type DirectoryService } from '../directory/server/index.ts'
import { numbers } from '../invite/server/index.ts'
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
import { ownNetworkNow } from './dialing/own-network.ts'
import { LanSightings } from './discovery/lan.ts'
import { MdnsPorts } from './discovery/mdns-port.ts'
import { LanNotices } from './discovery/multicast.ts'
import type { Misbehaviour, RosterRow } from './api/chat-events.ts'
import { type Config } from './config/config.ts'
import { DEFAULT_DIRECTORY_PORTS } from './config/setting-specs.ts'
import { vantageOf, whyNotDialled } from './dialing/dialable.ts'
import { reportServices, type DirectoryNodeEvents } from './directory-events.ts'
import { stunFor, stunService } from './directory-stun.ts'
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
export const DIRECTORY_LINK_PING = { pingAfterMs: 5_000, answerWithinMs: 4_000 } as const

interface DirectoryServices extends Record<string, unknown> {
  readonly directory: DirectoryService
  readonly federation: FederationService
  readonly dialer: AddressDialer
  /** Absent where it does not relay. */
  readonly relay?: RelayService
  /** Absent where STUN is off. */
  readonly stun?: StunResponder
}

type DirectoryHost = Libp2p<DirectoryServices>

export interface DirectoryNodeInit {
  readonly config: Config
  /** The port to listen on; 0 for any that is free. */
  readonly port: number
  /** How to show the roster over HTTP; without it, it is not shown, and nothing is counted. */
  readonly page?: PageWish | undefined
  /** Finds the passphrase of a key that has one; without it such a directory is refused. */
  readonly unlock?: Unlocker
}

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
  /** Wrong file modes that were mended, in words. */
  readonly mended: readonly string[]
  readonly isRelayOnly = false
  #state: 'new' | 'started' | 'stopped' = 'new'
  #starting: Promise<void> | undefined
  readonly #interfaces = new InterfaceWatch(() => this.#onInterfaces())
  #told = ''

  /** @throws PortTakenError, PortForbiddenError, ListenAddressError, UsageError, BadAddressError, KeyLockedError, WrongPassphraseError, ForeignFolderError */
  static async create(init: DirectoryNodeInit): Promise<DirectoryNode> {
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
        // Both have passed the filter when they were received.
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
        links: linkWatch(DIRECTORY_LINK_PING),
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
          stun: (client) => stunFor(client, running().services.stun, settings.host),
          holderOf: (peer) => running().services.federation.holderOf(peer),
          proofs: {
            statementsOf: async (peer) =>
              (await running().services.federation.proofsOf(peer)).map(({ envelope }) => envelope),
            federationPeers: () => running().services.federation.federationPeers(),
            epoch: () => running().services.federation.epoch
          },
          ...(figures === undefined ? {} : { metrics: figures.directory })
        }),
        ...(settings.relay === 'off'
          ? {}
          : {
              relay: relay({
                isAnnounced: (peer) => running().services.directory.isAnnounced(peer),
                bytesPerSecond: settings.relayRate,
                limits: circuitLimits(settings.relayCircuits),
                ...(figures === undefined ? {} : { metrics: figures.relay })
              })
            }),
        ...stunService({
          isOn: settings.stun === 'on',
          host: settings.host,
          port,
          onProblem: (text) => {
            if (node !== undefined) node.#tell('stun', { text })
          },
          metrics: figures?.stun
        }),
        numbers: numbers({
          network: settings.network,
          isAnnounced: (peer) => running().services.directory.isAnnounced(peer),
          federationPeers: () => running().services.federation.federationPeers()
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
    const { services } = this.#libp2p
    const { relay: relayed } = services
    reportServices(services, (type, detail) => this.#tell(type, detail))
    this.#starting = startHost(this.#libp2p, { host: this.#config.settings.host, port: this.port })
    await this.#starting
    await this.#page?.open({
      self: this.peerId,
      network: this.network,
      addresses: () => this.addresses(),
      directoryPort: this.port,
      roster: services.directory,
      relay: relayed === undefined ? undefined : () => relayed.figures(),
      federationPeers: () => services.federation.directories().filter(({ directory: one }) => one !== this.peerId),
      federation: services.federation.tally,
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
    // libp2p can't be stopped while it starts. The caller of start() gets a failure.
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

  /** What happens while it is being stopped is its own doing: nobody is lost, and nobody left. */
  #tell<K extends keyof DirectoryNodeEvents>(type: K, detail: DirectoryNodeEvents[K]['detail']): void {
    if (this.#state === 'stopped') return
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
