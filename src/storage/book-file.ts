// The file of a peer book: what it holds, and how it is read. It knows no disk, and nothing of when it is written.

/** A peer that the user has chosen or accepted. */
export interface Contact {
  readonly peer: string
  /** The name given by the user, else the peer's nickname when it was accepted. */
  readonly name: string
  /** That nickname, when the user has given a name. */
  readonly claimedName?: string
  readonly sinceMs: number
  /** Multiaddrs at which it was reached, newest first. */
  readonly addresses: readonly string[]
  /** Set once the user has compared safety numbers with the peer. */
  readonly verified?: { readonly sinceMs: number }
  /** Set when the two have met by the code of an invitation. */
  readonly metByCode?: { readonly sinceMs: number }
}

/** A blocked or ignored peer. */
export interface PeerBookEntry {
  readonly peer: string
  readonly name: string
}

/** Recognises the IDs of peers. */
export type IsPeer = (text: string) => boolean

export interface BookFile {
  port: number | undefined
  /** The nickname that the user chose last. */
  nickname: string | undefined
  /** Whether peers see that the user is typing, as the user chose last. */
  tellsTyping: boolean | undefined
  contacts: Record<string, Contact>
  blocked: Record<string, PeerBookEntry>
  ignored: Record<string, PeerBookEntry>
  /** The peer ID that answered first, by an address without a peer ID. */
  pins: Record<string, string>
  /** Addresses of used directories, newest first. */
  directories: string[]
  /** Where these are reached by WebSocket too, by their addresses. */
  webSockets: Record<string, string>
}

/** @throws TypeError */
export function checkPeer(id: string, isPeer: IsPeer): void {
  if (!isPeer(id)) throw new TypeError(`${id} is no peer ID`)
}

export function emptyBook(): BookFile {
  return {
    port: undefined,
    nickname: undefined,
    tellsTyping: undefined,
    contacts: Object.create(null),
    blocked: Object.create(null),
    ignored: Object.create(null),
    pins: Object.create(null),
    directories: [],
    webSockets: Object.create(null)
  }
}

/** @throws TypeError, or what JSON.parse throws: an entry that this program would not write makes the whole book damaged */
export function parseBook(text: string, isPeer: IsPeer): BookFile {
  const peer = (id: string): string => {
    checkPeer(id, isPeer)
    return id
  }
  const parts = fieldsOf('book', JSON.parse(text))
  const book = emptyBook()
  if (typeof parts['port'] === 'number') book.port = parts['port']
  if (typeof parts['nickname'] === 'string') book.nickname = parts['nickname']
  if (typeof parts['tellsTyping'] === 'boolean') book.tellsTyping = parts['tellsTyping']
  readTable(parts, 'contacts', book.contacts, (key, value) => readContact(peer(key), value))
  readTable(parts, 'blocked', book.blocked, (key, value) => readEntry(peer(key), value))
  readTable(parts, 'ignored', book.ignored, (key, value) => readEntry(peer(key), value))
  readTable(parts, 'pins', book.pins, (address, pinned) => peer(textOf(`pins, ${address}`, pinned)))
  const directories = parts['directories']
  if (directories !== undefined) {
    if (!Array.isArray(directories)) throw new TypeError('expected a list: directories')
    book.directories = directories.filter((entry) => typeof entry === 'string')
  }
  readTable(parts, 'webSockets', book.webSockets, (directory, value) => textOf(`webSockets, ${directory}`, value))
  return book
}

/** An entry that this program would not write makes the whole book damaged: half of a contact is no contact. */
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
  const { sinceMs, addresses, verified, metByCode, claimedName } = fieldsOf(key, value)
  const isList = Array.isArray(addresses) && addresses.every((address) => typeof address === 'string')
  if (!isList) throw new TypeError(`expected a list of text: ${key}, addresses`)
  const contact = {
    ...readEntry(key, value),
    ...(claimedName === undefined ? {} : { claimedName: textOf(`${key}, claimedName`, claimedName) }),
    sinceMs: numberOf(`${key}, sinceMs`, sinceMs),
    addresses,
    ...(metByCode === undefined
      ? {}
      : { metByCode: { sinceMs: numberOf(`${key}, metByCode`, fieldsOf(key, metByCode)['sinceMs']) } })
  }
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
