// The frames of /chat/share/1.0.0 as a closed union, with the bounds of each field. It knows nothing of folders on a disk,
// of rights, or of when which frame is sent.
import { BrokenProtocolError, type FrameProtocol } from '../wire/index.ts'
import { ShareFrame as Pb } from './pb/share-frames.ts'
import {
  areFindWords,
  isEntryName,
  isSharedPath,
  MAX_HITS,
  MAX_LISTING_ENTRIES,
  MAX_SHARE_FRAME_BYTES
} from './share-limits.ts'

/** Contacts look on it at what a peer shares. */
export const SHARE_PROTOCOL = '/chat/share/1.0.0'

/** An index in memory answers at once; what takes longer is the connection. */
const SHARE_ANSWER_TIMEOUT_MS = 10_000

/** The hash at the end of a file's tree. */
const SHARED_FILE_ID_BYTES = 32

/** A file or folder in a page of a listing. */
export type SharedEntry =
  | {
      readonly is: 'file'
      readonly name: string
      readonly sizeBytes: number
      readonly modifiedAtMs: number
      /** Its file ID, as 64 hexadecimal digits; undefined until the sharer has read it. */
      readonly file: string | undefined
    }
  /** With the bytes of all files below it. */
  | { readonly is: 'folder'; readonly name: string; readonly sizeBytes: number }

export interface Page {
  /** Another one than in the page before: what is shared has changed in between. */
  readonly snapshot: number
  readonly entries: readonly SharedEntry[]
  /** There are more, behind the last name of these. */
  readonly hasMore: boolean
}

/** A file whose path has the words. */
export interface Hit {
  readonly path: string
  readonly sizeBytes: number
  readonly modifiedAtMs: number
  readonly file: string
}

export interface Found {
  readonly hits: readonly Hit[]
  readonly hasMore: boolean
}

/** Why there is no answer: nothing of that path for this peer, or it asks too often. */
export type ShareRefusal = 'not-here' | 'too-fast'

export type ShareRequest =
  /** What is in a folder, in the order of names, behind this name. */
  | { readonly type: 'list'; readonly path: string; readonly after: string }
  | { readonly type: 'find'; readonly words: readonly string[] }

export type ShareFrame =
  | ShareRequest
  | ({ readonly type: 'listing' } & Page)
  | ({ readonly type: 'hits' } & Found)
  | { readonly type: 'refuse'; readonly reason: ShareRefusal }

/** The other side sent something that is not a frame of this protocol, or is out of bounds or out of turn. */
export class ShareProtocolError extends BrokenProtocolError {
  override readonly name = 'ShareProtocolError'
  constructor(what: string, options?: ErrorOptions) {
    super(`The peer broke the rules of shares (${what}): the stream was cut`, options)
  }
}

export const shareFrames: FrameProtocol<ShareFrame> = {
  id: SHARE_PROTOCOL,
  maxFrameBytes: MAX_SHARE_FRAME_BYTES,
  timeoutMs: SHARE_ANSWER_TIMEOUT_MS,

  encode(frame) {
    switch (frame.type) {
      case 'list':
        return Pb.encode({ list: { path: frame.path, after: frame.after } })
      case 'find':
        return Pb.encode({ find: { words: [...frame.words] } })
      case 'listing': {
        const { snapshot, entries, hasMore } = frame
        return Pb.encode({ listing: { snapshot: BigInt(snapshot), entries: entries.map(entryPb), more: hasMore } })
      }
      case 'hits':
        return Pb.encode({ hits: { hits: frame.hits.map(hitPb), more: frame.hasMore } })
      case 'refuse':
        return Pb.encode({ refuse: { reason: frame.reason === 'too-fast' ? 2 : 1 } })
    }
  },

  /** @throws {ShareProtocolError} */
  decode(bytes) {
    const frame = parsed(bytes)
    const set = Object.keys(frame).length
    if (set > 1) throw new ShareProtocolError(`${set} kinds of frame in one`)
    const { list, find, listing, hits, refuse } = frame
    if (list !== undefined) {
      const { path, after } = list
      if (!isSharedPath(path)) throw new ShareProtocolError('a path that is none')
      if (after !== '' && !isEntryName(after)) throw new ShareProtocolError('a name that is none')
      return { type: 'list', path, after }
    }
    if (find !== undefined) {
      if (!areFindWords(find.words)) throw new ShareProtocolError('words that are too many, too short or too long')
      return { type: 'find', words: find.words }
    }
    if (listing !== undefined) {
      const { snapshot, entries, more } = listing
      if (entries.length > MAX_LISTING_ENTRIES) throw new ShareProtocolError(`${entries.length} entries in one page`)
      return { type: 'listing', snapshot: numberOf(snapshot), entries: inOrder(entries.map(entryOf)), hasMore: more }
    }
    if (hits !== undefined) {
      if (hits.hits.length > MAX_HITS) throw new ShareProtocolError(`${hits.hits.length} hits`)
      return { type: 'hits', hits: hits.hits.map(hitOf), hasMore: hits.more }
    }
    // A reason of a later version is one more way to say no.
    if (refuse !== undefined) return { type: 'refuse', reason: refuse.reason === 2 ? 'too-fast' : 'not-here' }
    throw new ShareProtocolError('a frame of an unknown kind')
  }
}

/** What an entry takes in a page, and a little more. */
export function entryBytes({ name }: { readonly name: string }): number {
  return Buffer.byteLength(name) + SHARED_FILE_ID_BYTES + 40
}

type EntryPb = NonNullable<Pb['listing']>['entries'][number]
type HitPb = NonNullable<Pb['hits']>['hits'][number]

function parsed(bytes: Uint8Array): Pb {
  try {
    return Pb.decode(bytes)
  } catch (cause) {
    throw new ShareProtocolError('these bytes are not a frame', { cause })
  }
}

function entryPb(entry: SharedEntry): EntryPb {
  const { name } = entry
  const size = BigInt(entry.sizeBytes)
  if (entry.is === 'folder') return { name, size, modifiedMs: 0n, file: new Uint8Array(), folder: true }
  return { name, size, modifiedMs: BigInt(entry.modifiedAtMs), file: idBytes(entry.file), folder: false }
}

function entryOf({ name, size, modifiedMs, file, folder }: EntryPb): SharedEntry {
  if (!isEntryName(name)) throw new ShareProtocolError('a name that is none')
  const sizeBytes = numberOf(size)
  if (folder) return { is: 'folder', name, sizeBytes }
  const id = file.byteLength === 0 ? undefined : idOf(file)
  return { is: 'file', name, sizeBytes, modifiedAtMs: numberOf(modifiedMs), file: id }
}

function hitPb({ path, sizeBytes, modifiedAtMs, file }: Hit): HitPb {
  return { path, size: BigInt(sizeBytes), modifiedMs: BigInt(modifiedAtMs), file: idBytes(file) }
}

function hitOf({ path, size, modifiedMs, file }: HitPb): Hit {
  if (path === '' || !isSharedPath(path)) throw new ShareProtocolError('a path that is none')
  return { path, sizeBytes: numberOf(size), modifiedAtMs: numberOf(modifiedMs), file: idOf(file) }
}

/** A reader asks on behind the last name: with names in no order it would go in circles. */
function inOrder(entries: readonly SharedEntry[]): readonly SharedEntry[] {
  const isSorted = entries.every(({ name }, at) => at === 0 || (entries[at - 1]?.name ?? '') < name)
  if (!isSorted) throw new ShareProtocolError('names that are not in order')
  return entries
}

function numberOf(given: bigint): number {
  if (given > BigInt(Number.MAX_SAFE_INTEGER)) throw new ShareProtocolError('a number that is too large')
  return Number(given)
}

function idOf(bytes: Uint8Array): string {
  if (bytes.byteLength !== SHARED_FILE_ID_BYTES) throw new ShareProtocolError(`a file ID of ${bytes.byteLength} bytes`)
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')
}

function idBytes(file: string | undefined): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(file ?? '', 'hex'))
}
