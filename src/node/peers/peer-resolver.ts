// Resolves the words that name a peer: by the peers that are known, or by dialling an
// address and learning from the handshake which peer answers. It remembers which key
// answered at an address (trust on first use) and warns when that changes.
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PeerBook } from '../../storage/index.ts'
import { formatAddress, isLoopback, isRelayed, parseAddress, withPeerId, withoutPeerId } from '../dialing/address.ts'
import type { PeerTarget, ResolveOptions } from '../api/chat-api.ts'
import type { Notice } from '../api/notices.ts'
import {
  BadAddressError,
  DirectoryPeerError,
  KeyChangedError,
  PeerNotFoundError,
  UnreachableError
} from '../api/errors.ts'
import { readPeerReference, type KnownPeers, type NamedPeer, type PeerReference } from './peer-reference.ts'
import { shortId } from '../../lib/index.ts'

/** The peers that words may name. */
interface NamedPeers {
  known(): KnownPeers
  name(peer: string): string
}

/** Where the addresses go that lead to a peer. */
interface LearnedAddresses {
  learn(peer: string, address: Multiaddr): void
}

/** The part of the dialer that learns which peer answers. */
interface AddressCaller {
  dial(address: Multiaddr, options: { readonly signal: AbortSignal }): Promise<Connection>
}

export interface PeerResolverInit {
  readonly book: PeerBook
  readonly peers: NamedPeers
  readonly addresses: LearnedAddresses
  readonly dialer: AddressCaller
  /** Resolves when the peers around have had time to appear. */
  readonly lookAround: (signal: AbortSignal | undefined) => Promise<void>
  /** Whether the peer is a directory, as far as that is known; over `asked`, the peer itself is asked. */
  readonly isDirectory: (peer: string, asked?: { connection: Connection; signal: AbortSignal }) => Promise<boolean>
  /** See {@link KnownPeers.away}. */
  readonly away: () => Promise<readonly NamedPeer[]>
  /** Goes to the maker of the code of an invitation. @returns undefined for a text that is no code */
  readonly meet: (text: string, signal: AbortSignal | undefined) => Promise<{ peer: string; name: string } | undefined>
  readonly notice: (notice: Notice) => void
}

export class PeerResolver {
  readonly #init: PeerResolverInit

  constructor(init: PeerResolverInit) {
    this.#init = init
  }

  /**
   * A name that a peer has goes before a code that looks like it.
   *
   * @throws the errors of readPeerReference(), Dialer.dial() and Invitations.meet(); DirectoryPeerError, KeyChangedError
   */
  async resolve(words: readonly string[], options: ResolveOptions = {}): Promise<PeerTarget> {
    let reference: PeerReference
    try {
      reference = await this.#readAmongAll(words, options)
    } catch (error) {
      if (!(error instanceof PeerNotFoundError || error instanceof BadAddressError)) throw error
      const met = await this.#init.meet(words.join(' '), options.signal)
      if (met === undefined) throw error
      return { ...this.#target(met.peer, 'code'), name: met.name }
    }
    if (this.#dependsOnOthers(reference, words)) {
      await this.#init.lookAround(options.signal)
      reference = await this.#readAmongAll(words, options)
    }
    if (reference.kind === 'peer') {
      if (await this.#init.isDirectory(reference.peer))
        throw new DirectoryPeerError(this.#init.peers.name(reference.peer))
      return this.#target(reference.peer, reference.by)
    }
    const { address, peer } = reference
    if (peer === undefined) return this.#target(await this.#learn(address, options), 'address')
    if (await this.#init.isDirectory(peer)) throw directoryAt(address)
    if (options.refuseChangedKey === true) await this.#check(address, peer, options)
    await this.#trust(address, peer)
    this.#init.addresses.learn(peer, address)
    return this.#target(peer, 'address')
  }

  /** The history is read only for words that name no contact and nobody around. */
  async #readAmongAll(words: readonly string[], options: ResolveOptions): Promise<PeerReference> {
    try {
      return this.#read(words, options)
    } catch (error) {
      if (!(error instanceof PeerNotFoundError)) throw error
      const away = await this.#init.away()
      return this.#read(words, options, away)
    }
  }

  #read(
    words: readonly string[],
    { numbers, trustName = false }: ResolveOptions,
    away: readonly NamedPeer[] = []
  ): PeerReference {
    const known = { ...this.#init.peers.known(), away }
    return readPeerReference(words, numbers === undefined ? known : { ...known, numbers }, { trustName })
  }

  /** The user names another peer at a known address, and means it: from now on that peer is expected there. */
  async #trust(address: Multiaddr, peer: string): Promise<void> {
    const key = withoutPeerId(address).toString()
    const before = this.#init.book.pin(key)
    if (before !== undefined && before !== peer) await this.#init.book.setPin(key, peer)
  }

  /** An address that does not answer is an error only for a peer that is not known otherwise. */
  async #check(address: Multiaddr, peer: string, options: ResolveOptions): Promise<void> {
    try {
      await this.#meet(address, options)
    } catch (error) {
      if (!(error instanceof UnreachableError && this.#isKnown(peer))) throw error
    }
  }

  /** Whether a peer that has not appeared yet could make the words ambiguous, or show that an ID is mistyped. */
  #dependsOnOthers(reference: PeerReference, words: readonly string[]): boolean {
    if (reference.kind === 'address') return false
    const isWholeId = reference.by === 'id' && reference.peer === words.join(' ').trim()
    return (
      reference.by === 'nickname' ||
      reference.by === 'beginning' ||
      (reference.by === 'id' && !(isWholeId && this.#isKnown(reference.peer)))
    )
  }

  #isKnown(peer: string): boolean {
    const { contacts, roster, others } = this.#init.peers.known()
    return [...contacts, ...roster, ...others].some((one) => one.peer === peer)
  }

  /** @throws DirectoryPeerError for a directory, before anything about it is remembered */
  async #meet(address: Multiaddr, options: ResolveOptions): Promise<Connection> {
    const signal = options.signal ?? new AbortController().signal
    const connection = await this.#init.dialer.dial(address, { signal })
    const isDirectory = await this.#init.isDirectory(connection.remotePeer.toString(), { connection, signal })
    if (isDirectory) throw directoryAt(address)
    return connection
  }

  async #learn(address: Multiaddr, options: ResolveOptions): Promise<string> {
    const connection = await this.#meet(address, options)
    const peer = connection.remotePeer.toString()
    const place = formatAddress(address)
    this.#init.addresses.learn(peer, connection.remoteAddr)
    if (isLoopback(address)) {
      this.#init.notice({ code: 'learned-key', text: `${place} is ${shortId(peer)}` })
      return peer
    }
    const key = withoutPeerId(address).toString()
    const before = this.#init.book.pin(key)
    if (options.refuseChangedKey === true && before !== undefined && before !== peer) {
      throw new KeyChangedError(
        `${place} was ${this.#known(before)} and now answers with another key, ${shortId(peer)}: ` +
          `if you expect that, give the address with the new ID: ${withPeerId(address, peer).toString()}`
      )
    }
    if (before === undefined) {
      await this.#init.book.setPin(key, peer)
      this.#init.notice({ code: 'learned-key', text: `${place} is ${shortId(peer)}; this is remembered` })
    } else if (before !== peer) {
      this.#init.notice({
        code: 'key-changed',
        by: 'address',
        peer,
        was: before,
        verified: this.#isVerified(before),
        text:
          `${place} was ${this.#known(before)} and now answers with another key, ${shortId(peer)}. ` +
          'It may be another machine, a new installation, or someone intercepting the connection: ask before you trust it. ' +
          `If it is meant to be so, give the address with the new ID once: ${withPeerId(address, peer).toString()}`
      })
    }
    return peer
  }

  /** The peer whose key was known there, and whether the user has verified it. */
  #known(peer: string): string {
    return `${this.#init.peers.name(peer)} (${shortId(peer)}${this.#isVerified(peer) ? ', verified' : ''})`
  }

  #isVerified(peer: string): boolean {
    return this.#init.book.contact(peer)?.verified !== undefined
  }

  #target(peer: string, by: PeerTarget['by']): PeerTarget {
    return { peer, name: this.#init.peers.name(peer), shortId: shortId(peer), by }
  }
}

function directoryAt(address: Multiaddr): DirectoryPeerError {
  const place = formatAddress(address)
  return new DirectoryPeerError(place, place)
}

/**
 * Reads `PORT|ADDRESS` as it names a directory: a port is one on this machine.
 *
 * @throws BadAddressError
 */
export function readDirectoryAddress(text: string): Multiaddr {
  return readNode(text, 'a directory')
}

/**
 * Reads what `--relay-via` names.
 *
 * @throws BadAddressError
 */
export function readRelayAddress(text: string): Multiaddr {
  return readNode(text, 'a relay')
}

function readNode(text: string, what: string): Multiaddr {
  const words = /^\d+$/.test(text) ? ['127.0.0.1', text] : text.split(/\s+/)
  const address = parseAddress(words)
  if (address === undefined || isRelayed(address)) {
    throw new BadAddressError(text, `${what} is named by a port on this machine, HOST:PORT, wss://HOST or a multiaddr`)
  }
  return address
}
