// What the two sides of an invitation compute: by CPace a key from the words and from
// all that both must agree on, a proof of that key from each side, and what is sealed
// with it. Pure but for the random scalars. It knows no streams, and counts no tries.
import { createCipheriv, createDecipheriv, createHmac, hkdfSync, timingSafeEqual } from 'node:crypto'
import { Cpace, lengthPrefixed, type CpaceInputs } from './cpace.ts'
import type { Code } from './code.ts'

/** Of each side, so that no two exchanges have the same session. */
export const INVITE_NONCE_BYTES = 16

/** An HMAC of SHA-512. */
export const INVITE_PROOF_BYTES = 64

/** Names the protocol among all that could use CPace with the same words. */
const CHANNEL_NAME = 'parley-invite-1'

/** Of ChaCha20-Poly1305. Each key seals one text, so that the nonce may always be zero. */
const SEAL = { cipher: 'chacha20-poly1305', keyBytes: 32, tagBytes: 16, nonce: new Uint8Array(12) } as const

/** The other side has other words, or is another than it says. */
export class WrongProofError extends Error {
  override readonly name = 'WrongProofError'

  constructor(options?: ErrorOptions) {
    super('the other side does not have the same words', options)
  }
}

/** All that both sides must see alike; the words alone are secret. */
export interface Binding extends Code {
  readonly network: string
  /** The directory by which the maker's number was found; undefined on a LAN. Peer IDs are in bytes. */
  readonly directory: Uint8Array | undefined
  /** Who made the invitation. */
  readonly maker: Uint8Array
  /** Who has the code. */
  readonly guest: Uint8Array
  readonly makerNonce: Uint8Array
  readonly guestNonce: Uint8Array
}

/** The guest's side. */
export class GuestExchange {
  readonly #session: Uint8Array
  readonly #cpace: Cpace

  constructor(binding: Binding) {
    const inputs = inputsOf(binding)
    this.#session = inputs.session
    this.#cpace = new Cpace(inputs)
  }

  get share(): Uint8Array {
    return this.#cpace.share
  }

  /**
   * Checks the maker's proof.
   *
   * @returns the own proof, and the seal, which nobody but the maker has
   * @throws BadShareError, WrongProofError
   */
  proven(makerShare: Uint8Array, makerProof: Uint8Array): { readonly proof: Uint8Array; readonly seal: Seal } {
    const keys = keysOf(this.#cpace.key('initiator', makerShare), this.#session)
    checkProof(makerProof, keys.makerProof, makerShare)
    return { proof: proofOf(keys.guestProof, this.share), seal: new Seal(keys.guestSeal, keys.makerSeal) }
  }
}

/** The maker's side, once it has the guest's share. */
export class MakerExchange {
  readonly #keys: Keys
  readonly #guestShare: Uint8Array
  readonly share: Uint8Array
  /** It shows the guest, and nobody who does not have the words, that the maker has them. */
  readonly proof: Uint8Array

  /** @throws BadShareError */
  constructor(binding: Binding, guestShare: Uint8Array) {
    const inputs = inputsOf(binding)
    const cpace = new Cpace(inputs)
    this.share = cpace.share
    this.#guestShare = guestShare
    this.#keys = keysOf(cpace.key('responder', guestShare), inputs.session)
    this.proof = proofOf(this.#keys.makerProof, this.share)
  }

  /** @throws WrongProofError */
  proven(guestProof: Uint8Array): Seal {
    checkProof(guestProof, this.#keys.guestProof, this.#guestShare)
    return new Seal(this.#keys.makerSeal, this.#keys.guestSeal)
  }
}

/** Seals one text for the other side, and opens the one that it has sealed. */
export class Seal {
  readonly #own: Uint8Array
  readonly #theirs: Uint8Array

  constructor(own: Uint8Array, theirs: Uint8Array) {
    this.#own = own
    this.#theirs = theirs
  }

  /** Call it once. */
  seal(text: Uint8Array): Uint8Array {
    const cipher = createCipheriv(SEAL.cipher, this.#own, SEAL.nonce, { authTagLength: SEAL.tagBytes })
    return Buffer.concat([cipher.update(text), cipher.final(), cipher.getAuthTag()])
  }

  /** @throws WrongProofError for what the other side has not sealed */
  open(sealed: Uint8Array): Uint8Array {
    const at = Math.max(0, sealed.byteLength - SEAL.tagBytes)
    try {
      const decipher = createDecipheriv(SEAL.cipher, this.#theirs, SEAL.nonce, { authTagLength: SEAL.tagBytes })
      decipher.setAuthTag(sealed.subarray(at))
      return Buffer.concat([decipher.update(sealed.subarray(0, at)), decipher.final()])
    } catch (error) {
      throw new WrongProofError({ cause: error })
    }
  }
}

interface Keys {
  readonly makerProof: Uint8Array
  readonly guestProof: Uint8Array
  readonly makerSeal: Uint8Array
  readonly guestSeal: Uint8Array
}

function inputsOf(binding: Binding): CpaceInputs {
  const { network, number, words, directory, maker, guest } = binding
  const bytes = (text: string): Uint8Array => Buffer.from(text)
  return {
    password: bytes(words.join('-')),
    channel: lengthPrefixed(
      bytes(CHANNEL_NAME),
      bytes(network),
      bytes(String(number)),
      directory ?? new Uint8Array(),
      maker,
      guest
    ),
    session: Buffer.concat([binding.guestNonce, binding.makerNonce])
  }
}

function keysOf(shared: Uint8Array, session: Uint8Array): Keys {
  const key = (use: string): Uint8Array => new Uint8Array(hkdfSync('sha512', shared, session, use, SEAL.keyBytes))
  return {
    makerProof: key('maker proof'),
    guestProof: key('guest proof'),
    makerSeal: key('maker seal'),
    guestSeal: key('guest seal')
  }
}

/** The key holds all of the transcript already; each side shows that it has it for the share that it has sent. */
function proofOf(key: Uint8Array, share: Uint8Array): Uint8Array {
  return createHmac('sha512', key).update(share).digest()
}

function checkProof(given: Uint8Array, key: Uint8Array, share: Uint8Array): void {
  if (given.byteLength !== INVITE_PROOF_BYTES || !timingSafeEqual(given, proofOf(key, share)))
    throw new WrongProofError()
}
