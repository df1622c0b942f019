// Which of the addresses that are known for a peer are dialled, in which order,
// and why the others are not. Pure. No source of addresses can crowd out the
// others: a forged sighting or a long record costs a few dials, and no more.
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { formatAddress, hostPortOf, isLoopback, peerIdOf, withPeerId } from './address.ts'
import { MAX_ADDRESSES_PER_DIAL } from './constants.ts'
import { whyNotDialled, type Vantage } from './dialable.ts'
import type { OwnNetwork } from './own-network.ts'

/** Multiaddrs as text, the most promising first. They may hold anything. */
export interface ToldAddresses {
  readonly addresses: readonly string[]
  readonly from: Vantage
}

export interface Candidate {
  /** With the peer ID that must answer. */
  readonly address: Multiaddr
  readonly from: Vantage
}

export interface Candidates {
  /** At most MAX_ADDRESSES_PER_DIAL. */
  readonly dialled: readonly Candidate[]
  /** What is not dialled, each as a clause: `127.0.0.1:22 is another machine's own (loopback)`. */
  readonly refused: readonly string[]
}

/** @param sources the most promising first */
export function dialCandidates(peer: string, sources: readonly ToldAddresses[], own: OwnNetwork): Candidates {
  const dialled = new Map<string, Candidate>()
  const refused = new Map<string, string>()
  const longest = Math.max(0, ...sources.map(({ addresses }) => addresses.length))
  for (let turn = 0; turn < longest; turn++) {
    for (const { addresses, from } of sources) {
      const address = readCandidate(addresses[turn], peer)
      if (address === undefined) continue
      const key = address.toString()
      const why = whyNotDialled(address, from, own)
      if (why !== undefined) refused.set(key, `${formatAddress(address)} ${why}`)
      else if (!dialled.has(key)) dialled.set(key, { address, from })
    }
  }
  for (const key of dialled.keys()) refused.delete(key)
  return {
    dialled: withoutOthersLoopback([...dialled.values()], own).slice(0, MAX_ADDRESSES_PER_DIAL),
    refused: [...refused.values()]
  }
}

/**
 * Everybody announces 127.0.0.1, but only a peer on this machine is behind it:
 * on another machine somebody else may answer there, and look like an impostor.
 */
function withoutOthersLoopback(candidates: readonly Candidate[], own: OwnNetwork): readonly Candidate[] {
  const outward = candidates.filter(({ address }) => !isLoopback(address))
  if (outward.length === 0 || outward.length === candidates.length) return candidates
  return outward.some(({ address }) => own.isOwn(hostPortOf(address)?.host ?? '')) ? candidates : outward
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
