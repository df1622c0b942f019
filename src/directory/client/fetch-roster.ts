// Asks a directory without joining it: for its roster (a page, a query or all of it,
// once or watched), or only for the round-trip time.
import type { Connection } from '@libp2p/interface'
import { DeadlineError, withDeadline } from '../../wire/index.ts'
import { SNAPSHOT_TIMEOUT_MS, DirectoryRefusedError, OtherNetworkError } from '../directory-frames.ts'
import { EntriesReader } from './directory-entries.ts'
import type { DirectoryEntries } from './directory-entries.ts'
import { DirectoryStream, DirectoryLostError, DIRECTORY_ANSWER_TIMEOUT_MS } from './directory-stream.ts'

interface FetchRosterInit {
  /** Part of a nickname, or the start of a peer ID; by default empty: all peers. */
  readonly query?: string
  readonly offset?: number
  /** By default 0: to the end. */
  readonly limit?: number
  /** Report changes until `signal` aborts. */
  readonly watch?: boolean
  /** Refuse a directory of any other network. */
  readonly network?: string
  readonly signal?: AbortSignal
  readonly now?: () => number
  /** Gets the snapshot's pages, then the changes. Awaited before more is read. */
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
        // A change may follow the last page before the stream has ended: without a watch the answer is complete.
        if (reader === undefined || (total !== undefined && init.watch !== true)) return
        const entries = await reader.read(frame, signal)
        await init.onEntries(entries)
        if (entries.complete === undefined) return
        total = entries.total
        clearTimeout(late)
        if (init.watch !== true) stream.end()
        return
      }
      case 'found':
        return // the answer to no question of ours
      case 'refuse':
        throw new DirectoryRefusedError(frame.reason, frame.retryAfterMs)
    }
  })
  try {
    await run
  } catch (error) {
    // The roster is complete; how the stream ends does not matter any more.
    const isDone = total !== undefined && (init.watch !== true || init.signal?.aborted === true)
    if (!isDone) throw error
  } finally {
    clearTimeout(late)
    done.abort()
  }
  if (total === undefined || (init.watch === true && init.signal?.aborted !== true)) throw new DirectoryLostError()
  return { network, total }
}

/**
 * @returns milliseconds, with their fraction
 * @throws NotADirectoryError, OtherNetworkError, DirectoryRefusedError, DirectoryLostError, WireError
 */
export async function measureDirectory(
  connection: Connection,
  options: { readonly network: string; readonly signal?: AbortSignal }
): Promise<number> {
  const startedAtMs = performance.now()
  const stream = await DirectoryStream.open(connection, options.signal)
  let tookMs: number | undefined
  const run = withDeadline('read', DIRECTORY_ANSWER_TIMEOUT_MS, options.signal, async (inTime) =>
    stream.run(inTime, async (frame) => {
      if (frame.type === 'refuse') throw new DirectoryRefusedError(frame.reason, frame.retryAfterMs)
      if (frame.type !== 'welcome' || tookMs !== undefined) return
      if (frame.network !== options.network) throw new OtherNetworkError(options.network, frame.network)
      tookMs = performance.now() - startedAtMs
      stream.end()
    })
  )
  try {
    await run
  } catch (error) {
    // It has answered: a far directory may take longer to close the stream than is waited for.
    if (tookMs === undefined) throw error
  }
  if (tookMs === undefined) throw new DirectoryLostError()
  return tookMs
}
