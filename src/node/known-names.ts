// Who has which name here: contacts under the names that the user knows, and the
// user. It says whose name another peer uses, or imitates, and words the warning.
// What looks alike is decided in src/lib. Pure.
import { looksAlike, nameShape, type NameShape } from '../lib/index.ts'
import { TokenBucket } from '../wire/index.ts'
import type { Contact } from '../storage/index.ts'
import type { NameOwner, Notice, RosterRow } from './chat-events.ts'
import { MAX_REMEMBERED_SHAPES, MAX_TOLD_NAMESAKES, NAMESAKE_NOTICE_RATE } from './constants.ts'
import { shortId } from './short-id.ts'

export interface KnownNamesInit {
  readonly contacts: readonly Contact[]
  /** Absent for whoever only looks on: it has no name on the network. */
  readonly self?: { readonly peer: string; readonly nickname: string }
  /** The shapes of names that were looked at before; a roster is looked at again with each change. */
  readonly shapes?: NameShapes
}

/** Names with their shapes, so that a roster of ten thousand is not worked out anew at each change. */
export class NameShapes {
  #known = new Map<string, NameShape>()

  of(name: string): NameShape {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    // Made-up names empty it, which costs some microseconds a name and no memory.
    if (this.#known.size >= MAX_REMEMBERED_SHAPES) this.#known = new Map()
    const shape = nameShape(name)
    this.#known.set(name, shape)
    return shape
  }
}

export class KnownNames {
  readonly #contacts: ReadonlyMap<string, Contact>
  /** By the key of their names, the strongest first. */
  readonly #owners: ReadonlyMap<string, readonly Contact[]>
  readonly #self: KnownNamesInit['self']
  readonly #shapes: NameShapes

  constructor({ contacts, self, shapes = new NameShapes() }: KnownNamesInit) {
    this.#contacts = new Map(contacts.map((contact) => [contact.peer, contact]))
    this.#self = self
    this.#shapes = shapes
    // Of several contacts with one name the verified one is its owner, else the one that had it first.
    this.#owners = Map.groupBy(contacts.toSorted(strongerFirst), ({ name }) => shapes.of(name).key)
  }

  contact(peer: string): Contact | undefined {
    return this.#contacts.get(peer)
  }

  /** Whose name it is that this peer uses, or one that looks like it: a contact's with another key, or the user's. */
  ownerOf(peer: string, nickname: string): NameOwner | undefined {
    const name = this.#shapes.of(nickname)
    if (name.key === '') return undefined
    const owner = this.#owners.get(name.key)?.find((contact) => looksAlike(this.#shapes.of(contact.name), name))
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
    if (self === undefined || self.peer === peer || !looksAlike(this.#shapes.of(self.nickname), name)) return undefined
    return { peer: self.peer, name: self.nickname, shortId: shortId(self.peer), verified: true, own: true }
  }

  /** Two people may have one name. Whoever is a verified contact under it is not taken for somebody else. */
  #hasEarnedIt(peer: string, name: NameShape): boolean {
    const contact = this.#contacts.get(peer)
    return contact !== undefined && isVerified(contact) && looksAlike(this.#shapes.of(contact.name), name)
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
  const whose = `your ${owner.verified ? 'verified ' : ''}contact ${owner.name} (${owner.shortId})`
  return (
    `${row.nickname} (${row.shortId}) is not ${whose}: it has another key. It may be a new installation of ` +
    `${owner.name}, or someone who wants to be taken for ${owner.name}: ask another way before you trust it.`
  )
}

function strongerFirst(a: Contact, b: Contact): number {
  return Number(isVerified(b)) - Number(isVerified(a)) || a.sinceMs - b.sinceMs
}

function isVerified(contact: Contact): boolean {
  return contact.verified !== undefined
}
