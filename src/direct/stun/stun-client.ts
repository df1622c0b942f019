// How a peer learns where its UDP socket is seen from outside: it asks directories by
// STUN. The socket is the caller's, as probes to other peers leave from the same one.
import { randomBytes } from 'node:crypto'
import { isIPv4 } from 'node:net'
import type { PeerId } from '@libp2p/interface'
import { canonicalIp, orAborted } from '../../wire/index.ts'
import { isSigned, sightingTag, type Sighting, type SightingOwner } from './sighting.ts'
import { decodeAnswer, encodeRequest, TRANSACTION_BYTES, type StunAnswer } from './stun-message.ts'

/** When a request is sent, in milliseconds from the first time: a datagram may be lost, and three in a row hardly are. */
const SENT_AT_MS = [0, 200, 600, 1_400] as const

/**
 * How often a place is asked that was only heard of: it may be another machine's, and one datagram that is lost must not
 * cost two peers behind symmetric routers their path over IPv6.
 */
const HEARSAY_REQUESTS = 2

/** From the first request to the end, where a directory does not answer at all: one that answers late is no use. */
const LOOK_TIMEOUT_MS = 2_500

/**
 * After the first answer the others have so long: enough for a lost request to be sent again. A directory that is down,
 * or behind a firewall that lets no UDP in, holds nothing up.
 */
const LATE_ANSWER_MS = 500

/** Places that are asked at a time: two directories in use with two ports, and both families. */
const MAX_SERVERS = 16

/** Where a directory answers: one address and one port of it. */
export interface StunServer {
  readonly directory: PeerId
  /** An IP address. */
  readonly host: string
  readonly port: number
  /**
   * Nobody has reached the directory there: it has named the address. It is asked {@link HEARSAY_REQUESTS} times at most,
   * as it may be another machine's.
   */
  readonly isHearsay?: boolean
}

/** The other end of a datagram. */
export interface UdpPlace {
  readonly host: string
  readonly port: number
}

/**
 * How the router before the socket maps it: to the same address and port towards every destination, or to others
 * towards each (RFC 4787, 4.1). Of IPv4 where there is an answer over IPv4.
 */
export type Mapping = 'unknown' | 'independent' | 'varying'

export interface StunLook {
  /** Of each address and port the first counts; not more than 16. */
  readonly servers: readonly StunServer[]
  /** Who asks. */
  readonly peerId: PeerId
  /** 16 random bytes, of this attempt. */
  readonly nonce: Uint8Array
  readonly signal: AbortSignal
}

export interface StunSeen {
  /** Verified; each directory, address and port once. */
  readonly sightings: readonly Sighting[]
  readonly mapping: Mapping
}

/** Sends a datagram from the socket that is looked at; must not throw. */
export type SendDatagram = (bytes: Uint8Array, to: UdpPlace) => void

/** A request that waits for its answer. */
interface Asked {
  readonly server: StunServer
  readonly request: Uint8Array
  readonly onAnswer: (answer: StunAnswer) => void
}

/**
 * Asks from one socket.
 *
 * @example
 * const stun = new StunClient((bytes, { host, port }) => socket.send(bytes, port, host))
 * socket.on('message', (bytes, { address, port }) => stun.received(bytes, { host: address, port }) || probe(bytes))
 * const { sightings, mapping } = await stun.look({ servers, peerId, nonce: randomBytes(16), signal })
 */
export class StunClient {
  readonly #send: SendDatagram
  /** By transaction, in hexadecimal. */
  readonly #asked = new Map<string, Asked>()

  constructor(send: SendDatagram) {
    this.#send = send
  }

  /**
   * A datagram came to the socket.
   *
   * @returns whether it was an answer that this client waits for; all others are the caller's
   */
  received(bytes: Uint8Array, from: UdpPlace): boolean {
    if (this.#asked.size === 0) return false
    const answer = decodeAnswer(bytes)
    if (answer === undefined) return false
    const asked = this.#asked.get(keyOf(answer.transaction))
    if (asked === undefined || !isSamePlace(asked.server, from)) return false
    asked.onAnswer(answer)
    return true
  }

  /**
   * Asks all servers at once; ends when all have answered, or soon after the first one has. Answers that have come by then
   * count, also where this process was too busy to read them.
   *
   * @returns nothing seen where no server answered in time
   * @throws the signal's reason
   */
  async look({ servers, peerId, nonce, signal }: StunLook): Promise<StunSeen> {
    signal.throwIfAborted()
    const owner: SightingOwner = { peer: peerId, nonce }
    const tag = sightingTag(owner)
    const seen: Sighting[] = []
    const waiting = new Map<string, Asked>()
    const done = Promise.withResolvers<void>()
    const timers: NodeJS.Timeout[] = []
    let open = 0
    const endAfter = (ms: number): void => {
      // A turn later: after a stall, timers come before the datagrams that have arrived meanwhile.
      timers.push(setTimeout(() => setImmediate(done.resolve), ms))
    }
    const settled = async (server: StunServer, answer: StunAnswer): Promise<void> => {
      const sighting = await sightingOf(server, answer, owner)
      open--
      if (sighting !== undefined) seen.push(sighting)
      if (open === 0) done.resolve()
      else if (seen.length === 1) endAfter(LATE_ANSWER_MS)
    }
    endAfter(LOOK_TIMEOUT_MS)
    for (const server of distinct(servers).slice(0, MAX_SERVERS)) {
      const transaction = randomBytes(TRANSACTION_BYTES)
      const key = keyOf(transaction)
      const onAnswer = (answer: StunAnswer): void => {
        this.#asked.delete(key)
        waiting.delete(key)
        // It never rejects.
        void settled(server, answer)
      }
      const asked: Asked = { server, request: encodeRequest({ transaction, tag }), onAnswer }
      open++
      waiting.set(key, asked)
      this.#asked.set(key, asked)
    }
    if (open === 0) done.resolve()
    for (const [turn, afterMs] of SENT_AT_MS.entries()) {
      timers.push(setTimeout(() => this.#sendTo(waiting.values(), turn), afterMs))
    }
    try {
      await orAborted(done.promise, signal)
      return { sightings: distinctSightings(seen), mapping: mappingOf(seen) }
    } finally {
      for (const timer of timers) clearTimeout(timer)
      for (const key of waiting.keys()) this.#asked.delete(key)
    }
  }

  /** @param turn counted from 0 */
  #sendTo(waiting: Iterable<Asked>, turn: number): void {
    for (const { server, request } of waiting) {
      if (turn < HEARSAY_REQUESTS || server.isHearsay !== true)
        this.#send(request, { host: server.host, port: server.port })
    }
  }
}

/** @returns undefined where the directory did not sign it: the answer of another program, or of a machine on the way */
async function sightingOf(
  { directory }: StunServer,
  { address, port, proof }: StunAnswer,
  owner: SightingOwner
): Promise<Sighting | undefined> {
  if (proof === undefined) return undefined
  const sighting = { directory, address, port, proof }
  return (await isSigned(sighting, owner)) ? sighting : undefined
}

/** Where two servers differ, so does the mapping; one answer tells nothing. */
function mappingOf(seen: readonly Sighting[]): Mapping {
  const overIpv4 = seen.filter(({ address }) => isIPv4(address))
  const compared = overIpv4.length > 0 ? overIpv4 : seen
  if (compared.length < 2) return 'unknown'
  return new Set(compared.map(({ address, port }) => `${address} ${port}`)).size === 1 ? 'independent' : 'varying'
}

function distinctSightings(seen: readonly Sighting[]): readonly Sighting[] {
  return firstOfEach(seen, ({ directory, address, port }) => `${directory.toString()} ${address} ${port}`)
}

function distinct(servers: readonly StunServer[]): readonly StunServer[] {
  return firstOfEach(servers, ({ host, port }) => `${host} ${port}`)
}

function firstOfEach<T>(items: readonly T[], keyOfItem: (item: T) => string): readonly T[] {
  const first = new Map<string, T>()
  for (const item of items) {
    const key = keyOfItem(item)
    if (!first.has(key)) first.set(key, item)
  }
  return [...first.values()]
}

function isSamePlace(server: StunServer, from: UdpPlace): boolean {
  return server.port === from.port && canonicalIp(server.host) === canonicalIp(from.host)
}

function keyOf(transaction: Uint8Array): string {
  return Buffer.from(transaction).toString('hex')
}
