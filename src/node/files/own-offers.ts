// The sender's side of files: reads and hashes what a person names, remembers to whom it was offered, and opens it for the
// peer that fetches it. What it is called in a message, and how it is listed, is decided by `Files`.
import { stat } from 'node:fs/promises'
import { basename, isAbsolute } from 'node:path'
import {
  bytesAsFile,
  FileOpener,
  folderSums,
  hashFile,
  ManifestError,
  NotSendableError,
  readFolder,
  type FilesOnOffer,
  type FileState
} from '../../files/index.ts'
import { MAX_OFFERED_NAME_BYTES, type OfferedFile } from '../../chat-protocol/index.ts'
import { steadyNow } from '../../wire/index.ts'
import { fileFault, quote, UsageError } from '../api/errors.ts'
import { sizeText } from '../config/setting-values.ts'
import type { FileBook, SentFile } from './file-book.ts'
import { MAX_OFFERED_FOLDER_FILES, type SentFolders } from './sent-folders.ts'

/** How often the book learns how much was sent: a crash costs so much of the count. */
const NOTE_EVERY_MS = 10_000

/** What was left out of a folder is named up to here. */
const MAX_NAMED_LEFT_OUT = 3

export interface OwnOffersInit {
  readonly book: FileBook
  readonly folders: SentFolders
  readonly isBlocked: (peer: string) => boolean
  /** How much of one was sent has changed, or what it is now. */
  readonly onChange: (sent: SentFile) => void
}

/** What a person has named, read once. */
export type ReadOffer = Omit<SentFile, 'number' | 'peer'>

export class OwnOffers {
  readonly #init: OwnOffersInit
  /** Bytes that were sent, by the number in the book; the book follows. */
  readonly #sentBytes = new Map<number, { bytes: number; notedAtMs: number }>()
  readonly #opener = new FileOpener()

  constructor(init: OwnOffersInit) {
    this.#init = init
  }

  readonly onOffer: FilesOnOffer = {
    open: async (peer, file) => {
      const { book, folders } = this.#init
      if (!this.#isOffered(peer, file)) return undefined
      const sent = book.sentTo(peer, file)
      const inside = sent === undefined ? this.#inFolder(peer, file) : undefined
      const folder = sent?.folder === undefined ? undefined : folders.get(file)
      const isOffered = (): boolean => this.#isOffered(peer, file)
      if (folder !== undefined) return { ...bytesAsFile(folder.manifest, folder.layer), isOffered }
      const state = inside?.state ?? sent
      const owner = inside?.sent ?? sent
      if (state === undefined || owner === undefined || sent?.folder !== undefined) return 'changed'
      try {
        return { ...(await this.#opener.open(state, file)), isOffered }
      } catch {
        return this.#changed(owner, state)
      }
    }
  }

  /** @throws UsageError for what can't be sent */
  async read(paths: readonly string[]): Promise<readonly ReadOffer[]> {
    const read: ReadOffer[] = []
    for (const path of paths) read.push(await this.#readOne(path))
    return read
  }

  /** Bytes of a file went out to a peer. */
  sent(peer: string, file: string, bytes: number): void {
    const sent = this.#init.book.sentTo(peer, file) ?? this.#inFolder(peer, file)?.sent
    // The list of a folder is no part of it.
    if (sent === undefined || (sent.folder !== undefined && sent.file === file)) return
    const before = this.#sentBytes.get(sent.number) ?? { bytes: sent.sentBytes ?? 0, notedAtMs: steadyNow() }
    const total = totalBytes(sent)
    const after = Math.min(total, before.bytes + bytes)
    const isDue = steadyNow() - before.notedAtMs >= NOTE_EVERY_MS || (after === total && before.bytes < total)
    this.#sentBytes.set(sent.number, { bytes: after, notedAtMs: isDue ? steadyNow() : before.notedAtMs })
    if (!isDue) return
    // What the disk refuses is only a count, and is told at the next change of the book.
    void this.#init.book.changeSent(sent.number, { sentBytes: after }).catch(() => undefined)
    this.#init.onChange(sent)
  }

  sentBytes({ number, sentBytes }: SentFile): number {
    return this.#sentBytes.get(number)?.bytes ?? sentBytes ?? 0
  }

  /** Notes what was sent, before the node ends. */
  async stop(): Promise<void> {
    const { book } = this.#init
    for (const [number, { bytes }] of this.#sentBytes) {
      const sent = book.sent.find((one) => one.number === number)
      if (sent !== undefined && sent.sentBytes !== bytes) await book.changeSent(number, { sentBytes: bytes })
    }
  }

  /** Those that nobody may fetch any more are forgotten, and the oldest where there are too many. */
  async tidy(): Promise<void> {
    const { book, folders } = this.#init
    const keep = async (): Promise<void> =>
      folders.keep(new Set(book.sent.flatMap(({ file, folder }) => (folder === undefined ? [] : [file]))))
    await keep()
    for (const { number, folder } of book.sent.slice(0, -1)) {
      if (folders.fileCount <= MAX_OFFERED_FOLDER_FILES) return
      if (folder === undefined) continue
      await book.removeSent([number])
      await keep()
    }
  }

  async #readOne(path: string): Promise<ReadOffer> {
    if (!isAbsolute(path)) throw new UsageError(`${quote(path)} is not an absolute path: write it in full`)
    const name = basename(path) || 'files'
    const nameBytes = Buffer.byteLength(name)
    if (nameBytes > MAX_OFFERED_NAME_BYTES) {
      throw new UsageError(
        `the name of ${quote(path)} has ${nameBytes} bytes, and at most ${MAX_OFFERED_NAME_BYTES} can be sent: rename it`
      )
    }
    try {
      if ((await stat(path)).isDirectory()) return await this.#readFolder(path, name)
      const { layer, ...hashed } = await hashFile(path)
      this.#opener.keep(hashed.file, layer)
      return { ...hashed, name }
    } catch (error) {
      if (error instanceof NotSendableError) throw new UsageError(error.message)
      throw new UsageError(`${quote(path)} can't be sent: ${fileFault(error)}`)
    }
  }

  async #readFolder(path: string, name: string): Promise<ReadOffer> {
    const read = await readFolder(path)
    const sums = folderSums(read.entries)
    if (sums.files === 0) throw new ManifestError('there is no file in it')
    const list = await this.#init.folders.add(read)
    const { leftOut } = read
    const more = leftOut.length > MAX_NAMED_LEFT_OUT ? `, and ${leftOut.length - MAX_NAMED_LEFT_OUT} more` : ''
    const named = leftOut.slice(0, MAX_NAMED_LEFT_OUT).join(', ')
    return {
      ...list,
      name,
      path,
      changedAtNs: '0',
      folder: sums,
      ...(leftOut.length === 0 ? {} : { why: `left out, as they are links or no files: ${named}${more}` })
    }
  }

  #isOffered(peer: string, file: string): boolean {
    const { book, isBlocked } = this.#init
    return !isBlocked(peer) && (book.sentTo(peer, file) !== undefined || this.#inFolder(peer, file) !== undefined)
  }

  /** A file of a folder that was offered to the peer. */
  #inFolder(peer: string, file: string): { readonly sent: SentFile; readonly state: FileState } | undefined {
    // The last first: one that was offered again is fetched from that offer.
    for (const sent of this.#init.book.sent.toReversed()) {
      if (sent.peer !== peer || sent.folder === undefined) continue
      const state = this.#init.folders.get(sent.file)?.files.get(file)
      if (state !== undefined) return { sent, state }
    }
    return undefined
  }

  /** The peer is refused, and the own side says why. */
  async #changed(sent: SentFile, { path }: FileState): Promise<'changed'> {
    const why = `${sent.folder === undefined ? 'it' : path} was changed or removed since: offer it again`
    if (sent.why !== why) {
      const changed = await this.#init.book.changeSent(sent.number, { why }).catch(() => undefined)
      if (changed !== undefined) this.#init.onChange(changed)
    }
    return 'changed'
  }
}

/** What a receiver gets of it. */
export function totalBytes({ sizeBytes, folder }: SentFile | ReadOffer): number {
  return folder?.sizeBytes ?? sizeBytes
}

/** As it stands in the message. */
export function offeredFile({ file, name, sizeBytes, folder }: ReadOffer): OfferedFile {
  return { file, name, sizeBytes, ...(folder === undefined ? {} : { folder }) }
}

/** For peers that know no offers, and for the history. */
export function offerText(files: readonly OfferedFile[], text: string): string {
  const list = files.map(({ name, sizeBytes, folder }) =>
    folder === undefined
      ? `${name} (${sizeText(sizeBytes)})`
      : `${name}/ (${folder.files} ${folder.files === 1 ? 'file' : 'files'}, ${sizeText(folder.sizeBytes)})`
  )
  const [only] = files
  const what = files.length > 1 ? 'Files' : only?.folder === undefined ? 'File' : 'Folder'
  const named = `${what}: ${list.join(', ')}`
  return text.trim() === '' ? named : `${text}\n${named}`
}
