/**
 * Follows a negotiation of multistream-select from below, as its bytes arrive,
 * and ends it where a remote breaks its rules. The reader of libp2p looks for
 * the end of a length prefix byte by byte, and for ever. This knows the messages
 * and nothing of the protocols that are agreed on.
 *
 * @see https://github.com/multiformats/multistream-select
 */

import type { MessageStream } from '@libp2p/interface'
import { Uint8ArrayList } from 'uint8arraylist'
import {
  MAX_IDENTIFY_MESSAGE_BYTES,
  MAX_IDENTIFY_PREFIX_BYTES,
  MAX_NEGOTIATION_MESSAGE_BYTES,
  MAX_NEGOTIATION_MESSAGES,
  MAX_NEGOTIATION_PREFIX_BYTES,
  MisbehaviourError
} from '../../wire/index.ts'
import type { Breach } from '../../wire/index.ts'

type Bytes = Uint8Array | Uint8ArrayList

/** Whether a message of the remote ends the negotiation, without its newline. */
export type IsAgreed = (message: string) => boolean

/** A stream as the muxers and transports of libp2p make it: its bytes arrive by this method. */
export interface TakingStream extends MessageStream {
  onData(bytes: Bytes): void
}

/** A field of libp2p's streams, which their interface does not show. */
interface BufferingStream extends MessageStream {
  readonly readBuffer: Uint8ArrayList
}

/** @returns whether what has arrived and is not read yet can be looked at */
export function isBuffering(stream: MessageStream): stream is BufferingStream {
  return 'readBuffer' in stream && stream.readBuffer instanceof Uint8ArrayList
}

export function isTakingStream(stream: MessageStream): stream is TakingStream {
  return 'onData' in stream && typeof stream.onData === 'function'
}

const CONTINUES = 0x80
const VALUE_BITS = 7
const VALUE_MASK = 0x7f

/** The protocols whose messages libp2p reads as it reads those of a negotiation. */
const IDENTIFY_PROTOCOLS: ReadonlySet<string> = new Set(['/ipfs/id/1.0.0', '/ipfs/id/push/1.0.0'])

/** One thing after the other that a stream carries. */
interface Scanner {
  /**
   * @returns what the next bytes are for: itself, its successor, or undefined when the rest is the protocol's
   * @throws {MisbehaviourError}
   */
  scan(bytes: Bytes): Scanner | undefined
}

/** Messages of a negotiation, until one of them is agreed on. */
class NegotiationScanner implements Scanner {
  readonly #isAgreed: IsAgreed
  readonly #messages = new MessageCutter('negotiation', MAX_NEGOTIATION_PREFIX_BYTES, MAX_NEGOTIATION_MESSAGE_BYTES)
  #count = 0

  constructor(isAgreed: IsAgreed) {
    this.#isAgreed = isAgreed
  }

  scan(bytes: Bytes): Scanner | undefined {
    const contiguous = bytes.subarray()
    let offset = this.#messages.next(contiguous, 0)
    while (offset !== undefined) {
      const message = new TextDecoder().decode(this.#messages.message).trimEnd()
      if (this.#isAgreed(message)) {
        if (!IDENTIFY_PROTOCOLS.has(message)) return undefined
        return new IdentifyScanner().scan(contiguous.subarray(offset))
      }
      this.#count += 1
      if (this.#count === MAX_NEGOTIATION_MESSAGES) {
        throw new MisbehaviourError(
          'negotiation',
          `sent ${this.#count} messages of a negotiation that agreed on nothing`
        )
      }
      offset = this.#messages.next(contiguous, offset)
    }
    return this
  }
}

/** Messages of identify: only their lengths matter. */
class IdentifyScanner implements Scanner {
  readonly #messages = new MessageCutter('length-prefix', MAX_IDENTIFY_PREFIX_BYTES, MAX_IDENTIFY_MESSAGE_BYTES)

  scan(bytes: Bytes): Scanner {
    const contiguous = bytes.subarray()
    let offset: number | undefined = 0
    while (offset !== undefined) offset = this.#messages.next(contiguous, offset)
    return this
  }
}

/** Cuts bytes that are split anywhere into messages behind their lengths; keeps at most one. */
class MessageCutter {
  readonly #breach: Breach
  readonly #maxPrefixBytes: number
  readonly #maxMessageBytes: number
  #prefixBytes = 0
  #hasLength = false
  #length = 0
  #message = new Uint8Array(0)
  #messageBytes = 0

  constructor(breach: Breach, maxPrefixBytes: number, maxMessageBytes: number) {
    this.#breach = breach
    this.#maxPrefixBytes = maxPrefixBytes
    this.#maxMessageBytes = maxMessageBytes
  }

  /** The one that ended last. */
  get message(): Uint8Array {
    return this.#message
  }

  /** @returns where the next message ends in these bytes, or undefined when it does not */
  next(bytes: Uint8Array, from: number): number | undefined {
    let offset = from
    while (!this.#hasLength) {
      const byte = bytes[offset]
      if (byte === undefined) return undefined
      offset += 1
      this.#readLength(byte)
    }
    const end = Math.min(offset + this.#length - this.#messageBytes, bytes.byteLength)
    this.#message.set(bytes.subarray(offset, end), this.#messageBytes)
    this.#messageBytes += end - offset
    if (this.#messageBytes < this.#length) return undefined
    this.#prefixBytes = 0
    this.#hasLength = false
    return end
  }

  #readLength(byte: number): void {
    if (this.#prefixBytes === 0) this.#length = 0
    this.#length |= (byte & VALUE_MASK) << (VALUE_BITS * this.#prefixBytes)
    this.#prefixBytes += 1
    if (byte >= CONTINUES) {
      if (this.#prefixBytes < this.#maxPrefixBytes) return
      throw new MisbehaviourError(this.#breach, `sent a length prefix of more than ${this.#maxPrefixBytes} bytes`)
    }
    if (this.#length > this.#maxMessageBytes) {
      const limit = `the limit is ${this.#maxMessageBytes}`
      throw new MisbehaviourError(this.#breach, `announced a message of ${this.#length} bytes; ${limit}`)
    }
    this.#hasLength = true
    this.#message = new Uint8Array(this.#length)
    this.#messageBytes = 0
  }
}

/**
 * Guards one negotiation: what the remote sends is looked at before libp2p reads it.
 *
 * @param onBreach ends the connection; what breaks the rules and all behind it goes nowhere
 */
export function guardNegotiation(
  stream: MessageStream,
  isAgreed: IsAgreed,
  onBreach: (error: MisbehaviourError) => void
): void {
  if (!isTakingStream(stream)) return
  const take = stream.onData.bind(stream)
  let scanner: Scanner | undefined = new NegotiationScanner(isAgreed)
  let isOver = false
  const look = (bytes: Bytes): void => {
    try {
      scanner = scanner?.scan(bytes)
    } catch (error) {
      if (!(error instanceof MisbehaviourError)) throw error
      isOver = true
      onBreach(error)
    }
  }
  const guarded = (bytes: Bytes): void => {
    if (!isOver) look(bytes)
    if (isOver) return
    if (scanner === undefined && stream.onData === guarded) stream.onData = take
    take(bytes)
  }
  stream.onData = guarded
  // What arrived before waits for its reader.
  if (isBuffering(stream) && stream.readBufferLength > 0) look(stream.readBuffer)
}

/**
 * For a negotiation that this side began: the remote agrees by saying what was proposed last.
 *
 * @param stream what the proposals are sent on
 */
export function agreesToProposal(stream: Pick<MessageStream, 'send'>): IsAgreed {
  const send = stream.send.bind(stream)
  let proposed = ''
  stream.send = (bytes) => {
    proposed = new TextDecoder().decode(bytes.subarray())
    return send(bytes)
  }
  return (message) => {
    const isAgreed = message !== MULTISTREAM && proposed.includes(`${message}\n`)
    if (isAgreed) stream.send = send
    return isAgreed
  }
}

const MULTISTREAM = '/multistream/1.0.0'
