// What a directory node has to do with STUN: what it tells a client of where it answers,
// and in which words it says that it can't. It opens no sockets.
import { isIPv4 } from 'node:net'
import type { Multiaddr } from '@multiformats/multiaddr'
import { hasErrorCode } from '../../lib/index.ts'
import { stunResponder, type StunMetrics, type StunResponder } from '../../direct/stun/index.ts'
import type { DirectoryStun } from '../../directory/index.ts'
import { networkInterfaces, type Interfaces } from '../../transport/index.ts'
import { addressRange, canonicalIp, ipOf } from '../../wire/index.ts'
import { isPortProblem, listenFailure, type ListenPlace } from '../dialing/listening.ts'

interface StunServiceInit extends ListenPlace {
  readonly isOn: boolean
  /** In words for the operator. */
  readonly onProblem: (text: string) => void
  readonly metrics: StunMetrics | undefined
}

/** The service that answers, for `createLibp2p({ services })`; nothing where STUN is off. */
export function stunService({ isOn, onProblem, metrics, ...place }: StunServiceInit): {
  readonly stun?: ReturnType<typeof stunResponder>
} {
  if (!isOn) return {}
  return {
    stun: stunResponder({
      ...place,
      onProblem: (error) => onProblem(stunProblemText(error, place)),
      ...(metrics === undefined ? {} : { metrics })
    })
  }
}

/**
 * Where the client may ask: it sends to the address at which it has reached the directory, and to one of the other family
 * of addresses where this machine has a public one.
 *
 * @param host the IP address that the directory listens on; undefined: all
 */
export function stunFor(
  client: Multiaddr,
  responder: Pick<StunResponder, 'ports'> | undefined,
  host: string | undefined,
  interfaces: Interfaces = networkInterfaces()
): DirectoryStun | undefined {
  const ports = responder?.ports
  if (ports === undefined) return undefined
  const from = canonicalIp(ipOf(client) ?? '')
  const otherAddress = from === undefined || host !== undefined ? undefined : publicAddress(!isIPv4(from), interfaces)
  return { ...ports, ...(otherAddress === undefined ? {} : { otherAddress }) }
}

function publicAddress(isWantedIpv4: boolean, interfaces: Interfaces): string | undefined {
  return Object.values(interfaces)
    .flatMap((addresses) => addresses ?? [])
    .map(({ address }) => address)
    .find((address) => isIPv4(address) === isWantedIpv4 && addressRange(address) === 'public')
}

function stunProblemText(error: Error, place: ListenPlace): string {
  const failure = listenFailure(error, place)
  const why = isPortProblem(failure) ? portText(error, place) : (failure ?? error).message
  return `peers behind routers get no direct path by this directory: ${why}`
}

/** The advice of `listenFailure` is about the TCP port. */
function portText(error: Error, { port }: ListenPlace): string {
  const isTaken = hasErrorCode(error, 'EADDRINUSE')
  return isTaken
    ? `the UDP port ${port} is taken by another program: end that program, choose another port with --port, or run with --stun off`
    : `this user may not listen on the UDP port ${port}: choose one from 1024 on with --port, ` +
        "let the system's administrator allow it, or run with --stun off"
}
