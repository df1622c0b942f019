// The peers around: the roster, their names, which of these look alike, and how far
// each peer is the one it seems to be. It knows neither how a peer is reached nor
// which messages it sends.
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { isShortFormOf, LruMap, nameOrShortId, shortId } from '../../lib/index.ts'
import type { RosterChange, RosterEntry } from '../../presence/index.ts'
import type { PeerBook } from '../../storage/index.ts'
import type {
  ChatNodeEvents,
  ConversationState,
  PeerName,
  PeerTrust,
  ProgramSighting,
  RosterRow
} from '../api/chat-events.ts'
import type { Notice } from '../api/notices.ts'
import { hostPortOf } from '../dialing/address.ts'
import { rttOf } from '../dialing/paths.ts'
import { KnownNames, NamesAround, NameShapes, NamesakeWatch } from './known-names.ts'
import { OtherPrograms } from './other-programs.ts'
import { compareRows, peerLabel } from './peer-label.ts'
import type { KnownPeers, NamedPeer } from './peer-reference.ts'
import type { Presence } from './presence.ts'
import { otherProgramRow, rosterRow, type SeenBy } from './roster-rows.ts'

/** Names of peers that have gone: as many as there can be requests. */
const MAX_REMEMBERED_NAMES = 1_000

/** What the network shows of peers beside their records. */
interface PeerSightings {
  /** The open connection to the peer. */
  connection(peer: string): Connection | undefined
  /** Peer IDs of all open connections. */
  connectedPeers(): readonly string[]
  /** Peer IDs of the directories that are in use or stand by: they are not people. */
  directories(): ReadonlySet<string | undefined>
  /** The directories that show the peer. */
  seenBy(peer: string): SeenBy
  /** libp2p programs that the LAN shows, with their addresses. */
  programs(): readonly { readonly peer: string; readonly addresses: readonly string[] }[]
}

export interface PeerDirectoryInit {
  readonly self: string
  readonly book: PeerBook
  readonly presence: Presence
  /** This node only looks: it has no name on the network. */
  readonly observe: boolean
  readonly sightings: PeerSightings
  /** Whether a stranger on a program of another kind is shown. */
  readonly isShown: (peer: string) => boolean
  /** Why there is no way to a peer that is looked for. */
  readonly whyNoWay: (peer: string) => string | undefined
  readonly onRoster: (change: ChatNodeEvents['roster']['detail']) => void
  readonly notice: (notice: Notice) => void
}

export class PeerDirectory {
  readonly #init: PeerDirectoryInit
  readonly #programs: OtherPrograms
  /** Nicknames of peers that are away, the oldest first: a request shows its sender's name after that. */
  readonly #lastNames = new LruMap<string, string>(MAX_REMEMBERED_NAMES)
  readonly #namesakes = new NamesakeWatch(Date.now())
  readonly #shapes = new NameShapes()
  readonly #namesAround = new NamesAround(this.#shapes)
  /** Made from the contacts' revision and the own name in `of`. */
  #names: { readonly of: string; readonly known: KnownNames } | undefined

  constructor(init: PeerDirectoryInit) {
    this.#init = init
    const { book, sightings } = init
    this.#programs = new OtherPrograms({
      isShown: init.isShown,
      rowOf: (program) =>
        otherProgramRow(program, {
          name: this.name(program.peer),
          contact: book.contact(program.peer),
          connection: sightings.connection(program.peer),
          ...rttOf(sightings.connection(program.peer))
        }),
      onRoster: init.onRoster,
      now: Date.now
    })
  }

  roster(): readonly RosterRow[] {
    return [...this.#rows(this.#init.presence.entries()), ...this.#programs.rows()].toSorted(compareRows)
  }

  /** libp2p programs on the LAN that may or may not chat. Those known to chat are on the roster instead. */
  programs(): readonly ProgramSighting[] {
    const { book, self, sightings } = this.#init
    const shown = new Set([self, ...this.roster().map(({ peer }) => peer), ...sightings.directories()])
    const programs = sightings.programs().filter(({ peer }) => !shown.has(peer) && !book.isBlocked(peer))
    return programs.map(({ peer, addresses }) => {
      const place = addresses[0] === undefined ? undefined : hostPortOf(multiaddr(addresses[0]))
      return { peer, shortId: shortId(peer), host: place?.host, port: place?.port, addresses }
    })
  }

  /** All peers that PEER on a command line may mean. */
  known(): KnownPeers {
    const { self, book, presence, sightings } = this.#init
    const roster = presence.entries().map((entry) => ({ peer: entry.peer, name: entry.record.record.nickname }))
    const directories = sightings.directories()
    const met = [
      ...sightings.connectedPeers().filter((peer) => !directories.has(peer)),
      ...this.programs().map(({ peer }) => peer)
    ]
    const others = [...met.map((peer) => ({ peer, name: this.name(peer) })), ...book.blocked()]
    return { self, contacts: book.contacts(), roster, others }
  }

  /** Of these peers those that {@link known} leaves out: neither contacts nor around. */
  away(peers: Iterable<string>): NamedPeer[] {
    const { book, presence } = this.#init
    return Array.from(new Set(peers)).flatMap((peer) => {
      const isElsewhere = book.contact(peer) !== undefined || book.isBlocked(peer) || presence.entry(peer) !== undefined
      return isElsewhere ? [] : [{ peer, name: this.name(peer) }]
    })
  }

  /** The name that the peer gives itself, or gave before it left. */
  nickname(peer: string): string | undefined {
    return this.#init.presence.entry(peer)?.record.record.nickname ?? this.#lastNames.get(peer)
  }

  /** A peer that may be away since has given itself this name, as was kept with what it wrote. */
  recall(peer: string, nickname: string): void {
    if (this.nickname(peer) === undefined) this.#lastNames.set(peer, nickname)
  }

  /** The contact's name, else the nickname, else the short ID. */
  name(peer: string): string {
    return nameOrShortId(this.#init.book.contact(peer)?.name ?? this.nickname(peer), peer)
  }

  /** The name, with the ID if the name alone could mean another peer, and the mark if it imitates one. */
  label(peer: string): string {
    const isContact = this.#init.book.contact(peer) !== undefined
    return peerLabel({ peer, name: this.name(peer), isContact, ...this.trust(peer) })
  }

  /** How far the peer is the one it seems to be. */
  trust(peer: string): PeerTrust {
    const contact = this.#init.book.contact(peer)
    const nickname = this.nickname(peer) ?? contact?.name ?? ''
    const sameNameAs = this.#knownNames().ownerOf(peer, nickname)
    const sharesNameWith = this.#namesakeOf(peer, this.name(peer))
    return {
      ...(contact?.verified === undefined ? {} : { verifiedSinceMs: contact.verified.sinceMs }),
      ...(sameNameAs === undefined ? {} : { sameNameAs }),
      ...(sharesNameWith === undefined ? {} : { sharesNameWith })
    }
  }

  /** The state of the conversation with the peer has changed. A plain program counts as online while it is open. */
  conversationChanged(peer: string, state: ConversationState): void {
    this.#programs.conversationChanged(peer, state)
  }

  /** Reports changes of the roster. */
  rosterChanged(changes: readonly RosterChange[]): void {
    const namesakes = this.#nameAll(changes)
    const joined = this.#rows(changes.flatMap((change) => (change.kind === 'joined' ? [change.entry] : [])))
    for (const change of changes) namesakes.delete(change.kind === 'gone' ? change.was.peer : change.entry.peer)
    const changed = this.#rows([
      ...changes.flatMap((change) => (change.kind === 'changed' ? [change.entry] : [])),
      ...this.#entriesOf([...namesakes])
    ])
    const left = this.#rows(changes.flatMap((change) => (change.kind === 'gone' ? [change.was] : [])))
    this.#init.onRoster({ joined, changed, left })
    for (const notice of this.#namesakes.look([...joined, ...changed], Date.now())) this.#init.notice(notice)
  }

  /** Reports the peer again, and the peers that share its name: the user has accepted, renamed or blocked it. */
  refresh(peer: string): void {
    this.#programs.refresh(peer)
    const namesakes = this.#init.presence.entry(peer) === undefined ? [] : this.#nameAround(peer)
    const changed = this.roster().filter(
      (row) => [row.peer, row.sameNameAs?.peer, row.sharesNameWith?.peer].includes(peer) || namesakes.includes(row.peer)
    )
    if (changed.length > 0) this.#init.onRoster({ joined: [], changed, left: [] })
  }

  /** Reports the peers again: other directories show them now. */
  attestationsChanged(peers: readonly string[]): void {
    const entries = this.#entriesOf(peers)
    if (entries.length > 0) this.#init.onRoster({ joined: [], changed: this.#rows(entries), left: [] })
  }

  /** @returns other peers whose mark may change with these changes */
  #nameAll(changes: readonly RosterChange[]): Set<string> {
    const namesakes = new Set<string>()
    for (const change of changes) {
      if (change.kind === 'gone') {
        this.#lastNames.set(change.was.peer, change.was.record.record.nickname)
        for (const other of this.#namesAround.delete(change.was.peer)) namesakes.add(other)
        continue
      }
      for (const other of this.#nameAround(change.entry.peer)) namesakes.add(other)
      void this.#nameContact(change.entry.peer, change.entry.record.record.nickname).catch(() => undefined)
    }
    return namesakes
  }

  #rows(entries: readonly RosterEntry[]): readonly RosterRow[] {
    const { book, sightings, whyNoWay } = this.#init
    const around = {
      names: this.#knownNames(),
      namesakeOf: (peer: string, name: string) => this.#namesakeOf(peer, name),
      isBlocked: (peer: string) => book.isBlocked(peer),
      connectionAddress: (peer: string) => sightings.connection(peer)?.remoteAddr,
      rttMs: (peer: string) => rttOf(sightings.connection(peer)).rttMs,
      whyNoWay,
      seenBy: (peer: string) => sightings.seenBy(peer)
    }
    return entries.map((entry) => rosterRow(entry, around))
  }

  #entriesOf(peers: readonly string[]): readonly RosterEntry[] {
    const { self, presence } = this.#init
    return peers.flatMap((peer) => (peer === self ? [] : (presence.entry(peer) ?? [])))
  }

  /** @returns other visible peers whose names look like the peer's */
  #nameAround(peer: string): readonly string[] {
    return this.#namesAround.set(peer, this.name(peer))
  }

  #namesakeOf(peer: string, name: string): PeerName | undefined {
    const other = this.#namesAround.namesakeOf(peer, name)
    return other === undefined ? undefined : { peer: other, name: this.name(other), shortId: shortId(other) }
  }

  /** Made anew only when the contacts or the own name change: one line about a peer must not cost a look at all contacts. */
  #knownNames(): KnownNames {
    const { self: peer, book, observe, presence } = this.#init
    const { nickname } = presence
    const of = `${book.revision} ${nickname}`
    if (this.#names?.of === of) return this.#names.known
    const self = observe ? {} : { self: { peer, nickname } }
    const known = new KnownNames({ contacts: book.contacts(), shapes: this.#shapes, ...self })
    this.#names = { of, known }
    return known
  }

  /** A contact that was chosen by its address gets its nickname as soon as that is known. */
  async #nameContact(peer: string, nickname: string): Promise<void> {
    const { book } = this.#init
    const name = book.contact(peer)?.name
    if (nickname === '' || name === undefined || !isShortFormOf(name, peer)) return
    await book.accept(peer, nickname, Date.now())
  }
}
