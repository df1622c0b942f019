// What one directory has stated in one epoch, as far as it is known here: its
// newest statement of each peer, with a digest of those that attach. Of two
// statements of a peer the one with the higher counter counts, so that neither
// order nor repetition makes a difference. Pure; does not know whether the
// directory lives, nor any roster.
import type { VerifiedRecord } from '../../../presence/index.ts'
import { compareRecords, encodePeerId } from '../../../presence/index.ts'
import type { Heartbeat, AttachmentStatement, VerifiedStatement } from '../../statement.ts'
import { createHash } from 'node:crypto'
import { DIGEST_BYTES } from '../../federation-frames.ts'

/** Digests of a moment ago that are remembered: so many statements may overtake a heartbeat. */
const MAX_PAST_DIGESTS = 64

/** What a statement takes in memory beside its envelopes: objects, keys, its place on the roster and the page, as measured. */
export const HELD_STATEMENT_BYTES = 2_816

/** A statement as it is held. */
export interface Held {
  readonly verified: VerifiedStatement
  /** Of an attached peer. */
  readonly record: VerifiedRecord | undefined
  readonly sinceMs: number
  /** Whether the roster has been told of it as an attachment. */
  shown: boolean
}

/** A statement to be held; attached ones come with their record. */
export interface Offered {
  readonly statement: VerifiedStatement
  readonly record: VerifiedRecord | undefined
  readonly sinceMs: number
}

/** What a statement takes of the memory that directories share. */
export function heldBytes({ statement, record }: Pick<Offered, 'statement' | 'record'>): number {
  return HELD_STATEMENT_BYTES + statement.envelope.byteLength + (record?.envelope.byteLength ?? 0)
}

export type Put = 'new' | 'known' | 'newer-record' | 'stale' | 'full'

export interface LogLimits {
  readonly maxAttachments: number
  readonly maxDetached: number
  readonly detachedMs: number
}

export class StatementLog {
  readonly epoch: bigint
  readonly digest = new AttachmentDigest()
  readonly #limits: LogLimits
  readonly #held = new Map<string, Held>()
  /** Until when the detached ones are kept, in that order. */
  readonly #detached = new Map<string, number>()
  #bytes = 0
  #highest = 0n
  /** What the digest was before each of the last statements that were the highest. */
  readonly #past: { readonly below: bigint; readonly digest: Uint8Array; readonly count: number }[] = []
  /** All statements up to this one have been taken in: one at or below it that is not held is superseded. */
  #complete = 0n

  constructor(epoch: bigint, limits: LogLimits) {
    this.epoch = epoch
    this.#limits = limits
  }

  /** The highest counter seen. */
  get highest(): bigint {
    return this.#highest
  }

  get complete(): bigint {
    return this.#complete
  }

  get size(): number {
    return this.#held.size
  }

  /** The memory that all of it takes. */
  get bytes(): number {
    return this.#bytes
  }

  get(peer: string): Held | undefined {
    return this.#held.get(peer)
  }

  held(): MapIterator<[string, Held]> {
    return this.#held.entries()
  }

  /**
   * Takes a statement of this epoch. It replaces the previous one of the peer, and keeps its `shown`.
   *
   * @param makeRoom makes room for so many more bytes; false when there is none for this directory
   */
  put(offered: Offered, nowMs: number, makeRoom: (bytes: number) => boolean): Put {
    const { statement } = offered.statement
    const peer = statement.peer.toString()
    const before = this.#held.get(peer)
    const was = before?.verified.statement
    const order = was === undefined ? 1 : compareStatements(statement, was)
    if (order < 0) return 'stale'
    if (order === 0) return this.#renew(peer, before, offered, makeRoom)
    if (statement.counter <= this.#complete) return 'stale'
    if (statement.attached && was?.attached !== true && this.digest.count >= this.#limits.maxAttachments) return 'full'
    const moreBytes = heldBytes(offered) - bytesOf(before)
    // A word that ends an attachment takes less than what it replaces.
    if (moreBytes > 0 && !makeRoom(moreBytes)) return 'full'
    this.#replace(peer, before, offered, nowMs)
    return 'new'
  }

  /**
   * Whether what is held, or was held before newer statements overtook the digest, is what a digest of the author
   * says; then everything up to its counter is known here.
   */
  matches({ counter, digest, count }: Heartbeat): boolean {
    const then = this.#past.find(({ below }) => below > counter)
    const isSame =
      then === undefined
        ? this.digest.equals(digest, count)
        : then.count === count && Buffer.compare(then.digest, digest) === 0
    if (!isSame) return false
    if (counter > this.#complete) this.#complete = counter
    return true
  }

  /**
   * Compares a complete answer with a digest of the author: whatever it attaches up to the counter and the answer
   * does not hold is superseded, if the digest bears it out.
   *
   * @returns what was dropped; undefined when the digest is of something else
   */
  settle(
    counters: ReadonlySet<bigint>,
    { counter, digest, count }: Heartbeat
  ): readonly (readonly [string, Held])[] | undefined {
    const confirmed = new AttachmentDigest()
    const dropped: [string, Held][] = []
    for (const [peer, held] of this.#held) {
      const { statement } = held.verified
      if (!statement.attached || statement.counter > counter) continue
      if (counters.has(statement.counter)) confirmed.add(statement)
      else dropped.push([peer, held])
    }
    if (!confirmed.equals(digest, count)) return undefined
    for (const [peer] of dropped) this.#drop(peer)
    if (counter > this.#complete) this.#complete = counter
    return dropped
  }

  /** The author contradicts what is held: statements that seemed superseded are taken in again. */
  doubt(): void {
    this.#complete = 0n
  }

  /**
   * Forgets what matters least, until so much room is free: detached statements, then attachments, the oldest first.
   *
   * @returns the attachments that were dropped
   */
  giveWay(bytes: number): readonly (readonly [string, Held])[] {
    const dropped: [string, Held][] = []
    const enough = this.#bytes - bytes
    for (const peer of this.#detached.keys()) {
      if (this.#bytes <= enough) return dropped
      this.#drop(peer)
    }
    for (const [peer, held] of this.#held) {
      if (this.#bytes <= enough) return dropped
      this.#drop(peer)
      dropped.push([peer, held])
    }
    return dropped
  }

  /** Forgets detached statements whose time is over. */
  expire(nowMs: number): void {
    for (const [peer, untilMs] of this.#detached) {
      if (untilMs > nowMs) return
      this.#drop(peer)
    }
  }

  /** @returns when `expire` next has something to do */
  nextDeadline(): number {
    for (const untilMs of this.#detached.values()) return untilMs
    return Infinity
  }

  /** Two records of one sequence number: the newer by the order of records counts, as everywhere. */
  #renew(peer: string, before: Held | undefined, { record }: Offered, makeRoom: (bytes: number) => boolean): Put {
    if (before?.record === undefined || record === undefined || compareRecords(record, before.record) <= 0) {
      return 'known'
    }
    const moreBytes = record.envelope.byteLength - before.record.envelope.byteLength
    if (moreBytes > 0 && !makeRoom(moreBytes)) return 'known'
    this.#bytes += moreBytes
    this.#held.set(peer, { ...before, record })
    return 'newer-record'
  }

  #replace(peer: string, before: Held | undefined, offered: Offered, nowMs: number): void {
    const { statement } = offered.statement
    const was = before?.verified.statement
    if (statement.counter > this.#highest) {
      this.#past.push({ below: statement.counter, digest: this.digest.bytes(), count: this.digest.count })
      if (this.#past.length > MAX_PAST_DIGESTS) this.#past.shift()
    }
    if (was?.attached === true) this.digest.remove(was)
    this.#detached.delete(peer)
    const sinceMs = was?.attached === true ? Math.min(before?.sinceMs ?? Infinity, offered.sinceMs) : offered.sinceMs
    const record = statement.attached ? offered.record : undefined
    // At the end of the order of insertion, so that a walk through it in steps meets what is changed on the way.
    this.#held.delete(peer)
    const held = { verified: offered.statement, record, sinceMs, shown: before?.shown ?? false }
    this.#bytes += bytesOf(held) - bytesOf(before)
    this.#held.set(peer, held)
    if (statement.counter > this.#highest) this.#highest = statement.counter
    if (statement.attached) this.digest.add(statement)
    else {
      this.#detached.set(peer, nowMs + this.#limits.detachedMs)
      const [oldest] = this.#detached.keys()
      if (this.#detached.size > this.#limits.maxDetached && oldest !== undefined) this.#drop(oldest)
    }
  }

  #drop(peer: string): void {
    const held = this.#held.get(peer)
    const statement = held?.verified.statement
    this.#bytes -= bytesOf(held)
    if (statement?.attached === true) this.digest.remove(statement)
    this.#held.delete(peer)
    this.#detached.delete(peer)
  }
}

function bytesOf(held: Held | undefined): number {
  return held === undefined ? 0 : heldBytes({ statement: held.verified, record: held.record })
}

/** Of one directory, epoch and peer. Only a directory that lies has two of one counter: then all agree on one of them. */
function compareStatements(a: AttachmentStatement, b: AttachmentStatement): number {
  if (a.counter !== b.counter) return a.counter > b.counter ? 1 : -1
  if (a.attached !== b.attached) return a.attached ? -1 : 1
  if (a.seq !== b.seq) return a.seq > b.seq ? 1 : -1
  return 0
}

export class AttachmentDigest {
  readonly #xor = new Uint8Array(DIGEST_BYTES)
  #count = 0

  /** How many statements it is of. */
  get count(): number {
    return this.#count
  }

  /** @returns a copy */
  bytes(): Uint8Array {
    return this.#xor.slice()
  }

  add(statement: AttachmentStatement): void {
    this.#count++
    this.#toggle(statement)
  }

  remove(statement: AttachmentStatement): void {
    this.#count--
    this.#toggle(statement)
  }

  equals(digest: Uint8Array, count: number): boolean {
    return this.#count === count && Buffer.compare(this.#xor, digest) === 0
  }

  #toggle({ peer, seq, counter }: AttachmentStatement): void {
    const id = encodePeerId(peer)
    const bytes = Buffer.allocUnsafe(id.byteLength + 16)
    bytes.set(id)
    bytes.writeBigUInt64BE(seq, id.byteLength)
    bytes.writeBigUInt64BE(counter, id.byteLength + 8)
    const hash = createHash('sha256').update(bytes).digest()
    for (let i = 0; i < DIGEST_BYTES; i++) this.#xor[i] = (this.#xor[i] ?? 0) ^ (hash[i] ?? 0)
  }
}
