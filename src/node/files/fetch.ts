// Fetches one file from all peers that have offered it, until it is whole, it is stopped, or it will never come: with what
// is on the disk already. How one peer is reached is the source's.
import { Download, PartFile, type DropReason, type PartInit } from '../../files/index.ts'
import { onAbort } from '../../lib/index.ts'
import { toError } from '../../wire/index.ts'
import { FetchSource, type FetchNetwork } from './fetch-source.ts'

/** Peers that are asked for one file: as many as a download has streams. */
const MAX_FETCH_SOURCES = 8

/** The file will never come from those that have offered it. */
class FileRefusedError extends Error {
  override readonly name = 'FileRefusedError'
}

const refusals: Readonly<Record<Exclude<DropReason, 'too-fast'>, string>> = {
  'not-here': 'its sender does not offer it any more',
  changed: 'its sender has changed or removed it since',
  'no-such-leaf': 'its sender has only a part of it',
  wrong: 'what came is not the file that was offered: its sender is faulty, or cheats'
}

export interface FetchInit extends PartInit, FetchNetwork {
  /** Those that have offered it, also while it is fetched; the first are asked first. */
  readonly peers: () => readonly string[]
  /** Of an earlier run. */
  readonly part: string | undefined
  /** There is a part on the disk, to go on with after a restart. Awaited before bytes are fetched. */
  readonly onPart: (path: string) => Promise<void>
  readonly onProgress: () => void
  /** The peer has sent what is not the file: it is asked no more. */
  readonly onWrong?: (peer: string) => void
}

export class Fetch {
  readonly #init: FetchInit
  readonly #sources = new Map<string, FetchSource>()
  readonly #running = new Set<Promise<void>>()
  readonly #stopped = new AbortController()
  #download: Download | undefined

  constructor(init: FetchInit) {
    this.#init = init
  }

  /** The peer is connected, or has offered the file too: it is asked at once. */
  wake(peer: string): void {
    this.#sources.get(peer)?.wake()
    if (this.#download !== undefined) this.#askMore(this.#download)
  }

  /** How many bytes are here, as whole leaves. */
  get doneBytes(): number {
    const have = this.#download?.have
    return have === undefined ? 0 : Math.round((this.#init.sizeBytes * have.count) / have.leaves)
  }

  /** Peers that it is fetched from now, those in whose queue it waits too. */
  get sources(): readonly string[] {
    return this.#download?.sources ?? []
  }

  /** Peers that have sent some of it since the fetch began. */
  get servedBy(): ReadonlySet<string> {
    return this.#download?.servedBy ?? new Set()
  }

  get isConnected(): boolean {
    return this.sources.length > 0
  }

  /** The first of its places in the queues of its sources: 1 is served next; undefined while one serves it. */
  get place(): number | undefined {
    const { places = [], sources = [] } = this.#download ?? {}
    return places.length < sources.length ? undefined : places.toSorted((one, other) => one - other)[0]
  }

  /** Why nothing comes at the moment, in words. */
  get why(): string | undefined {
    if (this.isConnected) return undefined
    const all = [...this.#sources.values()]
    return all.find(({ isOver, why }) => !isOver && why !== undefined)?.why
  }

  /**
   * Resolves to the path of the file.
   *
   * @throws FileRefusedError; NoRoomError; what the disk says; the reason of {@link stop}
   */
  async run(): Promise<string> {
    const { part, onPart, onProgress, ...init } = this.#init
    const resumed = part === undefined ? undefined : await PartFile.resume(part, init)
    const download = new Download({
      file: init.file,
      sizeBytes: init.sizeBytes,
      part: resumed,
      create: async (layer) => {
        const created = await PartFile.create(init, layer)
        try {
          await onPart(created.path)
        } catch (error) {
          await created.close()
          throw error
        }
        return created
      },
      events: {
        progress: (peer) => {
          this.#sources.get(peer)?.served()
          onProgress()
        },
        dropped: (peer, why) => this.#dropped(download, peer, why),
        lost: (peer, error) => this.#sources.get(peer)?.lost(error?.message)
      }
    })
    this.#download = download
    const { signal } = this.#stopped
    const unlisten = onAbort(signal, () => void download.stop(toError(signal.reason)))
    this.#askMore(download)
    try {
      return await download.whole
    } catch (error) {
      await download.stop(toError(error))
      throw error
    } finally {
      unlisten()
      this.#stopped.abort(new Error('the file is not fetched any more'))
      for (const source of this.#sources.values()) source.stop()
      await Promise.all(this.#running)
    }
  }

  /** What has come stays on the disk. */
  async stop(reason: Error): Promise<void> {
    this.#stopped.abort(reason)
    await this.#download?.stop(reason)
  }

  #askMore(download: Download): void {
    for (const peer of this.#init.peers()) {
      const asked = [...this.#sources.values()].filter(({ isOver }) => !isOver).length
      if (this.#stopped.signal.aborted || asked >= MAX_FETCH_SOURCES) return
      if (!this.#sources.has(peer)) this.#ask(download, peer)
    }
  }

  #ask(download: Download, peer: string): void {
    const { network, service, backoff, onProgress } = this.#init
    const source = new FetchSource({
      peer,
      network,
      service,
      ...(backoff === undefined ? {} : { backoff }),
      add: (stream) => download.add(peer, stream),
      leave: () => download.leave(peer),
      isOpen: () => download.sources.includes(peer),
      onChange: onProgress
    })
    this.#sources.set(peer, source)
    const running = source.run()
    this.#running.add(running)
    void running.finally(() => this.#running.delete(running))
  }

  #dropped(download: Download, peer: string, why: DropReason): void {
    const source = this.#sources.get(peer)
    if (why === 'too-fast') return source?.lost(undefined)
    source?.stop(refusals[why])
    if (why === 'wrong') this.#init.onWrong?.(peer)
    this.#askMore(download)
    if ([...this.#sources.values()].every(({ isOver }) => isOver))
      void download.stop(new FileRefusedError(refusals[why]))
  }
}
