// The parts of a ChatNode beside its messages, as faces use them: itself, the
// peers around it, how far they are to be believed, and its directories. Each
// method asks the part below that owns the rule.
import { peerIdFromString } from '@libp2p/peer-id'
import { normaliseText } from '../presence/index.ts'
import type { Contact, PeerBookEntry } from '../storage/index.ts'
import type { ConnectionFigures } from '../transport/index.ts'
import type { PeersApi, PeerTarget, PeerView, ResolveOptions, SelfApi, SelfView, TrustApi } from './api/chat-api.ts'
import type {
  ChatEvents,
  DirectoryView,
  LinkView,
  PathView,
  PeerTrust,
  ProgramSighting,
  RosterRow,
  RouterView
} from './api/chat-events.ts'
import type { MisbehaviourSummary } from './api/notices.ts'
import type { ChatHost } from './chat-host.ts'
import type { ChatNetwork } from './chat-network.ts'
import { readGivenName } from './config/given-name.ts'
import type { Files } from './files/files.ts'
import type { Invitations } from './invitations/invitations.ts'
import type { Messaging } from './messaging/messaging.ts'
import type { MisbehaviourWatch } from './misbehaviour.ts'
import { readContactName } from './peers/known-names.ts'
import { safetyNumber } from './peers/safety-number.ts'
import { shortId } from '../lib/index.ts'
import { explained } from './profile/own-store.ts'
import type { Profile } from './profile/profile.ts'
import type { Shares } from './shares/shares.ts'

/** What the parts are made of. */
export interface ChatParts {
  readonly networkName: string
  /** It only looks: it announces nothing, and no directory registers it. */
  readonly isObserver: boolean
  /** Peers are looked for by mDNS. */
  readonly searchesLan: boolean
  /** `HOST:PORT` of the HTTP proxy by which WebSockets are reached. */
  readonly proxy: string | undefined
  readonly namesRelays: boolean
  readonly profile: Profile
  /** The TCP port that this node listens on. */
  readonly port: number
  readonly host: ChatHost
  readonly network: ChatNetwork
  readonly messaging: Messaging
  readonly invitations: Invitations
  readonly files: Files
  readonly shares: Shares
  readonly misbehaviour: MisbehaviourWatch
  readonly events: ChatEvents
}

/** This node as others see it. */
export class Self implements SelfApi {
  readonly #parts: ChatParts

  constructor(parts: ChatParts) {
    this.#parts = parts
  }

  get peerId(): string {
    return this.#parts.profile.id
  }

  get shortId(): string {
    return shortId(this.peerId)
  }

  get nickname(): string {
    return this.#parts.network.presence.nickname
  }

  get network(): string {
    return this.#parts.networkName
  }

  get profile(): Pick<Profile, 'name' | 'folder' | 'insteadOf'> {
    const { name, folder, insteadOf } = this.#parts.profile
    return { name, folder, insteadOf }
  }

  get status(): string {
    return this.#parts.network.presence.status
  }

  get port(): number {
    return this.#parts.port
  }

  /** Whether the router lets others in. */
  get router(): RouterView {
    return this.#parts.network.reachability.router()
  }

  addresses(): readonly string[] {
    return this.#parts.network.ownAddresses()
  }

  view(): SelfView {
    const { peerId: peer, nickname, status, network, profile } = this
    const { messaging, searchesLan, namesRelays } = this.#parts
    const { tellsTyping } = messaging
    return {
      peer,
      shortId: this.shortId,
      nickname,
      status,
      network,
      profile,
      addresses: this.addresses(),
      tellsTyping,
      searchesLan,
      namesRelays
    }
  }

  /** @throws UsageError, see {@link readGivenName}; BadRecordError when it is too long or has control characters */
  async rename(nickname: string): Promise<void> {
    const { network, profile } = this.#parts
    await network.presence.rename(readGivenName(nickname))
    await explained(profile.book.setNickname(this.nickname))
    network.reportSelf()
  }

  /** @throws BadRecordError when it is too long or has control characters */
  async setStatus(status: string): Promise<void> {
    const { events, network } = this.#parts
    await network.presence.setStatus(normaliseText(status))
    events.tell('snapshot', () => ({ part: 'self' }))
  }
}

/** The peers around, and those that the user has chosen. */
export class Peers implements PeersApi {
  readonly #parts: ChatParts

  constructor(parts: ChatParts) {
    this.#parts = parts
  }

  /**
   * Resolves when the first answers about who is online are in, or none can be expected soon.
   *
   * @param options.thorough wait for all that may answer on the LAN, not only for the first
   */
  async firstLook(options: { readonly signal?: AbortSignal; readonly thorough?: boolean } = {}): Promise<void> {
    await this.#parts.network.firstLook.wait(options.signal, { thorough: options.thorough ?? false })
  }

  /** PEER in all its forms; an address without a peer ID is dialled. See {@link PeerResolver.resolve}. */
  async resolve(words: readonly string[], options: ResolveOptions = {}): Promise<PeerTarget> {
    return this.#parts.network.resolver.resolve(words, options)
  }

  roster(): readonly RosterRow[] {
    return this.#parts.network.peers.roster()
  }

  /** libp2p programs on the LAN that may chat or not, where they are looked for (`mdnsLibp2p`). */
  programs(): readonly ProgramSighting[] {
    return this.#parts.network.peers.programs()
  }

  contacts(): readonly Contact[] {
    return this.#parts.profile.book.contacts()
  }

  /** The contact's name, else the nickname, else the short ID. */
  name(peer: string): string {
    return this.#parts.network.peers.name(peer)
  }

  /** The same with the ID and a mark, where the name alone could mean another peer. */
  label(peer: string): string {
    return this.#parts.network.peers.label(peer)
  }

  /** Each field is worked out when it is read: a line about a message needs the name alone. */
  look(peer: string): PeerView {
    const { messaging, network } = this.#parts
    return {
      peer,
      get name() {
        return network.peers.name(peer)
      },
      get label() {
        return network.peers.label(peer)
      },
      get trust() {
        return network.peers.trust(peer)
      },
      get state() {
        return messaging.state(peer)
      }
    }
  }

  /** The path to the peer as it is now, with its round-trip time as it was last measured. */
  path(peer: string): PathView {
    return this.#parts.messaging.paths.of(peer)
  }

  /** The same, measured now. */
  async measurePath(peer: string, options: { readonly signal?: AbortSignal } = {}): Promise<PathView> {
    return this.#parts.messaging.paths.measure(peer, options)
  }

  /** The open connections and their holders. */
  connections(): ConnectionFigures {
    return this.#parts.host.guard.figures()
  }

  /** The links of this machine on which peers are looked for by mDNS, and where that fails why; none without mDNS. */
  lan(): readonly LinkView[] {
    return this.#parts.network.lan.links()
  }

  /**
   * Gives a contact a name of the user's own, which is shown in place of the one that it claims.
   *
   * @param name empty: it goes by its own name again
   * @returns the name by which it goes now
   * @throws UsageError, see {@link readContactName}
   */
  async renameContact(peer: string, name: string): Promise<string> {
    const { network, profile } = this.#parts
    const { book, id } = profile
    const known = { contacts: book.contacts(), self: { peer: id, nickname: network.presence.nickname } }
    await explained(book.rename(peer, readContactName(name, peer, known)))
    this.#reportContact(peer)
    return this.name(peer)
  }

  /** The peer is no longer a contact. Its messages stay, and pending ones are cancelled. */
  async removeContact(peer: string): Promise<void> {
    const { messaging, profile } = this.#parts
    await messaging.leave(peer)
    await messaging.cancelAll(peer)
    await explained(profile.book.remove(peer))
    this.#reportContact(peer)
  }

  #reportContact(peer: string): void {
    const { events, network, profile } = this.#parts
    const isContact = profile.book.contact(peer) !== undefined
    events.tell('contact', () => ({ peer, name: this.name(peer), label: this.label(peer), isContact }))
    network.peers.refresh(peer)
  }
}

/** How far peers are to be believed, and which are kept out. */
export class Trust implements TrustApi {
  readonly #parts: ChatParts

  constructor(parts: ChatParts) {
    this.#parts = parts
  }

  /** How far the peer is who it seems to be. */
  of(peer: string): PeerTrust {
    return this.#parts.network.peers.trust(peer)
  }

  /** Twelve groups of five digits, the same on the peer's screen. */
  async safetyNumber(peer: string): Promise<readonly string[]> {
    return safetyNumber(this.#parts.profile.id, peer)
  }

  /** The safety numbers were compared and are the same. To verify a peer is to choose it: it becomes a contact. */
  async verify(peer: string): Promise<void> {
    const { messaging, network, profile } = this.#parts
    await messaging.accept(peer)
    await explained(profile.book.verify(peer, network.peers.name(peer), Date.now()))
    network.peers.refresh(peer)
  }

  /** Takes that back. The peer stays a contact. */
  async unverify(peer: string): Promise<void> {
    await explained(this.#parts.profile.book.unverify(peer))
    this.#parts.network.peers.refresh(peer)
  }

  blocked(): readonly PeerBookEntry[] {
    return this.#parts.profile.book.blocked()
  }

  async block(peer: string): Promise<void> {
    const { host, messaging, network } = this.#parts
    await messaging.block(peer)
    network.peers.refresh(peer)
    const connections = host.libp2p.getConnections(peerIdFromString(peer))
    await Promise.all(connections.map(async (connection) => connection.close().catch(() => undefined)))
  }

  async unblock(peer: string): Promise<void> {
    await this.#parts.profile.book.unblock(peer)
    this.#parts.network.peers.refresh(peer)
  }

  /** What remotes were cut or refused for since the start. */
  get misbehaviour(): MisbehaviourSummary {
    return this.#parts.misbehaviour.summary
  }
}

/** The directories in use, and those that stand by. */
export class DirectoriesInUse {
  readonly #parts: ChatParts

  constructor(parts: ChatParts) {
    this.#parts = parts
  }

  views(): readonly DirectoryView[] {
    return this.#parts.network.directories.views()
  }
}
