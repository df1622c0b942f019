// Whose name is whose. KnownNames holds the names of contacts and of the user, and
// says whose name another peer uses or imitates; NamesAround holds the names of all
// visible peers, and marks those that a reader may confuse; NamesakeWatch words the
// warnings. What looks alike is decided in src/lib. Pure.
import {
  lookOf,
  looksAlike,
  LruMap,
  LruSet,
  nameShape,
  SHORT_ID_CHARS,
  shortId,
  TokenBucket,
  type NameShape
} from '../../lib/index.ts'
import { MAX_NICKNAME_CHARS } from '../../presence/index.ts'
import type { Contact } from '../../storage/index.ts'
import type { NameOwner, RosterRow } from '../api/chat-events.ts'
import type { Notice } from '../api/notices.ts'
import { UsageError } from '../api/errors.ts'
import { readGivenName } from '../config/given-name.ts'

/** Warnings about namesakes of contacts come at this pace; beyond it, namesakes are still marked on the roster. */
export const NAMESAKE_NOTICE_RATE = { burst: 5, perSecond: 0.1 } as const

/** A name is compared with so many others of its key: a crowd under one name costs no more, and marks each other. */
export const MAX_NAMESAKES_LOOKED_AT = 32

/** Names whose shape is remembered: a full roster (10,000) and its contacts, about 4 MB. */
export const MAX_REMEMBERED_SHAPES = 16_384

/** Namesakes remembered as reported; beyond it the oldest may be reported once more. */
export const MAX_REPORTED_NAMESAKES = 1_000

export interface KnownNamesInit {
  readonly contacts: readonly Contact[]
  /** Absent for a node that only looks: it has no name on the network. */
  readonly self?: { readonly peer: string; readonly nickname: string }
  /** Shapes of earlier names: the same names come back with each change of the roster. */
  readonly shapes?: NameShapes
}

/** Remembers the shapes of names, so that a roster of ten thousand is not computed anew at each change. */
export class NameShapes {
  readonly #known = new LruMap<string, NameShape>(MAX_REMEMBERED_SHAPES)

  of(name: string): NameShape {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const shape = nameShape(name)
    this.#known.set(name, shape)
    return shape
  }
}

export class KnownNames {
  readonly #contacts: ReadonlyMap<string, Contact>
  /** By the keys of their names, the strongest first. */
  readonly #owners: ReadonlyMap<string, readonly { readonly contact: Contact; readonly name: string }[]>
  /** By the look of their short IDs. */
  readonly #shortIds: ReadonlyMap<string, Contact>
  readonly #shortIdLengths: ReadonlySet<number>
  readonly #self: KnownNamesInit['self']
  readonly #shapes: NameShapes

  constructor({ contacts, self, shapes = new NameShapes() }: KnownNamesInit) {
    this.#contacts = new Map(contacts.map((contact) => [contact.peer, contact]))
    const whole = contacts.filter(({ peer }) => shortId(peer).length === SHORT_ID_CHARS)
    this.#shortIds = new Map(whole.map((contact) => [lookOf(shortId(contact.peer)), contact]))
    this.#shortIdLengths = new Set(Array.from(this.#shortIds.keys(), ({ length }) => length))
    this.#self = self
    this.#shapes = shapes
    // If several contacts have one name, its owner is the verified one, else the first.
    this.#owners = Map.groupBy(
      contacts
        .toSorted(strongerFirst)
        .flatMap((contact) => namesOf(contact).map((name) => ({ contact, name })))
        .flatMap((owned) => shapes.of(owned.name).keys.map((key) => ({ ...owned, key }))),
      ({ key }) => key
    )
  }

  contact(peer: string): Contact | undefined {
    return this.#contacts.get(peer)
  }

  /** The owner of the name that this peer uses or imitates: a contact with another key, or the user. */
  ownerOf(peer: string, nickname: string): NameOwner | undefined {
    const name = this.#shapes.of(nickname)
    if (name.keys.length === 0) return undefined
    const owner = this.#nameBearer(name) ?? this.#idBearer(nickname)
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

  #nameBearer(name: NameShape): Contact | undefined {
    const owners = name.keys.flatMap(
      (key) => this.#owners.get(key)?.find((one) => looksAlike(this.#shapes.of(one.name), name)) ?? []
    )
    return owners.map(({ contact }) => contact).toSorted(strongerFirst)[0]
  }

  /**
   * The contact whose short ID seems to stand in the name, also with letters of another script: lines name contacts by
   * it, and no other peer may look like that.
   */
  #idBearer(nickname: string): Contact | undefined {
    if (nickname.length < SHORT_ID_CHARS) return undefined
    const look = lookOf(nickname)
    for (const length of this.#shortIdLengths) {
      for (let at = 0; at + length <= look.length; at++) {
        const contact = this.#shortIds.get(look.slice(at, at + length))
        if (contact !== undefined) return contact
      }
    }
    return undefined
  }

  /** Two people may have one name: a verified contact is not taken for another peer of its name. */
  #hasEarnedIt(peer: string, name: NameShape): boolean {
    const contact = this.#contacts.get(peer)
    if (contact === undefined || !isVerified(contact)) return false
    return namesOf(contact).some((one) => looksAlike(this.#shapes.of(one), name))
  }
}

export class NamesAround {
  readonly #shapes: NameShapes
  /** The peers with each name key. */
  readonly #bearers = new Map<string, Set<string>>()
  readonly #names = new Map<string, string>()

  constructor(shapes: NameShapes) {
    this.#shapes = shapes
  }

  /**
   * The peer is visible under this name, or has changed to it.
   *
   * @returns other peers whose mark may change with it
   */
  set(peer: string, name: string): readonly string[] {
    if (this.#names.get(peer) === name) return []
    const before = this.delete(peer)
    const { keys } = this.#shapes.of(name)
    if (keys.length === 0) return before
    this.#names.set(peer, name)
    const others = keys.flatMap((key) => {
      const bearers = this.#bearers.get(key) ?? new Set()
      this.#bearers.set(key, bearers.add(peer))
      return this.#onlyOther(bearers, peer)
    })
    return [...before, ...new Set(others)]
  }

  /** @returns other peers whose mark may change with it */
  delete(peer: string): readonly string[] {
    const name = this.#names.get(peer)
    if (name === undefined) return []
    this.#names.delete(peer)
    const others = this.#shapes.of(name).keys.flatMap((key) => {
      const bearers = this.#bearers.get(key) ?? new Set()
      bearers.delete(peer)
      if (bearers.size === 0) this.#bearers.delete(key)
      return this.#onlyOther(bearers, peer)
    })
    return [...new Set(others)]
  }

  /** Another peer whose name looks like this one. */
  namesakeOf(peer: string, name: string): string | undefined {
    const shape: NameShape = this.#shapes.of(name)
    for (const key of shape.keys) {
      let looked = 0
      for (const other of this.#bearers.get(key) ?? []) {
        if (looked++ >= MAX_NAMESAKES_LOOKED_AT) break
        if (other !== peer && looksAlike(shape, this.#shapes.of(this.#names.get(other) ?? ''))) return other
      }
    }
    return undefined
  }

  /** The other of two peers. Among more, every peer is marked already, and stays so. */
  #onlyOther(bearers: ReadonlySet<string>, peer: string): readonly string[] {
    const others = [...bearers].slice(0, 2).filter((one) => one !== peer)
    return bearers.size <= 2 ? others : []
  }
}

/** Reports each namesake of a contact once, at a pace that made-up keys can't raise. */
export class NamesakeWatch {
  readonly #reported = new LruSet<string>(MAX_REPORTED_NAMESAKES)
  readonly #pace: TokenBucket

  constructor(nowMs: number) {
    this.#pace = new TokenBucket(NAMESAKE_NOTICE_RATE, nowMs)
  }

  /** @returns the warnings about rows that are new or have changed */
  look(rows: readonly RosterRow[], nowMs: number): readonly Notice[] {
    return rows.flatMap((row): Notice[] => {
      const owner = row.sameNameAs
      if (owner === undefined || owner.own || row.blocked) return []
      // The user chose this contact in spite of the mark.
      if (row.contact && !owner.verified) return []
      const key = `${row.peer} ${owner.peer}`
      if (this.#reported.has(key) || this.#pace.take(1, nowMs) === 0) return []
      this.#reported.add(key)
      const { peer, verified } = owner
      return [{ code: 'key-changed', text: namesakeText(row, owner), by: 'name', peer: row.peer, was: peer, verified }]
    })
  }
}

/**
 * Validates the name that the user gives a contact: it must not read as another contact's, nor as the user's own.
 *
 * @param text empty for none: the contact goes by its own name again
 * @returns the name to keep; undefined for none
 * @throws UsageError when the peer is no contact, or the name can't be used
 */
export function readContactName(
  text: string,
  peer: string,
  { contacts, self }: Pick<KnownNamesInit, 'contacts' | 'self'>
): string | undefined {
  if (!contacts.some((contact) => contact.peer === peer)) {
    throw new UsageError(
      `${shortId(peer)} is not a contact, and only contacts have names of your own: accept the peer first`
    )
  }
  if (text.trim() === '') return undefined
  const name = readGivenName(text)
  const chars = Array.from(name).length
  if (chars > MAX_NICKNAME_CHARS) {
    throw new UsageError(`the name has ${chars} characters; ${MAX_NICKNAME_CHARS} are allowed: shorten it`)
  }
  // What another contact calls itself is not what it is called here.
  const others = contacts.flatMap(({ claimedName: _, ...contact }): readonly Contact[] =>
    contact.peer === peer ? [] : [contact]
  )
  const owner = new KnownNames({ contacts: others, ...(self === undefined ? {} : { self }) }).ownerOf(peer, name)
  if (owner === undefined) return name
  const whose = owner.own ? 'you have' : `your contact ${owner.name} (${owner.shortId}) has`
  throw new UsageError(`${whose} that name or ID, or one that looks like it: choose another`)
}

function namesakeText(row: RosterRow, owner: NameOwner): string {
  const whose = `your ${owner.verified ? 'verified ' : ''}contact ${owner.name} (${owner.shortId})`
  return (
    `${row.nickname} (${row.shortId}) is not ${whose}: it has another key. It may be a new installation of ` +
    `${owner.name}, or someone who wants to be taken for ${owner.name}: ask another way before you trust it.`
  )
}

/** The name that the user gave, and the one that the contact claimed before. */
function namesOf({ name, claimedName }: Contact): readonly string[] {
  return claimedName === undefined ? [name] : [name, claimedName]
}

function strongerFirst(a: Contact, b: Contact): number {
  return Number(isVerified(b)) - Number(isVerified(a)) || a.sinceMs - b.sinceMs
}

function isVerified(contact: Contact): boolean {
  return contact.verified !== undefined
}
