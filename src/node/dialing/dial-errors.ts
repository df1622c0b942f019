// Explains a failed dial to the person who dialled: what happened, and what to do. The
// transport's own error is the cause.
import type { Multiaddr } from '@multiformats/multiaddr'
import { RelayRefusedError, type RelayStatus } from '../../relay/index.ts'
import { formatAddress, isDnsaddr, isLinkLocalIPv6, isLoopback, relayOf } from './address.ts'
import type { Candidates } from './dialable.ts'
import { NO_NOISE } from '../../transport/index.ts'
import { webSocketFailure } from './websocket-errors.ts'
import { KeyChangedError, NoAddressError, UnreachableError, type ParleyError } from '../api/errors.ts'
import { errorCode, shortId } from '../../lib/index.ts'

export interface DialFacts {
  /** The peer ID that should answer there, if one is known. */
  readonly expected?: string | undefined
  /** How long the dial was given. */
  readonly timeoutMs: number
  /** The encryption that a node without Noise speaks, if that is known. */
  readonly encryption?: string | undefined
  /** It ended while its host name was being looked up. */
  readonly isLookingUp?: boolean
}

export function explainDialError(error: unknown, address: Multiaddr, options: DialFacts): ParleyError {
  const relay = relayOf(address)
  if (relay !== undefined) return explainRelayError(error, relay, options.timeoutMs)
  const place = formatAddress(address)
  const cause = { cause: error }
  const code = systemCode(error)
  const names = namesOf(error)
  const text = error instanceof Error ? error.message : String(error)
  if (/does not match expected/.test(text)) {
    const whom = options.expected === undefined ? 'the expected peer' : shortId(options.expected)
    return new KeyChangedError(
      `${whom} does not answer at ${place}: another peer does, with its own key. ` +
        'If you expect that, dial the address without a peer ID',
      cause
    )
  }
  const ofWebSocket = webSocketFailure(error, place)
  if (ofWebSocket !== undefined) return new UnreachableError(ofWebSocket, cause)
  const isTooLate = names.has('TimeoutError') || names.has('AbortError') || code === 'ETIMEDOUT'
  // Another dial may be looking up the same host, while this one knows where it is.
  const isUnresolved = options.isLookingUp === true && (isTooLate || isDnsaddr(address))
  if (isUnresolved && !names.has('NoValidAddressesError') && !isNoName(code)) {
    const inTime = isTooLate ? ` within ${options.timeoutMs / 1000} s` : ''
    return new UnreachableError(unansweredLookup(place, inTime), cause)
  }
  if (isUnresolved || isNoName(code)) {
    return new UnreachableError(
      `the host name of ${place} does not resolve: check its spelling, or give an IP address`,
      cause
    )
  }
  switch (code) {
    case 'ECONNREFUSED':
      return new UnreachableError(`nothing listens at ${place}: check the port, and that Parley runs there`, cause)
    case 'EAI_AGAIN':
      return new UnreachableError(unansweredLookup(place, ''), cause)
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return new UnreachableError(
        `there is no way to ${place} from here: check the network, and that the host is up`,
        cause
      )
    case 'ECONNRESET':
    case 'EPIPE':
      return new UnreachableError(`${place} hung up before it proved who it is: is it a Parley or libp2p node?`, cause)
    default:
      break
  }
  if (isTooLate) {
    return new UnreachableError(
      `nothing answered at ${place} within ${options.timeoutMs / 1000} s: ` +
        'the host may be off, a firewall may drop the packets, or something else than libp2p listens there',
      cause
    )
  }
  if (refusesNoise(error)) {
    const instead = options.encryption === undefined ? '' : `speaks ${options.encryption} and `
    return new UnreachableError(
      `what answers at ${place} is a libp2p node that ${instead}does not speak Noise, which Parley needs: ` +
        'switch Noise on there, or check the port',
      cause
    )
  }
  if (names.has('MuxerUnavailableError') || /no common muxers/u.test(text)) {
    return new UnreachableError(
      `what answers at ${place} is a libp2p node that does not speak Yamux, which Parley needs (it speaks mplex only, ` +
        'perhaps): switch Yamux on there, or check the port',
      cause
    )
  }
  if (notLibp2p.some((name) => names.has(name))) {
    return new UnreachableError(
      `what answers at ${place} is not a libp2p node (perhaps a web server): check the port`,
      cause
    )
  }
  return new UnreachableError(`${place} could not be reached: ${text}`, cause)
}

/** The name servers have answered that there is no such name, or nothing for it. */
function isNoName(code: string | undefined): boolean {
  return code === 'ENOTFOUND' || code === 'ENODATA' || code === 'EAI_NODATA'
}

function unansweredLookup(place: string, inTime: string): string {
  return (
    `the host name of ${place} could not be looked up, as no name server gave an answer${inTime}: ` +
    'check the network, or give an IP address'
  )
}

/** What to do about it is the same for all: wait until the peer is back, or until the directory has room. */
const relayWords: Partial<Record<RelayStatus, string>> = {
  'no-reservation': 'the peer takes no circuits from it',
  'connection-failed': 'the peer did not answer there',
  'resource-limit-exceeded': 'it relays as much as it may',
  'permission-denied': 'it has not registered this peer yet'
}

function explainRelayError(error: unknown, relay: string, timeoutMs: number): ParleyError {
  const refused = [...chain(error)].find((one) => one instanceof RelayRefusedError)
  const isTooLate = error instanceof DOMException && error.name === 'TimeoutError'
  const failure = error instanceof Error ? error.message : String(error)
  const text = isTooLate ? `no answer within ${timeoutMs / 1000} s` : failure
  const why = refused === undefined ? text : (relayWords[refused.status] ?? refused.message)
  return new UnreachableError(`the relay ${shortId(relay)} could not relay to the peer: ${why}`, { cause: error })
}

/** Whether the other side is a libp2p node without Noise. */
export function refusesNoise(error: unknown): boolean {
  return [...chain(error)].some(({ message }) => message.includes(NO_NOISE))
}

/** The operating system's code of the error or of one of its causes. */
function systemCode(error: unknown): string | undefined {
  for (const one of chain(error)) {
    const code = errorCode(one)
    if (code !== undefined && /^E[A-Z_]+$/.test(code)) return code
    const inText = /\b(E(?:CONN|NOTFOUND|AI_|HOST|NET|TIMEDOUT)[A-Z_]*)\b/.exec(one.message)
    if (inText?.[1] !== undefined) return inText[1]
  }
  return undefined
}

function namesOf(error: unknown): ReadonlySet<string> {
  return new Set([...chain(error)].map((one) => one.name))
}

function* chain(error: unknown): Generator<Error> {
  if (!(error instanceof Error)) return
  yield error
  if (error instanceof AggregateError) for (const inner of error.errors) yield* chain(inner)
  if (error.cause !== undefined) yield* chain(error.cause)
}

/** There is nothing to dial. */
export function noAddress({ refused }: Pick<Candidates, 'refused'>): UnreachableError {
  const [first, ...more] = refused
  if (first === undefined) {
    return new NoAddressError(
      'no address of the peer is known, and it is not on the roster: give its host and port, or use a directory, ' +
        'or a relay, that it uses too'
    )
  }
  const rest = more.length === 0 ? '' : `; nor are ${more.length} more`
  return new UnreachableError(`no address of the peer is dialled from here: ${first}${rest}`)
}

/** A relay that the user named, and that can't be used now. */
export interface LostRelay {
  /** Its peer ID; undefined when it was never reached. */
  readonly relay: string | undefined
  /** As a clause: `the relay at 203.0.113.7:4001 can't be used: the connection to it was lost`. */
  readonly text: string
}

/**
 * The failure of an attempt with the relays that it had to do without. The one through which the peer was reached last
 * says more than any address.
 */
export function withLostRelays(error: unknown, lost: readonly LostRelay[], lastRelay: string | undefined): unknown {
  if (lost.length === 0 || !(error instanceof UnreachableError)) return error
  const missed = lost.filter(({ relay }) => relay !== undefined && relay === lastRelay)
  const isFirst = missed.length > 0 || error instanceof NoAddressError
  const texts = (missed.length > 0 ? missed : lost).map(({ text }) => text)
  const clauses = isFirst ? [...texts, error.message] : [error.message, ...texts]
  return new UnreachableError(clauses.join('; '), { cause: error })
}

export function blockedPeer(): UnreachableError {
  return new UnreachableError('the peer is blocked: /unblock it first')
}

/** What a failed dial shows about the way to the address. */
export type DialFailure = 'refused' | 'no-route' | 'silent' | 'key-changed' | 'not-parley' | 'relay' | 'other'

/** @param error as {@link explainDialError} has made it */
export function dialFailureOf(error: Error): DialFailure {
  if (error instanceof KeyChangedError) return 'key-changed'
  if ([...chain(error)].some((one) => one instanceof RelayRefusedError)) return 'relay'
  const names = namesOf(error)
  switch (systemCode(error)) {
    case 'ECONNREFUSED':
      return 'refused'
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return 'no-route'
    case 'ETIMEDOUT':
      return 'silent'
    default:
      if (names.has('TimeoutError') || names.has('AbortError')) return 'silent'
      return refusesNoise(error) || notLibp2p.some((name) => names.has(name)) ? 'not-parley' : 'other'
  }
}

const notLibp2p = [
  'EncryptionFailedError',
  'UnsupportedProtocolError',
  'UnexpectedEOFError',
  'InvalidMessageError',
  'MuxerUnavailableError'
] as const

export function tooManyDials(address: Multiaddr): UnreachableError {
  return new UnreachableError(
    `${formatAddress(address)} is not dialled yet: there were too many dials at addresses that others reported`
  )
}

/** The one that an error names: loopback and link-local IPv6 say little, and stand there only where nothing else was tried. */
export function mostFamiliar(addresses: readonly Multiaddr[]): Multiaddr | undefined {
  const outward = addresses.filter((address) => !isLoopback(address))
  return outward.find((address) => !isLinkLocalIPv6(address)) ?? outward[0] ?? addresses[0]
}

/** The most telling of many failures: another key, then the failure of the most promising address. */
export function bestReason(error: unknown, mostPromising: number): Error {
  if (!(error instanceof AggregateError)) return error instanceof Error ? error : new UnreachableError(String(error))
  const reasons = error.errors.filter((one) => one instanceof Error)
  const changed = reasons.find((one) => one instanceof KeyChangedError)
  const named: unknown = error.errors[mostPromising]
  return changed ?? (named instanceof Error ? named : reasons[0]) ?? new UnreachableError('no address answered')
}
