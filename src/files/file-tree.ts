// What a file is, wherever it lies: its leaves, the hash of each, and the ID that binds them to the file's size. It
// hashes what it is given, and opens nothing.
import { createHash, hash } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'

/** A SHA-256 hash: a leaf, a node, a file ID. */
export const HASH_BYTES = 32

/** The smallest leaf: small enough that a wrong one costs little, and that 16 GiB have no more leaves than a layer holds. */
export const MIN_LEAF_BYTES = 256 * 1024

/** So many hashes are 2 MiB, which one side sends at once and the other keeps; larger files have larger leaves. */
export const MAX_LEAVES = 65_536

/** 1 TiB: leaves of 16 MiB. Beyond it a leaf would be too much to hold until it is checked. */
export const MAX_FILE_BYTES = 2 ** 40

/** Nodes hashed in one turn of the event loop: about a millisecond. */
const NODES_PER_TURN = 1024

const leafPrefix = Uint8Array.of(0x00)
const nodePrefix = 0x01
const fileContext = 'chat-file-1'

/** @param sizeBytes 0 to {@link MAX_FILE_BYTES} */
export function leafBytesOf(sizeBytes: number): number {
  let leafBytes = MIN_LEAF_BYTES
  while (leafBytes * MAX_LEAVES < sizeBytes) leafBytes *= 2
  return leafBytes
}

/** At least 1: an empty file has one leaf, of no bytes. */
export function leafCountOf(sizeBytes: number): number {
  return Math.max(1, Math.ceil(sizeBytes / leafBytesOf(sizeBytes)))
}

/** Where a leaf lies in its file. All leaves but the last have the same size. */
export function leafSpan(sizeBytes: number, leaf: number): { readonly offset: number; readonly bytes: number } {
  const leafBytes = leafBytesOf(sizeBytes)
  const offset = leaf * leafBytes
  return { offset, bytes: Math.min(leafBytes, sizeBytes - offset) }
}

/** The hash of a leaf whose bytes come one piece after the other. */
export class LeafHash {
  readonly #hash = createHash('sha256').update(leafPrefix)

  update(piece: Uint8Array): void {
    this.#hash.update(piece)
  }

  digest(): Buffer {
    return this.#hash.digest()
  }
}

/**
 * The ID of a file: 32 bytes. The hashes of up to {@link MAX_LEAVES} leaves take some turns of the event loop.
 *
 * @param layer the hashes of all leaves in their order
 * @throws {RangeError} when the layer has another length than a file of this size needs
 */
export async function fileIdOf(sizeBytes: number, layer: Uint8Array): Promise<Buffer> {
  const leaves = leafCountOf(sizeBytes)
  if (layer.byteLength !== leaves * HASH_BYTES) {
    throw new RangeError(`A layer of ${layer.byteLength} bytes for ${leaves} leaves of ${HASH_BYTES} bytes each`)
  }
  const head = Buffer.alloc(fileContext.length + 8 + 4)
  let at = head.write(fileContext, 'ascii')
  at = head.writeBigUInt64BE(BigInt(sizeBytes), at)
  head.writeUInt32BE(leafBytesOf(sizeBytes), at)
  return hash('sha256', Buffer.concat([head, await rootOf(layer)]), 'buffer')
}

/** Pairs of hashes are hashed, level by level; the last of an odd level goes up as it is. */
async function rootOf(layer: Uint8Array): Promise<Uint8Array> {
  const pair = Buffer.alloc(1 + 2 * HASH_BYTES, nodePrefix)
  let level = layer
  let done = 0
  while (level.byteLength > HASH_BYTES) {
    const above = Buffer.alloc(Math.ceil(level.byteLength / (2 * HASH_BYTES)) * HASH_BYTES)
    for (let from = 0, to = 0; from < level.byteLength; from += 2 * HASH_BYTES, to += HASH_BYTES) {
      const both = level.subarray(from, from + 2 * HASH_BYTES)
      if (both.byteLength === HASH_BYTES) {
        above.set(both, to)
      } else {
        pair.set(both, 1)
        above.set(hash('sha256', pair, 'buffer'), to)
      }
      if (++done % NODES_PER_TURN === 0) await turn()
    }
    level = above
  }
  return level
}
