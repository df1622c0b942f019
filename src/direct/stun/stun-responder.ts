/**
 * The directory's part of STUN, as a libp2p service: it answers binding requests on the
 * UDP port with the number of its TCP port, and on a second one, with the address that
 * they came from, and signs that where it is asked to. It remembers nobody, and answers
 * nothing that is shorter than the answer, so that a forged sender gains nothing.
 *
 * @example
 * createLibp2p({ services: { stun: stunResponder({ host: undefined, port: 8000, onProblem: report }) } })
 */
import type { RemoteInfo, Socket } from 'node:dgram'
import type { ComponentLogger, PrivateKey } from '@libp2p/interface'
import {
  addressBlock,
  IPV4_BYTES,
  IPV6_BYTES,
  RateLimiter,
  steadyNow,
  toError,
  TokenBucket,
  type Rate
} from '../../wire/index.ts'
import { signSighting } from './sighting.ts'
import { answerBytes, decodeRequest, encodeAnswer, type StunRequest } from './stun-message.ts'
import { bindStun, type StunPorts, type StunSocket } from './stun-sockets.ts'

/**
 * Answers a second, to all: each peer asks for a few when a conversation with a contact is relayed, and a signature
 * costs about a tenth of a millisecond.
 */
export const STUN_RATE: Rate = { burst: 1_000, perSecond: 500 }

/** Answers to one IPv4 address or IPv6 /64: an attempt takes up to 16, and many people may be behind one router. */
export const STUN_RATE_OF_CLASS: Rate = { burst: 128, perSecond: 16 }

/** Address classes whose requests are counted: a forged sender chooses its class. */
const MAX_STUN_CLASSES = 4_096

/** What became of a request. */
export type StunOutcome =
  | 'answered'
  /** It was no binding request, or one with an attribute that must not be skipped. */
  | 'malformed'
  /** Its answer would have been longer than it was. */
  | 'too-short'
  | 'too-fast'
  /** The system did not send the answer. */
  | 'unsent'

export interface StunMetrics {
  asked(outcome: StunOutcome): void
}

const noMetrics: StunMetrics = { asked: () => undefined }

export interface StunResponderInit {
  /** An IP address, or undefined for all of IPv4 and IPv6. */
  readonly host: string | undefined
  /** The TCP port of the directory. */
  readonly port: number
  /** The UDP port can't be had: nothing is answered. With the system's error. */
  readonly onProblem: (error: Error) => void
  readonly metrics?: StunMetrics
  readonly now?: () => number
}

/** What libp2p gives to a service, as far as this one needs it. */
export interface StunComponents {
  readonly privateKey: PrivateKey
  readonly logger: ComponentLogger
}

export function stunResponder(init: StunResponderInit): (components: StunComponents) => StunResponder {
  return (components) => new StunResponder(components, init)
}

interface Life {
  /** None where a port can't be had. */
  readonly bound: Promise<readonly StunSocket[]>
  ports?: StunPorts
}

export class StunResponder {
  readonly [Symbol.toStringTag] = '@parley/stun'
  readonly #components: StunComponents
  readonly #init: StunResponderInit
  readonly #metrics: StunMetrics
  readonly #now: () => number
  readonly #log: ReturnType<ComponentLogger['forComponent']>
  readonly #ofClass = new RateLimiter(STUN_RATE_OF_CLASS, MAX_STUN_CLASSES)
  readonly #inAll: TokenBucket
  #life: Life | undefined

  constructor(components: StunComponents, init: StunResponderInit) {
    this.#components = components
    this.#init = init
    this.#metrics = init.metrics ?? noMetrics
    this.#now = init.now ?? steadyNow
    this.#log = components.logger.forComponent('parley:stun')
    this.#inAll = new TokenBucket(STUN_RATE, this.#now())
  }

  /** Where it answers; undefined while it does not. */
  get ports(): StunPorts | undefined {
    return this.#life?.ports
  }

  /** A port that can't be had is reported, and no reason for a directory not to start. */
  async start(): Promise<void> {
    if (this.#life !== undefined) return
    const { host, port, onProblem } = this.#init
    const binding = bindStun({ host, port })
    const life: Life = {
      bound: binding.then(
        ({ sockets }) => sockets,
        () => []
      )
    }
    this.#life = life
    try {
      const { sockets, ports } = await binding
      if (this.#life !== life) return
      for (const { socket } of sockets) this.#serve(socket)
      life.ports = ports
    } catch (error) {
      if (this.#life === life) onProblem(toError(error))
    }
  }

  async stop(): Promise<void> {
    const life = this.#life
    if (life === undefined) return
    this.#life = undefined
    for (const { close } of await life.bound) await close()
  }

  #serve(socket: Socket): void {
    socket.on('message', (bytes, from) => {
      this.#onMessage(socket, bytes, from).catch((error: unknown) => {
        this.#metrics.asked('unsent')
        this.#log('an answer was not sent - %e', toError(error))
      })
    })
    // The socket goes on: what failed was one datagram.
    socket.on('error', (error) => this.#log('a datagram was not received - %e', error))
  }

  async #onMessage(socket: Socket, bytes: Uint8Array, from: RemoteInfo): Promise<void> {
    const request = from.port === 0 ? undefined : decodeRequest(bytes)
    if (request === undefined) {
      this.#metrics.asked('malformed')
      return
    }
    const ipLength = from.family === 'IPv4' ? IPV4_BYTES : IPV6_BYTES
    if (bytes.byteLength < answerBytes(ipLength, request.tag !== undefined)) {
      this.#metrics.asked('too-short')
      return
    }
    if (!this.#mayAnswer(from.address)) {
      this.#metrics.asked('too-fast')
      return
    }
    const answer = await this.#answer(request, from)
    await sent(socket, answer, from)
    this.#metrics.asked('answered')
  }

  /** What is used up for all costs nothing more: a flood from forged addresses is not counted by class. */
  #mayAnswer(address: string): boolean {
    const nowMs = this.#now()
    if (this.#inAll.waitMs(1, nowMs) > 0) return false
    if (this.#ofClass.of(addressBlock(address), nowMs).takeOne(nowMs) > 0) return false
    return this.#inAll.takeOne(nowMs) === 0
  }

  async #answer({ transaction, tag }: StunRequest, { address: host, port }: RemoteInfo): Promise<Uint8Array> {
    const [address = ''] = host.split('%')
    if (tag === undefined) return encodeAnswer({ transaction, address, port })
    const claim = { tag, timeMs: BigInt(this.#now()), address, port }
    const proof = await signSighting(claim, this.#components.privateKey)
    return encodeAnswer({ transaction, address, port, proof })
  }
}

async function sent(socket: Socket, bytes: Uint8Array, { address, port }: RemoteInfo): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  socket.send(bytes, port, address, (error) => (error === null ? resolve() : reject(error)))
  await promise
}
