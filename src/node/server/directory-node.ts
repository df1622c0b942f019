// A directory node: a libp2p host that keeps the roster and shows who comes and
// goes, and relays between peers that can't reach each other. It has a key for each
// port, and can read nobody's words.
import { createLibp2p } from 'libp2p'
import type { Libp2p } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { StunResponder } from '../../direct/stun/index.ts'
import { federation, type FederationService } from '../../directory/federation/index.ts'
import { directory, type DirectoryService } from '../../directory/server/index.ts'
import { numbers } from '../../invite/server/index.ts'
import { circuitLimits, relay, type RelayService } from '../../relay/server/index.ts'
import { directoryServices } from '../../transport/index.ts'
import { ownNetworkNow } from '../dialing/own-network.ts'
import { LanSightings } from '../discovery/lan.ts'
import { MdnsPorts } from '../discovery/mdns-port.ts'
import { LanNotices } from '../discovery/multicast.ts'
import type { RosterRow } from '../api/chat-events.ts'
import { DEFAULT_DIRECTORY_PORTS } from '../config/setting-specs.ts'
import { vantageOf, whyNotDialled } from '../dialing/dialable.ts'
import { reportServices } from './directory-events.ts'
import { stunFor, stunService } from './directory-stun.ts'
import { OwnPeerError } from '../api/errors.ts'
import { isPortFree } from '../dialing/listening.ts'
import { readDirectoryAddress } from '../peers/peer-resolver.ts'
import { addressDialer, Dialer, type AddressDialer } from '../dialing/dialer.ts'
import { compareRows } from '../peers/peer-label.ts'
import { rosterRow } from '../peers/roster-rows.ts'
import { groundFor, ServerNode, type Ground, type NodeLoad, type ServerNodeInit } from './server-node.ts'

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

export class DirectoryNode extends ServerNode {
  readonly isRelayOnly = false
  readonly #libp2p: DirectoryHost

  /** @throws BadAddressError, and as {@link groundFor} */
  static async create(init: ServerNodeInit): Promise<DirectoryNode> {
    const { settings } = init.config
    const federationPeers = settings.join.map(readDirectoryAddress)
    let host: DirectoryHost | undefined
    let node: DirectoryNode | undefined
    const running = (): DirectoryHost => {
      if (host === undefined) throw new Error('the directory is not made yet')
      return host
    }
    const ownNetwork = ownNetworkNow()
    const lanNotices = new LanNotices(({ text }) => node?.tell('lan', { text }))
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
    const ground = await groundFor(init, {
      standings: () => {
        const joined = new Set(running().services.federation.federationPeers().map(String))
        return ({ remotePeer }) => (joined.has(remotePeer.toString()) ? 'known' : 'stranger')
      },
      discovery: settings.mdns ? [lan.discovery(settings.network, 'directory', true)] : [],
      node: () => node
    })
    const { guard, page, port, webSocket } = ground
    const figures = page?.figures
    const libp2p = await createLibp2p({
      ...ground.options,
      services: {
        ...directoryServices,
        places: guard.places(),
        dialer: addressDialer(),
        directory: directory({
          network: settings.network,
          stun: (client) => stunFor(client, running().services.stun, settings.host),
          ...(webSocket?.announced === undefined ? {} : { webSocket: webSocket.announced.toString() }),
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
          onProblem: (text) => node?.tell('stun', { text }),
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
    node = new DirectoryNode(ground, libp2p)
    return node
  }

  private constructor(ground: Ground, libp2p: DirectoryHost) {
    super(ground, libp2p)
    this.#libp2p = libp2p
    reportServices(libp2p.services, (type, detail) => this.tell(type, detail))
  }

  load(): NodeLoad {
    const { directory: served, relay: relayed } = this.#libp2p.services
    return { peers: served.announced, circuits: relayed?.figures().circuits ?? 0 }
  }

  protected scene(): ReturnType<ServerNode['scene']> {
    const { directory: served, federation: joined, relay: relayed } = this.#libp2p.services
    return {
      roster: served,
      relay: relayed === undefined ? undefined : () => relayed.figures(),
      federationPeers: () => joined.directories().filter(({ directory: one }) => one !== this.peerId),
      federation: joined.tally
    }
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
