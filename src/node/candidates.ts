// Which of the addresses that are known for a peer are dialled, and in which
// order. Pure. No source of addresses can crowd out the others: a forged sighting
// or a long record costs a few dials, and no more.
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { hostPortOf, isLoopback, peerIdOf, withPeerId } from './address.ts'
import { MAX_ADDRESSES_PER_DIAL } from './constants.ts'

/**
 * @param sources lists of multiaddrs, the most promising list first; each may hold anything
 * @param ownHosts tells this machine's IP addresses; asked only where they matter
 * @returns each with the peer ID that must answer; at most MAX_ADDRESSES_PER_DIAL
 */
export function dialCandidates(
  peer: string,
  sources: readonly (readonly string[])[],
  ownHosts: () => ReadonlySet<string>
): readonly Multiaddr[] {
  const unique = new Map<string, Multiaddr>()
  const longest = Math.max(0, ...sources.map(({ length }) => length))
  for (let turn = 0; turn < longest; turn++) {
    for (const source of sources) {
      const address = readCandidate(source[turn], peer)
      if (address !== undefined) unique.set(address.toString(), address)
    }
  }
  return withoutOthersLoopback([...unique.values()], ownHosts).slice(0, MAX_ADDRESSES_PER_DIAL)
}

/**
 * Everybody announces 127.0.0.1, but only a peer on this machine is behind it:
 * on another machine somebody else may answer there, and look like an impostor.
 */
function withoutOthersLoopback(
  addresses: readonly Multiaddr[],
  ownHosts: () => ReadonlySet<string>
): readonly Multiaddr[] {
  const outward = addresses.filter((address) => !isLoopback(address))
  if (outward.length === 0 || outward.length === addresses.length) return addresses
  const own = ownHosts()
  return outward.some((address) => own.has(hostPortOf(address)?.host ?? '')) ? addresses : outward
}

function readCandidate(text: string | undefined, peer: string): Multiaddr | undefined {
  if (text === undefined) return undefined
  try {
    const address = withPeerId(multiaddr(text), peer)
    return peerIdOf(address) === peer ? address : undefined
  } catch {
    return undefined // an address of a kind that this version does not know
  }
}
