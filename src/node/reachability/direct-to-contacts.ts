// The direct paths of a peer, as its settings and its contacts allow them. It does not
// know when one is wanted.
import type { Connection } from '@libp2p/interface'
import { DirectPaths, StunClient, type StunServer } from '../../direct/index.ts'
import { networkInterfaces } from '../../transport/index.ts'
import type { Settings } from '../config/setting-specs.ts'
import { isRelayed } from '../dialing/address.ts'
import { ownNetworkNow } from '../dialing/own-network.ts'
import type { Profile } from '../profile/profile.ts'

export interface DirectToContactsInit {
  readonly profile: Pick<Profile, 'book'>
  readonly settings: Pick<Settings, 'direct' | 'host'>
  readonly connections: (peer: string) => readonly Connection[]
  /** Whether the connection carries something that it is needed for. */
  readonly isUsed: (connection: Connection) => boolean
  /** Where directories in use, and relays that the user named, say how they see a socket. */
  readonly stunServers: () => readonly StunServer[]
}

/** @returns undefined where the user keeps conversations on their relays */
export function directToContacts(init: DirectToContactsInit): DirectPaths | undefined {
  const { settings, connections, stunServers } = init
  const { book } = init.profile
  if (settings.direct === 'never') return undefined
  const ownNetwork = ownNetworkNow()
  return new DirectPaths({
    isContact: (peer) => book.contact(peer) !== undefined && !book.isBlocked(peer),
    relayed: (peer) => connections(peer).find(({ status, remoteAddr }) => status === 'open' && isRelayed(remoteAddr)),
    stunServers,
    stun: (send) => new StunClient(send),
    isOnLink: (ip) => ownNetwork().isOnLink(ip),
    ownAddresses,
    isUsed: init.isUsed,
    host: settings.host
  })
}

/** The addresses of this machine's interfaces, without loopback. */
function ownAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((list) => list ?? [])
  return all.filter(({ internal }) => !internal).map(({ address }) => address)
}
