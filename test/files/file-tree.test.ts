import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import {
  fileIdOf,
  HASH_BYTES,
  LeafHash,
  leafBytesOf,
  leafCountOf,
  leafSpan,
  MAX_FILE_BYTES,
  MAX_LEAVES,
  MIN_LEAF_BYTES
} from '../../src/files/file-tree.ts'

const GiB = 2 ** 30

function leafHash(...pieces: Uint8Array[]): Buffer {
  const hash = new LeafHash()
  for (const piece of pieces) hash.update(piece)
  return hash.digest()
}

/** The layer of a file of zeros: of any size, and written nowhere. */
function zeroLayer(sizeBytes: number): Buffer {
  const leaves = leafCountOf(sizeBytes)
  const layer = Buffer.alloc(leaves * HASH_BYTES)
  const whole = leafHash(Buffer.alloc(leafSpan(sizeBytes, 0).bytes))
  for (let leaf = 0; leaf < leaves - 1; leaf++) layer.set(whole, leaf * HASH_BYTES)
  layer.set(leafHash(Buffer.alloc(leafSpan(sizeBytes, leaves - 1).bytes)), (leaves - 1) * HASH_BYTES)
  return layer
}

/** The definition in words, as the specification has it: split at the largest power of two below the count. */
function referenceRoot(hashes: readonly Uint8Array[]): Uint8Array {
  const [only] = hashes
  if (hashes.length === 1 && only !== undefined) return only
  let split = 1
  while (split * 2 < hashes.length) split *= 2
  const node = createHash('sha256').update(Uint8Array.of(1))
  return node
    .update(referenceRoot(hashes.slice(0, split)))
    .update(referenceRoot(hashes.slice(split)))
    .digest()
}

function referenceId(sizeBytes: number, layer: Buffer): string {
  const hashes = Array.from({ length: layer.length / 32 }, (_, leaf) => layer.subarray(leaf * 32, leaf * 32 + 32))
  const numbers = Buffer.alloc(12)
  numbers.writeBigUInt64BE(BigInt(sizeBytes))
  numbers.writeUInt32BE(leafBytesOf(sizeBytes), 8)
  const id = createHash('sha256').update('chat-file-1').update(numbers).update(referenceRoot(hashes))
  return id.digest('hex')
}

test('a leaf has 256 KiB up to 16 GiB, and the size doubles beyond', () => {
  expect([0, 1, 16 * GiB].map(leafBytesOf)).toEqual([MIN_LEAF_BYTES, MIN_LEAF_BYTES, MIN_LEAF_BYTES])
  expect(leafBytesOf(16 * GiB + 1)).toBe(2 * MIN_LEAF_BYTES)
  expect(leafBytesOf(MAX_FILE_BYTES)).toBe(16 * 2 ** 20)
  expect([0, 1, MIN_LEAF_BYTES, MIN_LEAF_BYTES + 1].map(leafCountOf)).toEqual([1, 1, 1, 2])
  expect([16 * GiB, MAX_FILE_BYTES].map(leafCountOf)).toEqual([MAX_LEAVES, MAX_LEAVES])
  expect(leafCountOf(16 * GiB + 1)).toBe(MAX_LEAVES / 2 + 1)
  expect(leafSpan(MIN_LEAF_BYTES + 5, 1)).toEqual({ offset: MIN_LEAF_BYTES, bytes: 5 })
})

const vectors = [
  ...readFileSync(new URL('../../docs/spec/file-1.0.0.md', import.meta.url), 'utf8').matchAll(
    /^\| .* \| (\d+) \| `([0-9a-f]{64})` \|$/gmu
  )
].map(([, size, id]) => [Number(size), id ?? ''] as const)

test('the specification has a vector for each size at which something changes', () => {
  expect(vectors.map(([size]) => size)).toEqual([
    0,
    1,
    MIN_LEAF_BYTES - 1,
    MIN_LEAF_BYTES,
    MIN_LEAF_BYTES + 1,
    2 ** 32,
    16 * GiB - 1,
    16 * GiB,
    16 * GiB + 1
  ])
})

test.each(vectors)('the ID of %d zeros is that of the specification', async (size, id) => {
  const layer = zeroLayer(size)
  expect((await fileIdOf(size, layer)).toString('hex')).toBe(id)
})

test('the ID of any number of leaves is that of the definition', async () => {
  for (let leaves = 1; leaves <= 70; leaves++) {
    const sizeBytes = leaves * MIN_LEAF_BYTES - leaves
    const layer = Buffer.concat(Array.from({ length: leaves }, (_, leaf) => leafHash(Buffer.from([leaf]))))
    expect((await fileIdOf(sizeBytes, layer)).toString('hex')).toBe(referenceId(sizeBytes, layer))
  }
})

test('the pieces in which a leaf comes make no difference', () => {
  const leaf = Buffer.from('some bytes of a leaf')
  expect(leafHash(leaf.subarray(0, 3), leaf.subarray(3))).toEqual(leafHash(leaf))
})

test('a file whose one leaf is what a node hashes has another ID', async () => {
  const layer = zeroLayer(2 * MIN_LEAF_BYTES)
  const node = await fileIdOf(2 * MIN_LEAF_BYTES, layer)
  expect(await fileIdOf(layer.length, leafHash(layer))).not.toEqual(node)
  // Without the size, and with 0x01 before a leaf, the two would be the same.
  expect(leafHash(layer)).not.toEqual(createHash('sha256').update(Uint8Array.of(1)).update(layer).digest())
})

test('two sizes of one layer are two files', async () => {
  const layer = leafHash(Buffer.alloc(1))
  expect(await fileIdOf(1, layer)).not.toEqual(await fileIdOf(2, layer))
})

test('a layer of another length is refused', async () => {
  await expect(fileIdOf(1, Buffer.alloc(64))).rejects.toThrow('A layer of 64 bytes for 1 leaves')
})
