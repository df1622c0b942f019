// Files as faces see them: what was offered to this node and by it, how far each is, and what may be asked. Plain data.
import type { OutgoingMessage } from '../../storage/index.ts'

/** A file that was offered in one direction or the other. */
export interface TransferView {
  /** By which a person names it; never used twice in a profile. */
  readonly number: number
  readonly direction: 'in' | 'out'
  /** The other side, and how a line names it. */
  readonly peer: string
  readonly label: string
  /** Its ID, as 64 hexadecimal digits. */
  readonly file: string
  /** As its sender calls it: any text. */
  readonly name: string
  /** Of a folder, of all files in it. */
  readonly sizeBytes: number
  /** Of a folder: how many files are in it. */
  readonly files?: number
  /** How many of them are here, while it is fetched. */
  readonly doneFiles?: number
  /**
   * `offered`: it waits for an answer, or of an own one, to be fetched. `waiting`: its sender is not reached now, or serves
   * others first. `paused`: it waits for the user.
   * `done`: it is whole, or was sent whole once.
   */
  readonly state: 'offered' | 'waiting' | 'running' | 'paused' | 'done' | 'declined'
  /** How much of it is here; of an own one, was sent, at least. */
  readonly doneBytes: number
  /** Of the last seconds, while it runs. */
  readonly bytesPerSecond?: number
  /** While it waits: its place in the queue of its sender; 1 is served next. */
  readonly place?: number
  /** Where it is, once it is whole; of an own one, the file that was offered. */
  readonly path?: string
  /** In words: why it failed, or waits; of an own folder, what was left out. */
  readonly why?: string
}

/** What has become of a file; `progress` comes about once a second, of an own one seldom. */
export interface TransferNews {
  /** `wrong-source`: a peer has sent what is not the file, and is asked no more; others that offer it are. */
  readonly what: 'offered' | 'started' | 'progress' | 'wrong-source' | 'paused' | 'done' | 'failed' | 'declined'
  readonly transfer: TransferView
  /** Of `wrong-source`: that peer, and how a line names it. */
  readonly source?: { readonly peer: string; readonly label: string }
  /** Of `done`: how lines name the peers that it came from. */
  readonly servedBy?: readonly string[]
}

export interface OfferOptions {
  readonly text?: string
  readonly id?: string
}

export interface GetOptions {
  readonly peer?: string
  /** A folder of this machine, absolute. Default: the one of downloads. */
  readonly to?: string
}

export interface FilesApi {
  /**
   * Offers files to a peer in one message. They are read once now, and again when the peer fetches them.
   *
   * @param paths of files and folders of this machine, absolute
   * @param options.text what stands in the message beside the names
   * @param options.id of the message: asked for again with the same one, it is sent once
   * @throws UsageError for what can't be sent; as `send` does
   */
  offer(peer: string, paths: readonly string[], options?: OfferOptions): Promise<OutgoingMessage>
  /** Files in both directions, the newest last. */
  list(): Promise<readonly TransferView[]>
  /** Fetches what was offered; resolves when that has begun. @param number default: the last that was offered, by `peer` */
  get(number?: number, options?: GetOptions): Promise<TransferView>
  /** What has come of it stays. @param number default: the last that is on its way */
  pause(number?: number, options?: { readonly peer?: string }): Promise<TransferView>
  resume(number?: number, options?: { readonly peer?: string }): Promise<TransferView>
  /** Does not take a file, stops one that is on its way, or takes an own offer back. */
  decline(number?: number, options?: { readonly peer?: string }): Promise<TransferView>
}
