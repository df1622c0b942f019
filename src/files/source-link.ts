// One stream on which this side fetches a file from one source: what was asked is matched with what comes, and each leaf
// is put together and hashed. Which leaf is right, and what is asked next, is decided elsewhere.
import type { Stream } from '@libp2p/interface'
import { FrameQueue, runFrames } from '../wire/index.ts'
import {
  fileCodec,
  fileFrameBytes,
  FileProtocolError,
  MAX_FILE_FRAME_BYTES,
  type FileFrame,
  type FileRefusal,
  type FileRequest
} from './file-frames.ts'
import { HASH_BYTES, leafCountOf, LeafHash, leafSpan } from './file-tree.ts'
import { LeafSet } from './leaf-set.ts'

/** Requests of some tens of bytes each, for as many as are ever in flight. */
const MAX_QUEUED_REQUEST_BYTES = 16 * 1024

/** Leaves that are being written while more are read: a disk and a network that wait for each other are slow together. */
const MAX_UNWRITTEN_BYTES = 2 * 1024 * 1024

/** Memory of leaves that were written, for the next ones: given up for each, it would pile up until it is collected. */
const MAX_SPARE_LEAVES = 8

export interface SourceLinkInit {
  readonly stream: Stream
  /** 64 hexadecimal digits. */
  readonly file: string
  readonly sizeBytes: number
  readonly signal: AbortSignal
  readonly events: SourceEvents
}

/** What a source answers. */
export interface SourceEvents {
  /** A part of something has come. */
  heard(): void
  /** Awaited before more is read. */
  layer(layer: Uint8Array): Promise<void>
  leaves(leaves: LeafSet): void
  /**
   * All bytes of a leaf, with their hash. The bytes are the listener's until it resolves, and it never rejects. Of those
   * that it has not done with there are never many: that holds the source back.
   */
  leaf(leaf: number, bytes: Uint8Array, hash: Uint8Array): Promise<void>
  queued(place: number): void
  refused(reason: FileRefusal, leaf: number | undefined): void
}

type Pending =
  | { readonly type: 'have' }
  | { readonly type: 'layer'; bytes: Buffer; filled: number }
  | { readonly type: 'get'; readonly leaf: number; arrival: Arrival | undefined }

/** A leaf of which some bytes have come. */
interface Arrival {
  readonly bytes: Buffer
  readonly hash: LeafHash
  filled: number
}

export class SourceLink {
  readonly #init: SourceLinkInit
  readonly #outgoing = new FrameQueue<FileFrame>({ maxBytes: MAX_QUEUED_REQUEST_BYTES, sizeOf: fileFrameBytes })
  /** By the number of the request. Those that were cancelled are not here, and what still comes for them is skipped. */
  readonly #pending = new Map<number, Pending>()
  readonly #unwritten = new Set<Promise<void>>()
  #unwrittenBytes = 0
  readonly #spare: Buffer[] = []
  #nextRequest = 1

  constructor(init: SourceLinkInit) {
    this.#init = init
  }

  /** Resolves when the stream has ended. @throws what ended it, if that is no clean end */
  async run(): Promise<void> {
    const { stream, signal } = this.#init
    const frames = runFrames({
      stream,
      codec: fileCodec,
      outgoing: this.#outgoing,
      maxFrameBytes: MAX_FILE_FRAME_BYTES,
      signal,
      onFrames: async (batch) => {
        for (const frame of batch) await this.#take(frame)
      }
    })
    try {
      await frames
    } finally {
      await Promise.all(this.#unwritten)
    }
  }

  /** Which leaves are there? Does nothing while an answer is awaited. */
  askLeaves(): void {
    if (!this.#isPending('have')) this.#ask({ type: 'have' })
  }

  /** The hashes of all leaves. Does nothing while an answer is awaited. */
  askLayer(): void {
    if (!this.#isPending('layer')) this.#ask({ type: 'layer', bytes: Buffer.alloc(0), filled: 0 })
  }

  get(leaf: number): void {
    this.#ask({ type: 'get', leaf, arrival: undefined })
  }

  cancel(leaf: number): void {
    for (const [request, pending] of this.#pending) {
      if (pending.type !== 'get' || pending.leaf !== leaf) continue
      this.#pending.delete(request)
      this.#send({ type: 'cancel', request })
    }
  }

  /** Nothing more is asked: the stream ends when the other side has heard of it. */
  end(): void {
    this.#outgoing.end()
  }

  #isPending(type: Pending['type']): boolean {
    return [...this.#pending.values()].some((pending) => pending.type === type)
  }

  #ask(pending: Pending): void {
    const request = this.#nextRequest++
    this.#pending.set(request, pending)
    const { file } = this.#init
    if (pending.type === 'get') this.#send({ type: 'get', request, file, leaf: pending.leaf, count: 1 })
    else this.#send({ type: pending.type, request, file })
  }

  /** What is in flight is bounded by the caller, so that a queue that is full is that of a source which does not read. */
  #send(request: FileRequest): void {
    if (this.#outgoing.offer(request) || !this.#outgoing.isOpen) return
    this.#init.stream.abort(new FileProtocolError('it reads no requests'))
  }

  async #take(frame: FileFrame): Promise<void> {
    const { events } = this.#init
    switch (frame.type) {
      case 'queued':
        return events.queued(frame.place)
      case 'leaves':
        return this.#takeLeaves(frame)
      case 'hashes':
        return this.#takeHashes(frame)
      case 'data':
        return this.#takeData(frame)
      case 'refuse': {
        const pending = this.#pending.get(frame.request)
        if (pending === undefined) return
        this.#pending.delete(frame.request)
        return events.refused(frame.reason, pending.type === 'get' ? pending.leaf : undefined)
      }
      default:
        throw new FileProtocolError(`a request "${frame.type}" to a requester`)
    }
  }

  #takeLeaves({ request, bitmap }: Extract<FileFrame, { readonly type: 'leaves' }>): void {
    const pending = this.#expected(request, 'have')
    if (pending === undefined) return
    const leaves = LeafSet.from(leafCountOf(this.#init.sizeBytes), bitmap)
    if (leaves === undefined) throw new FileProtocolError('a bitmap of another file')
    this.#pending.delete(request)
    this.#init.events.leaves(leaves)
  }

  async #takeHashes({ request, hashes }: Extract<FileFrame, { readonly type: 'hashes' }>): Promise<void> {
    const pending = this.#expected(request, 'layer')
    if (pending?.type !== 'layer') return
    const wanted = leafCountOf(this.#init.sizeBytes) * HASH_BYTES
    if (pending.filled + hashes.byteLength > wanted) throw new FileProtocolError('more hashes than the file has leaves')
    // It grows with what has come, so that a source which announces much and sends nothing costs nothing.
    if (pending.filled + hashes.byteLength > pending.bytes.byteLength) {
      const grown = Buffer.alloc(Math.min(wanted, 2 * (pending.filled + hashes.byteLength)))
      pending.bytes.copy(grown)
      pending.bytes = grown
    }
    pending.bytes.set(hashes, pending.filled)
    pending.filled += hashes.byteLength
    this.#init.events.heard()
    if (pending.filled < wanted) return
    this.#pending.delete(request)
    await this.#init.events.layer(pending.bytes.subarray(0, wanted))
  }

  async #takeData({ request, bytes }: Extract<FileFrame, { readonly type: 'data' }>): Promise<void> {
    const pending = this.#expected(request, 'get')
    if (pending?.type !== 'get') return
    const { leaf } = pending
    const wanted = leafSpan(this.#init.sizeBytes, leaf).bytes
    const arrival = (pending.arrival ??= { bytes: this.#room(wanted), hash: new LeafHash(), filled: 0 })
    if (arrival.filled + bytes.byteLength > wanted) throw new FileProtocolError('more bytes than the leaf has')
    if (bytes.byteLength === 0 && wanted > 0) throw new FileProtocolError('data without bytes')
    arrival.bytes.set(bytes, arrival.filled)
    arrival.hash.update(bytes)
    arrival.filled += bytes.byteLength
    this.#init.events.heard()
    if (arrival.filled < wanted) return
    this.#pending.delete(request)
    this.#hand(leaf, arrival)
    while (this.#unwritten.size > 1 && this.#unwrittenBytes > MAX_UNWRITTEN_BYTES) await Promise.race(this.#unwritten)
  }

  #hand(leaf: number, { bytes, hash }: Arrival): void {
    const handed = this.#init.events.leaf(leaf, bytes, hash.digest()).finally(() => {
      this.#unwritten.delete(handed)
      this.#unwrittenBytes -= bytes.byteLength
      if (this.#spare.length < MAX_SPARE_LEAVES) this.#spare.push(bytes)
    })
    this.#unwritten.add(handed)
    this.#unwrittenBytes += bytes.byteLength
  }

  #room(bytes: number): Buffer {
    const at = this.#spare.findIndex(({ byteLength }) => byteLength === bytes)
    return (at < 0 ? undefined : this.#spare.splice(at, 1)[0]) ?? Buffer.allocUnsafeSlow(bytes)
  }

  /** @returns undefined for a request that was cancelled */
  #expected(request: number, type: Pending['type']): Pending | undefined {
    const pending = this.#pending.get(request)
    if (pending !== undefined && pending.type !== type) throw new FileProtocolError(`an answer to "${pending.type}"`)
    if (pending === undefined && request >= this.#nextRequest) throw new FileProtocolError('an answer to nothing')
    return pending
  }
}
