// The roster as people see it: rows made of roster entries, in an order that
// does not change while people come and go. Pure.
import type { Multiaddr } from '@multiformats/multiaddr'
import { isIPv4 } from 'node:net'
import { LAN, type RosterEntry } from '../directory/index.ts'
import { hostPortOf, isLocal, isLoopback } from './address.ts'
import type { Path, RosterRow } from './chat-events.ts'
import type { SeenBy } from './directory-findings.ts'
import type { KnownNames } from './known-names.ts'
import { nameOrShortId, shortId } from './short-id.ts'

export interface Surroundings {
  /** Absent where nobody is known. */
  readonly names?: KnownNames
  readonly isBlocked?: (peer: string) => boolean
  /** The remote address of the open connection to the peer. */
  readonly connectionAddress: (peer: string) => Multiaddr | undefined
  readonly rttMs?: (peer: string) => number | undefined
  /** Why there is no way to a peer that is looked for. */
  readonly whyNoWay?: (peer: string) => string | undefined
  /**
   * By which directories the peer is seen, where several are listened to. Without it the sources themselves are the
   * directories at which it is attached.
   */
  readonly seenBy?: (peer: string) => SeenBy
}

export function rosterRow(entry: RosterEntry, around: Surroundings): RosterRow {
  const { record } = entry.record
  const { addresses } = record // decoded anew each time
  const connected = around.connectionAddress(entry.peer)
  const best = bestAddress(addresses, connected)
  const place = best === undefined ? undefined : hostPortOf(best)
  const contact = around.names?.contact(entry.peer)
  const nickname = nameOrShortId(record.nickname, entry.peer)
  const sameNameAs = around.names?.ownerOf(entry.peer, record.nickname)
  const rttMs = connected === undefined ? undefined : around.rttMs?.(entry.peer)
  const why = connected === undefined ? around.whyNoWay?.(entry.peer) : undefined
  return {
    peer: entry.peer,
    nickname,
    ...(nickname === record.nickname ? {} : { isNameless: true }),
    status: record.status,
    shortId: shortId(entry.peer),
    host: place?.host,
    port: place?.port,
    addresses: addresses.map((address) => address.toString()),
    sinceMs: Math.min(...entry.attachments.map(({ sinceMs }) => sinceMs)),
    sources: entry.attachments.map(({ source }) => source),
    ...viaOf(entry, around),
    path: pathOf(entry, connected),
    ...(rttMs === undefined ? {} : { rttMs }),
    ...(why === undefined ? {} : { why }),
    contact: contact !== undefined,
    verified: contact?.verified !== undefined,
    blocked: around.isBlocked?.(entry.peer) ?? false,
    ...(sameNameAs === undefined ? {} : { sameNameAs })
  }
}

/** Whoever is seen on the LAN as well is not seen by a directory's word alone. */
function viaOf(entry: RosterEntry, around: Surroundings): Pick<RosterRow, 'via' | 'onlyVia'> {
  const directories = entry.attachments.filter(({ source }) => source !== LAN)
  const { via, onlyVia } = around.seenBy?.(entry.peer) ?? { via: new Map<string, number>(), onlyVia: undefined }
  // A directory that was lost a moment ago is told of no more; its word still stands for the grace.
  const shown = via.size > 0 ? via : new Map(directories.map(({ source, sinceMs }) => [source, sinceMs]))
  return {
    via: [...shown].map(([directory, sinceMs]) => ({ directory, sinceMs })),
    ...(onlyVia === undefined || directories.length < entry.attachments.length ? {} : { onlyVia })
  }
}

/** By nickname, then by key: the same for everybody, whoever came first. */
export function compareRows(a: RosterRow, b: RosterRow): number {
  return a.nickname.localeCompare(b.nickname) || (a.peer < b.peer ? -1 : 1)
}

/** How the open connection runs; a peer that is seen and not connected has a path only when the LAN shows it. */
function pathOf(entry: RosterEntry, connected: Multiaddr | undefined): Path {
  if (connected !== undefined) return isLocal(connected) ? 'lan' : 'direct'
  return entry.attachments.some(({ source }) => source === LAN) ? 'lan' : 'none'
}

/**
 * The address to show of many: one on the network over which the peer is
 * connected, else IPv4 before IPv6 and other machines' addresses before loopback.
 */
function bestAddress(addresses: readonly Multiaddr[], connected: Multiaddr | undefined): Multiaddr | undefined {
  const remote = connected === undefined ? undefined : hostPortOf(connected)?.host
  const host = remote !== undefined && isIPv4(remote) && !remote.startsWith('127.') ? remote : undefined
  const score = (address: Multiaddr): number => {
    const place = hostPortOf(address)
    if (place === undefined) return -1
    return (place.host === host ? 4 : 0) + (isLoopback(address) ? 0 : 2) + (isIPv4(place.host) ? 1 : 0)
  }
  return addresses.toSorted((a, b) => score(b) - score(a))[0]
}
