// The attachments of one source, a directory's own: which peers it has, and what a
// change of the roster means for them: gained, lost, or under a newer record. Pure.
import type {
  Attachment,
  RosterChange,
  RosterEntry,
  Source,
  VerifiedRecord,
  ReadableRoster
} from '../presence/index.ts'
import { compareRecords } from '../presence/index.ts'

export type OwnChange =
  /** The peer is attached, and was not before. */
  | { readonly kind: 'attached'; readonly record: VerifiedRecord; readonly sinceMs: number }
  /** Its record is newer than before. */
  | { readonly kind: 'renewed'; readonly record: VerifiedRecord; readonly sinceMs: number }
  /** It is attached no more, and has left by its own word where there is a withdrawal. */
  | {
      readonly kind: 'ended'
      readonly record: VerifiedRecord
      readonly seq: bigint
      readonly withdrawal: VerifiedRecord | undefined
    }

/** @returns what has changed about the attachment to `source`; undefined when nothing has */
export function ownChange(change: RosterChange, source: Source): OwnChange | undefined {
  const was = change.kind === 'joined' ? undefined : change.was
  const entry = change.kind === 'gone' ? undefined : change.entry
  const before = attachmentOf(was, source)
  const now = attachmentOf(entry, source)
  if (now !== undefined && entry !== undefined) {
    const { record } = entry
    if (before === undefined || was === undefined) return { kind: 'attached', record, sinceMs: now.sinceMs }
    const isNewer = compareRecords(record, was.record) !== 0
    return isNewer ? { kind: 'renewed', record, sinceMs: now.sinceMs } : undefined
  }
  if (before === undefined || was === undefined) return undefined
  const withdrawal = change.kind === 'gone' ? change.withdrawal : undefined
  return { kind: 'ended', record: was.record, seq: before.seq, withdrawal }
}

function attachmentOf(entry: RosterEntry | undefined, source: Source): Attachment | undefined {
  return entry?.attachments.find((attachment) => attachment.source === source)
}

/** The peers that are attached to this directory, read from its roster. */
export class AttachedPeers {
  readonly #self: Source
  readonly #roster: ReadableRoster

  constructor(self: Source, roster: ReadableRoster) {
    this.#self = self
    this.#roster = roster
  }

  *all(): Generator<OwnChange> {
    for (const entry of this.#roster.entries()) {
      const own = ownChange({ kind: 'joined', entry }, this.#self)
      if (own !== undefined) yield own
    }
  }

  has(peer: string): boolean {
    return attachmentOf(this.#roster.get(peer), this.#self) !== undefined
  }
}
