// Ids of own messages: the time and enough chance that no two are ever the same.
// The time comes first, so that ids which are stored together lie together in
// the tables of both sides: a batch then touches a few pages and not as many as
// it has messages. It tells nothing that the message's own time does not.
import { randomFillSync } from 'node:crypto'

/** Milliseconds since 1970 until the year 10889. */
const timeBytes = 6
const randomPartBytes = 10
/** Asking the system for chance costs more than storing a message does: so many ids are asked for at once. */
const idsPerPool = 256

const pool = Buffer.alloc(idsPerPool * randomPartBytes)
let used = pool.length
/** The time of the id before, which nearly always is that of the next. */
let lastMs = Number.NaN
let lastTime = ''

/** 32 hexadecimal digits. */
export function newMessageId(nowMs: number): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const chance = pool.toString('hex', used, (used += randomPartBytes))
  if (nowMs !== lastMs) lastTime = timeOf((lastMs = nowMs))
  return lastTime + chance
}

function timeOf(nowMs: number): string {
  return Math.trunc(nowMs)
    .toString(16)
    .padStart(timeBytes * 2, '0')
    .slice(-timeBytes * 2)
}
