// A message as a row and back: its ids, its states, its checksum over all that never changes, since SQLite would not notice
// a flipped bit in a text; how many rows are read at once, and inserted by one call.
import { randomFillSync } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite'
import { DamageFound } from '../errors.ts'
import type {
  ArrivalState,
  DeliveryState,
  HistoryEntry,
  IncomingMessage,
  OutgoingMessage,
  StoredMessage
} from '../message-store.ts'
import { offersColumn, readOffers } from './offered-files.ts'

export type Row = Record<string, SQLOutputValue>

/** States of own messages are below `firstIncoming`; those of held ones are `firstHeld` and above. */
export const stateCode = {
  pending: 0,
  held: 1,
  unconfirmed: 2,
  delivered: 3,
  failed: 4,
  firstIncoming: 10,
  accepted: 10,
  firstHeld: 11,
  heldFromElsewhere: 11,
  heldFromLan: 12
} as const
const deliveryStates: readonly DeliveryState[] = ['pending', 'held', 'unconfirmed', 'delivered', 'failed']

/** The columns that {@link readEntry} reads; `m` is the message and `c` its conversation. */
export const messageColumns = `m.position, m.conversation, c.peer, m.state, m.id, m.log, m.seq, m.sent_at, m.stored_at,
  m.text, m.reply_to, m.reason, m.seen_at, m.outbox, m.checksum, m.files`

const hexBytes = /^(?:[0-9a-f]{2}){8,16}$/u
const messageId = /^[0-9a-f]{32}$/u

/** Whether the id is one of a message: 32 hexadecimal digits. It is stored as 16 bytes, so that keys have the order of ids. */
export function isMessageId(id: string): boolean {
  return messageId.test(id)
}

/** Ids and logs of hexadecimal digits are stored as bytes, any others as text. */
export function toKey(text: string): SQLInputValue {
  return hexBytes.test(text) ? Buffer.from(text, 'hex') : text
}

export function fromKey(value: SQLOutputValue | undefined): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
  throw new DamageFound('expected an id')
}

/** The nearest number that SQLite and JavaScript both hold exactly: a peer's message may claim any. */
export function safeInteger(value: number): number {
  if (!Number.isFinite(value)) return 0
  return Math.max(0, Math.min(Math.trunc(value), Number.MAX_SAFE_INTEGER))
}

/** The fields of a message that never change. */
export type CheckedFields = Pick<
  StoredMessage,
  'direction' | 'id' | 'log' | 'seq' | 'sentAtMs' | 'storedAtMs' | 'text' | 'replyTo' | 'files'
>

export function checksumOf(fields: CheckedFields, conversation: number): number {
  const { direction, id, log, seq, sentAtMs, storedAtMs, text, replyTo = '', files } = fields
  const side = direction === 'in' ? 1 : 0
  const offers = offersColumn(files) ?? ''
  return crc32(`${conversation} ${side} ${id} ${log} ${seq} ${sentAtMs} ${storedAtMs} ${replyTo}${text}${offers}`)
}

export function readNumber(row: Row, column: string): number {
  const value = row[column]
  if (typeof value !== 'number') throw new DamageFound(`expected a number in ${column}`)
  return value
}

function readText(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new DamageFound(`expected text in ${column}`)
  return value
}

/** @throws DamageFound */
export function readEntry(row: Row): HistoryEntry {
  const code = readNumber(row, 'state')
  const replyTo = row['reply_to'] === null ? undefined : fromKey(row['reply_to'])
  const fields = {
    peer: readText(row, 'peer'),
    id: fromKey(row['id']),
    log: fromKey(row['log']),
    seq: readNumber(row, 'seq'),
    sentAtMs: readNumber(row, 'sent_at'),
    storedAtMs: readNumber(row, 'stored_at'),
    text: readText(row, 'text'),
    ...(replyTo === undefined ? {} : { replyTo }),
    ...readOffers(row['files'])
  }
  const isIncoming = code >= stateCode.firstIncoming
  const direction = isIncoming ? 'in' : 'out'
  const checksum = checksumOf({ ...fields, direction }, readNumber(row, 'conversation'))
  if (checksum !== row['checksum']) throw new DamageFound('a message is not what was written')
  const position = readNumber(row, 'position')
  if (isIncoming) return { position, message: { ...fields, direction: 'in', state: arrivalState(code) } }
  const state = deliveryStates[code]
  if (state === undefined) throw new DamageFound(`no state has the number ${code}`)
  const reason = row['reason'] === null ? {} : { reason: readText(row, 'reason') }
  const seen = row['seen_at'] === null ? {} : { seenAtMs: readNumber(row, 'seen_at') }
  return { position, message: { ...fields, direction: 'out', state, ...reason, ...seen } }
}

/** @throws DamageFound also for an own message */
export function readIncoming(row: Row): IncomingMessage {
  const { message } = readEntry(row)
  if (message.direction !== 'in') throw new DamageFound('expected an incoming message')
  return message
}

/** @throws DamageFound also for an incoming message */
export function readOutgoing(row: Row): OutgoingMessage {
  const { message } = readEntry(row)
  if (message.direction !== 'out') throw new DamageFound('expected an own message')
  return message
}

export function arrivalState(code: number): ArrivalState {
  return code >= stateCode.firstHeld ? 'held' : 'accepted'
}

/** Reads rows until their texts fill a page: a thousand of the longest are 64 MB. At least one, so that paging advances. */
export function entriesWithin(
  statement: StatementSync,
  values: readonly SQLInputValue[],
  maxBytes: number
): HistoryEntry[] {
  if (maxBytes === Infinity) return statement.all(...values).map(readEntry)
  const fitting: HistoryEntry[] = []
  let bytes = 0
  for (const row of statement.iterate(...values)) {
    const entry = readEntry(row)
    bytes += Buffer.byteLength(entry.message.text) + String(row['files'] ?? '').length
    if (fitting.length > 0 && bytes > maxBytes) break
    fitting.push(entry)
  }
  return fitting
}

/** How many messages a long read or deletion handles before other work gets its turn: a few milliseconds' worth. */
export const ROWS_PER_SLICE = 500

/**
 * A long read goes in slices, each from the end of the one before. In a damaged file rows can be out of order, and a
 * reader that went back would never end.
 *
 * @returns the end of a slice, where the next one begins
 * @throws DamageFound when the end is not beyond the beginning
 */
export function sliceEnd(beginning: number, end: number): number {
  if (end <= beginning) throw new DamageFound(`after position ${beginning} comes ${end}`)
  return end
}

const idBytes = 16
/** Room for milliseconds since 1970 up to the year 10889. */
const timeBytes = 6
/** Ids whose random bytes come from one call, which costs more than storing a message. */
const idsPerPool = 256

const pool = Buffer.alloc(idsPerPool * idBytes)
let used = pool.length

/**
 * A new id: the time, and enough random bits that no two are the same. The time comes first, so that ids of the same batch
 * are neighbours in the tables of both sides and touch few pages. It reveals no more than the message's own time.
 *
 * @returns 32 hexadecimal digits
 */
export function newMessageId(nowMs: number): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  // The low bytes of a larger number still keep neighbours together.
  pool.writeUIntBE(Math.trunc(Math.abs(nowMs)) % 2 ** (8 * timeBytes), used, timeBytes)
  return pool.toString('hex', used, (used += idBytes))
}

/** Rows in one insert. A call costs a third of what SQLite does for a row; more than these gain nothing. */
const rowsAtOnce = 16

const messageInsert = {
  into: 'message (conversation, state, id, log, seq, sent_at, stored_at, text, reply_to, outbox, checksum, files)',
  row: '(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)'
} as const
const seenInsert = { into: 'seen (conversation, incoming, id, position)', row: '(?, ?, ?, ?)' } as const

export interface NewRow {
  readonly message: StoredMessage
  /** The state's code. */
  readonly code: number
  /** The place in the outbox. */
  readonly place: number | null
}

interface Inserts {
  readonly message: StatementSync
  readonly seen: StatementSync
}

export class MessageInserts {
  readonly #one: Inserts
  readonly #many: Inserts

  constructor(database: DatabaseSync) {
    const prepare = (rows: number): Inserts => ({
      message: database.prepare(insertOf(messageInsert, rows)),
      seen: database.prepare(insertOf(seenInsert, rows))
    })
    this.#one = prepare(1)
    this.#many = prepare(rowsAtOnce)
  }

  /**
   * Adds new messages of a conversation, own ones or incoming ones, with their ids: in a transaction only.
   *
   * @returns the position of the first; those of the others follow it
   */
  add(conversation: number, rows: readonly NewRow[]): number {
    let first = 0
    for (let from = 0; from < rows.length;) {
      const isFull = rows.length - from >= rowsAtOnce
      const some = rows.slice(from, from + (isFull ? rowsAtOnce : 1))
      const position = insert(isFull ? this.#many : this.#one, conversation, some)
      if (from === 0) first = position
      from += some.length
    }
    return first
  }
}

function insertOf({ into, row }: { readonly into: string; readonly row: string }, rows: number): string {
  return `INSERT INTO ${into} VALUES ${Array.from({ length: rows }, () => row).join(', ')}`
}

/** @returns the position of the first row; SQLite numbers the rows of one insert in sequence */
function insert(inserts: Inserts, conversation: number, rows: readonly NewRow[]): number {
  const values: SQLInputValue[] = []
  const keys: SQLInputValue[] = []
  let log = ''
  let logKey: SQLInputValue = ''
  for (const { message: fields, code, place } of rows) {
    const { id, seq, sentAtMs, storedAtMs, text, replyTo, files } = fields
    if (fields.log !== log) logKey = toKey((log = fields.log))
    const key = toKey(id)
    keys.push(key)
    values.push(conversation, code, key, logKey, seq, sentAtMs, storedAtMs, text)
    values.push(replyTo === undefined ? null : toKey(replyTo), place, checksumOf(fields, conversation))
    values.push(offersColumn(files))
  }
  const last = Number(inserts.message.run(...values).lastInsertRowid)
  const first = last - rows.length + 1
  const incoming = rows[0]?.message.direction === 'in' ? 1 : 0
  inserts.seen.run(...keys.flatMap((key, index) => [conversation, incoming, key, first + index]))
  return first
}
