// What a profile remembers of other peers, in one small file: contacts, blocked and ignored peers, keys learned for
// addresses, directories used; and its own port, nickname and typing setting. It knows no messages.
import { readFile } from 'node:fs/promises'
import { writeFileAtomically } from './atomic-file.ts'
import { storageFailure } from './storage-failure.ts'
import { decodedText, hasErrorCode } from '../lib/index.ts'
import {
  type BookFile,
  checkPeer,
  type Contact,
  emptyBook,
  type IsPeer,
  parseBook,
  type PeerBookEntry
} from './book-file.ts'

/** All addresses of a contact are dialled at the same time; more would not help. */
const maxContactAddresses = 8
/** Each start tries the directories in turn; old ones are rarely still there. */
const maxDirectories = 16

/** The file exists and can't be parsed. Nothing is overwritten. */
export class PeerBookDamagedError extends Error {
  override readonly name = 'PeerBookDamagedError'
  readonly file: string

  constructor(file: string, cause: unknown) {
    const why = cause instanceof Error ? ` (${cause.message})` : ''
    super(`${file} can't be read as a peer book${why}: mend it, or move it away to start with an empty one`, { cause })
    this.file = file
  }
}

/** What it writes it can read: a change that names no peer is refused, and nothing is changed. */
export class PeerBook {
  readonly #file: string | undefined
  readonly #book: BookFile
  readonly #isPeer: IsPeer
  #writing: Promise<void> = Promise.resolve()
  #revision = 0
  #watcher: ((part: 'contacts' | 'blocked') => void) | undefined

  private constructor(file: string | undefined, book: BookFile, isPeer: IsPeer) {
    this.#file = file
    this.#book = book
    this.#isPeer = isPeer
  }

  /** A book without a file. */
  static inMemory(): PeerBook {
    return new PeerBook(undefined, emptyBook(), anyName)
  }

  /** A snapshot of what is known of other peers, without a file. */
  copyOfOthers(): PeerBook {
    const { contacts, blocked, pins, webSockets } = structuredClone(this.#book)
    const book = emptyBook()
    Object.assign(book.contacts, contacts)
    Object.assign(book.blocked, blocked)
    Object.assign(book.pins, pins)
    Object.assign(book.webSockets, webSockets)
    return new PeerBook(undefined, book, this.#isPeer)
  }

  /**
   * @param isPeer recognises the IDs of peers; without it, any name is one
   * @throws PeerBookDamagedError
   */
  static async open(file: string, isPeer: IsPeer = anyName): Promise<PeerBook> {
    let text: string
    try {
      text = decodedText(await readFile(file))
    } catch (error) {
      if (hasErrorCode(error, 'ENOENT')) return new PeerBook(file, emptyBook(), isPeer)
      throw error
    }
    try {
      return new PeerBook(file, parseBook(text, isPeer), isPeer)
    } catch (error) {
      throw new PeerBookDamagedError(file, error)
    }
  }

  /** Changes with each change, so that callers can cache what they derive from the contacts. */
  get revision(): number {
    return this.#revision
  }

  /** Reports from now on which list is not what it was. Where a contact was reached last is no such change. */
  watch(watcher: (part: 'contacts' | 'blocked') => void): void {
    this.#watcher = watcher
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

  get tellsTyping(): boolean | undefined {
    return this.#book.tellsTyping
  }

  async setTellsTyping(tellsTyping: boolean): Promise<void> {
    this.#book.tellsTyping = tellsTyping
    await this.#save()
  }

  contacts(): readonly Contact[] {
    return Object.values(this.#book.contacts)
  }

  contact(peer: string): Contact | undefined {
    return this.#book.contacts[peer]
  }

  /** Gives a contact a name, or removes the name. @returns whether the peer is a contact; if not, nothing changes */
  async rename(peer: string, given: string | undefined): Promise<boolean> {
    const contact = this.#book.contacts[peer]
    if (contact === undefined) return false
    const { claimedName = contact.name, ...rest } = contact
    this.#book.contacts[peer] =
      given === undefined ? { ...rest, name: claimedName } : { ...rest, name: given, claimedName }
    await this.#save('contacts')
    return true
  }

  /** Makes the peer a contact, no longer ignored or blocked; updates the name of one that is a contact. */
  async accept(peer: string, name: string, nowMs: number): Promise<void> {
    checkPeer(peer, this.#isPeer)
    const before = this.#book.contacts[peer]
    this.#book.contacts[peer] = { sinceMs: nowMs, addresses: [], ...before, peer, name }
    delete this.#book.blocked[peer]
    delete this.#book.ignored[peer]
    await this.#save('contacts', 'blocked')
  }

  /** Removes a contact with its addresses; a blocked or ignored peer stays so. */
  async remove(peer: string): Promise<void> {
    if (this.#book.contacts[peer] === undefined) return
    delete this.#book.contacts[peer]
    await this.#save('contacts')
  }

  /** The user has compared safety numbers: the peer becomes a verified contact. */
  async verify(peer: string, name: string, nowMs: number): Promise<void> {
    checkPeer(peer, this.#isPeer)
    const before = this.#book.contacts[peer]
    const contact = { sinceMs: nowMs, addresses: [], verified: { sinceMs: nowMs }, name, ...before, peer }
    this.#book.contacts[peer] = contact
    delete this.#book.blocked[peer]
    delete this.#book.ignored[peer]
    await this.#save('contacts', 'blocked')
  }

  /** The two have met by the code of an invitation: the peer becomes a contact, if it is none. */
  async meet(peer: string, name: string, nowMs: number): Promise<void> {
    checkPeer(peer, this.#isPeer)
    const before = this.#book.contacts[peer]
    this.#book.contacts[peer] = { sinceMs: nowMs, addresses: [], name, ...before, peer, metByCode: { sinceMs: nowMs } }
    delete this.#book.blocked[peer]
    delete this.#book.ignored[peer]
    await this.#save('contacts', 'blocked')
  }

  /** Removes the verification; the peer stays a contact. */
  async unverify(peer: string): Promise<void> {
    const contact = this.#book.contacts[peer]
    if (contact?.verified === undefined) return
    const { verified: _verified, ...rest } = contact
    this.#book.contacts[peer] = rest
    await this.#save('contacts')
  }

  /** Remembers where a contact was reached; other peers are skipped. */
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
    checkPeer(peer, this.#isPeer)
    this.#book.blocked[peer] = { peer, name }
    delete this.#book.contacts[peer]
    delete this.#book.ignored[peer]
    await this.#save('contacts', 'blocked')
  }

  async unblock(peer: string): Promise<void> {
    delete this.#book.blocked[peer]
    await this.#save('blocked')
  }

  isIgnored(peer: string): boolean {
    return this.#book.ignored[peer] !== undefined
  }

  async ignore(peer: string, name: string): Promise<void> {
    checkPeer(peer, this.#isPeer)
    this.#book.ignored[peer] = { peer, name }
    await this.#save()
  }

  /** The peer ID that answered first at this address. */
  pin(address: string): string | undefined {
    return this.#book.pins[address]
  }

  async setPin(address: string, peer: string): Promise<void> {
    if (this.#book.pins[address] === peer) return
    checkPeer(peer, this.#isPeer)
    this.#book.pins[address] = peer
    await this.#save()
  }

  directories(): readonly string[] {
    return this.#book.directories
  }

  /** Where the directory at this address is reached by WebSocket, by its last word. */
  webSocketOf(directory: string): string | undefined {
    return this.#book.webSockets[directory]
  }

  /** @param webSocket where it is reached by WebSocket too; undefined: it says nothing of that */
  async rememberDirectory(address: string, webSocket?: string): Promise<void> {
    const book = this.#book
    if (book.directories[0] === address && book.webSockets[address] === webSocket) return
    const others = book.directories.filter((known) => known !== address)
    book.directories = [address, ...others].slice(0, maxDirectories)
    if (webSocket === undefined) delete book.webSockets[address]
    else book.webSockets[address] = webSocket
    for (const known of Object.keys(book.webSockets)) {
      if (!book.directories.includes(known)) delete book.webSockets[known]
    }
    await this.#save()
  }

  /** Resolves when every change so far is on the disk. */
  async flush(): Promise<void> {
    await this.#writing
  }

  async #save(...changed: readonly ('contacts' | 'blocked')[]): Promise<void> {
    this.#revision++
    for (const part of changed) this.#watcher?.(part)
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

const anyName: IsPeer = () => true
