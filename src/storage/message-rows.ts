// A message as a row and back. Each row carries a checksum of what never changes
// of it, so a flipped bit in a text is noticed, which SQLite would not.
import { crc32 } from 'node:zlib'
import type { SQLInputValue, SQLOutputValue } from 'node:sqlite'
import { RowDamage } from './row-damage.ts'
import type { ArrivalState, DeliveryState, HistoryEntry, IncomingMessage, OutgoingMessage } from './message-store.ts'

export type Row = Record<string, SQLOutputValue>

/** Own messages' states are below `firstIncoming`, and held ones are `firstHeld` and above. */
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

/** What {@link readEntry} needs of a row; `m` is the message and `c` its conversation. */
export const messageColumns = `m.position, m.conversation, c.peer, m.state, m.id, m.log, m.seq, m.sent_at, m.stored_at,
  m.text, m.reply_to, m.reason, m.seen_at, m.outbox, m.checksum`

const hexBytes = /^(?:[0-9a-f]{2}){8,16}$/u
const messageId = /^[0-9a-f]{32}$/u

/** Whether it is kept as its 16 bytes, so that keys are in the order of ids. */
export function isMessageId(id: string): boolean {
  return messageId.test(id)
}

/** Ids and logs are hexadecimal digits, kept as bytes; others are kept as they are. */
export function toKey(text: string): SQLInputValue {
  return hexBytes.test(text) ? Buffer.from(text, 'hex') : text
}

export function fromKey(value: SQLOutputValue | undefined): string {
  if (typeof value === 'string') return value
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')
  throw new RowDamage('expected an id')
}

/** What SQLite and JavaScript both hold exactly. A message from elsewhere may claim anything. */
export function safeInteger(value: number): number {
  if (!Number.isFinite(value)) return 0
  return Math.max(0, Math.min(Math.trunc(value), Number.MAX_SAFE_INTEGER))
}

/** What never changes of a message. */
export interface CheckedFields {
  readonly direction: 'in' | 'out'
  readonly id: string
  readonly log: string
  readonly seq: number
  readonly sentAtMs: number
  readonly storedAtMs: number
  readonly text: string
  readonly replyTo?: string | undefined
}

export function checksumOf(fields: CheckedFields, conversation: number): number {
  const { direction, id, log, seq, sentAtMs, storedAtMs, text, replyTo = '' } = fields
  const side = direction === 'in' ? 1 : 0
  return crc32(`${conversation} ${side} ${id} ${log} ${seq} ${sentAtMs} ${storedAtMs} ${replyTo}${text}`)
}

export function readNumber(row: Row, column: string): number {
  const value = row[column]
  if (typeof value !== 'number') throw new RowDamage(`expected a number in ${column}`)
  return value
}

function readText(row: Row, column: string): string {
  const value = row[column]
  if (typeof value !== 'string') throw new RowDamage(`expected text in ${column}`)
  return value
}

/** @throws RowDamage */
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
    ...(replyTo === undefined ? {} : { replyTo })
  }
  const isIncoming = code >= stateCode.firstIncoming
  const direction = isIncoming ? 'in' : 'out'
  const checksum = checksumOf({ ...fields, direction }, readNumber(row, 'conversation'))
  if (checksum !== row['checksum']) throw new RowDamage('a message is not what was written')
  const position = readNumber(row, 'position')
  if (isIncoming) return { position, message: { ...fields, direction: 'in', state: arrivalState(code) } }
  const state = deliveryStates[code]
  if (state === undefined) throw new RowDamage(`no state has the number ${code}`)
  const reason = row['reason'] === null ? {} : { reason: readText(row, 'reason') }
  const seen = row['seen_at'] === null ? {} : { seenAtMs: readNumber(row, 'seen_at') }
  return { position, message: { ...fields, direction: 'out', state, ...reason, ...seen } }
}

/** @throws RowDamage also when the message is an own one */
export function readIncoming(row: Row): IncomingMessage {
  const { message } = readEntry(row)
  if (message.direction !== 'in') throw new RowDamage('expected an incoming message')
  return message
}

/** @throws RowDamage also when the message is somebody else's */
export function readOutgoing(row: Row): OutgoingMessage {
  const { message } = readEntry(row)
  if (message.direction !== 'out') throw new RowDamage('expected an own message')
  return message
}

export function arrivalState(code: number): ArrivalState {
  return code >= stateCode.firstHeld ? 'held' : 'accepted'
}
