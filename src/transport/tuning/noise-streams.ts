// Noise as Parley uses it: its handshake and its messages, with less work for each
// message. The stock reader looks for one more message behind each read and finds
// that there is none by an exception, which is the largest part of reading a small
// one. Knows how messages are cut, and leaves sealing and opening to Noise.
import { noise, type NoiseInit } from '@chainsafe/libp2p-noise'
import type { ConnectionEncrypter, MessageStream, PeerId, SecuredConnection } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import {
  MAX_UNREAD_PIECES,
  MisbehaviourError,
  TINY_FRAME_RATE,
  TINY_MESSAGE_BYTES,
  TokenBucket
} from '../../wire/index.ts'
import { agreesToProposal, guardNegotiation } from './negotiation.ts'
import { MUXER_PROTOCOL, type OnMisbehaviour } from './bounded-yamux.ts'
import { sendDirectly } from './lean-sends.ts'
import { TAG_BYTES } from './noise-crypto.ts'
import { allTuning } from './tuning.ts'
import type { Tuning } from './tuning.ts'

type Bytes = Uint8Array | Uint8ArrayList
type CreateEncrypter = ReturnType<typeof noise>

/** Fields of Noise's connections that their interface does not show. */
interface NoiseStream extends MessageStream {
  readonly decoder: { readonly buffer: Bytes; decode(read: Bytes): Iterable<Bytes> }
  sendData(bytes: Bytes): { readonly canSendMore: boolean }
}

export interface LeanNoiseInit extends NoiseInit {
  /** Default all on. Off, the budget of tiny messages still holds. */
  readonly tuning?: Pick<Tuning, 'leanNoise' | 'directSends'>
  /** Called when a remote was cut for what it did behind the handshake: in the negotiation, or with its messages. */
  readonly onMisbehaviour?: OnMisbehaviour
}

/** Whose key an encrypted connection has, and what carries it. */
export interface SecuredRemote {
  readonly peer: PeerId
  readonly carrier: MessageStream
}

const remotes = new WeakMap<MessageStream, SecuredRemote>()

/** @param connection as Noise has made it and Yamux uses it */
export function securedRemoteOf(connection: MessageStream): SecuredRemote | undefined {
  return remotes.get(connection)
}

/** For `createLibp2p({ connectionEncrypters: [leanNoise()] })`, in place of `noise()`. */
export function leanNoise({ onMisbehaviour, tuning = allTuning, ...init }: LeanNoiseInit): CreateEncrypter {
  const create = noise(init)
  const settle = <T extends SecuredConnection>(secured: T, carrier: MessageStream, isAgreed: IsAgreedOn): T => {
    const { connection, remotePeer, streamMuxer } = lean(secured, tuning, onMisbehaviour)
    if (remotePeer !== undefined) remotes.set(connection, { peer: remotePeer, carrier })
    // Where the handshake itself has agreed on a muxer, nothing is negotiated behind it.
    if (streamMuxer === undefined) {
      guardNegotiation(connection, isAgreed(connection), (error) => {
        connection.abort(error)
        onMisbehaviour?.(error, connection)
      })
    }
    return secured
  }
  return (components) => {
    const encrypter = create(components)
    const secureInbound = encrypter.secureInbound.bind(encrypter)
    const secureOutbound = encrypter.secureOutbound.bind(encrypter)
    const agreesToYamux: IsAgreedOn = () => (message) => message === MUXER_PROTOCOL
    return Object.assign(encrypter, {
      secureInbound: async (...args) => settle(await secureInbound(...args), args[0], agreesToYamux),
      secureOutbound: async (...args) => settle(await secureOutbound(...args), args[0], agreesToProposal)
    } satisfies Partial<ConnectionEncrypter>)
  }
}

type IsAgreedOn = (connection: MessageStream) => (message: string) => boolean

function lean<T extends SecuredConnection>(
  secured: T,
  tuning: Pick<Tuning, 'leanNoise' | 'directSends'>,
  onMisbehaviour: OnMisbehaviour | undefined
): T {
  const { connection } = secured
  if (!isNoiseStream(connection)) return secured
  const { decoder } = connection
  const messages = tuning.leanNoise ? new Messages() : new StockMessages(decoder.decode.bind(decoder))
  // The stock reader has read what came right behind the handshake: the beginning of a message may wait there.
  if (tuning.leanNoise) messages.take(decoder.buffer)
  const tiny = new TokenBucket(TINY_FRAME_RATE, performance.now())
  decoder.decode = (read) => {
    const sealed = messages.take(read)
    const count = messages.takeTinyCount()
    if (count === 0 || tiny.take(count, performance.now()) === count) return sealed
    const error = new MisbehaviourError(
      'frame-rate',
      `sent too many encrypted messages of less than ${TINY_MESSAGE_BYTES} bytes: at most ${TINY_FRAME_RATE.burst} at once ` +
        `and ${TINY_FRAME_RATE.perSecond} a second are allowed`
    )
    onMisbehaviour?.(error, connection)
    // Noise ends the connection with it.
    throw error
  }
  if (tuning.directSends) sendDirectly(connection, (bytes) => connection.sendData(bytes).canSendMore)
  return secured
}

function isNoiseStream(connection: MessageStream): connection is NoiseStream {
  return 'decoder' in connection && 'sendData' in connection && typeof connection.sendData === 'function'
}

/** Two bytes of length before each. */
const LENGTH_BYTES = 2

/** Cuts what is read into sealed messages; holds at most one that is incomplete, of less than 64 KiB. */
export class Messages {
  #rest = new Uint8ArrayList()
  /** In how many pieces that came, since they were joined. */
  #pieces = 0
  #tinyCount = 0

  /** @returns how many of the messages since the last call are tiny */
  takeTinyCount(): number {
    const count = this.#tinyCount
    this.#tinyCount = 0
    return count
  }

  take(read: Bytes): Bytes[] {
    const sealed: Bytes[] = []
    let from = this.#finish(read, sealed)
    while (read.byteLength - from >= LENGTH_BYTES) {
      const start = from + LENGTH_BYTES
      const end = start + lengthAt(read, from)
      if (end > read.byteLength) break
      if (end > start) sealed.push(read.subarray(start, end))
      if (end - start < TINY_MESSAGE_BYTES + TAG_BYTES) this.#tinyCount += 1
      from = end
    }
    if (from < read.byteLength) this.#keep(read.subarray(from))
    return sealed
  }

  /**
   * Adds to the message that is incomplete what belongs to it, and nothing more: it may come in as many pieces as it has
   * bytes, and what follows is not looked for behind all of them.
   *
   * @returns how many bytes of `read` that is
   */
  #finish(read: Bytes, sealed: Bytes[]): number {
    if (this.#rest.byteLength === 0) return 0
    let from = 0
    const fill = (bytes: number): boolean => {
      const end = Math.min(from + bytes - this.#rest.byteLength, read.byteLength)
      if (end > from) this.#keep(read.subarray(from, end))
      from = Math.max(from, end)
      return this.#rest.byteLength >= bytes
    }
    if (!fill(LENGTH_BYTES) || !fill(LENGTH_BYTES + lengthAt(this.#rest, 0))) return from
    if (this.#rest.byteLength > LENGTH_BYTES) sealed.push(this.#rest.subarray(LENGTH_BYTES))
    if (this.#rest.byteLength < LENGTH_BYTES + TINY_MESSAGE_BYTES + TAG_BYTES) this.#tinyCount += 1
    this.#rest = new Uint8ArrayList()
    this.#pieces = 0
    return from
  }

  /** A message that comes byte by byte would take hundreds of times its size. */
  #keep(bytes: Bytes): void {
    this.#rest.append(bytes)
    this.#pieces += 1
    if (this.#pieces < MAX_UNREAD_PIECES) return
    this.#rest = new Uint8ArrayList(this.#rest.slice())
    this.#pieces = 1
  }
}

/** As Noise's own decoder cuts them, and counted. */
class StockMessages {
  readonly #decode: (read: Bytes) => Iterable<Bytes>
  #tinyCount = 0

  constructor(decode: (read: Bytes) => Iterable<Bytes>) {
    this.#decode = decode
  }

  takeTinyCount(): number {
    const count = this.#tinyCount
    this.#tinyCount = 0
    return count
  }

  take(read: Bytes): Bytes[] {
    const sealed = [...this.#decode(read)]
    for (const { byteLength } of sealed) if (byteLength < TINY_MESSAGE_BYTES + TAG_BYTES) this.#tinyCount += 1
    return sealed
  }
}

function lengthAt(bytes: Bytes, index: number): number {
  return (byteAt(bytes, index) << 8) | byteAt(bytes, index + 1)
}

function byteAt(bytes: Bytes, index: number): number {
  return (bytes instanceof Uint8Array ? bytes[index] : bytes.get(index)) ?? 0
}
