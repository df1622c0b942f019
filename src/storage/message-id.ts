// Ids of own messages: the time and enough chance that no two are ever the same.
// The time comes first, so that ids which are stored together lie together in
// the tables of both sides: a batch then touches a few pages and not as many as
// it has messages. It tells nothing that the message's own time does not.
import { randomFillSync } from 'node:crypto'

const idBytes = 16
/** Milliseconds since 1970 until the year 10889. */
const timeBytes = 6
/** Asking the system for chance costs more than storing a message does: so many ids are asked for at once. */
const idsPerPool = 256

const pool = Buffer.alloc(idsPerPool * idBytes)
let used = pool.length

/** 32 hexadecimal digits. */
export function newMessageId(nowMs: number): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  // What is left of a larger number still tells neighbours from others.
  pool.writeUIntBE(Math.trunc(Math.abs(nowMs)) % 2 ** (8 * timeBytes), used, timeBytes)
  return pool.toString('hex', used, (used += idBytes))
}
