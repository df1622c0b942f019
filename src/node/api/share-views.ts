// What is shared as faces see it: the own shares, what another peer shares with this one, and what was found by words. Plain
// data.
import type { TransferView } from './file-views.ts'

/** Who may see a share: all contacts, those that are on the LAN now, or peers by their IDs. Never one that is blocked. */
export type ShareAudience =
  | { readonly is: 'contacts' }
  | { readonly is: 'lan' }
  | { readonly is: 'peers'; readonly peers: readonly string[] }

export interface ShareOptions {
  /** Default: contacts. */
  readonly audience?: ShareAudience
  /** Whether its files are found by words too. Default false. */
  readonly isSearchable?: boolean
  /** What others call it. Default: the name of the folder. */
  readonly name?: string
}

/** A folder of this machine that others may see. */
export interface ShareView {
  readonly name: string
  /** Where it is. */
  readonly folder: string
  readonly audience: ShareAudience
  readonly isSearchable: boolean
  /** How many files it has, and their bytes, as it was last looked at. */
  readonly files: number
  readonly sizeBytes: number
  /** How many of them, and of their bytes, have been read: the others are seen, and can't be fetched yet. */
  readonly readFiles: number
  readonly readBytes: number
  /** It is being looked at, or read. */
  readonly isBusy: boolean
  /** In words: why it is not there, or not all of it is shared. */
  readonly why?: string
}

/** A file or folder that a peer shares with this one. */
export type RemoteEntry =
  | { readonly is: 'folder'; readonly name: string; readonly sizeBytes: number }
  | {
      readonly is: 'file'
      readonly name: string
      readonly sizeBytes: number
      readonly modifiedAtMs: number
      /** Its file ID; undefined until the peer has read it. */
      readonly file?: string | undefined
    }

/** A page of a folder of a peer. */
export interface RemoteFolder {
  readonly peer: string
  readonly label: string
  /** Empty for all that the peer shares. */
  readonly path: string
  readonly entries: readonly RemoteEntry[]
  /** There are more, behind the last name of these. */
  readonly hasMore: boolean
}

/** One file that was found: the same bytes at one peer or several. */
export interface FoundFile {
  /** Its file ID, as 64 hexadecimal digits. */
  readonly file: string
  readonly sizeBytes: number
  /** Who has it, and under which path. */
  readonly sources: readonly { readonly peer: string; readonly label: string; readonly path: string }[]
}

export interface SearchReport {
  readonly words: readonly string[]
  readonly files: readonly FoundFile[]
  /** How many contacts answered, and how many were not reached, or gave no answer. */
  readonly asked: number
  readonly silent: number
  /** There are more than are shown. */
  readonly hasMore: boolean
}

/** A standing search has found files that it had not found before. */
export interface SearchNews {
  readonly words: readonly string[]
  readonly files: readonly FoundFile[]
}

export interface SharesApi {
  /**
   * Shares a folder, or changes how it is shared; resolves before it has been read.
   *
   * @param folder of this machine, absolute
   * @throws UsageError for a folder that can't be shared
   */
  add(folder: string, options?: ShareOptions): Promise<ShareView>
  list(): Promise<readonly ShareView[]>
  /** @param name of the share, or its folder @throws UsageError */
  remove(name: string): Promise<ShareView>
  /**
   * What a peer shares with this one.
   *
   * @param after the last name of the page before
   * @throws UnreachableError; UsageError when it shares nothing of that path with this peer
   */
  browse(
    peer: string,
    path: string,
    options?: { readonly after?: string; readonly signal?: AbortSignal }
  ): Promise<RemoteFolder>
  /**
   * Fetches files and folders that a peer shares; resolves when that has begun.
   *
   * @throws as {@link browse}
   */
  get(
    peer: string,
    paths: readonly string[],
    options?: { readonly signal?: AbortSignal }
  ): Promise<readonly TransferView[]>
  /** Asks contacts that are reached, a few at first. @throws UsageError for words that can't be found by */
  find(words: readonly string[], options?: { readonly signal?: AbortSignal }): Promise<SearchReport>
  /** Goes on asking until it is ended, or the node stops; what is found is told as an event. */
  keepFinding(words: readonly string[]): Promise<readonly (readonly string[])[]>
  /** @returns the searches that go on */
  endFinding(words?: readonly string[]): Promise<readonly (readonly string[])[]>
}
