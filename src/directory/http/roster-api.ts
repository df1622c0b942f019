// What a directory's HTTP side says, as types and nothing else, so that the page
// in the browser can know them too: docs/spec/directory-http.md is their page.
// All times are milliseconds since 1970 by the directory's clock.

/** Over a local network, over the Internet, or through a relay. */
export type PeerPath = 'lan' | 'direct' | 'relayed'

export interface PeerJson {
  readonly peer: string
  readonly shortId: string
  /** As its owner says; may be empty, is not unique, and may hold any letters. */
  readonly nickname: string
  readonly status: string
  readonly since: number
  /** The sequence number of the record, in decimals. */
  readonly seq: string
  readonly addresses: readonly string[]
  /** Peer IDs of the directories that it is attached to. */
  readonly directories: readonly string[]
  readonly path: PeerPath
}

export interface DirectoryJson {
  readonly directory: string
  readonly shortId: string
  /** This one; another that is heard of; one whose peers still stand, and that isn't. */
  readonly state: 'here' | 'alive' | 'lost'
  /** Peers on the roster that are attached to it. */
  readonly peers: number
  /** When it was last heard of; absent for this one. */
  readonly heardAt?: number
  /** Peers that it has by its own word and that are not on the roster, for want of room; absent when there are none. */
  readonly leftOut?: number
  /** The operator of this one named it; absent when not. */
  readonly named?: boolean
}

/** Something that happened lately. */
export interface HappeningJson {
  readonly at: number
  readonly what: 'joined' | 'left' | 'lost'
  readonly peer: string
  readonly shortId: string
  readonly nickname: string
}

/** The answer of `/api/roster`. */
export interface RosterJson {
  readonly id: string
  readonly network: string
  readonly directory: string
  /** Multiaddrs at which the directory can be reached. */
  readonly addresses: readonly string[]
  readonly now: number
  /** Peers on the roster, and how many of them match the query. */
  readonly total: number
  readonly matching: number
  readonly directories: readonly DirectoryJson[]
  readonly peers: readonly PeerJson[]
  /** It relays, and keeps no roster; absent when it keeps one. */
  readonly relayOnly?: true
}

/** The event `snapshot`: it replaces all events before it. */
interface SnapshotJson {
  readonly network: string
  readonly directory: string
  /** Multiaddrs at which the directory can be reached. */
  readonly addresses: readonly string[]
  readonly now: number
  readonly total: number
  readonly directories: readonly DirectoryJson[]
  /** Newest first. */
  readonly recent: readonly HappeningJson[]
  readonly peers: readonly PeerJson[]
  /** More peers follow, in events `page`. */
  readonly more: boolean
  /** It relays, and keeps no roster; absent when it keeps one. */
  readonly relayOnly?: true
}

/** The event `page`: more of a snapshot. */
interface PageJson {
  readonly peers: readonly PeerJson[]
  readonly more: boolean
}

/** The event `changes`. */
interface ChangesJson {
  readonly now: number
  readonly total: number
  /** New and changed peers, whole. */
  readonly peers: readonly PeerJson[]
  /** Peer IDs of those that are not on the roster any more. */
  readonly gone: readonly string[]
  /** What happened, newest first. */
  readonly recent: readonly HappeningJson[]
  /** All directories, when anything about them has changed. */
  readonly directories?: readonly DirectoryJson[]
}

/** The event `beat`: nothing has changed, and the directory is there. */
interface BeatJson {
  readonly now: number
}

/** The event `end`: the stream ends, and the directory says why and when to come back. */
interface EndJson {
  readonly reason: string
  readonly retryAfterMs: number
}

/** What `/api/events` sends, by the name of the event. */
export interface RosterEvents {
  readonly snapshot: SnapshotJson
  readonly page: PageJson
  readonly changes: ChangesJson
  readonly beat: BeatJson
  readonly end: EndJson
}
