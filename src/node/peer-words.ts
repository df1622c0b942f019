// What PEER means: roster number, peer ID or its beginning, address, a contact's
// name, a nickname on the roster, the strongest first. Pure: it looks at what is
// known and says whom the words name, or which address has to be dialled.
import type { Multiaddr } from '@multiformats/multiaddr'
import { peerIdFromString } from '@libp2p/peer-id'
import { MAX_PEER_ID_CHARS } from '../wire/index.ts'
import { parseAddress, peerIdOf } from './address.ts'
import { AmbiguousPeerError, LookalikePeerError, OwnPeerError, PeerNotFoundError } from './errors.ts'
import { UntrustedBeginningError, UntrustedNameError } from './errors.ts'
import { isIdPrefix, isShortIdBeginning, isTooShortBeginning, minShortBeginning, shortId } from './short-id.ts'

/** Somebody that can be named. */
export interface NamedPeer {
  readonly peer: string
  readonly name: string
}

export interface KnownPeers {
  readonly self: string
  readonly contacts: readonly NamedPeer[]
  /** On the roster, contacts among them. */
  readonly roster: readonly NamedPeer[]
  /** Others that an ID may name: requests, blocked and connected peers. */
  readonly others: readonly NamedPeer[]
  /** Peer IDs by roster number, counted from 1; absent where numbers mean nothing. */
  readonly numbers?: readonly string[]
}

export type PeerMeaning =
  | { readonly kind: 'peer'; readonly peer: string; readonly by: 'number' | 'id' | 'contact' | 'nickname' }
  | { readonly kind: 'address'; readonly address: Multiaddr; readonly peer: string | undefined }

/**
 * @param options.trustName a nickname of a stranger may be used, or a few letters of its ID; without it only a contact's
 * @throws PeerNotFoundError, AmbiguousPeerError, LookalikePeerError, OwnPeerError, UntrustedNameError,
 *   UntrustedBeginningError, BadAddressError
 */
export function readPeerWords(
  words: readonly string[],
  known: KnownPeers,
  options: { trustName: boolean }
): PeerMeaning {
  const text = words.join(' ').trim()
  if (text === '') throw new PeerNotFoundError('no peer was named: give a name, a peer ID or an address')
  const meaning =
    byNumber(text, known) ??
    byId(text, known) ??
    byAddress(words, known) ??
    byName(text, known, options.trustName) ??
    byShortBeginning(text, known, options.trustName)
  if (meaning === undefined) throw new PeerNotFoundError(unknownText(text, known))
  const named = meaning.kind === 'peer' || meaning.peer !== undefined ? meaning.peer : undefined
  if (named === known.self) throw new OwnPeerError(text)
  if (named !== undefined) refuseLookalike(named, known)
  return meaning
}

/** By peer ID, as the user would call them; oneself without a name. */
function everybody(known: KnownPeers): ReadonlyMap<string, string | undefined> {
  const all = new Map<string, string | undefined>()
  for (const { peer, name } of [...known.others, ...known.roster, ...known.contacts]) all.set(peer, name)
  return all.set(known.self, undefined)
}

/** One wrong letter makes the ID of somebody whom nobody knows, and who is shown with the same short form. */
function refuseLookalike(peer: string, known: KnownPeers): void {
  const all = everybody(known)
  if (all.has(peer)) return
  const short = shortId(peer)
  for (const [other, name] of all) {
    if (shortId(other) === short) throw new LookalikePeerError(peer, { name, peer: other })
  }
}

function byNumber(text: string, known: KnownPeers): PeerMeaning | undefined {
  if (known.numbers === undefined || !/^\d{1,5}$/.test(text)) return undefined
  const peer = known.numbers[Number(text) - 1]
  if (peer === undefined) return undefined
  return { kind: 'peer', peer, by: 'number' }
}

function byId(text: string, known: KnownPeers): PeerMeaning | undefined {
  const all = everybody(known)
  if (all.has(text)) return { kind: 'peer', peer: text, by: 'id' }
  const only = theOnly(text, all, isIdPrefix)
  if (only !== undefined) return { kind: 'peer', peer: only, by: 'id' }
  return isPeerId(text) ? { kind: 'peer', peer: text, by: 'id' } : undefined
}

/** Weaker than every name: what anybody can have must not take what was meant for a contact. */
function byShortBeginning(text: string, known: KnownPeers, trustName: boolean): PeerMeaning | undefined {
  const all = everybody(known)
  const peer = theOnly(text, all, isShortIdBeginning)
  if (peer === undefined) return undefined
  const isContact = known.contacts.some((contact) => contact.peer === peer)
  if (!isContact && !trustName && peer !== known.self) {
    throw new UntrustedBeginningError(text, { name: all.get(peer) ?? '', peer, shortId: shortId(peer) })
  }
  return { kind: 'peer', peer, by: 'id' }
}

/** @throws AmbiguousPeerError when it fits several */
function theOnly(
  text: string,
  all: ReadonlyMap<string, string | undefined>,
  fits: (text: string, peer: string) => boolean
): string | undefined {
  const matches = [...all].filter(([peer]) => fits(text, peer))
  if (matches.length > 1) {
    throw new AmbiguousPeerError(
      text,
      matches.map(([peer, name]) => `${name ?? 'yourself'} (${peer})`)
    )
  }
  return matches[0]?.[0]
}

function byAddress(words: readonly string[], known: KnownPeers): PeerMeaning | undefined {
  try {
    const address = parseAddress(words)
    return address === undefined ? undefined : { kind: 'address', address, peer: peerIdOf(address) }
  } catch (error) {
    // What looks like an address and is none may be a contact's name, as "anna: home". A name never goes before an
    // address: its owner has chosen it.
    if (known.contacts.some(({ name }) => name === words.join(' '))) return undefined
    throw error
  }
}

function byName(text: string, known: KnownPeers, trustName: boolean): PeerMeaning | undefined {
  const contact = theOne(text, known.contacts)
  if (contact !== undefined) return { kind: 'peer', peer: contact.peer, by: 'contact' }
  const stranger = theOne(text, known.roster)
  if (stranger === undefined) return undefined
  if (!trustName && stranger.peer !== known.self) throw new UntrustedNameError(text, stranger.peer)
  return { kind: 'peer', peer: stranger.peer, by: 'nickname' }
}

/** The peer of exactly this name, else of this name in another case. */
function theOne(text: string, peers: readonly NamedPeer[]): NamedPeer | undefined {
  const wanted = text.normalize('NFC')
  const exact = peers.filter(({ name }) => name === wanted)
  const matches = exact.length > 0 ? exact : peers.filter(({ name }) => name.toLowerCase() === wanted.toLowerCase())
  if (matches.length > 1) {
    throw new AmbiguousPeerError(
      text,
      matches.map(({ peer, name }) => `${name} (${shortId(peer)})`)
    )
  }
  return matches[0]
}

function isPeerId(text: string): boolean {
  if (text.length > MAX_PEER_ID_CHARS) return false
  try {
    peerIdFromString(text)
    return true
  } catch {
    return false
  }
}

function unknownText(text: string, known: KnownPeers): string {
  const quoted = JSON.stringify(text)
  if (/^\d+$/.test(text)) {
    const where =
      known.numbers === undefined ? 'roster numbers mean something at the prompt only' : 'the roster has no such number'
    return `no peer is called ${quoted}, and ${where}: give a name, a peer ID or HOST:PORT`
  }
  if (text === 'localhost' || /^[\w-]+(\.[\w-]+)+$/.test(text)) {
    return `no peer is called ${quoted}; if it is a host, add the port: ${text}:PORT`
  }
  if ([...everybody(known).keys()].some((peer) => isTooShortBeginning(text, peer))) {
    return (
      `no peer called ${quoted} is a contact or on the roster; if it is the beginning of an ID, ` +
      `give ${minShortBeginning} letters of it or more`
    )
  }
  return `no peer called ${quoted} is a contact or on the roster: check the name, or give its address (HOST:PORT or multiaddr)`
}
