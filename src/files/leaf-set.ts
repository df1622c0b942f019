// Which leaves of a file there are: a bitmap of a fixed number of leaves, as it goes over the wire and onto a disk.

export class LeafSet {
  /** How many leaves the file has. */
  readonly leaves: number
  /** Leaf n is the bit 128 >> (n mod 8) of byte n / 8. The caller does not change it. */
  readonly bytes: Uint8Array
  #count = 0

  /** Without any of them. */
  constructor(leaves: number) {
    this.leaves = leaves
    this.bytes = new Uint8Array(Math.ceil(leaves / 8))
  }

  /** With all of them. */
  static all(leaves: number): LeafSet {
    const set = new LeafSet(leaves)
    for (let leaf = 0; leaf < leaves; leaf++) set.add(leaf)
    return set
  }

  /** @returns undefined when the bitmap is of another number of leaves */
  static from(leaves: number, bitmap: Uint8Array): LeafSet | undefined {
    const set = new LeafSet(leaves)
    if (bitmap.byteLength !== set.bytes.byteLength) return undefined
    for (let leaf = 0; leaf < bitmap.byteLength * 8; leaf++) {
      if (!isSet(bitmap, leaf)) continue
      if (leaf >= leaves) return undefined
      set.add(leaf)
    }
    return set
  }

  get count(): number {
    return this.#count
  }

  get isComplete(): boolean {
    return this.#count === this.leaves
  }

  has(leaf: number): boolean {
    return isSet(this.bytes, leaf)
  }

  copy(): LeafSet {
    const copy = new LeafSet(this.leaves)
    copy.bytes.set(this.bytes)
    copy.#count = this.#count
    return copy
  }

  add(leaf: number): void {
    if (this.has(leaf)) return
    this.#count++
    this.bytes[leaf >> 3] = (this.bytes[leaf >> 3] ?? 0) | maskOf(leaf)
  }

  delete(leaf: number): void {
    if (!this.has(leaf)) return
    this.#count--
    this.bytes[leaf >> 3] = (this.bytes[leaf >> 3] ?? 0) & ~maskOf(leaf)
  }
}

function maskOf(leaf: number): number {
  return 0x80 >> (leaf & 7)
}

function isSet(bitmap: Uint8Array, leaf: number): boolean {
  return ((bitmap[leaf >> 3] ?? 0) & maskOf(leaf)) !== 0
}
