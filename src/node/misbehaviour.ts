// Reports of what remotes were cut or refused for, to an operator or a user: who,
// from where, what it did, and what was done. It counts everything and reports
// at a rate that made-up keys and addresses cannot raise. Pure: the time
// is an argument.
import type { Multiaddr } from '@multiformats/multiaddr'
import { LruMap, shortId } from '../lib/index.ts'
import { addressClass, TokenBucket } from '../wire/index.ts'
import type { Remote } from '../transport/index.ts'
import type { MisbehaviourError } from '../wire/index.ts'
import type { Misbehaviour, MisbehaviourReport, MisbehaviourSummary } from './api/notices.ts'
import { formatAddress } from './dialing/address.ts'

/** Notices of misbehaviour, of all remotes together; all of it is counted. */
export const MISBEHAVIOUR_NOTICE_RATE = { burst: 5, perSecond: 0.1 } as const

/** How soon one address class may be reported again for the same breach. */
export const MISBEHAVIOUR_AGAIN_MS = 60_000

/** Address classes whose last report is remembered. */
const MAX_REPORTED_OFFENDERS = 1_000

export class MisbehaviourWatch {
  /** By remote and breach: when it was reported, and how often it happened since. */
  readonly #reported = new LruMap<string, { readonly atMs: number; readonly times: number }>(MAX_REPORTED_OFFENDERS)
  readonly #pace: TokenBucket
  #summary: MisbehaviourSummary = { count: 0 }

  constructor(nowMs: number) {
    this.#pace = new TokenBucket(MISBEHAVIOUR_NOTICE_RATE, nowMs)
  }

  get summary(): MisbehaviourSummary {
    return this.#summary
  }

  /** @returns the report that is due now, if any */
  record(misbehaviour: Misbehaviour, nowMs: number): MisbehaviourReport | undefined {
    this.#summary = { count: this.#summary.count + 1, last: { ...misbehaviour, atMs: nowMs } }
    // A key is free and a port changes with each connection: the address class identifies a remote.
    const key = `${addressClass(hostOf(misbehaviour.address))} ${misbehaviour.breach}`
    const earlier = this.#reported.get(key)
    const times = (earlier?.times ?? 0) + 1
    const isDue = earlier === undefined || nowMs - earlier.atMs >= MISBEHAVIOUR_AGAIN_MS
    const isReported = isDue && this.#pace.take(1, nowMs) === 1
    this.#reported.set(
      key,
      isReported ? { atMs: nowMs, times: 0 } : { atMs: earlier?.atMs ?? Number.NEGATIVE_INFINITY, times }
    )
    return isReported ? { ...misbehaviour, times, text: textOf(misbehaviour, times) } : undefined
  }
}

/** What the wire found, with who it was. */
export function misbehaviourOf(error: MisbehaviourError, { peer, address }: Remote): Misbehaviour {
  return {
    ...(peer === undefined ? {} : { peer: peer.toString() }),
    address: formatAddress(address),
    breach: error.breach,
    what: error.what,
    action: 'Its connection was cut'
  }
}

/** Most often no attack: the proxy does not send the header, or a client has the address of one that is named. */
export function withoutProxyHeader(address: Multiaddr): Misbehaviour {
  return {
    address: formatAddress(address),
    breach: 'proxy-header',
    what: 'began without the PROXY header that --trusted-proxy asks of its address',
    action: 'Its connection was cut'
  }
}

/** Most often no attack: the proxy adds no such header, or asks for itself whether the directory is up. */
export function withoutForwardedFor(address: Multiaddr): Misbehaviour {
  return {
    address: formatAddress(address),
    breach: 'proxy-header',
    what: 'asked for a WebSocket without the header X-Forwarded-For that --trusted-proxy asks of its address',
    action: 'Its connection was cut'
  }
}

function textOf({ peer, address, what, action }: Misbehaviour, times: number): string {
  const who = peer === undefined ? `A stranger at ${address}` : `The peer ${shortId(peer)} at ${address}`
  return `${who} ${what}. ${action}${times === 1 ? '' : ` (${times} times since the last such note)`}.`
}

/** `[2001:db8::1]:4001` and `203.0.113.7:4001` without the port. */
function hostOf(address: string): string {
  return address.replace(/:\d+$/u, '').replace(/^\[|\]$/gu, '')
}
