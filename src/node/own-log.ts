// What a Hello says of the logs, and what is learned from one: whether this
// history is an old copy, or one of two, of the log that the other side holds.
import { randomBytes } from 'node:crypto'
import type { LogPosition, MessageStore } from '../storage/index.ts'

/** The length of a log's name; see docs/spec/chat-1.0.0.md. */
const LOG_BYTES = 8

type Logs = Pick<MessageStore, 'ownPosition' | 'heldPosition' | 'startNewLog'>

/** A peer to whom nothing was written yet costs no room: whoever says Hello could be anybody. */
export async function helloFor(store: Logs, peer: string): Promise<{ log: string; held?: LogPosition }> {
  const log = (await store.ownPosition(peer))?.log ?? randomBytes(LOG_BYTES).toString('hex')
  const held = await store.heldPosition(peer)
  return held === undefined ? { log } : { log, held }
}

/**
 * Begins another log when the other side holds more of ours than was ever sent from here, or a log of ours that this
 * history knows nothing of: its later part was lost with a copy that was restored, perhaps for the second time.
 */
export async function heed(store: Logs, peer: string, held: LogPosition | undefined): Promise<void> {
  if (held === undefined) return
  const own = await store.ownPosition(peer)
  if (own === undefined) return
  const isKnown = held.log === own.log ? held.seq <= own.sentSeq : held.log === own.follows
  if (!isKnown) await store.startNewLog(peer, held.log)
}
