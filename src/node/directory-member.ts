// One directory of those that this peer knows: where it was heard of, how it
// stands, and how that is shown. Decides nothing.
import type { Multiaddr } from '@multiformats/multiaddr'
import { DirectoryRefusedError, refusalAdvice, type DirectoryClient, type DirectoryState } from '../directory/index.ts'
import { formatAddress, peerIdOf } from './address.ts'
import type { DirectoryFindings, DirectoryView } from './chat-events.ts'
import type { Origin } from './directory-choice.ts'

export interface Member {
  readonly address: Multiaddr
  readonly origin: Origin
  readonly client: DirectoryClient
  state: DirectoryState
  /** Whether its whole roster has been told since it was connected. */
  hasTold: boolean
  /** Peers on its roster, by its last word; it may tell of fewer. */
  total: number
  peer: string | undefined
  /** It was reached after those with a lower number; 0 when it never was. */
  lastTaken: number
  /** It is used, or is about to be: from the connection on, until that is lost. */
  hasPlace: boolean
  /** Its place is for a nearer one, as soon as that is ready. */
  yields: boolean
  /** All that its last sighting on the LAN said; empty when there was none. */
  sightedAt: readonly string[]
  /** Where it was reached. */
  reachedAt: Multiaddr | undefined
  /** How far it was when that was last measured. */
  distanceMs: number | undefined
  /** The view that was told last, as text. */
  told: string | undefined
  /** Records and statements without their owner's signature that it has told. */
  forged: number
}

export function newMember(init: Pick<Member, 'address' | 'origin' | 'client' | 'sightedAt'>): Member {
  return {
    ...init,
    state: { state: 'connecting' },
    hasTold: false,
    total: 0,
    peer: peerIdOf(init.address),
    lastTaken: 0,
    hasPlace: false,
    yields: false,
    reachedAt: undefined,
    distanceMs: undefined,
    told: undefined,
    forged: 0
  }
}

/** Enough directories are in use: this one waits for its turn. */
export class StandbyError extends Error {
  override readonly name = 'StandbyError'
}

/** A directory that refuses to register this peer still tells its roster. */
export function isWatching({ state }: DirectoryState): boolean {
  return state === 'connected' || state === 'refused'
}

export function isStandby({ state }: Member): boolean {
  return state.state === 'waiting' && state.why instanceof StandbyError
}

/** Worth a try at once when another is lost: not one that has asked for its time. */
export function isReady(member: Member): boolean {
  return member.state.state === 'waiting' && !(member.state.why instanceof DirectoryRefusedError)
}

/**
 * @returns whether it is worth a line: a port where nobody asked for a directory and none was met is not, nor is a
 *   second way to one that is in use, or that was reached in another way last
 */
export function isListed(member: Member, others: readonly Member[]): boolean {
  if (member.origin === 'default' && member.reachedAt === undefined) return false
  if (member.origin === 'named' || member.hasPlace) return true
  const ways = others.filter(({ peer }) => peer !== undefined && peer === member.peer)
  const newest = ways.toSorted((a, b) => Number(b.hasPlace) - Number(a.hasPlace) || b.lastTaken - a.lastTaken)[0]
  return newest === undefined || newest === member
}

export function viewOf(
  member: Member,
  told: { peers: number; findings: DirectoryFindings } | undefined
): DirectoryView {
  const { address, origin, state, peer, distanceMs, total } = member
  const rttMs = state.state === 'connected' ? state.rttMs : distanceMs
  return {
    address: formatAddress(address),
    peer,
    state: stateName(member),
    isDefault: origin === 'default',
    ...whyOf(member),
    ...(rttMs === undefined ? {} : { rttMs: Math.round(rttMs) }),
    ...(state.state === 'connected' ? { registered: state.registered } : {}),
    ...(told === undefined ? {} : told),
    ...(told === undefined || total <= told.peers ? {} : { total })
  }
}

function stateName(member: Member): DirectoryView['state'] {
  if (isStandby(member)) return 'standby'
  return member.state.state === 'stopped' ? 'waiting' : member.state.state
}

function whyOf(member: Member): { why?: string; retryAtMs?: number } {
  const { state } = member
  if (state.state === 'refused') return { why: refusalAdvice(state.reason), retryAtMs: state.retryAtMs }
  if (state.state !== 'waiting') return {}
  return isStandby(member) ? { why: state.why.message } : { why: state.why.message, retryAtMs: state.retryAtMs }
}
