// Dials each known address of a peer by itself, to say of every path whether it works and
// why not. A conversation needs one path; this is for the person who asks why there is
// none, or no better one.
import type { Connection } from '@libp2p/interface'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { PathKind } from '../api/chat-events.ts'
import { formatAddress, hostPortOf, pathKindOf, relayOf, withPeerId } from './address.ts'
import { AddressLookup } from './address-lookup.ts'
import { dialFailureOf, explainDialError, type DialFailure } from './dial-errors.ts'
import type { Dialer } from './dialer.ts'

/** A machine of the own link that is not there is given up by the system after three seconds. */
const PATH_TRIAL_MS = 3_800

/** Addresses that are tried; a peer with more has listed interfaces of virtual machines. */
const MAX_PATH_TRIALS = 12

/** One path, as it was just now. */
export interface PathTrial {
  /** As people write it. */
  readonly place: string
  readonly kind: PathKind
  /** Of a path through a relay: its peer ID. */
  readonly relay: string | undefined
  /** Undefined for a path through a relay. */
  readonly host: string | undefined
  readonly port: number | undefined
  readonly outcome:
    | { readonly is: 'open'; readonly tookMs: number }
    | { readonly is: 'failed'; readonly failure: DialFailure; readonly why: string }
}

export interface PeerTrials {
  readonly trials: readonly PathTrial[]
  /** Addresses that are not dialled, each as a clause. */
  readonly refused: readonly string[]
}

/** The part of the dialer that tries paths. */
export type TrialDialer = Pick<Dialer, 'candidates' | 'dialOne' | 'connection'>

export async function tryPaths(dialer: TrialDialer, peer: string, signal: AbortSignal): Promise<PeerTrials> {
  const { dialled, refused } = await dialer.candidates(peer, { signal })
  const addresses = dialled.slice(0, MAX_PATH_TRIALS).map(({ address }) => address)
  return { trials: await tryAddresses(dialer, peer, addresses, signal), refused }
}

/** @param peer the one that must answer; undefined: any */
export async function tryAddresses(
  dialer: TrialDialer,
  peer: string | undefined,
  addresses: readonly Multiaddr[],
  signal: AbortSignal
): Promise<readonly PathTrial[]> {
  const before = peer === undefined ? undefined : dialer.connection(peer)
  const made: Connection[] = []
  const trials = await Promise.all(
    addresses.map(async (address) => {
      const expected = peer === undefined ? address : withPeerId(address, peer)
      return tryOne(dialer, expected, { peer, signal, onOpen: (one) => made.push(one) })
    })
  )
  // One stays, where there was none: what was found to work is used.
  const [first, ...others] = made
  for (const one of before === undefined || before === first ? others : made) void one.close().catch(() => undefined)
  return trials
}

interface Trial {
  readonly peer: string | undefined
  readonly signal: AbortSignal
  readonly onOpen: (connection: Connection) => void
}

async function tryOne(dialer: TrialDialer, address: Multiaddr, { peer, signal, onOpen }: Trial): Promise<PathTrial> {
  const startedAtMs = performance.now()
  const place = hostPortOf(address)
  const path = {
    place: formatAddress(address),
    kind: pathKindOf(address),
    relay: relayOf(address),
    host: place?.host,
    port: place?.port
  }
  // A signal of its own: libp2p ends a connection when the signal that it was dialled with aborts, however late.
  const ended = new AbortController()
  const timer = setTimeout(() => ended.abort(new DOMException('too late', 'TimeoutError')), PATH_TRIAL_MS)
  const onAbort = (): void => ended.abort(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  const lookup = new AddressLookup(address)
  try {
    const connection = await dialer.dialOne(address, { signal: ended.signal, onProgress: lookup.onProgress })
    onOpen(connection)
    return { ...path, outcome: { is: 'open', tookMs: performance.now() - startedAtMs } }
  } catch (error) {
    const cause: unknown = ended.signal.aborted ? ended.signal.reason : error
    const facts = { expected: peer, timeoutMs: PATH_TRIAL_MS, isLookingUp: lookup.isUnderWay }
    const explained = explainDialError(cause, address, facts)
    return { ...path, outcome: { is: 'failed', failure: dialFailureOf(explained), why: explained.message } }
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
