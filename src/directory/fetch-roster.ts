// Looks at a directory's roster without joining: a page, a query or the whole,
// once or for as long as it is watched.
import type { Connection } from '@libp2p/interface'
import { DeadlineError } from '../wire/index.ts'
import { SNAPSHOT_TIMEOUT_MS } from './constants.ts'
import { EntriesReader } from './directory-entries.ts'
import type { DirectoryEntries } from './directory-entries.ts'
import { DirectoryStream } from './directory-stream.ts'
import { DirectoryLostError, DirectoryRefusedError, OtherNetworkError } from './errors.ts'

export interface FetchRosterInit {
  /** Part of a nickname, or the start of a peer ID. Everybody, unless told. */
  readonly query?: string
  readonly offset?: number
  /** To the end, unless told. */
  readonly limit?: number
  /** Go on with what changes, until `signal` aborts. */
  readonly watch?: boolean
  /** Refuse a directory of any other network. */
  readonly network?: string
  readonly signal?: AbortSignal
  readonly now?: () => number
  /** The snapshot's pages, then what changes. Awaited before more is read. */
  onEntries(entries: DirectoryEntries): void | Promise<void>
}

/**
 * @returns the directory's network and how many peers match, when the snapshot is complete, or the watch was ended
 * @throws NotADirectoryError, OtherNetworkError, DirectoryRefusedError, DirectoryLostError, and a WireError when
 *   the stream fails
 */
export async function fetchRoster(
  connection: Connection,
  init: FetchRosterInit
): Promise<{ readonly network: string; readonly total: number }> {
  const stream = await DirectoryStream.open(connection, init.signal)
  let reader: EntriesReader | undefined
  let network = ''
  let total: number | undefined
  const done = new AbortController()
  const signal = init.signal === undefined ? done.signal : AbortSignal.any([init.signal, done.signal])
  const late = setTimeout(() => done.abort(new DeadlineError('read', SNAPSHOT_TIMEOUT_MS)), SNAPSHOT_TIMEOUT_MS)
  const run = stream.run(signal, async (frame) => {
    switch (frame.type) {
      case 'welcome':
        if (reader !== undefined) return
        if (init.network !== undefined && frame.network !== init.network) {
          throw new OtherNetworkError(init.network, frame.network)
        }
        network = frame.network
        reader = new EntriesReader(connection.remotePeer, network, init.now ?? Date.now)
        stream.send({ type: 'watch', query: init.query ?? '', offset: init.offset ?? 0, limit: init.limit ?? 0 })
        return
      case 'snapshot':
      case 'changes': {
        if (reader === undefined) return
        const entries = await reader.read(frame, signal)
        await init.onEntries(entries)
        if (entries.complete === undefined) return
        total = entries.total
        clearTimeout(late)
        if (init.watch !== true) stream.end()
        return
      }
      case 'found':
        return // nobody asked
      case 'refuse':
        throw new DirectoryRefusedError(frame.reason, frame.retryAfterMs)
    }
  })
  try {
    await run
  } catch (error) {
    // Everything has come; how the stream ends is of no interest any more.
    const isDone = total !== undefined && (init.watch !== true || init.signal?.aborted === true)
    if (!isDone) throw error
  } finally {
    clearTimeout(late)
    done.abort()
  }
  if (total === undefined || (init.watch === true && init.signal?.aborted !== true)) throw new DirectoryLostError()
  return { network, total }
}
