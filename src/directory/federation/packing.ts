// Updates and withdrawals in groups, each of which fits into one message of
// gossip or one page. Knows sizes and numbers, and nothing of what they say.
import { MAX_PAGE_UPDATES, MAX_PAGE_WITHDRAWALS, UPDATE_PAGE_BYTES } from './constants.ts'
import type { Gossip, WireUpdate } from './federation-frames.ts'

/** @returns the updates in groups, each of which fits into one message or page; none when there are none */
export function packUpdates(updates: Iterable<WireUpdate>): Generator<WireUpdate[]> {
  return pack(updates, MAX_PAGE_UPDATES, updateBytes)
}

/** @returns the withdrawals in groups, each of which fits into one message or page; none when there are none */
export function packWithdrawals(withdrawals: Iterable<Uint8Array>): Generator<Uint8Array[]> {
  return pack(withdrawals, MAX_PAGE_WITHDRAWALS, withdrawalBytes)
}

/** @returns one message where all of it fits, and it mostly does; else several */
export function packGossip(updates: readonly WireUpdate[], withdrawals: readonly Uint8Array[]): readonly Gossip[] {
  const bytes = sumOf(updates.map(updateBytes)) + sumOf(withdrawals.map(withdrawalBytes))
  if (bytes <= UPDATE_PAGE_BYTES && updates.length <= MAX_PAGE_UPDATES && withdrawals.length <= MAX_PAGE_WITHDRAWALS) {
    return [{ updates, withdrawals }]
  }
  return [
    ...[...packUpdates(updates)].map((page) => ({ updates: page, withdrawals: [] })),
    ...[...packWithdrawals(withdrawals)].map((page) => ({ updates: [], withdrawals: page }))
  ]
}

function* pack<T>(items: Iterable<T>, maxItems: number, sizeOf: (item: T) => number): Generator<T[]> {
  let page: T[] = []
  let pageBytes = 0
  for (const item of items) {
    const sizeBytes = sizeOf(item)
    if (page.length > 0 && (pageBytes + sizeBytes > UPDATE_PAGE_BYTES || page.length >= maxItems)) {
      yield page
      page = []
      pageBytes = 0
    }
    page.push(item)
    pageBytes += sizeBytes
  }
  if (page.length > 0) yield page
}

/** Tags, lengths and the time are at most 24 bytes. */
function updateBytes({ statement, record }: WireUpdate): number {
  return statement.byteLength + (record?.byteLength ?? 0) + 24
}

function withdrawalBytes({ byteLength }: Uint8Array): number {
  return byteLength + 8
}

function sumOf(sizes: readonly number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0)
}
