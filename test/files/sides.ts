// Peers on loopback that serve and fetch files, for the tests of this folder.
import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Connection, Libp2p, Stream } from '@libp2p/interface'
import { onTestFinished } from 'vitest'
import {
  Download,
  files,
  hashFile,
  PartFile,
  SharedFile,
  type DownloadEvents,
  type FileService,
  type FilesOnOffer,
  type HashedFile,
  type OfferedFile
} from '../../src/files/index.ts'
import { FILE_PROTOCOL } from '../../src/files/file-frames.ts'
import type { LeafSet } from '../../src/files/leaf-set.ts'
import { node } from '../directory/nodes.ts'

export interface Side {
  readonly libp2p: Libp2p<{ files: FileService }>
  readonly id: string
  connect(to: Side): Promise<Connection>
}

export async function side(offers: FilesOnOffer, uploadSlots?: number): Promise<Side> {
  const slots = uploadSlots === undefined ? {} : { uploadSlots }
  const libp2p = await node({ files: files({ offers, ...slots }) })
  return {
    libp2p,
    id: libp2p.peerId.toString(),
    connect: async (to) => libp2p.dial(to.libp2p.getMultiaddrs())
  }
}

/** A folder of the test's own. */
export async function folder(): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'parley-files-'))
  onTestFinished(() => rm(path, { recursive: true, force: true }))
  return path
}

export interface Original {
  readonly content: Buffer
  readonly hashed: HashedFile
}

export async function original(sizeBytes: number): Promise<Original> {
  const path = join(await folder(), 'original.bin')
  const content = randomBytes(sizeBytes)
  await writeFile(path, content)
  return { content, hashed: await hashFile(path) }
}

export const nothing: FilesOnOffer = { open: async () => undefined }

/** Offers the file to these peers; to all when none are named. */
export function offering({ hashed }: Original, ...peers: readonly string[]): FilesOnOffer {
  return {
    open: async (peer, file) => {
      if (file !== hashed.file || (peers.length > 0 && !peers.includes(peer))) return undefined
      return SharedFile.open(hashed).then(
        (shared): OfferedFile => ({
          sizeBytes: hashed.sizeBytes,
          layer: async () => hashed.layer,
          leaf: (leaf, pieceBytes) => shared.leaf(leaf, pieceBytes),
          close: async () => shared.close()
        }),
        () => 'changed' as const
      )
    }
  }
}

/** The same, of a file that is not whole. */
export function having(given: Original, have: LeafSet): FilesOnOffer {
  const whole = offering(given)
  return {
    open: async (peer, file) => {
      const opened = await whole.open(peer, file)
      return typeof opened === 'object' ? { ...opened, have: () => have } : opened
    }
  }
}

/** The same, with a bit of each leaf changed. */
export function lying(given: Original): FilesOnOffer {
  const honest = offering(given)
  return {
    open: async (peer, file) => {
      const opened = await honest.open(peer, file)
      if (opened === undefined || opened === 'changed') return opened
      return { ...opened, leaf: (leaf, pieceBytes) => flipped(opened.leaf(leaf, pieceBytes)) }
    }
  }
}

/** Offers the file, and sends no leaf before the gate is open. */
export function gated(given: Original, gate: Promise<void>): FilesOnOffer {
  const open = offering(given)
  return {
    open: async (peer, file) => {
      const opened = await open.open(peer, file)
      if (opened === undefined || opened === 'changed') return opened
      return { ...opened, leaf: (leaf, pieceBytes) => after(gate, opened.leaf(leaf, pieceBytes)) }
    }
  }
}

async function* after(gate: Promise<void>, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  await gate
  yield* pieces
}

async function* flipped(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    piece[0] = (piece[0] ?? 0) ^ 1
    yield piece
  }
}

export interface Fetch {
  readonly download: Download
  readonly events: string[]
  readonly into: string
}

/** @param resumed the path of a part */
export async function fetching(
  { hashed }: Original,
  options: { readonly into?: string; readonly resumed?: string; readonly onProgress?: () => void } = {}
): Promise<Fetch> {
  const into = options.into ?? (await folder())
  const { file, sizeBytes } = hashed
  const init = { folder: into, name: 'received.bin', file, sizeBytes, minFreeBytes: 0 }
  const events: string[] = []
  const told: DownloadEvents = {
    progress: () => options.onProgress?.(),
    dropped: (peer, why) => events.push(`${peer} dropped: ${why}`),
    lost: (peer) => events.push(`${peer} lost`)
  }
  const part = options.resumed === undefined ? undefined : await PartFile.resume(options.resumed, init)
  const create = async (layer: Uint8Array) => PartFile.create(init, layer)
  const download = new Download({ file, sizeBytes, part, create, events: told })
  onTestFinished(() => download.stop(new Error('the test is over')))
  return { download, events, into }
}

/** A stream of the file protocol from one side to another. */
export async function streamTo(from: Side, to: Side): Promise<Stream> {
  const connection = await from.connect(to)
  return from.libp2p.services.files.open(connection, { signal: new AbortController().signal })
}

/** The same, for a peer that does as it likes. */
export async function rawStreamTo(from: Side, to: Side): Promise<Stream> {
  return (await from.connect(to)).newStream(FILE_PROTOCOL)
}
