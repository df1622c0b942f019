// One source's word that a peer is connected to it, and how such words come
// together. Pure.
import { MAX_ATTACHMENTS } from './constants.ts'

/** Who vouches that a peer is connected: a directory's peer ID, or the LAN. */
export type Source = string
/** The source of what peers tell each other without a directory. */
export const LAN: Source = 'lan'

export interface Attachment {
  readonly source: Source
  readonly sinceMs: number
  /** Infinity: as long as the source does not say otherwise. */
  readonly expiresAtMs: number
  /** The sequence number of the record that came with it: a withdrawal at or above it ends it. */
  readonly seq: bigint
  /** Set while the connection is lost and its grace runs. */
  readonly lost: boolean
}

/**
 * A source's later word replaces its earlier one, but for when the attachment
 * began. A peer with as many sources as it may have gets no more.
 *
 * @returns the attachments in the order of their sources
 */
export function attach(attachments: readonly Attachment[], next: Attachment): readonly Attachment[] {
  const before = attachments.find(({ source }) => source === next.source)
  if (before === undefined && attachments.length >= MAX_ATTACHMENTS) return attachments
  const merged = {
    ...next,
    sinceMs: Math.min(before?.sinceMs ?? next.sinceMs, next.sinceMs),
    seq: before !== undefined && before.seq > next.seq ? before.seq : next.seq
  }
  return [...attachments.filter(({ source }) => source !== next.source), merged].toSorted((a, b) =>
    a.source < b.source ? -1 : 1
  )
}

/** @returns whether both are of the same sources in the same state; until when does not matter */
export function sameAttachments(a: readonly Attachment[], b: readonly Attachment[]): boolean {
  return a.length === b.length && a.every(({ source, lost }, i) => source === b[i]?.source && lost === b[i]?.lost)
}
