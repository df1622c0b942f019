// How far a directory is: the time from opening a stream to its Welcome, which
// proves as well that it is one, of the right network. Joins nothing.
import type { Connection } from '@libp2p/interface'
import { withDeadline } from '../wire/index.ts'
import { ANSWER_TIMEOUT_MS } from './constants.ts'
import { DirectoryStream } from './directory-stream.ts'
import { DirectoryLostError, DirectoryRefusedError, OtherNetworkError } from './errors.ts'

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
  await withDeadline('read', ANSWER_TIMEOUT_MS, options.signal, async (inTime) =>
    stream.run(inTime, async (frame) => {
      if (frame.type === 'refuse') throw new DirectoryRefusedError(frame.reason, frame.retryAfterMs)
      if (frame.type !== 'welcome' || tookMs !== undefined) return
      tookMs = performance.now() - startedAtMs
      if (frame.network !== options.network) throw new OtherNetworkError(options.network, frame.network)
      stream.end()
    })
  )
  if (tookMs === undefined) throw new DirectoryLostError()
  return tookMs
}
