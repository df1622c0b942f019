// What a profile remembers of others, in one small file: contacts, blocked and
// ignored peers, keys learned for addresses, directories used, and the port it
// listens on. Messages are not its business.
import { readFile } from 'node:fs/promises'
import { writeFileAtomically } from './atomic-file.ts'
import { storageFailure } from './sqlite-failure.ts'

/** A peer that the user has chosen or accepted. */
export interface Contact {
  readonly peer: string
  /** The nickname it had when it was accepted, or was last renamed to by the user. */
  readonly name: string
  readonly sinceMs: number
  /** Multiaddrs at which it was reached, newest first. */
  readonly addresses: readonly string[]
  /** Set when the user has compared safety numbers with it, and since when that holds. */
  readonly verified?: { readonly sinceMs: number }
}

/** What was decided about a peer that is not a contact. */
export interface PeerBookEntry {
  readonly peer: string
  readonly name: string
}

interface BookFile {
  port: number | undefined
  /** The nickname that the user chose last. */
  nickname: string | undefined
  contacts: Record<string, Contact>
  blocked: Record<string, PeerBookEntry>
  ignored: Record<string, PeerBookEntry>
  /** From an address without a peer ID to the peer ID that answered there first. */
  pins: Record<string, string>
  /** Addresses of directories that were used, newest first. */
  directories: string[]
}

/** More addresses of one contact are of no use: they are tried one beside the other. */
const maxContactAddresses = 8
/** Directories are tried in turn at every start; a long tail would only be noise. */
const maxDirectories = 16

/** The file is there and can't be understood. Nothing is overwritten. */
export class PeerBookDamagedError extends Error {
  override readonly name = 'PeerBookDamagedError'
  readonly file: string

  constructor(file: string, cause: unknown) {
    super(`${file} can't be read as a peer book: mend it, or move it away to start with an empty one`, { cause })
    this.file = file
  }
}

export class PeerBook {
  readonly #file: string | undefined
  readonly #book: BookFile
  #writing: Promise<void> = Promise.resolve()

  private constructor(file: string | undefined, book: BookFile) {
    this.#file = file
    this.#book = book
  }

  /** A book that is kept in memory alone. */
  static inMemory(): PeerBook {
    return new PeerBook(undefined, emptyBook())
  }

  /** What is known of others, as it is now, in a book that is kept in memory alone. */
  copyOfOthers(): PeerBook {
    const { contacts, blocked, pins } = structuredClone(this.#book)
    const book = emptyBook()
    Object.assign(book.contacts, contacts)
    Object.assign(book.blocked, blocked)
    Object.assign(book.pins, pins)
    return new PeerBook(undefined, book)
  }

  /** @throws PeerBookDamagedError */
  static async open(file: string): Promise<PeerBook> {
    let text: string
    try {
      text = await readFile(file, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return new PeerBook(file, emptyBook())
      throw error
    }
    try {
      return new PeerBook(file, parseBook(text))
    } catch (error) {
      throw new PeerBookDamagedError(file, error)
    }
  }

  get port(): number | undefined {
    return this.#book.port
  }

  async setPort(port: number): Promise<void> {
    this.#book.port = port
    await this.#save()
  }

  get nickname(): string | undefined {
    return this.#book.nickname
  }

  async setNickname(nickname: string): Promise<void> {
    if (this.#book.nickname === nickname) return
    this.#book.nickname = nickname
    await this.#save()
  }

  contacts(): readonly Contact[] {
    return Object.values(this.#book.contacts)
  }

  contact(peer: string): Contact | undefined {
    return this.#book.contacts[peer]
  }

  /** Makes the peer a contact, or renames one; it is no longer ignored or blocked. */
  async accept(peer: string, name: string, nowMs: number): Promise<void> {
    const before = this.#book.contacts[peer]
    this.#book.contacts[peer] = { sinceMs: nowMs, addresses: [], ...before, peer, name }
    delete this.#book.blocked[peer]
    delete this.#book.ignored[peer]
    await this.#save()
  }

  /** The peer is no contact any more, and nothing is known of where it is; one that is blocked or ignored stays so. */
  async remove(peer: string): Promise<void> {
    if (this.#book.contacts[peer] === undefined) return
    delete this.#book.contacts[peer]
    await this.#save()
  }

  /** The user has compared safety numbers: the peer is a contact from now on, if it was none, and a verified one. */
  async verify(peer: string, name: string, nowMs: number): Promise<void> {
    const before = this.#book.contacts[peer]
    const contact = { sinceMs: nowMs, addresses: [], verified: { sinceMs: nowMs }, name, ...before, peer }
    this.#book.contacts[peer] = contact
    delete this.#book.blocked[peer]
    delete this.#book.ignored[peer]
    await this.#save()
  }

  /** Takes that back; the peer stays a contact. */
  async unverify(peer: string): Promise<void> {
    const contact = this.#book.contacts[peer]
    if (contact?.verified === undefined) return
    const { verified: _verified, ...rest } = contact
    this.#book.contacts[peer] = rest
    await this.#save()
  }

  /** Remembers where a contact was reached; for another peer it does nothing. */
  async rememberAddress(peer: string, address: string): Promise<void> {
    const contact = this.#book.contacts[peer]
    if (contact === undefined || contact.addresses[0] === address) return
    const others = contact.addresses.filter((known) => known !== address)
    this.#book.contacts[peer] = { ...contact, addresses: [address, ...others].slice(0, maxContactAddresses) }
    await this.#save()
  }

  blocked(): readonly PeerBookEntry[] {
    return Object.values(this.#book.blocked)
  }

  isBlocked(peer: string): boolean {
    return this.#book.blocked[peer] !== undefined
  }

  async block(peer: string, name: string): Promise<void> {
    this.#book.blocked[peer] = { peer, name }
    delete this.#book.contacts[peer]
    delete this.#book.ignored[peer]
    await this.#save()
  }

  async unblock(peer: string): Promise<void> {
    delete this.#book.blocked[peer]
    await this.#save()
  }

  isIgnored(peer: string): boolean {
    return this.#book.ignored[peer] !== undefined
  }

  async ignore(peer: string, name: string): Promise<void> {
    this.#book.ignored[peer] = { peer, name }
    await this.#save()
  }

  /** The peer ID that answered first at this address. */
  pin(address: string): string | undefined {
    return this.#book.pins[address]
  }

  async setPin(address: string, peer: string): Promise<void> {
    if (this.#book.pins[address] === peer) return
    this.#book.pins[address] = peer
    await this.#save()
  }

  directories(): readonly string[] {
    return this.#book.directories
  }

  async rememberDirectory(address: string): Promise<void> {
    if (this.#book.directories[0] === address) return
    const others = this.#book.directories.filter((known) => known !== address)
    this.#book.directories = [address, ...others].slice(0, maxDirectories)
    await this.#save()
  }

  /** Resolves when all that was changed so far is on the disk. */
  async flush(): Promise<void> {
    await this.#writing
  }

  async #save(): Promise<void> {
    const file = this.#file
    if (file === undefined) return
    const write = async (): Promise<void> => {
      try {
        await writeFileAtomically(file, `${JSON.stringify(this.#book, undefined, 2)}\n`, 0o600)
      } catch (error) {
        throw storageFailure(file, error)
      }
    }
    this.#writing = this.#writing.then(write, write)
    await this.#writing
  }
}

function emptyBook(): BookFile {
  return {
    port: undefined,
    nickname: undefined,
    contacts: Object.create(null),
    blocked: Object.create(null),
    ignored: Object.create(null),
    pins: Object.create(null),
    directories: []
  }
}

function parseBook(text: string): BookFile {
  const parts = fieldsOf('book', JSON.parse(text))
  const book = emptyBook()
  if (typeof parts['port'] === 'number') book.port = parts['port']
  if (typeof parts['nickname'] === 'string') book.nickname = parts['nickname']
  readTable(parts, 'contacts', book.contacts, readContact)
  readTable(parts, 'blocked', book.blocked, readEntry)
  readTable(parts, 'ignored', book.ignored, readEntry)
  readTable(parts, 'pins', book.pins, (address, peer) => textOf(`pins, ${address}`, peer))
  const directories = parts['directories']
  if (directories !== undefined) {
    if (!Array.isArray(directories)) throw new TypeError('expected a list: directories')
    book.directories = directories.filter((entry) => typeof entry === 'string')
  }
  return book
}

/** An entry that is not what this program writes damages the book: half of a contact is no contact. */
function readTable<T>(
  parts: Readonly<Record<string, unknown>>,
  name: string,
  table: Record<string, T>,
  read: (key: string, value: unknown) => T
): void {
  if (parts[name] === undefined) return
  for (const [key, value] of Object.entries(fieldsOf(name, parts[name]))) table[key] = read(key, value)
}

function readEntry(key: string, value: unknown): PeerBookEntry {
  const { peer, name } = fieldsOf(key, value)
  if (peer !== key) throw new TypeError(`${key} stands for another peer`)
  return { peer: key, name: textOf(`${key}, name`, name) }
}

function readContact(key: string, value: unknown): Contact {
  const { sinceMs, addresses, verified } = fieldsOf(key, value)
  const isList = Array.isArray(addresses) && addresses.every((address) => typeof address === 'string')
  if (!isList) throw new TypeError(`expected a list of text: ${key}, addresses`)
  const contact = { ...readEntry(key, value), sinceMs: numberOf(`${key}, sinceMs`, sinceMs), addresses }
  if (verified === undefined) return contact
  return { ...contact, verified: { sinceMs: numberOf(`${key}, verified`, fieldsOf(key, verified)['sinceMs']) } }
}

function fieldsOf(name: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new TypeError(`expected an object: ${name}`)
  return value as Readonly<Record<string, unknown>>
}

function textOf(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`expected text: ${name}`)
  return value
}

function numberOf(name: string, value: unknown): number {
  if (typeof value !== 'number') throw new TypeError(`expected a number: ${name}`)
  return value
}
