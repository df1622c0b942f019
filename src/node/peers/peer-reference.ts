// What PEER refers to: a roster number, a peer ID or its beginning, an address, a
// contact's name, or a nickname on the roster, the strongest first. Pure: from the
// peers that are known it finds the one that the words name, or the address to dial.
import {
  UntrustedNameError,
  AmbiguousPeerError,
  OwnPeerError,
  PeerNotFoundError,
  quote,
  ParleyError
} from '../api/errors.ts'
import type { Multiaddr } from '@multiformats/multiaddr'
import { peerIdFromString } from '@libp2p/peer-id'
import {
  isIdPrefix,
  isSameName,
  isShortIdBeginning,
  isTooShortBeginning,
  looksAlike,
  minShortBeginning,
  nameShape,
  nearestWord,
  shortId
} from '../../lib/index.ts'
import { MAX_PEER_ID_CHARS } from '../../transport/index.ts'
import { parseAddress, peerIdOf } from '../dialing/address.ts'
import { exitCodes } from '../api/exit-codes.ts'

/** A few letters of an ID, which anyone can have too, stand where a trusted name is needed. */
class UntrustedBeginningError extends ParleyError {
  override readonly name = 'UntrustedBeginningError'
  override readonly exitCode = exitCodes.peerNotFound

  constructor(text: string, found: { readonly name: string; readonly peer: string; readonly shortId: string }) {
    super(
      `${quote(text)} begins the ID of ${found.name}, not a contact, and anyone can make an ID with so few letters in ` +
        `common: name it by its short ID, ${found.shortId}, or the whole one, ${found.peer}`
    )
  }
}

/** A whole peer ID that no known peer has, with the short form of one that is known: mistyped, or an imitation. */
class LookalikePeerError extends ParleyError {
  override readonly name = 'LookalikePeerError'
  override readonly exitCode = exitCodes.peerNotFound
  /** The peer that it looks like. */
  readonly known: string

  /** @param known.name undefined for oneself */
  constructor(text: string, known: { readonly name: string | undefined; readonly peer: string }) {
    const whose = known.name === undefined ? 'your own' : `that of ${known.name}`
    super(`no peer is known by the ID ${text}, and ${whose} begins like it, ${known.peer}: check its last letters`)
    this.known = known.peer
  }
}

/** Errors quote so much: a whole message may have been typed where a peer is named. */
const maxQuotedChars = 40

/** A peer that a name refers to. */
export interface NamedPeer {
  readonly peer: string
  readonly name: string
}

export interface KnownPeers {
  readonly self: string
  readonly contacts: readonly (NamedPeer & { readonly claimedName?: string })[]
  /** On the roster, contacts among them. */
  readonly roster: readonly NamedPeer[]
  /** Other peers that an ID may name: senders of requests, blocked and connected peers. */
  readonly others: readonly NamedPeer[]
  /** Peers that are no contacts and not around, with whom there is a conversation or a request: a face shows them. */
  readonly away?: readonly NamedPeer[]
  /** Peer IDs by roster number, counted from 1; absent where numbers mean nothing. */
  readonly numbers?: readonly string[]
}

export type PeerReference =
  | {
      readonly kind: 'peer'
      readonly peer: string
      readonly by: 'number' | 'id' | 'contact' | 'nickname' | 'beginning'
    }
  | { readonly kind: 'address'; readonly address: Multiaddr; readonly peer: string | undefined }

/**
 * @param options.certain refuses a name that looks like another's too, before something is done to the wrong person
 * @param options.trustName accepts the nickname of a stranger, or a few letters of its ID
 * @throws PeerNotFoundError, AmbiguousPeerError, LookalikePeerError, OwnPeerError, UntrustedNameError,
 *   UntrustedBeginningError, BadAddressError
 */
export function readPeerReference(
  words: readonly string[],
  known: KnownPeers,
  options: { readonly trustName: boolean; readonly certain?: boolean }
): PeerReference {
  const text = words.join(' ').trim()
  if (text === '') throw new PeerNotFoundError('no peer was named: give a name, a peer ID or an address')
  const reference =
    byNumber(text, known) ??
    byId(text, known) ??
    byAddress(words, known) ??
    byLabel(text, known) ??
    byName(text, known, options.trustName) ??
    byShortBeginning(text, known, options.trustName)
  if (reference === undefined) throw new PeerNotFoundError(unknownText(text, known))
  const named = reference.kind === 'peer' || reference.peer !== undefined ? reference.peer : undefined
  if (named === known.self) throw new OwnPeerError(text)
  if (named !== undefined) refuseLookalike(named, known)
  if (options.certain === true) refuseNamesakes(text, reference, known)
  return reference
}

/** All known peers by ID, with the names that the user knows; the own ID without a name. */
function allPeers(known: KnownPeers): ReadonlyMap<string, string | undefined> {
  const all = new Map<string, string | undefined>()
  for (const { peer, name } of [...(known.away ?? []), ...known.others, ...known.roster, ...known.contacts])
    all.set(peer, name)
  return all.set(known.self, undefined)
}

/** One wrong letter makes the ID of an unknown peer, which the screen shows with the same short form. */
function refuseLookalike(peer: string, known: KnownPeers): void {
  const all = allPeers(known)
  if (all.has(peer)) return
  const short = shortId(peer)
  for (const [other, name] of all) {
    if (shortId(other) === short) throw new LookalikePeerError(peer, { name, peer: other })
  }
}

/** @throws AmbiguousPeerError with the IDs of all peers whose name a reader may take for this one */
function refuseNamesakes(text: string, reference: PeerReference, known: KnownPeers): void {
  if (reference.kind === 'address' || (reference.by !== 'contact' && reference.by !== 'nickname')) return
  const shape = nameShape(text)
  const claims = known.contacts.flatMap(({ peer, claimedName: name }) => (name === undefined ? [] : [{ peer, name }]))
  const named = [...(known.away ?? []), ...known.others, ...known.roster, ...claims, ...known.contacts]
  const bearers = new Map(
    named.flatMap(({ peer, name }) => (looksAlike(shape, nameShape(name)) ? [[peer, name] as const] : []))
  )
  if (bearers.size > 1) {
    throw new AmbiguousPeerError(
      text,
      [...bearers].map(([peer, name]) => `${name} (${shortId(peer)})`)
    )
  }
}

function byNumber(text: string, known: KnownPeers): PeerReference | undefined {
  if (known.numbers === undefined || !/^\d{1,5}$/.test(text)) return undefined
  const peer = known.numbers[Number(text) - 1]
  if (peer === undefined) return undefined
  return { kind: 'peer', peer, by: 'number' }
}

function byId(text: string, known: KnownPeers): PeerReference | undefined {
  const all = allPeers(known)
  if (all.has(text)) return { kind: 'peer', peer: text, by: 'id' }
  const only = theOnly(text, all, isIdPrefix)
  if (only !== undefined) return { kind: 'peer', peer: only, by: 'id' }
  const peer = writtenPeerId(text)
  return peer === undefined ? undefined : { kind: 'peer', peer, by: 'id' }
}

/** `anna (12D3KooWAnna)`, `! anna (…)`: as lines name a peer whose name alone could mean another one. */
const labelShape = /^(?:! )?(?<name>.+) \((?<id>\w+)\)$/u

/**
 * The ID decides, also against a peer that calls itself so; and the name has to be that peer's: a label is no way to give
 * an ID another name.
 */
function byLabel(text: string, known: KnownPeers): PeerReference | undefined {
  const { name = '', id = '' } = labelShape.exec(text)?.groups ?? {}
  const peer = id === '' ? undefined : theOnly(id, allPeers(known), isIdPrefix)
  if (peer === undefined) return undefined
  const named = [...(known.away ?? []), ...known.others, ...known.roster, ...known.contacts]
  const isItsName = named.some((one) => one.peer === peer && isSameName(one.name, name))
  return isItsName ? { kind: 'peer', peer, by: 'id' } : undefined
}

/** Weaker than every name: anyone can make such an ID, and must not get what was meant for a contact. */
function byShortBeginning(text: string, known: KnownPeers, trustName: boolean): PeerReference | undefined {
  const all = allPeers(known)
  const peer = theOnly(text, all, isShortIdBeginning)
  if (peer === undefined) return undefined
  const isContact = known.contacts.some((contact) => contact.peer === peer)
  if (!isContact && !trustName && peer !== known.self) {
    throw new UntrustedBeginningError(text, { name: all.get(peer) ?? '', peer, shortId: shortId(peer) })
  }
  return { kind: 'peer', peer, by: 'beginning' }
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

function byAddress(words: readonly string[], known: KnownPeers): PeerReference | undefined {
  try {
    const address = parseAddress(words)
    return address === undefined ? undefined : { kind: 'address', address, peer: peerIdOf(address) }
  } catch (error) {
    // What only looks like an address may be a contact's name, such as "anna: home". A name never goes before an
    // address: its owner has chosen it.
    if (known.contacts.some(({ name }) => isSameName(name, words.join(' ')))) return undefined
    throw error
  }
}

function byName(text: string, known: KnownPeers, trustName: boolean): PeerReference | undefined {
  const contact = theOne(text, known.contacts)
  if (contact !== undefined) return { kind: 'peer', peer: contact.peer, by: 'contact' }
  const stranger = theOne(text, known.roster) ?? theOne(text, known.away ?? [])
  if (stranger === undefined) return undefined
  if (!trustName && stranger.peer !== known.self) {
    const claimant = known.contacts.find(({ peer }) => peer === stranger.peer)
    throw new UntrustedNameError(text, stranger.peer, claimant?.name)
  }
  return { kind: 'peer', peer: stranger.peer, by: 'nickname' }
}

/** The peer of exactly this name, else of this name in another case or with other invisible characters. */
function theOne(text: string, peers: readonly NamedPeer[]): NamedPeer | undefined {
  const wanted = text.normalize('NFC')
  const exact = peers.filter(({ name }) => name === wanted)
  const matches = exact.length > 0 ? exact : peers.filter(({ name }) => isSameName(name, text))
  if (matches.length > 1) {
    throw new AmbiguousPeerError(
      text,
      matches.map(({ peer, name }) => `${name} (${shortId(peer)})`)
    )
  }
  return matches[0]
}

/** Whether libp2p reads the text as the ID of a peer. */
export function isPeerId(text: string): boolean {
  return writtenPeerId(text) !== undefined
}

/** @returns the ID as everything else here names the peer, also where the text is its CID; undefined for no ID */
export function writtenPeerId(text: string): string | undefined {
  if (text.length > MAX_PEER_ID_CHARS) return undefined
  try {
    return peerIdFromString(text).toString()
  } catch {
    return undefined
  }
}

/** What Ed25519, secp256k1 and RSA IDs begin with, and more of it than anyone takes for a name. */
const looksLikePeerId = /^(?:12D3KooW|16Uiu2HA|Qm)\w{30,}$/u

function unknownText(text: string, known: KnownPeers): string {
  const chars = [...text]
  const isLong = chars.length > maxQuotedChars
  const quoted = JSON.stringify(isLong ? `${chars.slice(0, maxQuotedChars).join('')}…` : text)
  if (/^\d+$/.test(text)) {
    const where =
      known.numbers === undefined ? 'roster numbers mean something at the prompt only' : 'the roster has no such number'
    return `no peer is called ${quoted}, and ${where}: give a name, a peer ID or HOST:PORT`
  }
  if (text === 'localhost' || /^[\w-]+(\.[\w-]+)+$/.test(text)) {
    return `no peer is called ${quoted}; if it is a host, add the port: ${text}:PORT`
  }
  if ([...allPeers(known).keys()].some((peer) => isTooShortBeginning(text, peer))) {
    return (
      `no peer called ${quoted} is a contact or on the roster; if it is the beginning of an ID, ` +
      `give ${minShortBeginning} letters of it or more`
    )
  }
  if (looksLikePeerId.test(text)) {
    return (
      `no known peer ID begins with ${quoted}, and it is not a whole one: it is mistyped or cut off. Copy it again, ` +
      'or give an address (HOST:PORT or multiaddr)'
    )
  }
  const near = nearestPeer(text, known)
  const hint =
    near === undefined ? 'check the name' : `did you mean ${near.name} (${shortId(near.peer)})? Check the name`
  return `no peer called ${quoted} is a contact or on the roster: ${hint}, or give its address (HOST:PORT or multiaddr)`
}

/** A contact before a stranger, whose nickname may be chosen to be found here. */
function nearestPeer(text: string, known: KnownPeers): NamedPeer | undefined {
  for (const peers of [known.contacts, known.roster.filter(({ peer }) => peer !== known.self)]) {
    const name = nearestWord(
      text,
      peers.map((peer) => peer.name)
    )
    if (name !== undefined) return peers.find((peer) => peer.name === name)
  }
  return undefined
}
