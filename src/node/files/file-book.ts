// What a profile remembers of files, in one small file: those that were offered to it, and those that it has offered and
// to whom. It knows no bytes and no network.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { OWNER_ONLY, writeFileAtomically } from '../../storage/index.ts'

/** A file that another peer has offered. */
export interface ReceivedFile {
  readonly number: number
  readonly peer: string
  /** 64 hexadecimal digits. */
  readonly file: string
  readonly name: string
  readonly sizeBytes: number
  /** Folders below that of downloads in which it goes; none for one that was offered alone. */
  readonly within?: readonly string[]
  /** Of a folder, whose list the file is. */
  readonly folder?: OfferedFolder
  /** The message that offered it. */
  readonly message?: string
  /** `wanted`: it is fetched whenever its sender is there. */
  readonly state: 'offered' | 'wanted' | 'paused' | 'done' | 'declined'
  /** The folder that it goes to, where that is another than usual. */
  readonly to?: string
  /** What is on the disk of it already. */
  readonly part?: string
  /** Where it is. */
  readonly path?: string
  readonly why?: string
}

/** A file of this machine that a peer may fetch. */
export interface SentFile {
  readonly number: number
  readonly peer: string
  readonly file: string
  readonly name: string
  readonly sizeBytes: number
  /** Of a folder, where that is. */
  readonly path: string
  readonly changedAtNs: string
  readonly inode?: string
  readonly folder?: OfferedFolder
  /** How much of it has been sent, at least. */
  readonly sentBytes?: number
  /** Why it can't be fetched any more, or what was left out. */
  readonly why?: string
}

/** What is in a folder: files, and their bytes together. */
interface OfferedFolder {
  readonly files: number
  readonly sizeBytes: number
}

/** What was fetched without a question since a time. */
interface Automatic {
  readonly sinceMs: number
  readonly bytes: number
}

type BookedFile = ReceivedFile | SentFile

/**
 * Offers in each direction that are remembered. Of those that others made, the oldest of the peer with the most goes, so
 * that one that floods takes no other's place; those that are wanted stay.
 */
const MAX_REMEMBERED = 1_000

const fileBookName = 'files.json'

interface Book {
  next: number
  received: ReceivedFile[]
  sent: SentFile[]
  automatic?: Automatic
}

export class FileBook {
  readonly #file: string | undefined
  readonly #book: Book
  #writing: Promise<void> = Promise.resolve()
  /** The write that has not begun. */
  #next: Promise<void> | undefined

  private constructor(file: string | undefined, book: Book) {
    this.#file = file
    this.#book = book
  }

  /**
   * @param folder of the profile; empty for one that nothing keeps
   * @returns an empty book where there is none, or none that can be read: what is lost is offered again by a person
   */
  static async open(folder: string): Promise<FileBook> {
    const empty = { next: 1, received: [], sent: [] }
    if (folder === '') return new FileBook(undefined, empty)
    const file = join(folder, fileBookName)
    const text = await readFile(file, 'utf8').catch(() => undefined)
    return new FileBook(file, (text === undefined ? undefined : parsed(text)) ?? empty)
  }

  get received(): readonly ReceivedFile[] {
    return this.#book.received
  }

  get sent(): readonly SentFile[] {
    return this.#book.sent
  }

  get automatic(): Automatic {
    return this.#book.automatic ?? { sinceMs: 0, bytes: 0 }
  }

  async setAutomatic(automatic: Automatic): Promise<void> {
    this.#book.automatic = automatic
    await this.#write()
  }

  /** Whether the peer may fetch the file, and what it is. */
  sentTo(peer: string, file: string): SentFile | undefined {
    // The last: the file may have been changed, and offered again.
    return this.#book.sent.findLast((one) => one.peer === peer && one.file === file)
  }

  async addReceived(
    files: readonly Omit<ReceivedFile, 'number' | 'state'>[],
    state: 'offered' | 'wanted' = 'offered'
  ): Promise<readonly ReceivedFile[]> {
    const added = files.map((file): ReceivedFile => ({ ...file, number: this.#book.next++, state }))
    this.#book.received.push(...added)
    while (this.#book.received.length > MAX_REMEMBERED) this.#forgetOne()
    await this.#write()
    return added
  }

  async addSent(files: readonly Omit<SentFile, 'number'>[]): Promise<readonly SentFile[]> {
    const added = files.map((file): SentFile => ({ ...file, number: this.#book.next++ }))
    this.#book.sent.push(...added)
    this.#book.sent.splice(0, this.#book.sent.length - MAX_REMEMBERED)
    await this.#write()
    return added
  }

  /** @returns undefined when it is not in the book any more */
  async change(number: number, change: Partial<ReceivedFile>): Promise<ReceivedFile | undefined> {
    const at = this.#book.received.findIndex((one) => one.number === number)
    const before = this.#book.received[at]
    if (before === undefined) return undefined
    const after = { ...before, ...change }
    this.#book.received[at] = after
    await this.#write()
    return after
  }

  async changeSent(number: number, change: Partial<SentFile>): Promise<SentFile | undefined> {
    const at = this.#book.sent.findIndex((one) => one.number === number)
    const before = this.#book.sent[at]
    if (before === undefined) return undefined
    const after = { ...before, ...change }
    this.#book.sent[at] = after
    await this.#write()
    return after
  }

  async removeSent(numbers: readonly number[]): Promise<void> {
    this.#book.sent = this.#book.sent.filter(({ number }) => !numbers.includes(number))
    await this.#write()
  }

  #forgetOne(): void {
    const { received } = this.#book
    const counts = new Map<string, number>()
    for (const { peer, state } of received) {
      if (!isUnderWay(state)) counts.set(peer, (counts.get(peer) ?? 0) + 1)
    }
    const [largest] = [...counts].toSorted(([, one], [, other]) => other - one)
    const at = received.findIndex(({ peer, state }) => peer === largest?.[0] && !isUnderWay(state))
    received.splice(Math.max(0, at), 1)
  }

  /**
   * One after the other, so that the last state is the one that stays. What changes while a write is under way is written
   * by one more, however much it is: a peer that makes a thousand offers does not make a thousand writes.
   */
  async #write(): Promise<void> {
    this.#next ??= this.#writing.then(async () => {
      this.#next = undefined
      await this.#writeNow()
    })
    const written = this.#next
    // A failure is the callers'; the next write does not wait for what never comes.
    this.#writing = written.catch(() => undefined)
    await written
  }

  async #writeNow(): Promise<void> {
    if (this.#file === undefined) return
    await writeFileAtomically(this.#file, `${JSON.stringify(this.#book, undefined, 2)}\n`, OWNER_ONLY)
  }
}

function isUnderWay(state: ReceivedFile['state']): boolean {
  return state === 'wanted' || state === 'paused'
}

function parsed(text: string): Book | undefined {
  try {
    // This program wrote it; entries without their fields are left out.
    const { next, received, sent, automatic } = JSON.parse(text) as Partial<Book>
    if (typeof next !== 'number' || !Array.isArray(received) || !Array.isArray(sent)) return undefined
    const book = { next, received: received.filter(isBooked), sent: sent.filter(isBooked) }
    const isCounted = typeof automatic?.sinceMs === 'number' && typeof automatic.bytes === 'number'
    return isCounted ? { ...book, automatic } : book
  } catch {
    return undefined
  }
}

function isBooked(entry: Partial<BookedFile> | null): boolean {
  return (
    typeof entry?.number === 'number' &&
    typeof entry.peer === 'string' &&
    /^[0-9a-f]{64}$/u.test(entry.file ?? '') &&
    typeof entry.name === 'string' &&
    Number.isSafeInteger(entry.sizeBytes)
  )
}
