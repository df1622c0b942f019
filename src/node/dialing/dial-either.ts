// One attempt at two addresses of the same node: the second is dialled when the first has
// failed or does not answer, and the first connection is used. What the addresses are, and
// when to try again, is decided elsewhere.
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import { setTimeout as sleep } from 'node:timers/promises'
import { UnreachableError } from '../api/errors.ts'
import { dialFailureOf } from './dial-errors.ts'

/** A TCP port that has not answered by then is likely to be blocked: most handshakes of the world are over. */
const SECOND_DIAL_AFTER_MS = 1_500

export type Dial = (address: Multiaddr, options: { readonly signal: AbortSignal }) => Promise<Connection>

/**
 * Dials the one, and the other too when the first has failed or does not answer. The first connection is used.
 *
 * @throws the failure of the first; an UnreachableError of both where the second says more than that nothing is there
 */
export async function dialEither(
  dial: Dial,
  [first, second]: readonly [Multiaddr, Multiaddr],
  { signal, afterMs = SECOND_DIAL_AFTER_MS }: { readonly signal: AbortSignal; readonly afterMs?: number }
): Promise<Connection> {
  const ends = [new AbortController(), new AbortController()] as const
  const within = (end: AbortController): AbortSignal => AbortSignal.any([signal, end.signal])
  const firstDial = dial(first, { signal: within(ends[0]) })
  const secondDial = (async () => {
    const waits = within(ends[1])
    const timer = new AbortController()
    const late = sleep(afterMs, undefined, { signal: AbortSignal.any([waits, timer.signal]) })
    const failed = new Promise<void>((resolve) => void firstDial.catch(() => resolve()))
    await Promise.race([failed, late]).finally(() => timer.abort())
    waits.throwIfAborted()
    return dial(second, { signal: waits })
  })()
  const dials = [firstDial, secondDial] as const
  try {
    const won = await Promise.any(dials)
    for (const [i, one] of dials.entries()) void endUnless(won, one, ends[i])
    return won
  } catch {
    signal.throwIfAborted()
    throw await bothFailures(dials)
  }
}

/** Ends the dial that lost the race, and closes its connection if it still gets one. */
async function endUnless(won: Connection, dial: Promise<Connection>, end: AbortController | undefined): Promise<void> {
  const reached = await Promise.race([dial, Promise.resolve(undefined)]).catch(() => undefined)
  if (reached === won) return
  end?.abort()
  const late = await dial.catch(() => undefined)
  if (late !== won) await late?.close().catch(() => undefined)
}

async function bothFailures(dials: readonly Promise<unknown>[]): Promise<unknown> {
  const [first, second] = (await Promise.allSettled(dials)).map((one) =>
    one.status === 'rejected' ? one.reason : undefined
  )
  const isTelling = second instanceof Error && !['refused', 'no-route', 'silent'].includes(dialFailureOf(second))
  if (!(first instanceof UnreachableError) || !isTelling) return first
  return new UnreachableError(`${first.message}; ${second.message}`, { cause: first })
}
