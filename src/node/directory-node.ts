// A directory node: a libp2p host that keeps the roster and shows who comes and
// goes. It has a key for each port, and carries nobody's words.
import { mkdir } from 'node:fs/promises'
import { createLibp2p } from 'libp2p'
import type { Libp2p, PeerId } from '@libp2p/interface'
import { TypedEventEmitter } from 'main-event'
import { multiaddr } from '@multiformats/multiaddr'
import {
  directory,
  federation,
  MAX_FELLOWS,
  type DirectoryService,
  type FederationService,
  type FellowRefusal,
  type VerifiedRecord
} from '../directory/index.ts'
import type { EvictionReport } from '../directory/http/index.ts'
import { ConnectionGuard, directoryLimits, limitsWithin, openFileLimit, type Pressure } from '../transport/index.ts'
import { formatAddress } from './address.ts'
import type { RosterRow } from './chat-events.ts'
import type { Config } from './config.ts'
import { DEFAULT_DIRECTORY_PORTS, DIRECTORY_LINK_PING } from './constants.ts'
import { vantageOf, whyNotDialled } from './dialable.ts'
import { DirectoryPage, type PageWish } from './directory-page.ts'
import { OwnPeerError, PortTakenError } from './errors.ts'
import { mendedTexts, mendModes, type MendedModes } from './file-modes.ts'
import { directoriesFolder, directoryKeyFile, type Folders } from './folders.ts'
import { directoryServices, freePort, hostOptions, isPortFree, startHost } from './host.ts'
import { keyOf, loadIdentity, removeHalfWritten, type Unlocker } from './identity.ts'
import type { StoredKey } from './key-file.ts'
import { LanSightings, whyNoMulticast } from './lan.ts'
import { MisbehaviourWatch, withoutProxyHeader, type Misbehaviour, type MisbehaviourReport } from './misbehaviour.ts'
import { ownNetworkNow } from './own-network.ts'
import { readDirectoryAddress } from './peer-resolver.ts'
import { addressDialer, Reach, type AddressDialer } from './reach.ts'
import { compareRows, rosterRow } from './roster-rows.ts'
import { shortId } from './short-id.ts'
import { TrustedProxies } from './trusted-proxies.ts'
import { explained } from './storage-problems.ts'
import { OWNER_ONLY_FOLDER } from '../storage/index.ts'

/** One peer, as a line on the directory's terminal names it. */
export interface DirectoryGuest {
  readonly peer: string
  readonly nickname: string
  readonly shortId: string
  /** The address it is connected from, or the one that it announces; empty when there is none. */
  readonly address: string
}

/** Another directory, as a line on the directory's terminal names it. */
export interface DirectoryFellow {
  readonly peer: string
  readonly shortId: string
  /** The address it is connected from; empty when it is not. */
  readonly address: string
  /** Of a directory of another network: that network. */
  readonly network?: string
}

/** A directory that was named with `--join` and is not reached. */
export interface UnreachedFellow {
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
  | { readonly event: 'directory-turned-away'; readonly reason: FellowRefusal; readonly places: number }
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
      readonly reason: FellowRefusal
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
  'directory-joined': CustomEvent<DirectoryFellow>
  'directory-lost': CustomEvent<DirectoryFellow>
  'directory-refused': CustomEvent<DirectoryFellow>
  'directory-unreached': CustomEvent<UnreachedFellow>
  federation: CustomEvent<FederationNotice>
  /** A client holds so much of the roster page that the oldest of it gave way to others. */
  'page-pressure': CustomEvent<EvictionReport>
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

  /**
   * @param init.port the port to listen on; 0 for any that is free
   * @param init.page how to show the roster over HTTP; without it, it is not shown, and nothing is counted
   * @param init.unlock finds the passphrase of a key that has one; without it such a directory is refused
   * @throws PortTakenError, UsageError, BadAddressError, KeyLockedError, WrongPassphraseError, ForeignFolderError
   */
  static async create(init: {
    readonly config: Config
    readonly port: number
    readonly page?: PageWish | undefined
    readonly unlock?: Unlocker
  }): Promise<DirectoryNode> {
    const { settings, folders } = init.config
    const port = init.port === 0 ? await freePort(settings.host) : init.port
    if (!(await isPortFree(port, settings.host))) throw new PortTakenError(port)
    const { stored, mended } = await openDirectoryKey(folders, port)
    const self = stored.peer
    const key = await keyOf(stored, { owner: directoryOwner(port), profile: undefined }, init.unlock)
    const fellows = settings.join.map(readDirectoryAddress)
    let host: DirectoryHost | undefined
    let node: DirectoryNode | undefined
    const running = (): DirectoryHost => {
      if (host === undefined) throw new Error('the directory is not made yet')
      return host
    }
    const lan = new LanSightings({
      onSighting: (peer, addresses) => {
        host?.services.federation.sighted(
          peer,
          addresses.map((address) => multiaddr(address))
        )
      }
    })
    const ownNetwork = ownNetworkNow()
    const reach = new Reach({
      libp2p: running,
      ownNetwork,
      dialer: () => running().services.dialer,
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
        const joined = new Set(running().services.federation.fellows().map(String))
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
        onMisbehaviour: (misbehaviour) => {
          if (node !== undefined) node.#misbehaved(misbehaviour)
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
            fellows: () => running().services.federation.fellows(),
            epoch: () => running().services.federation.epoch
          },
          ...(figures === undefined ? {} : { metrics: figures.directory })
        }),
        federation: federation({
          network: settings.network,
          join: fellows,
          admitsOthers: settings.federate === 'all',
          dialable: (addresses, teller) => {
            const own = ownNetwork()
            const from = vantageOf(teller, own)
            return addresses.filter((address) => whyNotDialled(address, from, own) === undefined)
          },
          dial: async (address, options) => {
            try {
              return await reach.dial(address, options)
            } catch (error) {
              if (error instanceof OwnPeerError) return undefined
              throw error
            }
          },
          connect: async (peer, options) => reach.connect(peer, options)
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
    const fellows = this.#libp2p.services.federation
    fellows.on('joined', ({ peer, remoteAddr }) => this.#tell('directory-joined', fellow(peer, remoteAddr.toString())))
    fellows.on('lost', ({ peer }) => this.#tell('directory-lost', fellow(peer)))
    fellows.on('other-network', ({ peer, network }) => {
      this.#tell('directory-refused', { ...fellow(peer), network })
    })
    fellows.on('unreached', ({ address, error }) => {
      this.#tell('directory-unreached', { address: formatAddress(address), why: error.message })
    })
    this.#followFederation(fellows)
    this.#starting = startHost(this.#libp2p, { host: this.#config.settings.host, port: this.port })
    await this.#starting
    await this.#page?.open({
      self: this.peerId,
      network: this.network,
      directoryPort: this.port,
      roster: service,
      fellows: () => fellows.directories().filter(({ directory: one }) => one !== this.peerId),
      federation: fellows.tally,
      connections: (peer) => this.#libp2p.getConnections(peer),
      connectionFigures: () => this.#guard.figures(),
      isTrustedProxy: (address) => this.#proxies.has(address),
      onMisbehaviour: (misbehaviour) => this.#misbehaved(misbehaviour),
      onPressure: ({ what, holder, held, capacity, evicted }) => {
        this.#tell('page-pressure', { what, holder, held, capacity, evicted })
      }
    })
  }

  async stop(): Promise<void> {
    this.#state = 'stopped'
    // libp2p can't be stopped while it starts. Whoever started it hears of a failure.
    await this.#starting?.catch(() => undefined)
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
  fellows(): readonly string[] {
    return this.#libp2p.services.federation.fellows().map(String)
  }

  /** Why others on the LAN may not find this directory; undefined when nothing speaks against it. */
  async whyNotFound(): Promise<string | undefined> {
    return this.#config.settings.mdns ? whyNoMulticast() : undefined
  }

  #misbehaved(misbehaviour: Misbehaviour): void {
    const report = this.#misbehaviour.record(misbehaviour, Date.now())
    if (report !== undefined) this.#tell('misbehaviour', report)
  }

  #followFederation(fellows: FederationService): void {
    const places = MAX_FELLOWS
    const tell = (notice: FederationNotice): void => this.#tell('federation', notice)
    fellows.on('turned-away', ({ peer, remoteAddr, reason }) => {
      tell({ event: 'directory-turned-away', ...fellow(peer, remoteAddr.toString()), reason, places })
    })
    fellows.on('evicted', ({ peer, remoteAddr, holder, held, to }) => {
      const whose = { to: to.toString(), toShortId: shortId(to.toString()) }
      tell({ event: 'directory-evicted', ...fellow(peer, remoteAddr.toString()), holder, held, places, ...whose })
    })
    fellows.on('refused', ({ peer, error: { reason, message, retryAfterMs = 0 } }) => {
      tell({ event: 'directory-refused-us', ...this.#known(peer), reason, why: message, retryAfterMs })
    })
    fellows.on('banned', ({ peer, forMs }) => {
      tell({ event: 'directory-cut', ...this.#known(peer.toString()), forMs })
    })
    fellows.on('left-out', ({ directory: peer, leftOut, peers, isNamed }) => {
      tell({ event: 'directory-left-out', ...this.#known(peer), leftOut, peers, named: isNamed })
    })
  }

  /** A directory, with an address at which it may be reached. */
  #known(peer: string): DirectoryFellow {
    const [address] = this.#libp2p.services.federation.addressesOf(peer)
    return { peer, shortId: shortId(peer), address: address?.toString() ?? '' }
  }

  #tell<K extends keyof DirectoryNodeEvents>(type: K, detail: DirectoryNodeEvents[K]['detail']): void {
    this.dispatchEvent(new CustomEvent(type, { detail }))
  }
}

/** The key of the directory on a port, which is made when there is none. */
export async function openDirectoryKey(
  folders: Folders,
  port: number
): Promise<{ readonly stored: StoredKey; readonly mended: MendedModes }> {
  const folder = directoriesFolder(folders.data)
  const openKey = async (): Promise<{ readonly stored: StoredKey; readonly mended: MendedModes }> => {
    await mkdir(folder, { recursive: true, mode: OWNER_ONLY_FOLDER })
    const mended = await mendModes(folder, (name) => name.includes('.key'))
    const file = directoryKeyFile(folders.data, port)
    await removeHalfWritten(file, true)
    return { stored: await loadIdentity(file), mended }
  }
  return explained(openKey(), folder)
}

/** As a sentence names it. */
export function directoryOwner(port: number): string {
  return `the directory on port ${port}`
}

/**
 * The first of the case study's ports that nothing listens on; undefined when all are taken.
 *
 * @param except a port that something else is about to listen on
 */
export async function firstFreeDirectoryPort(
  host: string | undefined,
  except: number | undefined
): Promise<number | undefined> {
  for (const port of DEFAULT_DIRECTORY_PORTS) if (port !== except && (await isPortFree(port, host))) return port
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

function fellow(peer: PeerId, address = ''): DirectoryFellow {
  return { peer: peer.toString(), shortId: shortId(peer.toString()), address }
}
