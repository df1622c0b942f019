// What directories say to each other, as closed unions: the messages of the
// presence topic, the frames of /chat/federation/1.0.0 and its refusals, and how
// updates are packed into them. Knows bytes and their bounds, and neither what an
// envelope holds nor who may send it.
import { multiaddr } from '@multiformats/multiaddr'
import type { PeerId } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { decodePeerId, encodePeerId, MAX_ADDRESSES, MAX_ENVELOPE_BYTES } from '../presence/index.ts'
import { FederationFrame as PbFrame, Gossip as PbGossip } from './pb/federation.ts'
import type { Update as PbUpdate } from './pb/federation.ts'

/** A sealed statement or heartbeat: two peer IDs, a key, a network's name of 64 characters and a signature. */
export const MAX_STATEMENT_BYTES = 1024

/** A message of gossip: large enough for a wave of joins, small enough not to hold up others. */
export const MAX_GOSSIP_BYTES = 64 * 1024

/** A frame of the stream between directories: pages of the same size as gossip, so that both are packed alike. */
export const MAX_FEDERATION_FRAME_BYTES = 64 * 1024

/** Of SHA-256. */
export const DIGEST_BYTES = 32

/** Joined directories that the operator did not name: all of a large network, each with a stream. */
export const MAX_FEDERATION_PEERS = 16

/** Directories that are known, the dead ones included; a living one takes the place of a dead one. */
export const MAX_KNOWN_DIRECTORIES = 64

/** A federation peer's address: the longest name of a host, a port and a peer ID. */
const MAX_FEDERATION_ADDRESS_BYTES = 320

/** Updates in one message or page: more than fit when every statement and record is as short as can be. */
export const MAX_PAGE_UPDATES = 512

/** Withdrawals in one message or page, likewise. */
const MAX_PAGE_WITHDRAWALS = 512

/** A statement and, where it attaches a peer, the record that it speaks of. */
export interface WireUpdate {
  readonly statement: Uint8Array
  readonly record?: Uint8Array
  /** For how long the peer has been attached. */
  readonly forMs: number
}

/** A message of the presence topic. */
export interface Gossip {
  readonly updates: readonly WireUpdate[]
  /** Records with which peers have left. */
  readonly withdrawals: readonly Uint8Array[]
  readonly heartbeat?: Uint8Array
}

/** What the sender has of one directory. Only the heartbeat is signed by that directory. */
export interface WireDigest {
  readonly directory: PeerId
  readonly epoch: bigint
  readonly counter: bigint
  readonly digest: Uint8Array
  readonly count: number
  readonly heartbeat?: Uint8Array
  readonly heardAgoMs: number
}

export interface WireFederationPeer {
  readonly peer: PeerId
  readonly addresses: readonly Multiaddr[]
}

export type FederationFrame =
  | {
      readonly type: 'hello'
      readonly network: string
      readonly digests: readonly WireDigest[]
      readonly federationPeers: readonly WireFederationPeer[]
    }
  | {
      readonly type: 'ask'
      readonly directory: PeerId
      /** Absent: the asker knows none, and wants everything. */
      readonly epoch?: bigint
      /** 0: everything. */
      readonly afterCounter: bigint
    }
  | { readonly type: 'ask-withdrawals' }
  | {
      readonly type: 'page'
      readonly directory: PeerId
      /** Of the statements; absent when the sender knows nothing of the directory. */
      readonly epoch?: bigint
      readonly updates: readonly WireUpdate[]
      readonly last: boolean
    }
  | { readonly type: 'page-withdrawals'; readonly withdrawals: readonly Uint8Array[]; readonly last: boolean }
  /** The last frame of its sender: the other is not joined, or not any more. */
  | { readonly type: 'refuse'; readonly reason: FederationRefusal; readonly retryAfterMs: number }

type UpdateLimits = { readonly updates: number; readonly withdrawals: number }
const pageLimits: UpdateLimits = { updates: MAX_PAGE_UPDATES, withdrawals: MAX_PAGE_WITHDRAWALS }

/** @throws on what is no protobuf or over a limit */
export function decodeGossip(bytes: Uint8Array): Gossip {
  const { updates, withdrawals, heartbeat } = PbGossip.decode(bytes, { limits: pageLimits })
  return { updates: updates.map(readUpdate), withdrawals, ...(heartbeat === undefined ? {} : { heartbeat }) }
}

export function encodeGossip({ updates, withdrawals, heartbeat }: Gossip): Uint8Array {
  return PbGossip.encode({
    updates: updates.map(writeUpdate),
    withdrawals: withdrawals.map(own),
    ...(heartbeat === undefined ? {} : { heartbeat: own(heartbeat) })
  })
}

/**
 * @returns undefined for a frame of a later version, or one that names something that is no peer ID
 * @throws on what is no protobuf or over a limit
 */
export function decodeFederationFrame(bytes: Uint8Array): FederationFrame | undefined {
  const { hello, ask, page, refuse } = PbFrame.decode(bytes, {
    limits: {
      // The sender itself stands beside all whom it knows.
      hello: {
        digests: MAX_KNOWN_DIRECTORIES + 1,
        federationPeers: MAX_FEDERATION_PEERS,
        federationPeers$: { addresses: MAX_ADDRESSES }
      },
      page: pageLimits
    }
  })
  if (hello !== undefined) {
    return {
      type: 'hello',
      network: hello.network,
      digests: hello.digests.flatMap(readDigest),
      federationPeers: hello.federationPeers.flatMap(readFederationPeer)
    }
  }
  if (ask !== undefined) {
    if (ask.withdrawals) return { type: 'ask-withdrawals' }
    const directory = decodePeerId(ask.directory)
    if (directory === undefined) return undefined
    return { type: 'ask', directory, ...epochOf(ask), afterCounter: ask.afterCounter }
  }
  if (page !== undefined) {
    const { updates, withdrawals, last } = page
    if (page.directory.byteLength === 0) return { type: 'page-withdrawals', withdrawals, last }
    const directory = decodePeerId(page.directory)
    if (directory === undefined) return undefined
    return { type: 'page', directory, ...epochOf(page), updates: updates.map(readUpdate), last }
  }
  if (refuse !== undefined) {
    return { type: 'refuse', reason: federationRefusal(refuse.reason), retryAfterMs: refuse.retryAfterMs }
  }
  return undefined
}

/** The tag of a Hello, with which its frame begins. */
const HELLO_TAG = 0x0a

/** Whether the frame is a Hello, found out without decoding it: that costs more than any other frame. */
export function isHello(bytes: Uint8Array): boolean {
  return bytes[0] === HELLO_TAG
}

export function encodeFederationFrame(frame: FederationFrame): Uint8Array {
  switch (frame.type) {
    case 'hello': {
      const { network, digests, federationPeers } = frame
      return PbFrame.encode({
        hello: { network, digests: digests.map(writeDigest), federationPeers: federationPeers.map(writeFederationPeer) }
      })
    }
    case 'ask': {
      const { directory, afterCounter } = frame
      const ask = { directory: encodePeerId(directory), ...epochOf(frame), afterCounter, withdrawals: false }
      return PbFrame.encode({ ask })
    }
    case 'ask-withdrawals':
      return PbFrame.encode({ ask: { directory: new Uint8Array(), afterCounter: 0n, withdrawals: true } })
    case 'page': {
      const { directory, updates, last } = frame
      const page = { directory: encodePeerId(directory), updates: updates.map(writeUpdate), withdrawals: [], last }
      return PbFrame.encode({ page: { ...page, ...epochOf(frame) } })
    }
    case 'page-withdrawals': {
      const { withdrawals, last } = frame
      const page = { directory: new Uint8Array(), updates: [], withdrawals: withdrawals.map(own), last }
      return PbFrame.encode({ page })
    }
    case 'refuse': {
      const { reason, retryAfterMs } = frame
      return PbFrame.encode({ refuse: { reason, retryAfterMs } })
    }
  }
}

function readUpdate({ statement, record, forMs }: PbUpdate): WireUpdate {
  return { statement, ...(record === undefined ? {} : { record }), forMs: fromWireMs(forMs) }
}

function writeUpdate({ statement, record, forMs }: WireUpdate): PbUpdate {
  return {
    statement: own(statement),
    ...(record === undefined ? {} : { record: own(record) }),
    forMs: toWireMs(forMs)
  }
}

/** A digest of something that is no directory, or no digest, is left out; it must not cost the Hello. */
function readDigest({ heardAgoMs, ...wire }: PbFrame.Digest): WireDigest[] {
  const directory = decodePeerId(wire.directory)
  if (directory === undefined || wire.digest.byteLength !== DIGEST_BYTES) return []
  return [{ ...wire, directory, heardAgoMs: fromWireMs(heardAgoMs) }]
}

function writeDigest({ directory, epoch, counter, digest, count, heartbeat, heardAgoMs }: WireDigest): PbFrame.Digest {
  return {
    directory: encodePeerId(directory),
    epoch,
    counter,
    digest: own(digest),
    count,
    ...(heartbeat === undefined ? {} : { heartbeat: own(heartbeat) }),
    heardAgoMs: toWireMs(heardAgoMs)
  }
}

function readFederationPeer({ peer: bytes, addresses }: PbFrame.FederationPeer): WireFederationPeer[] {
  const peer = decodePeerId(bytes)
  return peer === undefined ? [] : [{ peer, addresses: addresses.flatMap(readAddress) }]
}

function writeFederationPeer({ peer, addresses }: WireFederationPeer): PbFrame.FederationPeer {
  return { peer: encodePeerId(peer), addresses: addresses.map(({ bytes }) => own(bytes)) }
}

/** An address of a kind that this version does not know is left out, and one that is longer than any address. */
function readAddress(bytes: Uint8Array): Multiaddr[] {
  if (bytes.byteLength > MAX_FEDERATION_ADDRESS_BYTES) return []
  try {
    const address = multiaddr(bytes.slice())
    return address.getComponents().length === 0 ? [] : [address]
  } catch {
    return []
  }
}

function epochOf({ epoch }: { readonly epoch?: bigint | undefined }): { epoch?: bigint } {
  return epoch === undefined ? {} : { epoch }
}

function own(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes)
}

function toWireMs(ms: number): bigint {
  return Number.isFinite(ms) ? BigInt(Math.max(0, Math.round(ms))) : BigInt(Number.MAX_SAFE_INTEGER)
}

function fromWireMs(ms: bigint): number {
  return ms > BigInt(Number.MAX_SAFE_INTEGER) ? Number.MAX_SAFE_INTEGER : Number(ms)
}

/** Why a directory does not join with another. */
export type FederationRefusal =
  /** All places for directories that its operator did not name are taken. */
  | 'places-taken'
  /** The place was given to a directory of an address prefix that has fewer. */
  | 'place-given'
  /** It joins only with directories that its operator named. */
  | 'named-only'
  | 'flooding'
  /** Any reason that this version does not know, or none. */
  | 'refused'

const refusals: ReadonlySet<string> = new Set<FederationRefusal>([
  'places-taken',
  'place-given',
  'named-only',
  'flooding'
])

/** @returns the reason that the word on the wire stands for */
function federationRefusal(word: string): FederationRefusal {
  // The set holds exactly the members of the union.
  return refusals.has(word) ? (word as FederationRefusal) : 'refused'
}

/** One side has no place for the other, or does not want to hear from it for a while. */
export class FederationRefusedError extends Error {
  override readonly name = 'FederationRefusedError'
  readonly reason: FederationRefusal
  /** When to come back, as the other side says; undefined where it gave no reason. */
  readonly retryAfterMs: number | undefined

  constructor(reason: FederationRefusal = 'refused', retryAfterMs?: number) {
    super(refusalText(reason))
    this.reason = reason
    this.retryAfterMs = retryAfterMs
  }
}

/** In words, for the operator of the directory that was refused. */
function refusalText(reason: FederationRefusal): string {
  switch (reason) {
    case 'places-taken':
      return 'all its places for directories that it does not name are taken: ask its operator to --join this one'
    case 'place-given':
      return 'it gave the place to a directory of another address: ask its operator to --join this one'
    case 'named-only':
      return 'it joins only with directories that it names (--federate named): ask its operator to --join this one'
    case 'flooding':
      return 'it says that this directory floods it, or passes on forgeries'
    case 'refused':
      return 'it gave no reason'
  }
}

/** Updates are packed up to here: one more of the largest, a heartbeat and framing still fit behind it. */
const UPDATE_PAGE_BYTES = MAX_GOSSIP_BYTES - MAX_ENVELOPE_BYTES - 4 * MAX_STATEMENT_BYTES

/** @returns the updates in groups that fit into one message or page each; none when there are none */
export function packUpdates(updates: Iterable<WireUpdate>): Generator<WireUpdate[]> {
  return pack(updates, MAX_PAGE_UPDATES, updateBytes)
}

/** @returns the withdrawals in groups that fit into one message or page each; none when there are none */
export function packWithdrawals(withdrawals: Iterable<Uint8Array>): Generator<Uint8Array[]> {
  return pack(withdrawals, MAX_PAGE_WITHDRAWALS, withdrawalBytes)
}

/** @returns one message where all of it fits, and it mostly does; else several */
export function packGossip(updates: readonly WireUpdate[], withdrawals: readonly Uint8Array[]): readonly Gossip[] {
  const bytes = sumOf(updates.map(updateBytes)) + sumOf(withdrawals.map(withdrawalBytes))
  if (bytes <= UPDATE_PAGE_BYTES && updates.length <= MAX_PAGE_UPDATES && withdrawals.length <= MAX_PAGE_WITHDRAWALS) {
    return [{ updates, withdrawals }]
  }
  return [
    ...[...packUpdates(updates)].map((page) => ({ updates: page, withdrawals: [] })),
    ...[...packWithdrawals(withdrawals)].map((page) => ({ updates: [], withdrawals: page }))
  ]
}

function* pack<T>(items: Iterable<T>, maxItems: number, sizeOf: (item: T) => number): Generator<T[]> {
  let page: T[] = []
  let pageBytes = 0
  for (const item of items) {
    const sizeBytes = sizeOf(item)
    if (page.length > 0 && (pageBytes + sizeBytes > UPDATE_PAGE_BYTES || page.length >= maxItems)) {
      yield page
      page = []
      pageBytes = 0
    }
    page.push(item)
    pageBytes += sizeBytes
  }
  if (page.length > 0) yield page
}

/** Tags, lengths and the time are at most 24 bytes. */
function updateBytes({ statement, record }: WireUpdate): number {
  return statement.byteLength + (record?.byteLength ?? 0) + 24
}

function withdrawalBytes({ byteLength }: Uint8Array): number {
  return byteLength + 8
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0)
}
