// What a directory counts while it works. Whoever wants figures gives an object
// that takes them; the directory neither keeps nor shows any.
import type { RefuseReason } from './errors.ts'

export interface DirectoryMetrics {
  /** A record was taken: a new one or a renewal, or the one with which its owner leaves. */
  announced(outcome: 'accepted' | 'withdrawn'): void
  refused(reason: RefuseReason): void
  /** So many changes were sent to so many watchers, the oldest of them after this delay. */
  pushed(changes: number, watchers: number, delayMs: number): void
  /** A watcher did not read fast enough, and was reset. */
  watcherReset(): void
}

/** Counts nothing. */
export const noMetrics: DirectoryMetrics = {
  announced: () => undefined,
  refused: () => undefined,
  pushed: () => undefined,
  watcherReset: () => undefined
}
