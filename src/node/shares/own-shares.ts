// The folders that this node shares: who may see which, and who may fetch what. What is in a folder is its open share's
// business; what others share, that of the remote shares.
import { realpath, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { basename, isAbsolute, sep } from 'node:path'
import { FileOpener, type FilesOnOffer, type OfferedFile } from '../../files/index.ts'
import { folded, normalForm } from '../../lib/index.ts'
import {
  byUnits,
  foundOf,
  isEntryName,
  MAX_HITS,
  MAX_SHARED_FILES,
  pageOf,
  type Found,
  type Hit,
  type Page,
  type SharedWith
} from '../../share/index.ts'
import { fileFault, quote, UsageError } from '../api/errors.ts'
import type { ShareOptions, SharesApi, ShareView } from '../api/share-views.ts'
import { HashMemory } from './hash-memory.ts'
import { OpenShare, type SharedFileEntry } from './open-share.ts'
import type { Share, ShareBook } from './share-book.ts'

/** How often a shared folder is looked at again: what a person puts into it is there within a coffee break. */
const LOOK_AGAIN_MS = 5 * 60_000

/** Shares of one profile. */
const MAX_SHARES = 100

/** How often faces hear of the progress of reading. */
const TELL_EVERY_MS = 1_000

export interface OwnSharesInit {
  readonly book: ShareBook
  /** Of the profile; empty for one that nothing keeps. */
  readonly folder: string
  /** Where Parley keeps its own files: never shared. */
  readonly ownFolders: readonly string[]
  readonly isBlocked: (peer: string) => boolean
  readonly isContact: (peer: string) => boolean
  /** There is a connection with the peer on the LAN now. */
  readonly isLan: (peer: string) => boolean
  /** What is shared, or how far it has been read, has changed. At most about once a second. */
  readonly tell: (views: () => readonly ShareView[]) => void
}

export class OwnShares implements Pick<SharesApi, 'add' | 'list' | 'remove'> {
  readonly #init: OwnSharesInit
  readonly #open = new Map<string, OpenShare>()
  readonly #opener = new FileOpener()
  #memory: HashMemory | undefined
  #timer: ReturnType<typeof setInterval> | undefined
  #telling: ReturnType<typeof setTimeout> | undefined
  /** Grows with each change, and is larger after a restart. */
  #snapshot = Date.now()
  /** One folder is read at a time. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(init: OwnSharesInit) {
    this.#init = init
  }

  /** What others see. Rights come first: a peer that has none gets the answer for a folder that does not exist. */
  readonly sharedWith: SharedWith = {
    list: (peer, path, after) => this.#list(peer, path, after),
    find: (peer, words) => this.#find(peer, words)
  }

  /** What others may fetch. */
  readonly onOffer: FilesOnOffer = {
    open: async (peer, file) => {
      for (const open of this.#visibleTo(peer)) {
        const entry = open.byId(file)
        if (entry === undefined) continue
        const opened = await this.#opened(open, entry, file)
        const { folder } = open.share
        return opened === 'changed' ? opened : { ...opened, isOffered: () => this.#isSharedWith(peer, folder) }
      }
      return undefined
    }
  }

  async start(): Promise<void> {
    this.#memory ??= await HashMemory.open(this.#init.folder)
    for (const share of this.#init.book.shares) this.#start(share)
    this.#timer ??= setInterval(() => {
      for (const open of this.#open.values()) void open.refresh()
    }, LOOK_AGAIN_MS).unref()
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    this.#timer = undefined
    clearTimeout(this.#telling)
    this.#telling = undefined
    const open = [...this.#open.values()]
    this.#open.clear()
    await Promise.all(open.map(async (one) => one.stop()))
    await this.#memory?.flush()
  }

  async add(folder: string, options: ShareOptions = {}): Promise<ShareView> {
    const { book, ownFolders } = this.#init
    const share = await readShare(folder, options, { shares: book.shares, ownFolders })
    await book.put(share)
    await this.#open.get(share.name)?.stop()
    this.#open.delete(share.name)
    if (this.#memory !== undefined) this.#start(share)
    this.#changed()
    return this.#view(share)
  }

  async list(): Promise<readonly ShareView[]> {
    return this.#views()
  }

  async remove(name: string): Promise<ShareView> {
    const { book } = this.#init
    const share = shareNamed(name, book.shares)
    const view = this.#view(share)
    const open = this.#open.get(share.name)
    // From now on nobody sees it.
    this.#open.delete(share.name)
    this.#changed()
    await book.remove(share.name)
    await open?.stop()
    return view
  }

  /** Looks at a share again now; resolves when all of it has been read. */
  async look(name: string): Promise<void> {
    await this.#open.get(name)?.refresh()
  }

  #start(share: Share): void {
    const memory = this.#memory
    if (memory === undefined || this.#open.has(share.name)) return
    const open = new OpenShare({
      share,
      memory,
      maxFiles: () => MAX_SHARED_FILES - [...this.#open.values()].reduce((sum, one) => sum + othersFiles(one, open), 0),
      inTurn: async (work) => this.#inTurn(work),
      onChange: () => this.#changed(),
      onProgress: () => this.#tell()
    })
    this.#open.set(share.name, open)
    void open.refresh()
  }

  async #inTurn(work: () => Promise<void>): Promise<void> {
    const turn = this.#turn.then(work)
    this.#turn = turn.catch(() => undefined)
    await turn
    // What is in none of them is remembered no longer; one on a disk that is not there now comes back.
    const open = [...this.#open.values()]
    if (open.some(({ files, progress }) => files === undefined || progress.why !== undefined)) return
    const paths = open.flatMap(({ files = [] }) => files.map(({ scanned }) => scanned.diskPath))
    await this.#memory?.keepOnly(new Set(paths))
  }

  #changed(): void {
    this.#snapshot++
    this.#tell()
  }

  /** The last state of a second is told at its end. */
  #tell(): void {
    this.#telling ??= setTimeout(() => {
      this.#telling = undefined
      this.#init.tell(() => this.#views())
    }, TELL_EVERY_MS).unref()
  }

  #views(): readonly ShareView[] {
    return this.#init.book.shares.map((share) => this.#view(share)).toSorted((a, b) => byUnits(a.name, b.name))
  }

  #visibleTo(peer: string): readonly OpenShare[] {
    if (this.#init.isBlocked(peer)) return []
    return [...this.#open.values()].filter(({ share }) => this.#maySee(peer, share))
  }

  /** By what a person has chosen last: a share that is read again, or stops with the node, is shared still. */
  #isSharedWith(peer: string, folder: string): boolean {
    const { book, isBlocked } = this.#init
    return !isBlocked(peer) && book.shares.some((share) => share.folder === folder && this.#maySee(peer, share))
  }

  #maySee(peer: string, { audience }: Share): boolean {
    const { isContact, isLan } = this.#init
    switch (audience.is) {
      case 'contacts':
        return isContact(peer)
      case 'lan':
        return isContact(peer) && isLan(peer)
      case 'peers':
        return audience.peers.includes(peer)
    }
  }

  #list(peer: string, path: string, after: string): Page | undefined {
    const visible = this.#visibleTo(peer)
    const [name = '', ...below] = path.split('/')
    if (name !== '') {
      const page = visible.find(({ share }) => share.name === name)?.index.page(below.join('/'), after)
      return page === undefined ? undefined : { ...page, snapshot: this.#snapshot }
    }
    const sizes = new Map(visible.map(({ share, index }) => [share.name, index.sizeBytes]))
    const page = pageOf([...sizes.keys()].toSorted(byUnits), after, (one) => ({
      is: 'folder',
      name: one,
      sizeBytes: sizes.get(one) ?? 0
    }))
    return { ...page, snapshot: this.#snapshot }
  }

  #find(peer: string, words: readonly string[]): Found {
    const wanted = words.map(folded)
    const hits: Hit[] = []
    for (const { share, index } of this.#visibleTo(peer)) {
      if (!share.isSearchable || hits.length > MAX_HITS) continue
      // One more than is sent says that there are more.
      for (const { path, sizeBytes, modifiedAtMs, file } of index.find(wanted, MAX_HITS + 1 - hits.length)) {
        if (file !== undefined) hits.push({ path: `${share.name}/${path}`, sizeBytes, modifiedAtMs, file })
      }
    }
    return foundOf(hits)
  }

  async #opened(open: OpenShare, { scanned }: SharedFileEntry, file: string): Promise<OfferedFile | 'changed'> {
    const { diskPath, sizeBytes, changedAtNs, inode } = scanned
    try {
      return await this.#opener.open({ path: diskPath, sizeBytes, changedAtNs, inode }, file)
    } catch {
      void open.refresh()
      return 'changed'
    }
  }

  #view(share: Share): ShareView {
    const open = this.#open.get(share.name)
    const { readFiles = 0, readBytes = 0, isBusy = false, why } = open?.progress ?? {}
    return {
      ...share,
      files: open?.index.fileCount ?? 0,
      sizeBytes: open?.index.sizeBytes ?? 0,
      readFiles,
      readBytes,
      isBusy,
      ...(why === undefined ? {} : { why })
    }
  }
}

/** @throws UsageError */
function shareNamed(name: string, shares: readonly Share[]): Share {
  const found = shares.find((share) => share.name === name) ?? shares.find((share) => share.folder === name)
  if (found === undefined) throw new UsageError(`nothing is shared as ${quote(name)}: parley share list shows what is`)
  return found
}

/**
 * @param known what is shared already, and Parley's own folders
 * @throws UsageError for a folder that can't be shared, or must not be
 */
async function readShare(
  given: string,
  { audience = { is: 'contacts' }, isSearchable = false, name }: ShareOptions,
  { shares, ownFolders }: { readonly shares: readonly Share[]; readonly ownFolders: readonly string[] }
): Promise<Share> {
  if (!isAbsolute(given)) throw new UsageError(`${quote(given)} is not an absolute path: write it in full`)
  const folder = await realFolder(given)
  const home = await realpath(homedir()).catch(() => homedir())
  if (isWithin(home, folder)) {
    throw new UsageError(`${quote(folder)} holds your whole home folder: share a folder inside of it`)
  }
  for (const one of await Promise.all(ownFolders.map(async (path) => realpath(path).catch(() => path)))) {
    if (isWithin(one, folder) || isWithin(folder, one)) {
      throw new UsageError(`${quote(folder)} holds the keys and messages of Parley: share another folder`)
    }
  }
  // The same folder again is the same share, under its name or a new one.
  const before = shares.find((share) => share.folder === folder)
  const called = normalForm(name ?? before?.name ?? basename(folder), 'NFC')
  if (!isEntryName(called))
    throw new UsageError(`${quote(called)} can't be the name of a share: give another with --as`)
  const other = shares.find((share) => share.name === called)
  if (other !== undefined && other.folder !== folder) {
    throw new UsageError(`${quote(other.folder)} is shared as ${quote(called)}: give another name with --as`)
  }
  if (shares.length >= MAX_SHARES && other === undefined) {
    throw new UsageError(`${MAX_SHARES} folders are shared, and no more can be: remove one`)
  }
  return { name: called, folder, audience, isSearchable }
}

async function realFolder(given: string): Promise<string> {
  try {
    const real = await realpath(given)
    if ((await stat(real)).isDirectory()) return real
  } catch (error) {
    throw new UsageError(`${quote(given)} can't be shared: ${fileFault(error)}`)
  }
  throw new UsageError(`${quote(given)} is not a folder: share the folder that it is in, or offer it to someone`)
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`)
}

function othersFiles(one: OpenShare, self: OpenShare): number {
  return one === self ? 0 : one.index.fileCount
}
