// What an examination asks of a ChatNode, from its parts.
import { multiaddr } from '@multiformats/multiaddr'
import { OwnNetwork } from './dialing/own-network.ts'
import type { ChatParts } from './chat-parts.ts'
import { hostPortOf } from './dialing/address.ts'
import { tryAddresses, tryPaths } from './dialing/path-trials.ts'
import type { DoctorNode } from './doctor/doctor.ts'
import type { PortEvidence } from './doctor/evidence/evidence.ts'

export function doctorNode(parts: ChatParts, port: PortEvidence): DoctorNode {
  const { host, isObserver, messaging, network, profile, searchesLan } = parts
  return {
    searchesLan,
    proxy: () => parts.proxy,
    port: () => port,
    directories: () => network.directories.views(),
    self: profile.id,
    stunServers: () => network.reachability.stunServers(),
    router: () => network.reachability.router(),
    relays: () => (isObserver ? undefined : host.circuits.relays.size),
    directoriesTried: async (signal) => network.firstLook.directoriesTried(signal),
    unseenNeighbours: () => {
      const own = new OwnNetwork()
      const isNear = (address: string): boolean => own.isOnLink(hostPortOf(multiaddr(address))?.host ?? '')
      const rows = network.peers.roster().filter(({ peer, sources }) => peer !== profile.id && sources.length > 0)
      return rows
        .filter(({ path, blocked, sources }) => path === 'none' && !blocked && !sources.includes('lan'))
        .filter(({ addresses }) => addresses.some(isNear))
        .map(({ peer }) => peer)
    },
    news: async (signal) => network.firstLook.change(signal),
    lookedAround: async (signal) => network.firstLook.once(signal, { thorough: true }),
    resolve: async (words, signal) =>
      (await network.resolver.resolve(words, { trustName: true, refuseChangedKey: true, signal })).peer,
    peer: (peer) => ({
      name: network.peers.label(peer),
      isBlocked: profile.book.isBlocked(peer),
      isOnline: network.peers.roster().some((row) => row.peer === peer && row.sources.some((one) => one !== 'lan')),
      path: messaging.paths.of(peer)
    }),
    portsOf: async (peer, signal) => {
      const { dialled } = await network.trialDialer.candidates(peer, { signal })
      return [...new Set(dialled.flatMap(({ address }) => hostPortOf(address)?.port ?? []))]
    },
    tryPaths: async (peer, signal) => tryPaths(network.trialDialer, peer, signal),
    tryAddresses: async (peer, addresses, signal) => tryAddresses(network.trialDialer, peer, addresses, signal)
  }
}
