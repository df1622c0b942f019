// The roster as people see it: rows made of roster entries, in an order that does not
// change while peers come and go. Pure.
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { isIPv4 } from 'node:net'
import { LAN, type RosterEntry } from '../../presence/index.ts'
import { hostPortOf, isLoopback, pathKindOf, remotePlaceOf } from '../dialing/address.ts'
import type { Path, PeerName, RosterRow } from '../api/chat-events.ts'
import type { KnownNames } from './known-names.ts'
import type { OtherProgram } from './other-programs.ts'
import { nameOrShortId, shortId } from '../../lib/index.ts'
import type { Contact } from '../../storage/index.ts'

/** The directories that show a peer. */
export interface SeenBy {
  /** The directories at which it is attached, each with since when. */
  readonly via: ReadonlyMap<string, number>
  /** The only directory that attests it, if there is just one. */
  readonly onlyVia: string | undefined
}

export interface Surroundings {
  /** Absent where there are no contacts. */
  readonly names?: KnownNames
  /** Another peer around whose name looks like this one. */
  readonly namesakeOf?: (peer: string, name: string) => PeerName | undefined
  readonly isBlocked?: (peer: string) => boolean
  /** The remote address of the open connection to the peer. */
  readonly connectionAddress: (peer: string) => Multiaddr | undefined
  readonly rttMs?: (peer: string) => number | undefined
  /** Why there is no way to a peer that is looked for. */
  readonly whyNoWay?: (peer: string) => string | undefined
  /**
   * The directories that show the peer, where several are in use. Without it, the sources of its entry are the directories
   * at which it is attached.
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
  const name = contact?.name ?? nickname
  const sharesNameWith = around.namesakeOf?.(entry.peer, name)
  const sameNameAs = around.names?.ownerOf(entry.peer, record.nickname)
  const rttMs = connected === undefined ? undefined : around.rttMs?.(entry.peer)
  const why = connected === undefined ? around.whyNoWay?.(entry.peer) : undefined
  return {
    peer: entry.peer,
    name,
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
    ...(sameNameAs === undefined ? {} : { sameNameAs }),
    ...(sharesNameWith === undefined ? {} : { sharesNameWith })
  }
}

/** A row for a peer on a program of another kind. Such a peer gives itself no name: the user's name for it stands there. */
export function otherProgramRow(
  { peer, dialect, sinceMs }: OtherProgram,
  known: {
    readonly name: string
    readonly contact: Contact | undefined
    readonly connection: Connection | undefined
    readonly rttMs?: number
  }
): RosterRow {
  const { name, contact, connection, rttMs } = known
  // The port that a peer dials from does not listen.
  const place = connection?.direction === 'outbound' ? hostPortOf(connection.remoteAddr) : undefined
  return {
    peer,
    name,
    nickname: name,
    status: '',
    shortId: shortId(peer),
    host: place?.host,
    port: place?.port,
    addresses: [],
    sinceMs,
    sources: [],
    via: [],
    dialect,
    path: connection === undefined ? 'none' : pathKindOf(connection.remoteAddr),
    ...(rttMs === undefined ? {} : { rttMs }),
    contact: contact !== undefined,
    verified: contact?.verified !== undefined,
    blocked: false
  }
}

/** A peer that the LAN shows too does not depend on a directory's word alone. */
function viaOf(entry: RosterEntry, around: Surroundings): Pick<RosterRow, 'via' | 'onlyVia'> {
  const directories = entry.attachments.filter(({ source }) => source !== LAN)
  const { via, onlyVia } = around.seenBy?.(entry.peer) ?? { via: new Map<string, number>(), onlyVia: undefined }
  // A directory that was just lost has no view any more; its attachments stand until the grace ends.
  const shown = via.size > 0 ? via : new Map(directories.map(({ source, sinceMs }) => [source, sinceMs]))
  return {
    via: [...shown].map(([directory, sinceMs]) => ({ directory, sinceMs })),
    ...(onlyVia === undefined || directories.length < entry.attachments.length ? {} : { onlyVia })
  }
}

/** The path of the open connection. Without one, a peer has a path only if the LAN shows it. */
function pathOf(entry: RosterEntry, connected: Multiaddr | undefined): Path {
  if (connected !== undefined) return pathKindOf(connected)
  return entry.attachments.some(({ source }) => source === LAN) ? 'lan' : 'none'
}

/**
 * The address to show: one on the network over which the peer is connected, else IPv4 before IPv6, and other machines'
 * addresses before loopback.
 */
export function bestAddress(addresses: readonly Multiaddr[], connected: Multiaddr | undefined): Multiaddr | undefined {
  const remote = connected === undefined ? undefined : remotePlaceOf(connected)?.host
  const host = remote !== undefined && isIPv4(remote) && !remote.startsWith('127.') ? remote : undefined
  const score = (address: Multiaddr): number => {
    const place = hostPortOf(address)
    if (place === undefined) return -1
    return (place.host === host ? 4 : 0) + (isLoopback(address) ? 0 : 2) + (isIPv4(place.host) ? 1 : 0)
  }
  return addresses.toSorted((a, b) => score(b) - score(a))[0]
}
