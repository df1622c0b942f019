// The digest over all statements with which a directory has a peer attached: the
// XOR of a hash of each, so that adding and taking away one costs one hash,
// whatever their number. Pure.
import { createHash } from 'node:crypto'
import { encodePeerId } from '../peer-id-bytes.ts'
import { DIGEST_BYTES } from './constants.ts'
import type { AttachmentStatement } from './statement.ts'

export class AttachmentDigest {
  readonly #xor = new Uint8Array(DIGEST_BYTES)
  #count = 0

  /** How many statements it is of. */
  get count(): number {
    return this.#count
  }

  /** @returns a copy */
  bytes(): Uint8Array {
    return this.#xor.slice()
  }

  add(statement: AttachmentStatement): void {
    this.#count++
    this.#toggle(statement)
  }

  remove(statement: AttachmentStatement): void {
    this.#count--
    this.#toggle(statement)
  }

  equals(digest: Uint8Array, count: number): boolean {
    return this.#count === count && Buffer.compare(this.#xor, digest) === 0
  }

  #toggle({ peer, seq, counter }: AttachmentStatement): void {
    const id = encodePeerId(peer)
    const bytes = Buffer.allocUnsafe(id.byteLength + 16)
    bytes.set(id)
    bytes.writeBigUInt64BE(seq, id.byteLength)
    bytes.writeBigUInt64BE(counter, id.byteLength + 8)
    const hash = createHash('sha256').update(bytes).digest()
    for (let i = 0; i < DIGEST_BYTES; i++) this.#xor[i] = (this.#xor[i] ?? 0) ^ (hash[i] ?? 0)
  }
}
