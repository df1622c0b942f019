// The roster as the page holds it: what the directory's events make of it. Pure:
// events go in, a new model comes out; lists are merged and not sorted anew, so
// that a change among ten thousand peers costs next to nothing.
import type { DirectoryJson, HappeningJson, PeerJson, RosterEvents } from '../../directory/http/roster-api.ts'
import { folded, isVisible, looksAlike, nameShape, type NameShape } from '../../lib/index.ts'
import { cleanText } from './clean-text.ts'

/** Rows of what happened lately. */
const PAGE_RECENT = 60

/** A search looks among peer IDs from so many characters on: shorter beginnings are of many. */
const PAGE_ID_CHARS = 3

/** A peer, with what the page shows of it. */
export interface Peer extends PeerJson {
  /** The nickname, cleaned; never empty. */
  readonly name: string
  readonly isNamed: boolean
  readonly shape: NameShape
  /** The status, cleaned. */
  readonly says: string
  /** What a search looks into, folded. */
  readonly words: string
  readonly places: string
}

export interface Happening extends HappeningJson {
  readonly name: string
  readonly key: string
}

export interface RosterModel {
  readonly network: string
  /** The directory that tells. */
  readonly directory: string
  /** Multiaddrs at which it can be reached. */
  readonly addresses: readonly string[]
  /** It relays, and keeps no roster. */
  readonly isRelayOnly: boolean
  /** Its clock, less ours. */
  readonly clockAheadMs: number
  readonly directories: readonly DirectoryJson[]
  /** Newest first. */
  readonly recent: readonly Happening[]
  readonly byName: readonly Peer[]
  readonly peers: ReadonlyMap<string, Peer>
  /** By the keys of their names: those among them that look alike have to be told apart by their IDs. */
  readonly byShape: ReadonlyMap<string, readonly Peer[]>
}

/** @param peers of all pages */
export function fromSnapshot(
  snapshot: RosterEvents['snapshot'],
  peers: readonly PeerJson[],
  nowMs: number
): RosterModel {
  const shown = peers.map(toPeer)
  return {
    network: snapshot.network,
    directory: snapshot.directory,
    addresses: snapshot.addresses,
    isRelayOnly: snapshot.relayOnly === true,
    clockAheadMs: snapshot.now - nowMs,
    directories: snapshot.directories,
    recent: snapshot.recent.slice(0, PAGE_RECENT).map(toHappening),
    byName: shown.toSorted(compareNames),
    peers: new Map(shown.map((peer) => [peer.peer, peer])),
    byShape: byKeys(shown)
  }
}

export function withChanges(model: RosterModel, changes: RosterEvents['changes'], nowMs: number): RosterModel {
  const touched = new Set([...changes.gone, ...changes.peers.map(({ peer }) => peer)])
  const changed = changes.peers.map(toPeer)
  const peers = new Map(model.peers)
  for (const peer of changes.gone) peers.delete(peer)
  for (const peer of changed) peers.set(peer.peer, peer)
  const byShape = new Map(model.byShape)
  for (const id of touched) {
    const was = model.peers.get(id)
    for (const key of was?.shape.keys ?? []) setShape(byShape, key, without(byShape.get(key), id))
  }
  for (const peer of changed) {
    for (const key of peer.shape.keys) setShape(byShape, key, [...(byShape.get(key) ?? []), peer])
  }
  const recent = [...changes.recent.map(toHappening), ...model.recent].slice(0, PAGE_RECENT)
  const untouched = touched.size === 0 ? model.byName : model.byName.filter(({ peer }) => !touched.has(peer))
  return {
    ...model,
    clockAheadMs: changes.now - nowMs,
    directories: changes.directories ?? model.directories,
    recent,
    byName: changed.length === 0 ? untouched : merged(untouched, changed.toSorted(compareNames)),
    peers,
    byShape
  }
}

/** @returns the others on the roster whose names a reader may take for this one's */
export function namesakesOf(model: RosterModel, peer: Peer): readonly Peer[] {
  if (!peer.isNamed) return []
  const near = new Set(peer.shape.keys.flatMap((key) => model.byShape.get(key) ?? []))
  return [...near].filter((other) => other.peer !== peer.peer && other.isNamed && looksAlike(other.shape, peer.shape))
}

function byKeys(peers: readonly Peer[]): ReadonlyMap<string, readonly Peer[]> {
  const groups = Map.groupBy(
    peers.flatMap((peer) => peer.shape.keys.map((key) => ({ key, peer }))),
    ({ key }) => key
  )
  return new Map(Array.from(groups, ([key, group]) => [key, group.map(({ peer }) => peer)]))
}

function without(peers: readonly Peer[] | undefined, id: string): readonly Peer[] {
  return peers?.filter(({ peer }) => peer !== id) ?? []
}

function setShape(byShape: Map<string, readonly Peer[]>, key: string, peers: readonly Peer[]): void {
  if (peers.length === 0) byShape.delete(key)
  else byShape.set(key, peers)
}

/** @returns those who match all words of the query, in their order */
export function matching(peers: readonly Peer[], query: string): readonly Peer[] {
  const words = folded(query)
    .split(/\s+/u)
    .filter((word) => word !== '')
  if (words.length === 0) return peers
  return peers.filter((peer) => words.every((word) => isFoundBy(peer, word)))
}

/** A part of a name or a status, the beginning of an ID, or a part of an address, which no plain number is. */
function isFoundBy({ words, shortId, peer, places }: Peer, word: string): boolean {
  return (
    words.includes(word) ||
    (word.length >= PAGE_ID_CHARS && [shortId, peer].some((id) => id.toLowerCase().startsWith(word))) ||
    (/[.:/]/u.test(word) && places.includes(word))
  )
}

/** @returns the newest first */
export function byArrival(peers: readonly Peer[]): readonly Peer[] {
  return peers.toSorted((a, b) => b.since - a.since || compareText(a.peer, b.peer))
}

function toPeer(json: PeerJson): Peer {
  const name = cleanText(json.nickname)
  const says = cleanText(json.status)
  return {
    ...json,
    name: isVisible(name) ? name : 'nameless',
    isNamed: isVisible(name),
    shape: nameShape(name),
    says,
    words: folded(`${name} ${says}`),
    places: folded(json.addresses.join(' '))
  }
}

let happenings = 0

function toHappening(json: HappeningJson): Happening {
  const name = cleanText(json.nickname)
  return { ...json, name: isVisible(name) ? name : 'nameless', key: String(++happenings) }
}

const collator = new Intl.Collator(undefined, { sensitivity: 'base', numeric: true })

/** Those without a name come last; of one name the key decides, so that the order is always the same. */
function compareNames(a: Peer, b: Peer): number {
  if (a.isNamed !== b.isNamed) return a.isNamed ? -1 : 1
  return collator.compare(a.name, b.name) || compareText(a.peer, b.peer)
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

function merged(a: readonly Peer[], b: readonly Peer[]): readonly Peer[] {
  const all: Peer[] = []
  let i = 0
  for (const next of b) {
    for (let peer = a[i]; peer !== undefined && compareNames(peer, next) <= 0; peer = a[++i]) all.push(peer)
    all.push(next)
  }
  for (; i < a.length; i++) {
    const peer = a[i]
    if (peer !== undefined) all.push(peer)
  }
  return all
}
