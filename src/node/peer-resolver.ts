// From the words that name a peer to the peer: by what is known, or by dialling
// an address and learning from the handshake who answers. It remembers who
// answered where (trust on first use) and is loud when that changes.
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PeerBook } from '../storage/index.ts'
import { formatAddress, isLoopback, parseAddress, withPeerId, withoutPeerId } from './address.ts'
import type { Notice } from './chat-events.ts'
import { BadAddressError, DirectoryPeerError, KeyChangedError, UnreachableError } from './errors.ts'
import { readPeerWords, type KnownPeers, type PeerMeaning } from './peer-words.ts'
import { shortId } from './short-id.ts'

/** Whom the words meant. */
export interface PeerTarget {
  readonly peer: string
  readonly name: string
  readonly shortId: string
  readonly by: 'number' | 'id' | 'address' | 'contact' | 'nickname'
}

export interface ResolveOptions {
  /** Peer IDs by roster number, as last shown; only at the prompt. */
  readonly numbers?: readonly string[]
  /** A stranger's nickname may be used. */
  readonly trustName?: boolean
  /**
   * Refuse an address where another key answers than the one it names, or that answered there before; an address
   * is then tried at once. Without it a change is only told, loudly.
   */
  readonly refuseChangedKey?: boolean
  readonly signal?: AbortSignal
}

export interface PeerResolverInit {
  readonly book: PeerBook
  readonly known: () => KnownPeers
  /** Resolves when those who are around have had the time to be known. */
  readonly lookAround: (signal: AbortSignal | undefined) => Promise<void>
  readonly nameOf: (peer: string) => string
  readonly dial: (address: Multiaddr, options: { signal: AbortSignal }) => Promise<Connection>
  /** Whether the peer is a directory, as far as that is known; who answers on a connection is asked. */
  readonly isDirectory: (peer: string, asked?: { connection: Connection; signal: AbortSignal }) => Promise<boolean>
  /** The address leads to this peer. */
  readonly onAddress: (peer: string, address: Multiaddr) => void
  readonly notice: (notice: Notice) => void
}

export class PeerResolver {
  readonly #init: PeerResolverInit

  constructor(init: PeerResolverInit) {
    this.#init = init
  }

  /** @throws ParleyError of the kind that fits; see peer-words and reach */
  async resolve(words: readonly string[], options: ResolveOptions = {}): Promise<PeerTarget> {
    let meaning = this.#read(words, options)
    if (this.#dependsOnOthers(meaning, words)) {
      await this.#init.lookAround(options.signal)
      meaning = this.#read(words, options)
    }
    if (meaning.kind === 'peer') {
      if (await this.#init.isDirectory(meaning.peer)) throw new DirectoryPeerError(this.#init.nameOf(meaning.peer))
      return this.#target(meaning.peer, meaning.by)
    }
    const { address, peer } = meaning
    if (peer === undefined) return this.#target(await this.#learn(address, options), 'address')
    if (await this.#init.isDirectory(peer)) throw directoryAt(address)
    if (options.refuseChangedKey === true) await this.#check(address, peer, options)
    await this.#trust(address, peer)
    this.#init.onAddress(peer, address)
    return this.#target(peer, 'address')
  }

  #read(words: readonly string[], { numbers, trustName = false }: ResolveOptions): PeerMeaning {
    const known = this.#init.known()
    return readPeerWords(words, numbers === undefined ? known : { ...known, numbers }, { trustName })
  }

  /** Who names the peer at a place where another one was, means it: from now on it is the one expected there. */
  async #trust(address: Multiaddr, peer: string): Promise<void> {
    const key = withoutPeerId(address).toString()
    const before = this.#init.book.pin(key)
    if (before !== undefined && before !== peer) await this.#init.book.setPin(key, peer)
  }

  /** Nobody at the address is an end only for a peer that can't be found in another way. */
  async #check(address: Multiaddr, peer: string, options: ResolveOptions): Promise<void> {
    try {
      await this.#meet(address, options)
    } catch (error) {
      if (!(error instanceof UnreachableError && this.#isKnown(peer))) throw error
    }
  }

  /** Whether another peer, not yet seen, could make the words mean two, or show an ID to be mistyped. */
  #dependsOnOthers(meaning: PeerMeaning, words: readonly string[]): boolean {
    if (meaning.kind === 'address') return false
    const isWholeId = meaning.by === 'id' && meaning.peer === words.join(' ').trim()
    return meaning.by === 'nickname' || (meaning.by === 'id' && !(isWholeId && this.#isKnown(meaning.peer)))
  }

  #isKnown(peer: string): boolean {
    const { contacts, roster, others } = this.#init.known()
    return [...contacts, ...roster, ...others].some((one) => one.peer === peer)
  }

  /** @throws DirectoryPeerError before anything is remembered of it */
  async #meet(address: Multiaddr, options: ResolveOptions): Promise<Connection> {
    const signal = options.signal ?? new AbortController().signal
    const connection = await this.#init.dial(address, { signal })
    const isDirectory = await this.#init.isDirectory(connection.remotePeer.toString(), { connection, signal })
    if (isDirectory) throw directoryAt(address)
    return connection
  }

  async #learn(address: Multiaddr, options: ResolveOptions): Promise<string> {
    const connection = await this.#meet(address, options)
    const peer = connection.remotePeer.toString()
    const place = formatAddress(address)
    this.#init.onAddress(peer, connection.remoteAddr)
    if (isLoopback(address)) {
      this.#init.notice({ code: 'learned-key', text: `${place} is ${shortId(peer)}` })
      return peer
    }
    const key = withoutPeerId(address).toString()
    const before = this.#init.book.pin(key)
    if (options.refuseChangedKey === true && before !== undefined && before !== peer) {
      throw new KeyChangedError(
        `${place} was ${this.#known(before)} and now answers with another key, ${shortId(peer)}: ` +
          `if that is meant to be so, give the address with the new ID: ${withPeerId(address, peer).toString()}`
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
          'It may be another machine, a new installation, or somebody in between: ask before you trust it. ' +
          `If it is meant to be so, give the address with the new ID once: ${withPeerId(address, peer).toString()}`
      })
    }
    return peer
  }

  /** Whose key was known there, and whether the user has checked it. */
  #known(peer: string): string {
    return `${this.#init.nameOf(peer)} (${shortId(peer)}${this.#isVerified(peer) ? ', verified' : ''})`
  }

  #isVerified(peer: string): boolean {
    return this.#init.book.contact(peer)?.verified !== undefined
  }

  #target(peer: string, by: PeerTarget['by']): PeerTarget {
    return { peer, name: this.#init.nameOf(peer), shortId: shortId(peer), by }
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
  const words = /^\d+$/.test(text) ? ['127.0.0.1', text] : text.split(/\s+/)
  const address = parseAddress(words)
  if (address === undefined) {
    throw new BadAddressError(text, 'a directory is named by a port on this machine, HOST:PORT or a multiaddr')
  }
  return address
}
