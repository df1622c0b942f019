// Fetches one file from the peer that offered it, until it is whole, it is stopped, or it will never come: over any
// connection, again after each loss, with what is on the disk already.
import type { Connection } from '@libp2p/interface'
import { Download, PartFile, type DropReason, type FileService, type PartInit } from '../../files/index.ts'
import { Backoff, onAbort, Wakeup } from '../../lib/index.ts'
import { toError } from '../../wire/index.ts'

/** How soon a sender that is not reached, or whose stream was lost, is tried again. */
const FETCH_BACKOFF = { firstMs: 1_000, maxMs: 60_000 } as const

/** The file will never come from this peer. */
class FileRefusedError extends Error {
  override readonly name = 'FileRefusedError'
}

const refusals: Readonly<Record<Exclude<DropReason, 'too-fast'>, string>> = {
  'not-here': 'its sender does not offer it any more',
  changed: 'its sender has changed or removed it since',
  'no-such-leaf': 'its sender has only a part of it',
  wrong: 'what came is not the file that was offered: its sender is faulty, or cheats'
}

export interface FetchInit extends PartInit {
  readonly peer: string
  /** Of an earlier run. */
  readonly part: string | undefined
  readonly network: {
    connection(peer: string): Connection | undefined
    connect(peer: string, options: { readonly signal: AbortSignal }): Promise<Connection>
  }
  readonly service: () => Pick<FileService, 'open'>
  /** There is a part on the disk, to go on with after a restart. Awaited before bytes are fetched. */
  readonly onPart: (path: string) => Promise<void>
  readonly onProgress: () => void
  readonly backoff?: { readonly firstMs: number; readonly maxMs: number }
}

export class Fetch {
  readonly #init: FetchInit
  readonly #stopped = new AbortController()
  readonly #wakeup = new Wakeup()
  readonly #pausing = new Wakeup()
  readonly #backoff: Backoff
  #download: Download | undefined
  #why: string | undefined

  constructor(init: FetchInit) {
    this.#init = init
    this.#backoff = new Backoff(init.backoff ?? FETCH_BACKOFF)
  }

  /** The sender is connected: a pause before the next try ends. */
  wake(): void {
    this.#pausing.wake()
  }

  /** How many bytes are here, as whole leaves. */
  get doneBytes(): number {
    const have = this.#download?.have
    return have === undefined ? 0 : Math.round((this.#init.sizeBytes * have.count) / have.leaves)
  }

  get isConnected(): boolean {
    return (this.#download?.sources.length ?? 0) > 0
  }

  /** Its place in the queue of its sender: 1 is served next; undefined while it is served. */
  get place(): number | undefined {
    return this.#download?.places[0]
  }

  /** Why nothing comes at the moment, in words. */
  get why(): string | undefined {
    return this.isConnected ? undefined : this.#why
  }

  /**
   * Resolves to the path of the file.
   *
   * @throws FileRefusedError; NoRoomError; what the disk says; the reason of {@link stop}
   */
  async run(): Promise<string> {
    const { part, onPart, ...init } = this.#init
    const resumed = part === undefined ? undefined : await PartFile.resume(part, init)
    const download = new Download({
      file: init.file,
      sizeBytes: init.sizeBytes,
      part: resumed,
      create: async (layer) => {
        const created = await PartFile.create(init, layer)
        await onPart(created.path)
        return created
      },
      events: {
        progress: () => {
          this.#backoff.reset()
          this.#init.onProgress()
        },
        dropped: (_peer, why) => {
          if (why === 'too-fast') this.#wakeup.wake()
          else void download.stop(new FileRefusedError(refusals[why]))
        },
        lost: (_peer, error) => {
          this.#why = error?.message
          this.#wakeup.wake()
        }
      }
    })
    this.#download = download
    const { signal } = this.#stopped
    const unlisten = onAbort(signal, () => void download.stop(toError(signal.reason)))
    const connecting = this.#connectAgain(download)
    try {
      return await download.whole
    } catch (error) {
      await download.stop(toError(error))
      throw error
    } finally {
      unlisten()
      this.#stopped.abort(new Error('the file is not fetched any more'))
      await connecting
    }
  }

  /** What has come stays on the disk. */
  async stop(reason: Error): Promise<void> {
    this.#stopped.abort(reason)
    await this.#download?.stop(reason)
  }

  /** A stream to the sender, and another one after each that was lost. */
  async #connectAgain(download: Download): Promise<void> {
    const { peer, network, service } = this.#init
    const { signal } = this.#stopped
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      // Also where the sender ended the stream at once, so that it is not asked without end.
      if (!isFirst) await this.#wakeup.sleep(signal).then(async () => this.#pause(signal))
      while (!signal.aborted && download.sources.length === 0) {
        try {
          const connection = network.connection(peer) ?? (await network.connect(peer, { signal }))
          download.add(peer, await service().open(connection, { signal }))
          this.#why = undefined
          this.#init.onProgress()
        } catch (error) {
          this.#why = toError(error).message
          this.#init.onProgress()
          await this.#pause(signal)
        }
      }
    }
  }

  async #pause(signal: AbortSignal): Promise<void> {
    await this.#pausing.sleep(signal, this.#backoff.nextMs())
  }
}
