// The files of a node as its faces use them: offered in a message, fetched by whom they were offered to, listed with how
// far they are. What is remembered is the book's; how one is fetched, the fetch's.
import { stat } from 'node:fs/promises'
import { basename, isAbsolute, join } from 'node:path'
import { hashFile, NoRoomError, NotSendableError, removePart, safeFileName, SharedFile } from '../../files/index.ts'
import type { FilesOnOffer, HashedFile, OfferedFile } from '../../files/index.ts'
import { MAX_FILES_PER_MESSAGE, MAX_OFFERED_NAME_BYTES } from '../../chat-protocol/index.ts'
import { LruMap } from '../../lib/index.ts'
import type { IncomingMessage, NewOutgoing, OutgoingMessage } from '../../storage/index.ts'
import { steadyNow, toError } from '../../wire/index.ts'
import type { FilesApi, OfferOptions, TransferNews, TransferView } from '../api/file-views.ts'
import { fileFault, quote, UsageError } from '../api/errors.ts'
import { sizeText } from '../config/setting-values.ts'
import { Fetch, type FetchInit } from './fetch.ts'
import type { FileBook, ReceivedFile, SentFile } from './file-book.ts'

/** Files that are fetched of one peer at a time; others wait their turn, so that the first is soon whole. */
const MAX_FETCHES_OF_PEER = 3

/** Files that are fetched, or whose senders are looked for, at a time. */
const MAX_FETCHES = 32

/** Files that were asked for and are not here: all of them are remembered. */
const MAX_WANTED = 1_000

/** Layers that are kept to be sent again: 2 MiB at most each. */
const MAX_KEPT_LAYERS = 8

/** How often faces hear of the progress of a file. */
const PROGRESS_EVERY_MS = 1_000

export interface FilesInit {
  readonly book: FileBook
  /** Where files go. */
  readonly downloads: string
  /** What must stay free on the disk. */
  readonly minFreeBytes: number
  readonly network: FetchInit['network']
  readonly service: FetchInit['service']
  readonly isBlocked: (peer: string) => boolean
  readonly label: (peer: string) => string
  readonly send: (peer: string, message: Pick<NewOutgoing, 'text' | 'files' | 'id'>) => Promise<OutgoingMessage>
  readonly tell: (news: TransferNews) => void
}

/** A file that a peer shares, and where it goes. */
export type SharedFileWanted = Pick<ReceivedFile, 'file' | 'name' | 'sizeBytes'> & {
  readonly within: readonly string[]
}

interface Running {
  readonly peer: string
  readonly fetch: Fetch
  readonly ended: Promise<void>
  toldAtMs: number
  toldBytes: number
  bytesPerSecond: number | undefined
}

export class Files implements FilesApi {
  readonly #init: FilesInit
  readonly #running = new Map<number, Running>()
  /** Bytes that were sent since the start, by the number of the own file. */
  readonly #sentBytes = new Map<number, number>()
  readonly #layers = new LruMap<string, Promise<Uint8Array>>(MAX_KEPT_LAYERS)
  #isStarted = false

  constructor(init: FilesInit) {
    this.#init = init
  }

  /** What others may fetch. */
  readonly onOffer: FilesOnOffer = {
    open: async (peer, file) => {
      const sent = this.#init.book.sentTo(peer, file)
      if (sent === undefined || this.#init.isBlocked(peer)) return undefined
      return this.#opened(sent).catch(() => 'changed' as const)
    }
  }

  /** Goes on with what was being fetched. The host has to run. */
  start(): void {
    this.#isStarted = true
    this.#fetchNext()
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    const reason = new Error('parley is quitting')
    await Promise.all([...this.#running.values()].map(async ({ fetch }) => fetch.stop(reason)))
    await Promise.all([...this.#running.values()].map(async ({ ended }) => ended))
  }

  async offer(peer: string, paths: readonly string[], options: OfferOptions = {}): Promise<OutgoingMessage> {
    if (paths.length === 0 || paths.length > MAX_FILES_PER_MESSAGE) {
      throw new UsageError(`one message offers 1 to ${MAX_FILES_PER_MESSAGE} files, and these are ${paths.length}`)
    }
    const hashed: HashedFile[] = []
    for (const path of paths) hashed.push(await hashedFile(path))
    const files = hashed.map(({ file, path, sizeBytes }) => ({ file, name: basename(path), sizeBytes }))
    const { book, send } = this.#init
    // Before the message: the peer may fetch at once.
    const added = await book.addSent(
      hashed.map(({ file, path, sizeBytes, changedAtNs }) => ({
        peer,
        file,
        name: basename(path),
        sizeBytes,
        path,
        changedAtNs
      }))
    )
    for (const { file, layer } of hashed) this.#layers.set(file, Promise.resolve(layer))
    try {
      const { text = '', id } = options
      return await send(peer, { text: offerText(files, text), files, ...(id === undefined ? {} : { id }) })
    } catch (error) {
      await book.removeSent(added.map(({ number }) => number))
      throw error
    }
  }

  async list(): Promise<readonly TransferView[]> {
    const { received, sent } = this.#init.book
    const views = [...received.map((one) => this.#receivedView(one)), ...sent.map((one) => this.#sentView(one))]
    return views.toSorted((one, other) => one.number - other.number)
  }

  async get(number?: number, options: { readonly peer?: string } = {}): Promise<TransferView> {
    const offered = this.#named(number, options.peer, ({ state }) => state === 'offered')
    // What was fetched and then moved or deleted may be fetched again.
    if (offered.state === 'done' && (await isThere(offered.path))) {
      throw new UsageError(`${quote(offered.name)} is here already: ${offered.path ?? ''}`)
    }
    const wanted = await this.#change(offered, { state: 'wanted', why: undefined, path: undefined })
    this.#fetchNext()
    return this.#receivedView(wanted)
  }

  /** Fetches files that the peer shares; resolves when that has begun. Those that are here, or on their way, are not again. */
  async take(peer: string, files: readonly SharedFileWanted[]): Promise<readonly TransferView[]> {
    const { book } = this.#init
    const before = new Map(book.received.filter((one) => one.peer === peer).map((one) => [placeOf(one), one]))
    const views: TransferView[] = []
    const fresh: SharedFileWanted[] = []
    for (const file of files) {
      const known = before.get(placeOf(file))
      const isHere = known?.state === 'wanted' || (known?.state === 'done' && (await isThere(known.path)))
      if (known !== undefined && isHere) views.push(this.#receivedView(known))
      else fresh.push(file)
    }
    const wanted = book.received.filter(({ state }) => state === 'wanted').length + fresh.length
    if (wanted > MAX_WANTED) {
      throw new UsageError(`${wanted} files would be on their way, and at most ${MAX_WANTED} can be: wait for some`)
    }
    const added = await book.addReceived(
      fresh.map((file) => ({ ...file, peer })),
      'wanted'
    )
    this.#fetchNext()
    return [...views, ...added.map((one) => this.#receivedView(one))]
  }

  async decline(number?: number, options: { readonly peer?: string } = {}): Promise<TransferView> {
    const own = this.#init.book.sent.find((one) => one.number === number)
    if (own !== undefined) {
      await this.#init.book.removeSent([own.number])
      return { ...this.#sentView(own), state: 'declined' }
    }
    const offered = this.#named(number, options.peer, ({ state }) => state === 'offered' || state === 'wanted')
    if (offered.state === 'done') throw new UsageError(`${quote(offered.name)} is here already: ${offered.path ?? ''}`)
    const declined = await this.#change(offered, { state: 'declined' })
    const running = this.#running.get(offered.number)
    await running?.fetch.stop(new Error('it was declined'))
    await running?.ended
    if (declined.part !== undefined) await removePart(declined.part)
    const after = await this.#change(declined, { part: undefined })
    this.#tell('declined', after)
    return this.#receivedView(after)
  }

  /** A message that is part of the history offers files. */
  async offered(message: IncomingMessage): Promise<void> {
    const { peer, files = [] } = message
    if (files.length === 0) return
    const added = await this.#init.book.addReceived(files.map((file) => ({ ...file, peer })))
    for (const one of added) this.#tell('offered', one)
    this.wake(peer)
  }

  /** The peer is connected, or offers a file that is on its way: what is fetched of it goes on at once. */
  wake(peer: string): void {
    for (const { fetch } of this.#running.values()) fetch.wake(peer)
  }

  /** Bytes of a file went out to a peer. */
  sent(peer: string, file: string, bytes: number): void {
    const sent = this.#init.book.sentTo(peer, file)
    if (sent !== undefined) this.#sentBytes.set(sent.number, (this.#sentBytes.get(sent.number) ?? 0) + bytes)
  }

  async #opened(sent: SentFile): Promise<OfferedFile> {
    const shared = await SharedFile.open(sent)
    return {
      sizeBytes: sent.sizeBytes,
      layer: async () => this.#layer(sent),
      leaf: (leaf, pieceBytes) => shared.leaf(leaf, pieceBytes),
      close: async () => shared.close()
    }
  }

  /** Hashed again after a restart; for several that ask at once, once. */
  #layer({ file, path }: SentFile): Promise<Uint8Array> {
    const known = this.#layers.get(file)
    if (known !== undefined) return known
    const hashing = hashFile(path).then((hashed) => {
      if (hashed.file !== file) throw new Error(`${path} is not what was offered`)
      return hashed.layer
    })
    this.#layers.set(file, hashing)
    hashing.catch(() => this.#layers.delete(file))
    return hashing
  }

  /** @throws UsageError */
  #named(number: number | undefined, peer: string | undefined, isMeant: (file: ReceivedFile) => boolean): ReceivedFile {
    const { received } = this.#init.book
    if (number !== undefined) {
      const found = received.find((one) => one.number === number)
      if (found === undefined) throw new UsageError(`no file has the number ${number}: /transfers lists them`)
      return found
    }
    const last = received.findLast((one) => (peer === undefined || one.peer === peer) && isMeant(one))
    if (last === undefined) throw new UsageError('no file waits for an answer: /transfers lists all')
    return last
  }

  /** Starts what is wanted, the oldest first. */
  #fetchNext(): void {
    for (const file of this.#init.book.received) {
      if (!this.#isStarted || this.#running.size >= MAX_FETCHES) return
      if (file.state !== 'wanted' || this.#running.has(file.number)) continue
      const ofPeer = [...this.#running.values()].filter(({ peer }) => peer === file.peer)
      if (ofPeer.length < MAX_FETCHES_OF_PEER) this.#fetch(file)
    }
  }

  #fetch(file: ReceivedFile): void {
    const { downloads, minFreeBytes, network, service } = this.#init
    const fetch = new Fetch({
      ...file,
      part: file.part,
      folder: join(downloads, ...(file.within ?? []).map(safeFileName)),
      minFreeBytes,
      network,
      service,
      peers: () => this.#offerersOf(file),
      onWrong: (peer) => {
        const transfer = this.#receivedView(file)
        this.#init.tell({ what: 'wrong-source', transfer, source: { peer, label: this.#init.label(peer) } })
      },
      onPart: async (part) => void (await this.#change(file, { part })),
      onProgress: () => this.#progress(file.number)
    })
    const ended = this.#run(file, fetch)
    this.#running.set(file.number, {
      peer: file.peer,
      fetch,
      ended,
      toldAtMs: steadyNow(),
      toldBytes: 0,
      bytesPerSecond: undefined
    })
    this.#tell('started', file)
  }

  /** Those that have offered the same file, too: its own sender first. */
  #offerersOf({ peer, file }: ReceivedFile): readonly string[] {
    const { book, isBlocked } = this.#init
    const offers = book.received.filter((one) => one.file === file && one.state !== 'declined')
    return [...new Set([peer, ...offers.map((one) => one.peer)])].filter((one) => one === peer || !isBlocked(one))
  }

  async #run(file: ReceivedFile, fetch: Fetch): Promise<void> {
    // What it does begins after it is among those that run.
    const outcome = await Promise.resolve()
      .then(async () => fetch.run())
      .then(
        (path) => ({ path }),
        (error: unknown) => ({ why: reasonText(error) })
      )
    this.#running.delete(file.number)
    const now = this.#init.book.received.find(({ number }) => number === file.number)
    // What was declined stays that, and what was stopped with the node goes on at the next start.
    if (now?.state === 'wanted' && (this.#isStarted || 'path' in outcome)) {
      const after =
        'path' in outcome
          ? await this.#change(now, { state: 'done', path: outcome.path, part: undefined })
          : await this.#change(now, { state: 'offered', why: outcome.why })
      this.#tell('path' in outcome ? 'done' : 'failed', after)
    }
    this.#fetchNext()
  }

  #progress(number: number): void {
    const running = this.#running.get(number)
    const file = this.#init.book.received.find((one) => one.number === number)
    if (running === undefined || file === undefined) return
    const elapsedMs = steadyNow() - running.toldAtMs
    if (elapsedMs < PROGRESS_EVERY_MS) return
    const { doneBytes } = running.fetch
    running.bytesPerSecond = Math.round(((doneBytes - running.toldBytes) * 1000) / elapsedMs)
    running.toldAtMs = steadyNow()
    running.toldBytes = doneBytes
    this.#tell('progress', file)
  }

  async #change(file: ReceivedFile, change: { readonly [K in keyof ReceivedFile]?: ReceivedFile[K] | undefined }) {
    // A field without a value is not written, and so is gone.
    const changed = await this.#init.book.change(file.number, change as Partial<ReceivedFile>)
    return changed ?? file
  }

  #tell(what: TransferNews['what'], file: ReceivedFile): void {
    this.#init.tell({ what, transfer: this.#receivedView(file) })
  }

  #receivedView(received: ReceivedFile): TransferView {
    const { number, peer, file, name, sizeBytes, state, path, why } = received
    const running = this.#running.get(number)
    const { place, isConnected = false } = running?.fetch ?? {}
    const rate = running?.bytesPerSecond
    const reason = running?.fetch.why ?? why
    return {
      number,
      direction: 'in',
      peer,
      label: this.#init.label(peer),
      file,
      name,
      sizeBytes,
      state: state !== 'wanted' ? state : isConnected && place === undefined ? 'running' : 'waiting',
      doneBytes: state === 'done' ? sizeBytes : (running?.fetch.doneBytes ?? 0),
      ...(rate === undefined ? {} : { bytesPerSecond: rate }),
      ...(place === undefined ? {} : { place }),
      ...(path === undefined ? {} : { path }),
      ...(reason === undefined ? {} : { why: reason })
    }
  }

  #sentView({ number, peer, file, name, sizeBytes, path }: SentFile): TransferView {
    const doneBytes = Math.min(sizeBytes, this.#sentBytes.get(number) ?? 0)
    const isDone = this.#sentBytes.has(number) && doneBytes === sizeBytes
    const state = isDone ? 'done' : doneBytes > 0 ? 'running' : 'offered'
    return {
      number,
      direction: 'out',
      peer,
      label: this.#init.label(peer),
      file,
      name,
      sizeBytes,
      state,
      doneBytes,
      path
    }
  }
}

function placeOf({ file, name, within = [] }: Pick<ReceivedFile, 'file' | 'name' | 'within'>): string {
  return JSON.stringify([file, name, within])
}

/** For peers that know no offers, and for the history. */
function offerText(files: readonly { readonly name: string; readonly sizeBytes: number }[], text: string): string {
  const list = files.map(({ name, sizeBytes }) => `${name} (${sizeText(sizeBytes)})`)
  const named = `${list.length === 1 ? 'File' : 'Files'}: ${list.join(', ')}`
  return text.trim() === '' ? named : `${text}\n${named}`
}

async function isThere(path: string | undefined): Promise<boolean> {
  return path !== undefined && (await stat(path).catch(() => undefined)) !== undefined
}

/** Why a file was not fetched, to follow `FILE was not fetched: `. */
function reasonText(error: unknown): string {
  if (!(error instanceof NoRoomError)) return toError(error).message
  const [needed, free] = [sizeText(error.neededBytes), sizeText(error.freeBytes)]
  return `it needs ${needed}, and the disk has ${free} to spare (setting minFree): make room`
}

/** @throws UsageError */
async function hashedFile(path: string): Promise<HashedFile> {
  if (!isAbsolute(path)) throw new UsageError(`${quote(path)} is not an absolute path: write it in full`)
  const nameBytes = Buffer.byteLength(basename(path))
  if (nameBytes > MAX_OFFERED_NAME_BYTES) {
    throw new UsageError(
      `the name of ${quote(path)} has ${nameBytes} bytes, and at most ${MAX_OFFERED_NAME_BYTES} can be sent: rename it`
    )
  }
  try {
    return await hashFile(path)
  } catch (error) {
    if (error instanceof NotSendableError) throw new UsageError(error.message)
    throw new UsageError(`${quote(path)} can't be sent: ${fileFault(error)}`)
  }
}
