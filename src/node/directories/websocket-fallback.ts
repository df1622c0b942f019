// The fallback to WebSocket, through the web server of a directory's host, where its TCP
// port is not reached. It makes one attempt at both; when to make the next is decided
// elsewhere.
import type { Connection } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { isIP } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { webSocketAddress, webSocketPlaceOf } from '../../transport/index.ts'
import { hostPortOf, isLoopback, peerIdOf, withPeerId } from '../dialing/address.ts'
import { dialFailureOf } from '../dialing/dial-errors.ts'
import { UnreachableError } from '../api/errors.ts'

/** A TCP port that has not answered by then is likely to be blocked: most handshakes of the world are over. */
const WEB_SOCKET_AFTER_MS = 1_500

/**
 * The address at which a directory is dialled by WebSocket too. One that the directory names counts only for the host by
 * which it is known: else it could send its clients to the web servers of others. Without one, port 443 of a host that
 * has a name is tried.
 *
 * @param said what the directory names: any text
 * @returns undefined where there is no fallback
 */
export function webSocketOf(address: Multiaddr, said: string | undefined): Multiaddr | undefined {
  const host = hostPortOf(address)?.host
  if (host === undefined || webSocketPlaceOf(address) !== undefined) return undefined
  const usual =
    isIP(host.split('%')[0] ?? '') === 0 && !isLoopback(address) ? webSocketAddress(`wss://${host}`) : undefined
  const found = readSaid(said, host) ?? usual
  const peer = peerIdOf(address)
  return found === undefined || peer === undefined ? found : withPeerId(found, peer)
}

function readSaid(said: string | undefined, host: string): Multiaddr | undefined {
  if (said === undefined) return undefined
  try {
    const address = multiaddr(said)
    const place = webSocketPlaceOf(address)
    const isOfHost = place?.host.toLowerCase() === host.toLowerCase() && place.serverName === undefined
    return isOfHost && peerIdOf(address) === undefined ? address : undefined
  } catch {
    return undefined // no multiaddr of this version
  }
}

/**
 * Dials a directory at its address, and by WebSocket where that fails.
 *
 * @param known what it has said of its WebSocket: any text
 * @throws as {@link dialEither}
 */
export async function dialDirectory(
  dial: Dial,
  address: Multiaddr,
  known: { readonly webSocket: string | undefined; readonly signal: AbortSignal }
): Promise<Connection> {
  const { webSocket, signal } = known
  const second = webSocketOf(address, webSocket)
  return second === undefined ? dial(address, { signal }) : dialEither(dial, [address, second], { signal })
}

type Dial = (address: Multiaddr, options: { readonly signal: AbortSignal }) => Promise<Connection>

/**
 * Dials the one, and the other too when the first has failed or does not answer. The first connection is used.
 *
 * @throws the failure of the first; an UnreachableError of both where the second says more than that nothing is there
 */
export async function dialEither(
  dial: Dial,
  [first, second]: readonly [Multiaddr, Multiaddr],
  { signal, afterMs = WEB_SOCKET_AFTER_MS }: { readonly signal: AbortSignal; readonly afterMs?: number }
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
