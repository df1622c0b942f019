// The files of a node as its faces use them: offered in a message, fetched by whom they were offered to, listed with how
// far they are. What is remembered is the book's; how one is fetched, the fetch's; how own ones are read, the offers'.
import { join } from 'node:path'
import { MAX_MANIFEST_BYTES, removePart, safeFileName } from '../../files/index.ts'
import type { FilesOnOffer } from '../../files/index.ts'
import { MAX_FILES_PER_MESSAGE } from '../../chat-protocol/index.ts'
import type { IncomingMessage, NewOutgoing, OutgoingMessage } from '../../storage/index.ts'
import { steadyNow } from '../../wire/index.ts'
import type { FilesApi, GetOptions, OfferOptions, TransferNews, TransferView } from '../api/file-views.ts'
import { quote, UsageError } from '../api/errors.ts'
import { AutomaticFetches } from './automatic-fetches.ts'
import { Fetch, type FetchInit } from './fetch.ts'
import { checkFolder, isThere, placeOf, reasonText } from './file-checks.ts'
import type { FileBook, ReceivedFile, SentFile } from './file-book.ts'
import { FolderFetch, removeFolderPart } from './folder-fetch.ts'
import { offeredFile, offerText, OwnOffers, totalBytes } from './own-offers.ts'
import type { SentFolders } from './sent-folders.ts'

/** Files that are fetched of one peer at a time; others wait their turn, so that the first is soon whole. */
const MAX_FETCHES_OF_PEER = 3

/** Files that are fetched, or whose senders are looked for, at a time. */
const MAX_FETCHES = 32

/** Files that were asked for and are not here: all of them are remembered. */
const MAX_WANTED = 1_000

/** How often faces hear of the progress of a file. */
const PROGRESS_EVERY_MS = 1_000

export interface FilesInit {
  readonly book: FileBook
  readonly folders: SentFolders
  /** The setting `files`. */
  readonly automaticBytes: number
  readonly isContact: (peer: string) => boolean
  /** Where files go. */
  readonly downloads: string
  /** What must stay free on the disk. */
  readonly minFreeBytes: number
  readonly network: FetchInit['network']
  readonly service: FetchInit['service']
  readonly isBlocked: (peer: string) => boolean
  /** Peers that share the file with this one, as far as that is known. */
  readonly sharers: (file: string) => readonly string[]
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
  readonly fetch: Fetch | FolderFetch
  readonly ended: Promise<void>
  toldAtMs: number
  /** Undefined before the first progress: what an earlier run has left is no pace. */
  toldBytes: number | undefined
  bytesPerSecond: number | undefined
}

export class Files implements FilesApi {
  readonly #init: FilesInit
  readonly #running = new Map<number, Running>()
  readonly #own: OwnOffers
  readonly #automatic: AutomaticFetches
  #isStarted = false

  constructor(init: FilesInit) {
    this.#init = init
    const { book, folders, isBlocked } = init
    this.#own = new OwnOffers({ book, folders, isBlocked, onChange: (sent) => this.#tellSent(sent) })
    this.#automatic = new AutomaticFetches(init.automaticBytes, book)
  }

  /** What others may fetch. */
  get onOffer(): FilesOnOffer {
    return this.#own.onOffer
  }

  /** Goes on with what was being fetched. The host has to run. */
  start(): void {
    this.#isStarted = true
    void this.#own.tidy()
    this.#fetchNext()
  }

  async stop(): Promise<void> {
    this.#isStarted = false
    const reason = new Error('parley is quitting')
    await Promise.all([...this.#running.values()].map(async ({ fetch }) => fetch.stop(reason)))
    await Promise.all([...this.#running.values()].map(async ({ ended }) => ended))
    await this.#own.stop()
  }

  async offer(peer: string, paths: readonly string[], options: OfferOptions = {}): Promise<OutgoingMessage> {
    if (paths.length === 0 || paths.length > MAX_FILES_PER_MESSAGE) {
      throw new UsageError(`one message offers 1 to ${MAX_FILES_PER_MESSAGE} files, and these are ${paths.length}`)
    }
    const read = await this.#own.read(paths)
    const files = read.map(offeredFile)
    const { book, send } = this.#init
    // Before the message: the peer may fetch at once.
    const added = await book.addSent(read.map((one) => ({ ...one, peer })))
    try {
      const { text = '', id } = options
      return await send(peer, { text: offerText(files, text), files, ...(id === undefined ? {} : { id }) })
    } catch (error) {
      await book.removeSent(added.map(({ number }) => number))
      throw error
    } finally {
      await this.#own.tidy()
    }
  }

  async list(): Promise<readonly TransferView[]> {
    const { received, sent } = this.#init.book
    const views = [...received.map((one) => this.#receivedView(one)), ...sent.map((one) => this.#sentView(one))]
    return views.toSorted((one, other) => one.number - other.number)
  }

  async get(number?: number, options: GetOptions = {}): Promise<TransferView> {
    const { peer, to } = options
    const offered = this.#named(number, peer, ({ state }) => state === 'offered' || state === 'paused')
    if (to !== undefined) await checkFolder(to)
    if (offered.folder !== undefined && offered.sizeBytes > MAX_MANIFEST_BYTES) {
      throw new UsageError(`${quote(offered.name)} can't be fetched: the list of its files is too long`)
    }
    // What was fetched and then moved or deleted may be fetched again.
    if (offered.state === 'done' && (await isThere(offered.path))) {
      throw new UsageError(`${quote(offered.name)} is here already: ${offered.path ?? ''}`)
    }
    const wanted = await this.#change(offered, {
      state: 'wanted',
      why: undefined,
      path: undefined,
      ...(to === undefined ? {} : { to })
    })
    this.#fetchNext()
    return this.#receivedView(wanted)
  }

  async pause(number?: number, options: { readonly peer?: string } = {}): Promise<TransferView> {
    const wanted = this.#named(number, options.peer, ({ state }) => state === 'wanted')
    if (wanted.state !== 'wanted') throw new UsageError(`${quote(wanted.name)} is not on its way`)
    const paused = await this.#change(wanted, { state: 'paused' })
    await this.#stopOne(paused.number, new Error('it is paused'))
    const after = this.#init.book.received.find((one) => one.number === paused.number) ?? paused
    this.#tell('paused', after)
    this.#fetchNext()
    return this.#receivedView(after)
  }

  async resume(number?: number, options: { readonly peer?: string } = {}): Promise<TransferView> {
    const paused = this.#named(number, options.peer, ({ state }) => state === 'paused')
    if (paused.state !== 'paused') throw new UsageError(`${quote(paused.name)} is not paused`)
    const wanted = await this.#change(paused, { state: 'wanted', why: undefined })
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
      await this.#own.tidy()
      return { ...this.#sentView(own), state: 'declined' }
    }
    const offered = this.#named(number, options.peer, ({ state }) => state !== 'done' && state !== 'declined')
    if (offered.state === 'done') throw new UsageError(`${quote(offered.name)} is here already: ${offered.path ?? ''}`)
    return this.#receivedView(await this.#decline(offered))
  }

  /** What a blocked peer offers is not wanted any more, and nothing is offered to it. */
  async dropBlocked(): Promise<void> {
    const { book, isBlocked } = this.#init
    const open = book.received.filter(({ state, peer }) => state !== 'done' && state !== 'declined' && isBlocked(peer))
    for (const offered of open) await this.#decline(offered)
    const own = book.sent.filter(({ peer }) => isBlocked(peer))
    if (own.length > 0) await book.removeSent(own.map(({ number }) => number))
  }

  /** A message that is part of the history offers files. */
  async offered(message: IncomingMessage): Promise<void> {
    const { peer, id, files = [] } = message
    const { book, isContact } = this.#init
    if (files.length === 0 || book.received.some((one) => one.message === id && one.peer === peer)) return
    const added = await book.addReceived(files.map((file) => ({ ...file, peer, message: id })))
    for (const one of added) {
      const answer = isContact(peer) ? await this.#automatic.answer(one, Date.now()) : 'ask'
      // One that is never wanted is listed, and asks for nothing.
      if (answer === 'never') await this.#change(one, { state: 'declined' })
      else this.#tell('offered', one)
      if (answer === 'fetch') await this.#change(one, { state: 'wanted' })
    }
    this.#fetchNext()
    this.wake(peer)
  }

  /** The peer is connected, or offers a file that is on its way: what is fetched of it goes on at once. */
  wake(peer: string): void {
    for (const { fetch } of this.#running.values()) fetch.wake(peer)
  }

  /** Bytes of a file went out to a peer. */
  sent(peer: string, file: string, bytes: number): void {
    this.#own.sent(peer, file, bytes)
  }

  async #decline(offered: ReceivedFile): Promise<ReceivedFile> {
    const declined = await this.#change(offered, { state: 'declined' })
    await this.#stopOne(declined.number, new Error('it was declined'))
    const { part } = this.#init.book.received.find(({ number }) => number === declined.number) ?? declined
    if (part !== undefined) await (declined.folder === undefined ? removePart(part) : removeFolderPart(part))
    const after = await this.#change(declined, { part: undefined })
    this.#tell('declined', after)
    this.#fetchNext()
    return after
  }

  async #stopOne(number: number, reason: Error): Promise<void> {
    const running = this.#running.get(number)
    await running?.fetch.stop(reason)
    await running?.ended
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
    const { folder, ...wanted } = file
    const init: FetchInit = {
      ...wanted,
      part: file.part,
      folder: join(file.to ?? downloads, ...(file.within ?? []).map(safeFileName)),
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
    }
    const fetch =
      folder === undefined
        ? new Fetch(init)
        : new FolderFetch({ ...init, folderFiles: folder.files, folderBytes: folder.sizeBytes })
    const ended = this.#run(file, fetch)
    this.#running.set(file.number, {
      peer: file.peer,
      fetch,
      ended,
      toldAtMs: steadyNow(),
      toldBytes: undefined,
      bytesPerSecond: undefined
    })
    this.#tell('started', file)
  }

  /** Those that have offered or share the same file, too: its own sender first. */
  #offerersOf({ peer, file }: ReceivedFile): readonly string[] {
    const { book, isBlocked, sharers } = this.#init
    const offers = book.received.filter((one) => one.file === file && one.state !== 'declined')
    return [...new Set([peer, ...offers.map((one) => one.peer), ...sharers(file)])].filter(
      (one) => one === peer || !isBlocked(one)
    )
  }

  async #run(file: ReceivedFile, fetch: Fetch | FolderFetch): Promise<void> {
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
      if ('why' in outcome) this.#tell('failed', after)
      else this.#tellDone(after, fetch)
    }
    this.#fetchNext()
  }

  #progress(number: number): void {
    const running = this.#running.get(number)
    const file = this.#init.book.received.find((one) => one.number === number)
    if (running === undefined || file === undefined) return
    running.toldBytes ??= running.fetch.doneBytes
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

  #tellDone(file: ReceivedFile, fetch: Fetch | FolderFetch): void {
    const servedBy = fetch instanceof Fetch ? [...fetch.servedBy].map((peer) => this.#init.label(peer)) : []
    this.#init.tell({ what: 'done', transfer: this.#receivedView(file), ...(servedBy.length > 1 ? { servedBy } : {}) })
  }

  #tellSent(sent: SentFile): void {
    const transfer = this.#sentView(sent)
    const what = transfer.state === 'done' ? 'done' : transfer.why === undefined ? 'progress' : 'failed'
    this.#init.tell({ what, transfer })
  }

  #receivedView(received: ReceivedFile): TransferView {
    const { number, peer, file, name, state, path, why, folder } = received
    const sizeBytes = folder?.sizeBytes ?? received.sizeBytes
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
      ...(folder === undefined ? {} : { files: folder.files }),
      ...(running?.fetch instanceof FolderFetch ? { doneFiles: running.fetch.doneFiles } : {}),
      ...(rate === undefined ? {} : { bytesPerSecond: rate }),
      ...(place === undefined ? {} : { place }),
      ...(path === undefined ? {} : { path }),
      ...(reason === undefined ? {} : { why: reason })
    }
  }

  #sentView(sent: SentFile): TransferView {
    const { number, peer, file, name, path, folder, why } = sent
    const sizeBytes = totalBytes(sent)
    const doneBytes = Math.min(sizeBytes, this.#own.sentBytes(sent))
    const isDone = doneBytes === sizeBytes && sizeBytes > 0
    return {
      number,
      direction: 'out',
      peer,
      label: this.#init.label(peer),
      file,
      name,
      sizeBytes,
      state: isDone ? 'done' : doneBytes > 0 ? 'running' : 'offered',
      doneBytes,
      path,
      ...(folder === undefined ? {} : { files: folder.files }),
      ...(why === undefined ? {} : { why })
    }
  }
}
