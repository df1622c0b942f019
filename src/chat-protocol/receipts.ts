/**
 * What this side owes for a batch of messages: receipts by state and refusals by reason, in as few frames as fit, where
 * consecutive numbers of one log become a range. Pure.
 */
import { MAX_IDS_PER_FRAME, MAX_RANGES_PER_RECEIPT } from './frames.ts'
import type { ChatMessage, OutgoingFrame, ReceiptState, RefuseReason, SeqRange } from './frames.ts'

/** What became of a message that arrived. */
export type Disposition =
  | { readonly kind: 'stored' }
  | { readonly kind: 'held' }
  | { readonly kind: 'refused'; readonly reason: RefuseReason; readonly retryAfterMs: number }

/** The frames that answer `messages`, whose fates are at the same places of `dispositions`. */
export function answer(messages: readonly ChatMessage[], dispositions: readonly Disposition[]): OutgoingFrame[] {
  if (messages.length !== dispositions.length) {
    throw new RangeError(`${dispositions.length} dispositions for ${messages.length} messages: each needs its own`)
  }
  const stored: ChatMessage[] = []
  const held: ChatMessage[] = []
  const refused = new Map<string, { reason: RefuseReason; retryAfterMs: number; ids: string[] }>()
  let index = 0
  for (const message of messages) {
    const fate = dispositions[index++]
    switch (fate?.kind) {
      case undefined:
        break
      case 'stored':
        stored.push(message)
        break
      case 'held':
        held.push(message)
        break
      case 'refused': {
        const { reason, retryAfterMs } = fate
        const key = `${reason} ${retryAfterMs}`
        const group = refused.get(key) ?? { reason, retryAfterMs, ids: [] }
        group.ids.push(message.id)
        refused.set(key, group)
        break
      }
    }
  }
  return [
    ...receiptsFor(stored, 'stored'),
    ...receiptsFor(held, 'held'),
    ...[...refused.values()].flatMap(({ reason, retryAfterMs, ids }) => refusals(ids, reason, retryAfterMs))
  ]
}

/** Receipts by id alone, for messages that were held and are now accepted. */
export function receiptsById(ids: readonly string[], state: ReceiptState): OutgoingFrame[] {
  return chunks(ids, MAX_IDS_PER_FRAME).map((part) => ({ kind: 'receipt', state, ids: part, ranges: [] }))
}

export function refusals(ids: readonly string[], reason: RefuseReason, retryAfterMs: number): OutgoingFrame[] {
  return chunks(ids, MAX_IDS_PER_FRAME).map((part) => ({ kind: 'refuse', reason, retryAfterMs, ids: part }))
}

function receiptsFor(messages: readonly ChatMessage[], state: ReceiptState): OutgoingFrame[] {
  const ranges: SeqRange[] = []
  const ids: string[] = []
  for (const { first, last } of runs(messages)) {
    if (first === last) ids.push(first.id)
    else ranges.push({ log: first.log, first: first.seq, last: last.seq })
  }
  const frames: OutgoingFrame[] = chunks(ranges, MAX_RANGES_PER_RECEIPT).map((part) => {
    return { kind: 'receipt', state, ids: [], ranges: part }
  })
  return [...frames, ...receiptsById(ids, state)]
}

/** Cuts a batch wherever the next message is not the next number of the same log. */
function runs(messages: readonly ChatMessage[]): { readonly first: ChatMessage; readonly last: ChatMessage }[] {
  const found: { first: ChatMessage; last: ChatMessage }[] = []
  let run: { first: ChatMessage; last: ChatMessage } | undefined
  for (const message of messages) {
    if (run !== undefined && run.last.log === message.log && run.last.seq + 1 === message.seq) run.last = message
    else found.push((run = { first: message, last: message }))
  }
  return found
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const parts: T[][] = []
  for (let from = 0; from < items.length; from += size) parts.push(items.slice(from, from + size))
  return parts
}
