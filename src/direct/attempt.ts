// One attempt to make a direct path to one peer: opens sockets, learns where they are
// seen, punches, and connects a UDX stream over what was found. It does not know how
// the offers travel, nor who may have one.
import type { PeerId } from '@libp2p/interface'
import { randomBytes, randomInt } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import { steadyNow } from '../wire/index.ts'
import { guessingFor, isKnownBeyondLink, ownCandidates, type Reachable } from './candidates.ts'
import { NoWayThroughError, type NoWayThroughWhy } from './direct-errors.ts'
import { TOKEN_BYTES, type Offer } from './direct-frames.ts'
import { decodeProbe, encodeProbe, type ProbeKind } from './probe.ts'
import { Punch, type PunchEffect, type PunchEvent, type PunchRole, type Way } from './punch.ts'
import { PunchSockets } from './punch-sockets.ts'
import {
  SIGHTING_NONCE_BYTES,
  type Mapping,
  type SendDatagram,
  type Sighting,
  type StunClient,
  type StunServer,
  type UdpPlace
} from './stun/index.ts'
import type { Udx, UdxStream } from './udx-library.ts'

const STREAM_NUMBERS = 2 ** 32

/** What an attempt needs of a {@link StunClient}. */
export type Stun = Pick<StunClient, 'look' | 'received'>

export interface AttemptInit {
  readonly udx: Udx
  /** The address to bind to; undefined for all. */
  readonly host: string | undefined
  readonly self: PeerId
  readonly role: PunchRole
  /** The addresses of this machine's interfaces, without loopback. */
  readonly ownAddresses: readonly string[]
  readonly stun: (send: SendDatagram) => Stun
  /** Called once, when nothing of it is left but a path that was found. */
  readonly onEnd: () => void
}

/** A UDX stream that is connected, and to where. */
export interface UdxPath {
  readonly stream: UdxStream
  readonly to: UdpPlace
}

export class Attempt {
  readonly #init: AttemptInit
  readonly #token = randomBytes(TOKEN_BYTES)
  readonly #nonce = randomBytes(SIGHTING_NONCE_BYTES)
  readonly #streamNumber = randomInt(STREAM_NUMBERS)
  readonly #sockets: PunchSockets
  readonly #stun: Stun
  readonly #found = Promise.withResolvers<UdxPath>()
  #mapping: Mapping = 'unknown'
  #sightings: readonly Sighting[] = []
  #punching: { readonly punch: Punch; readonly theirs: Offer; readonly probes: Map<ProbeKind, Uint8Array> } | undefined
  #timer: NodeJS.Timeout | undefined
  #stream: UdxStream | undefined
  #isOpen = true

  constructor(init: AttemptInit) {
    this.#init = init
    // Unhandled when the attempt ends before anybody waits for it.
    this.#found.promise.catch(() => undefined)
    this.#sockets = new PunchSockets({
      udx: init.udx,
      host: init.host,
      onDatagram: (bytes, way) => this.#onDatagram(bytes, way)
    })
    this.#stun = init.stun((bytes, to) => this.#sockets.send(bytes, { socket: 0, to }))
  }

  /** What the directories have said of this side; nothing before {@link offer} has resolved. */
  get sightings(): readonly Sighting[] {
    return this.#sightings
  }

  /**
   * Learns where this side may be reached.
   *
   * @throws the signal's reason
   */
  async offer(servers: readonly StunServer[], signal: AbortSignal): Promise<Offer> {
    const { self, ownAddresses } = this.#init
    const asked = servers.filter(({ host }) => isIPv4(host) || hasIpv6(ownAddresses))
    const { sightings, mapping } = await this.#stun.look({ servers: asked, peerId: self, nonce: this.#nonce, signal })
    this.#sightings = sightings
    this.#mapping = mapping
    return {
      type: 'offer',
      token: this.#token,
      stream: this.#streamNumber,
      mapping,
      nonce: this.#nonce,
      candidates: ownCandidates(sightings, this.#sockets.boundAt(ownAddresses))
    }
  }

  /**
   * Looks for a way to the peer whose offer this is, and connects over it.
   *
   * @param mayGuess whether datagrams may go to ports that nobody has named; asked where guesses would help
   * @throws {NoWayThroughError}
   */
  async path(theirs: Offer, { places, sighted }: Reachable, mayGuess: () => boolean): Promise<UdxPath> {
    const useful = guessingFor(this.#mapping, theirs.mapping, sighted)
    const guessing = useful !== undefined && mayGuess() ? useful : undefined
    const punch = new Punch({
      role: this.#init.role,
      candidates: places,
      nowMs: steadyNow(),
      random: Math.random,
      ...(guessing === undefined ? {} : { guessing })
    })
    this.#punching = { punch, theirs, probes: new Map() }
    this.#step({ is: 'time' })
    return this.#found.promise
  }

  /** Ends it: no socket stays open but that of a path, which closes with it. */
  end(): void {
    if (!this.#isOpen) return
    this.#isOpen = false
    clearTimeout(this.#timer)
    this.#found.reject(new NoWayThroughError(this.#whyNot()))
    this.#punching = undefined
    this.#sockets.close()
    this.#init.onEnd()
  }

  #whyNot(): NoWayThroughWhy {
    const { theirs } = this.#punching ?? {}
    if (this.#sightings.length === 0) return 'no-udp-here'
    if (theirs === undefined) return 'silent'
    if (theirs.candidates.every(({ sighted }) => sighted === undefined)) return 'no-udp-there'
    return this.#mapping === 'varying' && theirs.mapping === 'varying' ? 'both-vary' : 'silent'
  }

  /** Ends it, and a path that was found. */
  abandon(): void {
    this.end()
    this.#stream?.destroy()
  }

  #onDatagram(bytes: Uint8Array, way: Way): void {
    if (way.socket === 0 && this.#stun.received(bytes, way.to)) return
    const kind = decodeProbe(bytes, this.#token)
    if (kind !== undefined) this.#step({ is: 'received', kind, way })
  }

  #step(event: PunchEvent): void {
    const punching = this.#punching
    if (punching === undefined) return
    const nowMs = steadyNow()
    for (const effect of punching.punch.step(event, nowMs)) this.#apply(effect)
    clearTimeout(this.#timer)
    const { nextAtMs } = punching.punch
    if (this.#punching === punching && nextAtMs !== Infinity) {
      this.#timer = setTimeout(() => this.#step({ is: 'time' }), Math.max(0, nextAtMs - nowMs))
    }
  }

  #apply(effect: PunchEffect): void {
    switch (effect.is) {
      case 'send':
        this.#sockets.send(this.#probe(effect.kind), effect.way)
        return
      case 'found':
        this.#connect(effect.way)
        return
      case 'over':
        this.end()
    }
  }

  #probe(kind: ProbeKind): Uint8Array {
    const { probes, theirs } = this.#punching ?? {}
    const encoded = probes?.get(kind) ?? encodeProbe(kind, theirs?.token ?? this.#token)
    probes?.set(kind, encoded)
    return encoded
  }

  #connect(way: Way): void {
    const socket = this.#sockets.of(way)
    const { theirs } = this.#punching ?? {}
    if (socket === undefined || theirs === undefined) return
    const stream = this.#init.udx.createStream(this.#streamNumber)
    this.#stream = stream
    stream.connect(socket, theirs.stream, way.to.port, way.to.host)
    // The one that is kept may have to say once more that the path is there.
    this.#sockets.keepOnly(socket)
    this.#found.resolve({ stream, to: way.to })
  }
}

/** Without an address beyond its links, a machine gets no answer over IPv6, and would wait for it. */
function hasIpv6(addresses: readonly string[]): boolean {
  return addresses.some((address) => isIPv6(address) && isKnownBeyondLink(address))
}
