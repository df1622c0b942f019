// Who has which name here: contacts under the names that the user knows, and
// oneself. It says whose name somebody else uses, and words the warning. Pure.
import { TokenBucket } from '../wire/index.ts'
import type { Contact } from '../storage/index.ts'
import type { NameOwner, Notice, RosterRow } from './chat-events.ts'
import { MAX_TOLD_NAMESAKES, NAMESAKE_NOTICE_RATE } from './constants.ts'
import { shortId } from './short-id.ts'

export interface KnownNamesInit {
  readonly contacts: readonly Contact[]
  /** Absent for whoever only looks on: it has no name on the network. */
  readonly self?: { readonly peer: string; readonly nickname: string }
}

export class KnownNames {
  readonly #contacts: ReadonlyMap<string, Contact>
  readonly #owners = new Map<string, Contact>()
  readonly #self: KnownNamesInit['self']

  constructor({ contacts, self }: KnownNamesInit) {
    this.#contacts = new Map(contacts.map((contact) => [contact.peer, contact]))
    this.#self = self
    // Of several contacts with one name the verified one is its owner, else the one that had it first.
    for (const contact of contacts.toSorted(weakerFirst)) {
      this.#owners.set(folded(contact.name), contact)
    }
  }

  contact(peer: string): Contact | undefined {
    return this.#contacts.get(peer)
  }

  /** Whose name it is that this peer uses: a contact's with another key, or one's own. */
  ownerOf(peer: string, nickname: string): NameOwner | undefined {
    const name = folded(nickname)
    if (name === '') return undefined
    const owner = this.#owners.get(name)
    if (owner !== undefined && owner.peer !== peer && !this.#hasEarnedIt(peer, name)) {
      return {
        peer: owner.peer,
        name: owner.name,
        shortId: shortId(owner.peer),
        verified: isVerified(owner),
        own: false
      }
    }
    const self = this.#self
    if (self === undefined || self.peer === peer || folded(self.nickname) !== name) return undefined
    return { peer: self.peer, name: self.nickname, shortId: shortId(self.peer), verified: true, own: true }
  }

  /** Two people may have one name. Whoever is a verified contact under it is not taken for somebody else. */
  #hasEarnedIt(peer: string, name: string): boolean {
    const contact = this.#contacts.get(peer)
    return contact !== undefined && isVerified(contact) && folded(contact.name) === name
  }
}

/** Tells of each namesake of a contact once, at a pace that nobody who makes up keys can raise. */
export class NamesakeWatch {
  readonly #told = new Set<string>()
  readonly #pace: TokenBucket

  constructor(nowMs: number) {
    this.#pace = new TokenBucket(NAMESAKE_NOTICE_RATE, nowMs)
  }

  /** @returns what is to be told loudly of those who have come or changed */
  look(rows: readonly RosterRow[], nowMs: number): readonly Notice[] {
    return rows.flatMap((row): Notice[] => {
      const owner = row.sameNameAs
      if (owner === undefined || owner.own || row.blocked) return []
      // A contact of the same name was chosen in spite of the mark.
      if (row.contact && !owner.verified) return []
      const key = `${row.peer} ${owner.peer}`
      if (this.#told.has(key) || this.#pace.take(1, nowMs) === 0) return []
      this.#told.add(key)
      for (const oldest of this.#told) {
        if (this.#told.size <= MAX_TOLD_NAMESAKES) break
        this.#told.delete(oldest)
      }
      const { peer, verified } = owner
      return [{ code: 'key-changed', text: namesakeText(row, owner), by: 'name', peer: row.peer, was: peer, verified }]
    })
  }
}

function namesakeText(row: RosterRow, owner: NameOwner): string {
  const key = `${owner.shortId}${owner.verified ? ', verified' : ''}`
  return (
    `${owner.name} is a contact of yours with the key ${key}. Somebody else now goes by the name ${row.nickname}: ` +
    `key ${row.shortId}. It may be a new installation of ${owner.name}, or somebody who wants to be taken for ` +
    `${owner.name}: ask by another way before you trust it.`
  )
}

function weakerFirst(a: Contact, b: Contact): number {
  return Number(isVerified(a)) - Number(isVerified(b)) || b.sinceMs - a.sinceMs
}

function isVerified(contact: Contact): boolean {
  return contact.verified !== undefined
}

/** What looks the same to a person is the same name: case, composition, what nobody sees, and letters that look alike. */
function folded(name: string): string {
  const seen = name.normalize('NFKC').replace(unseen, '').replace(/\s+/gu, ' ').trim()
  return Array.from(seen, (letter) => latinLookalikes.get(letter) ?? letter)
    .join('')
    .toLowerCase()
}

/** Format characters, fillers and joiners: a screen shows nothing of them. */
const unseen = /[\p{Cf}\p{Default_Ignorable_Code_Point}]/gu

/** Letters of the Cyrillic and the Greek script that in most fonts are those of the Latin one. */
const latinLookalikes: ReadonlyMap<string, string> = new Map(
  [
    ['аеорсухіјѕԁһӏԛԝ', 'aeopcyxijsdhlqw'],
    ['АВЕКМНОРСТУХІЈЅԚԜ', 'ABEKMHOPCTYXIJSQW'],
    ['αινορυ', 'aivopu'],
    ['ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ', 'ABEZHIKMNOPTYX']
  ].flatMap(([theirs = '', ours = '']) => Array.from(theirs, (letter, index) => [letter, ours.charAt(index)] as const))
)
