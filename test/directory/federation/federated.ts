// Directories with the services of a directory and its federation, on real
// connections of loopback and without the rest of a node. Peers are put on the
// roster as if they had announced themselves.
import type { Connection, Libp2p, PeerId, PrivateKey } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import type { Multiaddr } from '@multiformats/multiaddr'
import { identify } from '@libp2p/identify'
import { federation, type FederationService } from '../../../src/directory/federation/index.ts'
import { directory, type DirectoryService } from '../../../src/directory/server/index.ts'
import type { VerifiedRecord } from '../../../src/presence/index.ts'
import { node, portOf } from '../nodes.ts'
import type { FederationLimits } from '../../../src/directory/federation/state/known-directories.ts'

export const network = 'test'

export interface Federated {
  readonly libp2p: Libp2p<{ directory: DirectoryService; federation: FederationService }>
  readonly directory: DirectoryService
  readonly federation: FederationService
  readonly id: string
  readonly peer: PeerId
  /** Multiaddr without the peer ID. */
  readonly address: string
  /** As if these peers had announced themselves here. */
  attach(...records: readonly VerifiedRecord[]): void
  /** The peers on the roster, with the directories at which each is attached. */
  roster(): Map<string, readonly string[]>
}

export interface FederatedOptions {
  readonly privateKey?: PrivateKey
  readonly port?: number
  readonly network?: string
  readonly limits?: Partial<FederationLimits>
  readonly admitsOthers?: boolean
  /** The local address that it dials from: any of 127.0.0.0/8, each a prefix of its own. */
  readonly from?: string
  /** Connections that it has dialled are handed on when this resolves. */
  readonly hold?: Promise<void>
}

export async function federated(join: readonly string[] = [], options: FederatedOptions = {}): Promise<Federated> {
  let dial: ((address: string, signal: AbortSignal) => Promise<Connection>) | undefined
  const reach = async (address: string, signal: AbortSignal): Promise<Connection> => {
    if (dial === undefined) throw new Error('not made yet')
    const connection = await dial(address, signal)
    await options.hold
    return connection
  }
  const libp2p: Federated['libp2p'] = await node<{
    identify: unknown
    directory: DirectoryService
    federation: FederationService
  }>(
    {
      identify: identify(),
      directory: directory({ network: options.network ?? network }),
      federation: federation({
        network: options.network ?? network,
        join: join.map((address) => multiaddr(address)),
        ...(options.limits === undefined ? {} : { limits: options.limits }),
        ...(options.admitsOthers === undefined ? {} : { admitsOthers: options.admitsOthers }),
        dial: (address, { signal }) => reach(address.toString(), signal),
        connect: async (peer, { signal }) => {
          const [address]: readonly Multiaddr[] = libp2p.services.federation.addressesOf(peer)
          if (address === undefined) throw new Error('no address is known')
          return reach(`${address.toString()}/p2p/${peer}`, signal)
        }
      })
    },
    options
  )
  dial = (address, signal) => libp2p.dial(multiaddr(address), { signal })
  const { directory: service, federation: federationPeers } = libp2p.services
  return {
    libp2p,
    directory: service,
    federation: federationPeers,
    id: libp2p.peerId.toString(),
    peer: libp2p.peerId,
    address: `/ip4/127.0.0.1/tcp/${portOf(libp2p)}`,
    attach: (...records) => {
      const source = libp2p.peerId.toString()
      service.merge((roster, nowMs) =>
        records.flatMap((record) => {
          const announced = roster.announce(record, { source, nowMs })
          return announced.outcome === 'full' ? [] : announced.changes
        })
      )
    },
    roster: () =>
      new Map(service.roster().map(({ peer, attachments }) => [peer, attachments.map(({ source }) => source)]))
  }
}
