// Bytes in memory that are fetched like a file: the list of a folder.
import { fileIdOf, HASH_BYTES, leafCountOf, LeafHash, leafSpan } from './file-tree.ts'
import type { OfferedFile } from './upload-session.ts'

/** The ID that a file of these bytes has, as 64 hexadecimal digits, and the hashes of its leaves. */
export async function bytesId(bytes: Uint8Array): Promise<{ readonly file: string; readonly layer: Buffer }> {
  const leaves = leafCountOf(bytes.byteLength)
  const layer = Buffer.alloc(leaves * HASH_BYTES)
  for (let leaf = 0; leaf < leaves; leaf++) {
    const span = leafSpan(bytes.byteLength, leaf)
    const hash = new LeafHash()
    hash.update(bytes.subarray(span.offset, span.offset + span.bytes))
    layer.set(hash.digest(), leaf * HASH_BYTES)
  }
  return { layer, file: (await fileIdOf(bytes.byteLength, layer)).toString('hex') }
}

export function bytesAsFile(bytes: Uint8Array, layer: Uint8Array): OfferedFile {
  return {
    sizeBytes: bytes.byteLength,
    layer: async () => layer,
    async *leaf(leaf, pieceBytes) {
      const span = leafSpan(bytes.byteLength, leaf)
      for (let done = 0; done < span.bytes; done += pieceBytes) {
        const at = span.offset + done
        yield bytes.subarray(at, at + Math.min(pieceBytes, span.bytes - done))
      }
    },
    close: async () => undefined
  }
}
