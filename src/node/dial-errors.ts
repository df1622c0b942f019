// Turns what a failed dial throws into a sentence for the person who dialled:
// what happened there, and what to do. The transport's own words are the cause.
import type { Multiaddr } from '@multiformats/multiaddr'
import { formatAddress } from './address.ts'
import { KeyChangedError, UnreachableError, type ParleyError } from './errors.ts'
import { shortId } from './short-id.ts'

/**
 * @param expected the peer ID that was to answer there, when one was known
 * @param timeoutMs how long the dial was given
 */
export function explainDialError(
  error: unknown,
  address: Multiaddr,
  options: { expected?: string | undefined; timeoutMs: number }
): ParleyError {
  const place = formatAddress(address)
  const cause = { cause: error }
  const code = systemCode(error)
  const names = namesOf(error)
  const text = error instanceof Error ? error.message : String(error)
  if (/does not match expected/.test(text)) {
    const whom = options.expected === undefined ? 'the expected peer' : shortId(options.expected)
    return new KeyChangedError(
      `somebody else than ${whom} answers at ${place}: its key is another one. ` +
        'If that is meant to be so, dial the address without a peer ID',
      cause
    )
  }
  switch (code) {
    case 'ECONNREFUSED':
      return new UnreachableError(`nothing listens at ${place}: check the port, and that Parley runs there`, cause)
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
    case 'EAI_NODATA':
      return new UnreachableError(
        `the host name of ${place} does not resolve: check its spelling, or give an IP address`,
        cause
      )
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
  if (names.has('TimeoutError') || names.has('AbortError') || code === 'ETIMEDOUT') {
    return new UnreachableError(
      `nothing answered at ${place} within ${options.timeoutMs / 1000} s: ` +
        'the host may be off, a firewall may drop the packets, or something else than libp2p listens there',
      cause
    )
  }
  if (
    names.has('EncryptionFailedError') ||
    names.has('UnsupportedProtocolError') ||
    names.has('UnexpectedEOFError') ||
    names.has('InvalidMessageError')
  ) {
    return new UnreachableError(
      `what answers at ${place} is no libp2p node (a web server, perhaps): check the port`,
      cause
    )
  }
  return new UnreachableError(`${place} could not be reached: ${text}`, cause)
}

/** The operating system's code of the error, or of one that it was made from. */
function systemCode(error: unknown): string | undefined {
  for (const one of chain(error)) {
    if ('code' in one && typeof one.code === 'string' && /^E[A-Z_]+$/.test(one.code)) return one.code
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
