// Joins two streams into a circuit: what comes on one goes out on the other, each way
// with backpressure, a bound on what is held, and the pace of the relay. The end of
// one half is passed on. It does not look at the bytes, which are sealed for the
// peers at both ends.
import type { Stream } from '@libp2p/interface'
import type { Uint8ArrayList } from 'uint8arraylist'
import { streamDuplex, toError } from '../../wire/index.ts'
import { RELAY_PIECE_BYTES, type RelayPace } from './relay-pace.ts'

/**
 * How far the receive window of each stream of a circuit grows. At most twice as much is held of a direction, 2 MiB of a
 * circuit. With 80 ms between each peer and the relay it lets through what one peer may send, 4 MiB a second; half of it,
 * at which Yamux begins, lets 1.4 MiB through.
 */
export const SPLICED_WINDOW_BYTES = 512 * 1024

/** One side of a circuit. */
interface CircuitEnd {
  readonly stream: Stream
  readonly peer: string
  /** Whose share of the relay it uses. */
  readonly addressClass: string
}

export interface SpliceInit {
  readonly ends: readonly [CircuitEnd, CircuitEnd]
  readonly pace: RelayPace
  /** Ends the circuit. */
  readonly signal: AbortSignal
  /** So many bytes were passed on. */
  readonly onBytes: (bytes: number) => void
}

/**
 * Resolves when both sides have ended their halves. When one is lost, both streams are aborted.
 *
 * @throws {WireError} when a stream is lost, or a peer lets nothing through for too long
 */
export async function splice({ ends, pace, signal, onBytes }: SpliceInit): Promise<void> {
  const [one, other] = ends
  for (const { stream } of ends) capWindow(stream)
  const [here, there] = [streamDuplex(one.stream, { signal }), streamDuplex(other.stream, { signal })]
  const lost = new AbortController()
  const passes: Passes = { pace, signal: AbortSignal.any([signal, lost.signal]), onBytes }
  try {
    await Promise.all([
      there.sink(paced(here.source, one, other.peer, passes)),
      here.sink(paced(there.source, other, one.peer, passes))
    ])
  } catch (thrown) {
    const error = toError(thrown)
    lost.abort(error)
    for (const { stream } of ends) stream.abort(error)
    throw error
  }
}

/** Yamux reads this field each time that it might widen the window; its interface does not show it. */
function capWindow(stream: Stream): void {
  if ('maxStreamWindowSize' in stream) stream.maxStreamWindowSize = SPLICED_WINDOW_BYTES
}

type Passes = Pick<SpliceInit, 'pace' | 'signal' | 'onBytes'>

async function* paced(
  source: AsyncIterable<Uint8ArrayList>,
  { peer, addressClass }: CircuitEnd,
  to: string,
  { pace, signal, onBytes }: Passes
): AsyncGenerator<Uint8ArrayList> {
  for await (const read of source) {
    for (let from = 0; from < read.byteLength; from += RELAY_PIECE_BYTES) {
      const piece = read.sublist(from, Math.min(from + RELAY_PIECE_BYTES, read.byteLength))
      await pace.take({ peer, to, holder: addressClass, bytes: piece.byteLength, signal })
      yield piece
      onBytes(piece.byteLength)
    }
  }
}
