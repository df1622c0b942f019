// The candidates of both sides: which addresses a peer tells of itself, and to which of
// the other's it may send anything. The rule: nobody can make this machine send where
// the one that names the address has not shown to be. It sends nothing itself.
import type { PeerId } from '@libp2p/interface'
import { isIPv4 } from 'node:net'
import { addressRange, canonicalIp } from '../wire/index.ts'
import { MAX_OFFER_CANDIDATES, type Candidate, type Offer } from './direct-frames.ts'
import { type Mapping, type Sighting, type UdpPlace, verifySighting } from './stun/index.ts'
import type { Guessing } from './punch.ts'

/** Addresses of own interfaces in an offer: a LAN has one or two of each family, and sightings must have room. */
const MAX_HOST_CANDIDATES = 4

/** @param bound addresses of this machine's own interfaces, with the ports of its sockets */
export function ownCandidates(sightings: readonly Sighting[], bound: readonly UdpPlace[]): readonly Candidate[] {
  const near = bound.filter(({ host }) => isKnownBeyondLink(host)).slice(0, MAX_HOST_CANDIDATES)
  const sighted = sightings.slice(0, MAX_OFFER_CANDIDATES - near.length).map(({ address, port, directory, proof }) => ({
    host: address,
    port,
    sighted: { directory, proof }
  }))
  return [...sighted, ...near.map(({ host, port }) => ({ host: canonicalIp(host) ?? host, port, sighted: undefined }))]
}

/** An address of one link or one machine means nothing on another, and is not offered. */
export function isKnownBeyondLink(host: string): boolean {
  const range = addressRange(host)
  return range === 'public' || range === 'private'
}

export interface ReachableInit {
  readonly peer: PeerId
  /** What the directories in use have just said of this side. */
  readonly own: readonly Sighting[]
  /** Whether an interface of this machine is in the network of the address. */
  readonly isOnLink: (ip: string) => boolean
}

/** Where the other side may be reached. */
export interface Reachable {
  readonly places: readonly UdpPlace[]
  /** Of these, IPv4 addresses with a sighting: ports are guessed at no other. */
  readonly sighted: readonly UdpPlace[]
}

/** The candidates of an offer to which this side may send: see section 5 of the specification. */
export async function reachable(offer: Offer, { peer, own, isOnLink }: ReachableInit): Promise<Reachable> {
  const judged = await Promise.all(
    offer.candidates.map(async ({ host, port, sighted }) => {
      const place = { host, port }
      const range = addressRange(host)
      if (range === 'private') return { place, may: isOnLink(host), isSighted: false }
      if (range !== 'public') return { place, may: false, isSighted: false }
      const isSighted =
        sighted !== undefined &&
        (await verifySighting({ ...sighted, address: host, port }, { peer, nonce: offer.nonce, own }))
      return { place, may: isSighted || isOnLink(host), isSighted }
    })
  )
  const places = unique(judged.filter(({ may }) => may).map(({ place }) => place))
  const sighted = unique(judged.filter(({ isSighted }) => isSighted).map(({ place }) => place))
  return { places, sighted: sighted.filter(({ host }) => isIPv4(host)) }
}

/** What is guessed where the plain probes don't get through; undefined where guesses would not help. */
export function guessingFor(own: Mapping, theirs: Mapping, [to]: readonly UdpPlace[]): Guessing | undefined {
  if (to === undefined || (own === 'varying') === (theirs === 'varying')) return undefined
  return own === 'varying' ? { is: 'sockets', to } : { is: 'ports', host: to.host }
}

/** Several directories see a socket at the same place. */
function unique(places: readonly UdpPlace[]): readonly UdpPlace[] {
  return [...new Map(places.map((place) => [`${place.host} ${place.port}`, place])).values()]
}
