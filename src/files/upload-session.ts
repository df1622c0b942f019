// One stream on which another peer fetches a file: its requests are answered in their order, those for leaves when it has
// a slot. What is held of it is one frame and a bounded number of requests. It asks others who may fetch what.
import type { Stream } from '@libp2p/interface'
import { steadyNow, Wakeup } from '../lib/index.ts'
import { FrameQueue, runFrames, toError } from '../wire/index.ts'
import { fileBatches } from './file-batches.ts'
import {
  fileFrameBytes,
  FileProtocolError,
  MAX_FILE_FRAME_BYTES,
  MAX_HASHES_PER_FRAME,
  type FileAnswer,
  type FileFrame,
  type FileRefusal,
  type FileRequest
} from './file-frames.ts'
import { HASH_BYTES, leafCountOf, leafSpan, MIN_LEAF_BYTES } from './file-tree.ts'
import { LeafSet } from './leaf-set.ts'
import type { Upload, UploadSlots } from './upload-slots.ts'

/** Those that a requester has in flight for leaves, and as many for what else it asks. */
export const MAX_REQUESTS_PER_STREAM = 16

/**
 * What one frame of data holds that this side sends: a fifth of a small leaf. With its head it is one write of a stream and
 * one message of Noise, which the other side reads where it was opened.
 */
const SENT_DATA_BYTES = Math.ceil(MIN_LEAF_BYTES / 5)

/** Data that waits for the stream while the next is read from the disk, and as much that is on its way: a small leaf each. */
const MAX_QUEUED_DATA_BYTES = MIN_LEAF_BYTES + 1024

/** A file that the other peer may fetch. */
export interface OfferedFile {
  readonly sizeBytes: number
  /** The hashes of its leaves, in their order. */
  readonly layer: () => Promise<Uint8Array>
  /** The leaves that are there, of a file that is not whole; all without it. */
  readonly have?: () => LeafSet
  /** The bytes of a leaf, in pieces. @throws when the file is not what it was */
  readonly leaf: (leaf: number, pieceBytes: number) => AsyncIterable<Uint8Array>
  /** Whether the peer may fetch it still, answered from memory; always without it. */
  readonly isOffered?: () => boolean
  readonly close: () => Promise<void>
}

/** What others may fetch. */
export interface FilesOnOffer {
  /**
   * Rights come first, and are in memory: for a peer that has none the answer is the same, and as quick, whatever is here.
   *
   * @param file its ID, as 64 hexadecimal digits
   * @returns undefined where there is no such file for this peer; `changed` for one that is not what it was
   */
  open(peer: string, file: string): Promise<OfferedFile | 'changed' | undefined>
}

export interface UploadSessionInit {
  readonly stream: Stream
  readonly peer: string
  readonly offers: FilesOnOffer
  readonly slots: UploadSlots
  /** Whether one more request of the peer is answered now. */
  readonly mayAsk: () => boolean
  /** Bytes of the file that were given to the stream. */
  readonly onSent: (file: string, bytes: number) => void
  readonly signal: AbortSignal
}

type Asked = Exclude<FileRequest, { readonly type: 'cancel' }>

export class UploadSession implements Upload {
  readonly peer: string
  readonly #init: UploadSessionInit
  readonly #outgoing = new FrameQueue<FileFrame>({ maxBytes: MAX_QUEUED_DATA_BYTES, sizeOf: fileFrameBytes })
  /** In the order in which they came. */
  readonly #asked = new Map<number, Asked>()
  readonly #wakeup = new Wakeup()
  readonly #over = new AbortController()
  #isServed = false
  #open: { readonly file: string; readonly offered: OfferedFile } | undefined

  constructor(init: UploadSessionInit) {
    this.#init = init
    this.peer = init.peer
  }

  /** Resolves when the stream has ended. @throws what ended it, if that is no clean end */
  async run(): Promise<void> {
    const { stream, signal } = this.#init
    const frames = runFrames({
      stream,
      codec: fileBatches,
      outgoing: this.#outgoing,
      maxFrameBytes: MAX_FILE_FRAME_BYTES,
      signal,
      onFrames: async (batch) => {
        for (const frame of batch) this.#note(frame)
      },
      onRemoteEnd: () => this.#end()
    })
    const answers = this.#answerAll().catch((error: unknown) => stream.abort(toError(error)))
    try {
      await frames
    } finally {
      this.#end()
      await answers
      await this.#open?.offered.close()
    }
  }

  onStall(): void {
    this.#isServed = false
  }

  onPlace(place: number): void {
    this.#isServed = place === 0
    if (place > 0) this.#outgoing.offer({ type: 'queued', place })
    this.#wakeup.wake()
  }

  #note(frame: FileFrame): void {
    switch (frame.type) {
      case 'have':
      case 'layer':
      case 'get':
        if (this.#asked.has(frame.request)) throw new FileProtocolError('two requests of one number')
        if (this.#asked.size === MAX_REQUESTS_PER_STREAM) throw new FileProtocolError('too many requests at a time')
        this.#asked.set(frame.request, frame)
        break
      case 'cancel':
        this.#asked.delete(frame.request)
        break
      default:
        throw new FileProtocolError(`an answer "${frame.type}" to nothing`)
    }
    if (![...this.#asked.values()].some(isForLeaves)) this.#leaveSlot()
    this.#wakeup.wake()
  }

  #end(): void {
    this.#over.abort()
    this.#outgoing.end()
    this.#leaveSlot()
  }

  #leaveSlot(): void {
    this.#isServed = false
    this.#init.slots.leave(this, steadyNow())
  }

  async #answerAll(): Promise<void> {
    const { signal } = this.#over
    while (!signal.aborted) {
      const next = this.#next()
      if (next === undefined) {
        await this.#wakeup.sleep(signal)
        continue
      }
      await this.#answer(next)
      this.#asked.delete(next.request)
      if (![...this.#asked.values()].some(isForLeaves)) this.#leaveSlot()
    }
  }

  /** What is answered next: leaves only with a slot. */
  #next(): Asked | undefined {
    const asked = [...this.#asked.values()]
    if (!this.#isServed && asked.some(isForLeaves)) this.#init.slots.want(this, steadyNow())
    return asked.find((request) => this.#isServed || !isForLeaves(request))
  }

  async #answer(asked: Asked): Promise<void> {
    const { request } = asked
    try {
      // Leaves of a file that is open already are bounded by the slots.
      const isOpen = asked.type === 'get' && this.#open?.file === asked.file
      const offered = isOpen || this.#init.mayAsk() ? await this.#fileOf(asked.file) : 'too-fast'
      if (typeof offered === 'string') return await this.#refuse(request, offered)
      switch (asked.type) {
        case 'have':
          return await this.#send({
            type: 'leaves',
            request,
            bitmap: (offered.have?.() ?? LeafSet.all(leafCountOf(offered.sizeBytes))).copy().bytes
          })
        case 'layer':
          return await this.#sendLayer(request, await offered.layer())
        case 'get':
          return await this.#sendLeaves(asked)
      }
    } catch (error) {
      if (this.#over.signal.aborted || !this.#outgoing.isOpen) return
      this.#init.stream.log('file %s could not be read - %e', asked.file, toError(error))
      await this.#open?.offered.close()
      this.#open = undefined
      await this.#refuse(request, 'changed')
    }
  }

  /** A stream is for one file: that one stays open between its leaves, as long as the peer has a right to it. */
  async #fileOf(file: string): Promise<OfferedFile | FileRefusal> {
    const { offers, peer } = this.#init
    if (this.#open?.file === file && this.#open.offered.isOffered?.() !== false) return this.#open.offered
    await this.#open?.offered.close()
    this.#open = undefined
    const offered = await offers.open(peer, file)
    if (offered === undefined) return 'not-here'
    if (offered === 'changed') return 'changed'
    this.#open = { file, offered }
    return offered
  }

  async #sendLayer(request: number, layer: Uint8Array): Promise<void> {
    const step = MAX_HASHES_PER_FRAME * HASH_BYTES
    for (let at = 0; at < layer.byteLength && this.#asked.has(request); at += step) {
      await this.#send({ type: 'hashes', request, hashes: layer.subarray(at, at + step) })
    }
  }

  async #sendLeaves({ request, file, leaf: first, count }: Extract<Asked, { readonly type: 'get' }>): Promise<void> {
    for (let leaf = first; leaf < first + count; leaf++) {
      await this.#untilServed(request)
      if (!this.#asked.has(request)) return
      // What was offered at the last leaf may be withdrawn since.
      const offered = await this.#fileOf(file)
      if (typeof offered === 'string') return this.#refuse(request, offered)
      if (first + count > leafCountOf(offered.sizeBytes) || offered.have?.().has(leaf) === false) {
        return this.#refuse(request, 'no-such-leaf')
      }
      if (leafSpan(offered.sizeBytes, leaf).bytes === 0) {
        await this.#send({ type: 'data', request, bytes: new Uint8Array() })
      }
      for await (const bytes of offered.leaf(leaf, SENT_DATA_BYTES)) {
        if (!this.#asked.has(request)) return
        await this.#send({ type: 'data', request, bytes })
        this.#init.onSent(file, bytes.byteLength)
        this.#init.slots.sent(this, bytes.byteLength, steadyNow())
      }
    }
  }

  /** One that has had its turn waits between two leaves, too: a request may be for more than a turn. */
  async #untilServed(request: number): Promise<void> {
    const { signal } = this.#over
    while (!this.#isServed && this.#asked.has(request) && !signal.aborted) await this.#wakeup.sleep(signal)
  }

  async #refuse(request: number, reason: FileRefusal): Promise<void> {
    await this.#send({ type: 'refuse', request, reason })
  }

  async #send(answer: FileAnswer): Promise<void> {
    await this.#outgoing.push(answer, { signal: this.#over.signal })
  }
}

function isForLeaves({ type }: Asked): boolean {
  return type === 'get'
}
