// One side of a transfer in a process of its own, made to be killed: it offers a file, or fetches it into a folder and goes
// on with what is there. It says how many leaves are there, and judges nothing.
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { privateKeyFromRaw } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { Download, files, PartFile, SharedFile, type FilesOnOffer } from '../../src/files/index.ts'
import { hostOptions } from '../../src/transport/host.ts'

export interface FileSideInit {
  /** Of its peer ID, in base64. */
  readonly key: string
  readonly port: number
  readonly original: {
    readonly path: string
    readonly sizeBytes: number
    readonly changedAtNs: string
    readonly file: string
    readonly layerPath: string
  }
  /** Without it the file is offered. */
  readonly fetch?: { readonly from: string; readonly into: string }
}

export type FileSideNews =
  | { readonly is: 'listening'; readonly address: string }
  /** So many leaves are there: the first time, those that were found. */
  | { readonly is: 'here'; readonly leaves: number }
  | { readonly is: 'whole'; readonly path: string }

const retryMs = 20

const { key, port, original, fetch } = JSON.parse(process.argv[2] ?? '') as FileSideInit
const onOffer: FilesOnOffer = {
  open: async (_peer, file) => {
    if (fetch !== undefined || file !== original.file) return undefined
    const shared = await SharedFile.open(original)
    return {
      sizeBytes: original.sizeBytes,
      layer: async () => readFile(original.layerPath),
      leaf: (leaf, pieceBytes) => shared.leaf(leaf, pieceBytes),
      close: async () => shared.close()
    }
  }
}
const libp2p = await createLibp2p({
  ...hostOptions({
    key: privateKeyFromRaw(Buffer.from(key, 'base64')),
    host: '127.0.0.1',
    port,
    discovery: [],
    gater: {}
  }),
  services: { files: files({ offers: onOffer }) }
})
await libp2p.start()
process.once('disconnect', () => process.exit())
tell({ is: 'listening', address: libp2p.getMultiaddrs().map(String)[0] ?? '' })
if (fetch !== undefined) await get(fetch)

async function get({ from, into }: NonNullable<FileSideInit['fetch']>): Promise<void> {
  const { file, sizeBytes } = original
  const init = { folder: into, name: 'file.bin', file, sizeBytes, minFreeBytes: 0 }
  const path = join(into, 'file.bin.part')
  const isThere = await access(path).then(
    () => true,
    () => false
  )
  const part = isThere ? await PartFile.resume(path, init) : undefined
  tell({ is: 'here', leaves: part?.have.count ?? 0 })
  const download = new Download({
    file,
    sizeBytes,
    part,
    create: async (layer) => PartFile.create(init, layer),
    events: {
      progress: () => tell({ is: 'here', leaves: download.have.count }),
      dropped: (_peer, why) => {
        throw new Error(`the honest source was dropped: ${why}`)
      },
      lost: () => undefined
    }
  })
  const over = new AbortController()
  void download.whole.then((whole) => {
    over.abort()
    tell({ is: 'whole', path: whole })
  })
  // The other side is killed, and comes back at the same address.
  while (!over.signal.aborted) {
    if (download.sources.length === 0) await connect(download, from).catch(() => undefined)
    await sleep(retryMs)
  }
}

async function connect(download: Download, from: string): Promise<void> {
  const signal = AbortSignal.timeout(5_000)
  const connection = await libp2p.dial(multiaddr(from), { signal, force: true })
  download.add(connection.remotePeer.toString(), await libp2p.services.files.open(connection, { signal }))
}

function tell(news: FileSideNews): void {
  process.send?.(news)
}
