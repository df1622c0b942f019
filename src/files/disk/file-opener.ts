// Opens files of this machine for the peers that fetch them, and keeps the layers that were sent last: a large file is not
// hashed again for each of them. Who may fetch what is not its business.
import { LruMap } from '../../lib/index.ts'
import type { OfferedFile } from '../upload-session.ts'
import { FileChangedError, hashFile, SharedFile, type FileState } from './shared-file.ts'

/** Layers that are kept to be sent again: 2 MiB at most each. */
const MAX_KEPT_LAYERS = 8

export class FileOpener {
  /** By the file ID. */
  readonly #layers = new LruMap<string, Promise<Uint8Array>>(MAX_KEPT_LAYERS)

  /** The file has just been hashed. */
  keep(file: string, layer: Uint8Array): void {
    this.#layers.set(file, Promise.resolve(layer))
  }

  /**
   * @param file its ID, as 64 hexadecimal digits
   * @throws {FileChangedError} when the file is not what it was
   */
  async open(state: FileState, file: string): Promise<OfferedFile> {
    const shared = await SharedFile.open(state)
    return {
      sizeBytes: state.sizeBytes,
      layer: async () => this.#layer(state.path, file),
      leaf: (leaf, pieceBytes) => shared.leaf(leaf, pieceBytes),
      close: async () => shared.close()
    }
  }

  /** Hashed again if it was not sent lately; once for all peers that ask at the same time. */
  #layer(path: string, file: string): Promise<Uint8Array> {
    const known = this.#layers.get(file)
    if (known !== undefined) return known
    const hashing = hashFile(path).then((hashed) => {
      if (hashed.file !== file) throw new FileChangedError(path)
      return hashed.layer
    })
    this.#layers.set(file, hashing)
    hashing.catch(() => this.#layers.delete(file))
    return hashing
  }
}
