/**
 * Reads choices out of the bytes of an input, so that a mutation of the bytes is a mutation of the choices: numbers
 * of the sizes that decide something, texts with the characters that deceive, and valid bytes broken in a few
 * places. When the bytes are used up everything is zero or empty.
 */
import { Buffer } from 'node:buffer'

/** Numbers at the edges of what wire formats hold. */
const edges: readonly bigint[] = [
  0n,
  1n,
  0x7fn,
  0x80n,
  0x3fffn,
  0x4000n,
  0xffffn,
  0x7fff_ffffn,
  0x8000_0000n,
  0xffff_ffffn,
  0x1f_ffff_ffff_ffffn,
  0x20_0000_0000_0000n,
  0x7fff_ffff_ffff_ffffn,
  0x8000_0000_0000_0000n,
  0xffff_ffff_ffff_ffffn
]

/** Text with a meaning to a terminal, a page, a database or a reader. */
const pieces: readonly string[] = [
  '\u0000',
  '\u001b[2J',
  '\u009b31m',
  '\r',
  '\n',
  '\u2028',
  '\u202e',
  '\u200b',
  '\u{e0041}',
  '\u{1f3f4}\u{e0067}\u{e0062}\u{e007f}',
  '\u0301',
  '\ufeff',
  '\ud800',
  'ﷺ',
  '"',
  "'",
  '\\',
  '<b>',
  '/p2p-circuit',
  '__proto__'
]

export class InputReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get leftBytes(): number {
    return this.#bytes.byteLength - this.#at
  }

  byte(): number {
    return this.#bytes[this.#at++] ?? 0
  }

  /** A number from 0 to `below` - 1. */
  below(below: number): number {
    if (below <= 1) return 0
    const value = below <= 256 ? this.byte() : this.byte() * 256 + this.byte()
    return value % below
  }

  flag(): boolean {
    return this.byte() % 2 === 1
  }

  oneOf<T>(all: readonly T[]): T {
    const choice = all[this.below(all.length)]
    if (choice === undefined) throw new RangeError('there is nothing to choose from')
    return choice
  }

  /** An unsigned number of up to 64 bits: one at an edge, or any. */
  uint64(): bigint {
    const how = this.byte()
    if (how < 128) return edges[how % edges.length] ?? 0n
    let value = 0n
    for (let i = 0; i < (how % 8) + 1; i++) value = value * 256n + BigInt(this.byte())
    return value
  }

  uint32(): number {
    return Number(this.uint64() & 0xffff_ffffn)
  }

  /** A number that a JavaScript number holds exactly. */
  safe(): number {
    return Number(this.uint64() & 0x1f_ffff_ffff_ffffn)
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    const taken = new Uint8Array(length)
    taken.set(this.#bytes.subarray(this.#at, this.#at + length))
    this.#at += length
    return taken
  }

  /** As many as the next byte says, at most `max`. */
  some(max = 255): Uint8Array<ArrayBuffer> {
    return this.bytes(Math.min(this.byte(), max))
  }

  rest(): Uint8Array<ArrayBuffer> {
    return this.bytes(Math.max(0, this.leftBytes))
  }

  text(max = 64): string {
    let text = ''
    for (let left = this.below(max + 1); left > 0; left--) {
      const how = this.byte()
      if (how >= 224) text += pieces[this.below(pieces.length)] ?? ''
      else if (how >= 192) text += String.fromCodePoint((this.byte() << 12) | (this.byte() << 4))
      else text += String.fromCharCode(how)
    }
    return text
  }

  list<T>(max: number, make: () => T): T[] {
    return Array.from({ length: this.below(max + 1) }, make)
  }
}

/** How the bytes of an input are meant: as they are, or as choices. */
const asChoices = 1

/**
 * The bytes to feed: an input whose first byte is even holds them itself; from the choices of an odd one `make`
 * builds something valid, which is then broken in a few places.
 */
export function bytesOf(input: Uint8Array, make: (reader: InputReader) => Uint8Array): Uint8Array {
  if (((input[0] ?? 0) & asChoices) === 0) return input.slice(1)
  const reader = new InputReader(input.subarray(1))
  // The places come before the content, so that a long content does not use up their bytes.
  const faults = new InputReader(reader.some(24))
  return broken(make(reader), faults)
}

/** The input that {@link bytesOf} feeds as it is. */
export function asIs(bytes: Uint8Array): Uint8Array {
  const input = new Uint8Array(bytes.byteLength + 1)
  input.set(bytes, 1)
  return input
}

/** An input of choices without faults: a place to begin with. */
export function choices(...bytes: number[]): Uint8Array {
  return Uint8Array.from([asChoices, 0, ...bytes])
}

const maxFaults = 4

/** Breaks bytes as a hostile or a faulty sender would: bits, lengths, ends, repetitions, insertions. */
export function broken(bytes: Uint8Array, reader: InputReader): Uint8Array {
  let result = Buffer.from(bytes)
  for (let left = reader.leftBytes === 0 ? 0 : reader.below(maxFaults + 1); left > 0; left--) {
    const at = reader.below(result.byteLength + 1)
    switch (reader.below(8)) {
      case 0:
        if (at < result.byteLength) result[at] = (result[at] ?? 0) ^ (1 << reader.below(8))
        break
      case 1:
        if (at < result.byteLength) result[at] = reader.byte()
        break
      case 2:
        result = result.subarray(0, at)
        break
      case 3:
        result = result.subarray(at)
        break
      case 4:
        result = Buffer.concat([result.subarray(0, at), reader.some(16), result.subarray(at)])
        break
      case 5:
        result = Buffer.concat([result, result.subarray(at)])
        break
      case 6:
        result = Buffer.concat([result.subarray(0, at), result.subarray(at + 1 + reader.below(64))])
        break
      case 7:
        // A length that goes on and on.
        result = Buffer.concat([result.subarray(0, at), Buffer.alloc(1 + reader.below(16), 0xff), result.subarray(at)])
        break
    }
  }
  return new Uint8Array(result)
}
