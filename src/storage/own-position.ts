// How far our own log has been sent, for every store alike. Pure.
import type { LogPosition, OwnPosition } from './message-store.ts'

/** The highest number that may have been sent once these are; those of earlier logs don't count. */
export function reachedIn({ log, sentSeq }: OwnPosition, sent: readonly LogPosition[]): number {
  let highest = sentSeq
  for (const position of sent) if (position.log === log && position.seq > highest) highest = position.seq
  return highest
}
