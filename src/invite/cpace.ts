// CPace on ristretto255 with SHA-512, a balanced password-authenticated key exchange:
// draft-irtf-cfrg-cpace, suite CPACE-RISTR255-SHA512, initiator and responder. Pure but
// for the random scalar, which a test may give. It knows no codes, frames or peers.
import { createHash, randomBytes } from 'node:crypto'
import { ristretto255, ristretto255_hasher } from '@noble/curves/ed25519.js'
import { bytesToNumberLE } from '@noble/curves/utils.js'

const { Point } = ristretto255
type Element = InstanceType<typeof Point>

/** The encoding of a group element, in bytes. */
export const CPACE_SHARE_BYTES = 32

/** The block of SHA-512, in bytes: the generator string fills the first one whatever the password is (draft §6.1). */
const HASH_BLOCK_BYTES = 128

const noData = { own: new Uint8Array(), theirs: new Uint8Array() }

const DSI = Buffer.from('CPaceRistretto255')
const DSI_ISK = Buffer.from('CPaceRistretto255_ISK')

/** Scalars are sampled with 252 bits, as the draft recommends: the highest byte keeps four. */
const HIGHEST_BYTE_MASK = 0x0f

/** The other side's share is no element of the group, or the neutral one: the exchange must end. */
export class BadShareError extends Error {
  override readonly name = 'BadShareError'

  constructor(options?: ErrorOptions) {
    super('the share of the other side is not a valid element of the group: the exchange was ended', options)
  }
}

export interface CpaceInputs {
  /** The password, as both sides have it. */
  readonly password: Uint8Array
  /** What else both sides must agree on. */
  readonly channel: Uint8Array
  /** Made for this run by both sides. */
  readonly session: Uint8Array
}

/** One side of one run. */
export class Cpace {
  readonly #session: Uint8Array
  readonly #scalar: bigint
  /** What goes to the other side. */
  readonly share: Uint8Array

  /** @param scalar 32 bytes, little endian; only a test gives it */
  constructor(inputs: CpaceInputs, scalar = randomScalar()) {
    this.#session = inputs.session
    this.#scalar = bytesToNumberLE(scalar)
    this.share = generator(inputs).multiply(this.#scalar).toBytes()
  }

  /**
   * The key of both sides, the same if and only if all inputs were the same.
   *
   * @param role which of the two this side is
   * @param data what each side has sent with its share, by default nothing
   * @returns 64 bytes; a key is to be derived of them for each use
   * @throws BadShareError
   */
  key(role: 'initiator' | 'responder', theirs: Uint8Array, data = noData): Uint8Array {
    const secret = shared(theirs, this.#scalar)
    const [own, other] = [lengthPrefixed(this.share, data.own), lengthPrefixed(theirs, data.theirs)]
    const transcript = role === 'initiator' ? [own, other] : [other, own]
    return sha512(lengthPrefixed(DSI_ISK, this.#session, secret), ...transcript)
  }
}

/** lv_cat of the draft: each part after its length as LEB128, so that no two lists give the same bytes. */
export function lengthPrefixed(...parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts.flatMap((part) => [leb128(part.byteLength), part]))
}

/** generator_string of the draft. */
export function generatorString({ password, channel, session }: CpaceInputs): Uint8Array {
  const used = lengthPrefixed(password).byteLength + lengthPrefixed(DSI).byteLength + 1
  const padding = new Uint8Array(Math.max(0, HASH_BLOCK_BYTES - used))
  return lengthPrefixed(DSI, password, padding, channel, session)
}

function generator(inputs: CpaceInputs): Element {
  const derived = ristretto255_hasher.deriveToCurve
  if (derived === undefined) throw new TypeError('@noble/curves derives no element of ristretto255 from a hash')
  return derived(sha512(generatorString(inputs)))
}

/** @throws BadShareError for all that the draft's scalar_mult_vfy gives the neutral element for */
function shared(theirs: Uint8Array, scalar: bigint): Uint8Array {
  let element: Element
  try {
    element = Point.fromBytes(theirs)
  } catch (error) {
    throw new BadShareError({ cause: error })
  }
  if (element.equals(Point.ZERO)) throw new BadShareError()
  return element.multiply(scalar).toBytes()
}

function randomScalar(): Uint8Array {
  const bytes = randomBytes(32)
  bytes[31] = (bytes[31] ?? 0) & HIGHEST_BYTE_MASK
  // Zero has no inverse, and comes once in 2^252.
  return bytes.every((byte) => byte === 0) ? randomScalar() : bytes
}

function leb128(length: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = length; ; rest >>>= 7) {
    const last = rest < 0x80
    bytes.push(last ? rest : (rest & 0x7f) | 0x80)
    if (last) return Uint8Array.from(bytes)
  }
}

function sha512(...parts: readonly Uint8Array[]): Uint8Array {
  const hash = createHash('sha512')
  for (const part of parts) hash.update(part)
  return hash.digest()
}
