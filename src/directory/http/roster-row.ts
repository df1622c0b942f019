// One peer as the HTTP side tells it, and how rows go into events. Pure.
import type { RosterEntry } from '../roster.ts'
import { EVENT_PAGE_BYTES } from './constants.ts'
import type { DirectoryJson, PeerJson, PeerPath } from './roster-api.ts'

/** What of a row is not in the roster's entry. */
export interface RowFacts {
  readonly shortId: string
  readonly path: PeerPath
  /** The wall clock at the zero of the clock by which attachments are timed. */
  readonly clockStartMs: number
}

export function peerRow(entry: RosterEntry, { shortId, path, clockStartMs }: RowFacts): PeerJson {
  const { record } = entry.record
  return {
    peer: entry.peer,
    shortId,
    nickname: record.nickname,
    status: record.status,
    since: Math.round(clockStartMs + Math.min(...entry.attachments.map(({ sinceMs }) => sinceMs))),
    seq: record.seq.toString(),
    addresses: record.addresses.map((address) => address.toString()),
    directories: entry.attachments.map(({ source }) => source),
    path
  }
}

/** Since when is not compared: it is the same moment, reckoned again. */
export function sameRow(a: PeerJson, b: PeerJson): boolean {
  return (
    a.seq === b.seq &&
    a.nickname === b.nickname &&
    a.status === b.status &&
    a.path === b.path &&
    a.directories.join() === b.directories.join() &&
    a.addresses.join() === b.addresses.join()
  )
}

/** What of the directories is news; when one was last heard of changes every second, and is none. */
export function directoriesKey(directories: readonly DirectoryJson[]): string {
  return directories
    .map(({ directory, state, peers, leftOut = 0 }) => `${directory} ${state} ${peers} ${leftOut}`)
    .join('\n')
}

/** Rows in groups that make events of about the same size; at least one group, which may be empty. */
export function inPages(rows: Iterable<PeerJson>): PeerJson[][] {
  const pages: PeerJson[][] = [[]]
  let bytes = 0
  for (const row of rows) {
    const size = rowBytes(row)
    if (bytes > 0 && bytes + size > EVENT_PAGE_BYTES) {
      pages.push([])
      bytes = 0
    }
    pages.at(-1)?.push(row)
    bytes += size
  }
  return pages
}

/** One server-sent event. JSON holds no line break. */
export function encodeEvent(event: string, body: unknown, id?: string): Buffer {
  return Buffer.from(`${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(body)}\n\n`)
}

/** About what a row takes as JSON. */
function rowBytes({ nickname, status, addresses, directories }: PeerJson): number {
  const lists = [...addresses, ...directories].reduce((sum, text) => sum + text.length + 3, 0)
  return 200 + nickname.length + status.length + lists
}
