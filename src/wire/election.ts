/**
 * Two peers may open a stream to each other at the same time, and one of the two has to carry what is sent. Both sides
 * elect it from the same facts, which side opened a stream and whose peer ID is smaller, so they agree without a word.
 * Pure: it closes no stream, and it does not know when a stream is good enough to stand.
 *
 * @example
 * const kept = elected(streams, preferredOpener(self, peer))
 */
import type { PeerId } from '@libp2p/interface'

/** Which of the two peers opened a stream. */
export type Opener = 'us' | 'them'

/** The side whose streams go before the other's: the peer whose ID, as text, sorts first. */
export function preferredOpener(self: PeerId, peer: PeerId): Opener {
  return self.toString() < peer.toString() ? 'us' : 'them'
}

/**
 * The first stream that `preferred` opened, or else the first of the other side.
 *
 * @param candidates in the order of preference: the oldest first where the first of a side stays, the newest first where a
 *   newer one tells that the older is lost
 */
export function elected<S extends { readonly openedBy: Opener }>(
  candidates: readonly S[],
  preferred: Opener
): S | undefined {
  return candidates.find(({ openedBy }) => openedBy === preferred) ?? candidates[0]
}
