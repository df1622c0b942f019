// How a line names a peer: by its name and, if the name is ambiguous, its short ID and
// a mark; and the order of such lines. Pure; it returns remote text, which is cleaned
// where it is written. The faces use it: it must not load libp2p.
import type { PeerTrust, RosterRow } from '../api/chat-events.ts'
import { shortId } from '../../lib/index.ts'

/** Marks a peer that uses the name of a contact or of the user, and strangers that share a name. */
export const NAMESAKE_MARK = '!'

export interface NameFacts {
  readonly isContact: boolean
  readonly sameNameAs?: PeerTrust['sameNameAs'] | undefined
  readonly sharesNameWith?: PeerTrust['sharesNameWith'] | undefined
}

export interface LabelledPeer extends NameFacts {
  readonly peer: string
  readonly name: string
}

/** Whether a reader may take the peer for another one by its name. */
export function isMarked({ isContact, sameNameAs, sharesNameWith }: NameFacts): boolean {
  return sameNameAs !== undefined || (sharesNameWith !== undefined && !isContact)
}

export function peerLabel(labelled: LabelledPeer): string {
  const { peer, name, sharesNameWith } = labelled
  const id = shortId(peer)
  if (name === id) return name
  if (isMarked(labelled)) return `${NAMESAKE_MARK} ${name} (${id})`
  return sharesNameWith === undefined ? name : `${name} (${id})`
}

/** By name, then by key: the same at each look, in whatever order the peers came. */
export function compareRows(a: RosterRow, b: RosterRow): number {
  return a.name.localeCompare(b.name) || (a.peer < b.peer ? -1 : 1)
}
