// What a directory node shows over HTTP: composes the HTTP side with the
// directory's roster, its host and its figures, and chooses the port. All of it
// is loaded only when it is wanted, so that other nodes start without it.
import { hostname } from 'node:os'
import { fileURLToPath } from 'node:url'
import type { Connection, PeerId } from '@libp2p/interface'
import type { ConnectionFigures } from '../../transport/index.ts'
import type { FederationService } from '../../directory/federation/index.ts'
import type {
  DirectoryFigures,
  EvictionReport,
  OtherDirectory,
  HttpMisbehaviour,
  PeerPath,
  RosterHttp
} from '../../directory/http/index.ts'
import type { RelayFigures } from '../../relay/server/index.ts'
import type { RosterEntry } from '../../presence/index.ts'
import type * as HttpSide from '../../directory/http/index.ts'
import { isLocal, isRelayed } from '../dialing/address.ts'
import { isPortProblem, listenFailure } from '../dialing/listening.ts'
import { networkInterfaces } from '../../transport/index.ts'
import { MAX_PORT, shortId } from '../../lib/index.ts'

/** `dist/web`, as seen from `dist/node/server/index.js`; a folder of sources when nothing was built. */
const pageFolder = fileURLToPath(new URL('../../web/', import.meta.url))

/** The default: the roster page is for the operator of the directory. */
const HTTP_HOST = '127.0.0.1'

/** The page of the directory on port 8000 is at 8080. */
const HTTP_PORT_OFFSET = 80

/** Ports tried after the usual one, when something else listens there, before any free one is taken. */
const HTTP_PORT_TRIES = 8

export interface PageWish {
  /** 0 for any that is free; undefined for the usual one, or the next that is free. */
  readonly port: number | undefined
  /** The IP address to show it on; undefined: to this machine only. */
  readonly host: string | undefined
  /** Names that it is asked for by, beside its addresses and this machine's own name. */
  readonly names: readonly string[]
}

export interface PageScene {
  readonly self: string
  readonly network: string
  /** Multiaddrs at which the directory can be reached. */
  readonly addresses: () => readonly string[]
  /** The port of the directory. */
  readonly directoryPort: number
  readonly roster: ConstructorParameters<typeof HttpSide.RosterHttp>[0]['roster'] & { readonly untold: number }
  /** It relays and keeps no roster; default false. */
  readonly isRelayOnly?: boolean
  readonly connections: (peer: PeerId) => readonly Connection[]
  /** The connections as they are now, and how many gave way. */
  readonly connectionFigures: () => ConnectionFigures
  /** What is relayed now; undefined where nothing is. */
  readonly relay: (() => RelayFigures) | undefined
  /** The other directories of the network, as this one knows them. */
  readonly federationPeers?: () => readonly OtherDirectory[]
  /** What became of directories that wanted to join, or were joined. */
  readonly federation: FederationService['tally']
  /** Whose word about the address of a client counts. */
  readonly isTrustedProxy: (address: string) => boolean
  /** A client's oldest connection, stream or query of the page gave way, because it holds most of the room. */
  readonly onPressure: (report: EvictionReport) => void
  /** A client is held back for what it sends. */
  readonly onMisbehaviour: (misbehaviour: HttpMisbehaviour) => void
}

export class DirectoryPage {
  readonly figures: DirectoryFigures
  /** Open connections that the page takes at most. */
  readonly maxConnections: number
  readonly #side: typeof HttpSide
  readonly #wish: PageWish
  #http: RosterHttp | undefined

  /** @param openFiles how many files the process may have open */
  static async prepare(wish: PageWish, openFiles: number): Promise<DirectoryPage> {
    return new DirectoryPage(await import('../../directory/http/index.ts'), wish, openFiles)
  }

  private constructor(side: typeof HttpSide, wish: PageWish, openFiles: number) {
    this.#side = side
    this.#wish = wish
    this.maxConnections = side.httpConnectionsWithin(openFiles)
    this.figures = side.directoryFigures()
  }

  get #host(): string {
    return this.#wish.host ?? HTTP_HOST
  }

  /** @throws PortTakenError, PortForbiddenError where the port was asked for and can't be had; ListenAddressError */
  async open(scene: PageScene): Promise<void> {
    const { readPageFiles, RosterHttp } = this.#side
    const {
      self,
      network,
      addresses,
      roster,
      connections,
      federationPeers = () => [],
      isTrustedProxy,
      onPressure,
      onMisbehaviour
    } = scene
    const http = new RosterHttp({
      self,
      network,
      addresses,
      isRelayOnly: scene.isRelayOnly ?? false,
      roster,
      federationPeers,
      shortId,
      pathOf: (entry) => pathOf(entry, isAttachedTo(self, entry) ? connections(entry.record.record.peer) : []),
      host: this.#host,
      names: [...this.#wish.names, hostname()],
      maxConnections: this.maxConnections,
      isTrustedProxy,
      onPressure,
      onMisbehaviour,
      page: await readPageFiles(pageFolder),
      metrics: { ...this.figures.http, contentType: this.figures.contentType, text: this.figures.text }
    })
    this.figures.bind({
      peers: () => {
        const entries = roster.roster()
        return { all: entries.length, here: entries.filter((entry) => isAttachedTo(self, entry)).length }
      },
      federationPeers,
      untold: () => roster.untold,
      federation: () => scene.federation,
      ...(scene.relay === undefined ? {} : { relay: scene.relay, isRelayOnly: scene.isRelayOnly ?? false }),
      connections: () => http.connections,
      peerConnections: () => {
        const { open, maxOpen, pending, maxPending, holders, gaveWay } = scene.connectionFigures()
        return { open, maxOpen, pending, maxPending, ofLargestHolder: holders[0]?.connections ?? 0, gaveWay }
      }
    })
    await this.#listen(http, scene.directoryPort)
    this.#http = http
  }

  async stop(): Promise<void> {
    await this.#http?.stop()
  }

  /** Where it can be looked at; none while it can't. */
  addresses(): readonly string[] {
    const port = this.#http?.port ?? 0
    if (port === 0) return []
    const hosts = isWildcard(this.#host) ? ['127.0.0.1', ...outwardHosts()] : [this.#host]
    return hosts.map((host) => `http://${host.includes(':') ? `[${host}]` : host}:${port}/`)
  }

  async #listen(http: RosterHttp, directoryPort: number): Promise<void> {
    for (const port of this.#ports(directoryPort)) {
      try {
        await http.start(port)
        return
      } catch (error) {
        const options = { portOption: '--http', hostOption: '--http-host' }
        const failure = listenFailure(error, { host: this.#host, port }, options)
        if (!isPortProblem(failure) || this.#wish.port !== undefined) throw failure ?? error
      }
    }
  }

  /** The port that is wanted; else the usual one, the next ones, and at last any. */
  #ports(directoryPort: number): readonly number[] {
    if (this.#wish.port !== undefined) return [this.#wish.port]
    const usual = Array.from({ length: HTTP_PORT_TRIES }, (_, i) => directoryPort + HTTP_PORT_OFFSET + i)
    return [...usual.filter((port) => port <= MAX_PORT), 0]
  }
}

function isAttachedTo(directory: string, { attachments }: RosterEntry): boolean {
  return attachments.some(({ source }) => source === directory)
}

/** By its connection to this directory; of a peer at another one, by the addresses that it announces. */
function pathOf({ record }: RosterEntry, connections: readonly Connection[]): PeerPath {
  const addresses = connections.length > 0 ? connections.map(({ remoteAddr }) => remoteAddr) : record.record.addresses
  const direct = addresses.filter((address) => !isRelayed(address))
  if (direct.length === 0) return addresses.length > 0 ? 'relayed' : 'direct'
  const isOnLan = connections.length > 0 ? direct.some(isLocal) : direct.every(isLocal)
  return isOnLan ? 'lan' : 'direct'
}

function isWildcard(host: string): boolean {
  return host === '0.0.0.0' || host === '::'
}

function outwardHosts(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address)
}
