// Asks a router by NAT-PMP (RFC 6886): one datagram there, one back, sent again while
// there is no answer. Only the router is listened to.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { orAborted } from '../wire/index.ts'
import { decodeNatPmp, encodeAddressRequest, encodeMapRequest, type NatPmpAnswer } from './nat-pmp-messages.ts'
import {
  checkedPort,
  NoPortMappingError,
  type PortMapping,
  type PortMappingRequest,
  type PortMapper
} from './port-mapper.ts'

/** Where routers listen (RFC 6886, 1.1). */
const NAT_PMP_PORT = 5351

/** When a request is sent, in milliseconds from the first: the beginning of what RFC 6886, 3.1 asks for. A router that answers does so at once. */
const REQUESTED_AT_MS = [0, 250, 750] as const

/** Until a router that has not answered counts as one that does not speak it. */
const ANSWER_TIMEOUT_MS = 1_750

interface NatPmpInit {
  /** The router: an IPv4 address. */
  readonly gateway: string
  /** Default 5351. */
  readonly gatewayPort?: number
}

export function natPmp({ gateway, gatewayPort = NAT_PMP_PORT }: NatPmpInit): PortMapper {
  const place = { gateway, gatewayPort }
  return {
    protocol: 'NAT-PMP',
    open: async ({ port, publicPort, leaseS, signal }: PortMappingRequest): Promise<PortMapping> =>
      withSocket(place, async (socket) => {
        const { address } = await asked(socket, encodeAddressRequest(), 'address', signal)
        const request = encodeMapRequest({ port, publicPort, leaseS })
        const mapped = await asked(socket, request, 'mapped', signal)
        if (mapped.port !== port)
          throw new NoPortMappingError(`the router opened the port ${mapped.port} in place of ${port}`)
        return {
          protocol: 'NAT-PMP',
          localAddress: socket.address().address,
          port,
          publicAddress: address,
          publicPort: checkedPort(mapped.publicPort),
          leaseS: Math.min(leaseS, mapped.leaseS),
          close: async (options) => closed(place, port, options.signal)
        }
      })
  }
}

type Place = Required<NatPmpInit>

async function closed(place: Place, port: number, signal: AbortSignal): Promise<void> {
  await withSocket(place, async (socket) =>
    asked(socket, encodeMapRequest({ port, publicPort: 0, leaseS: 0 }), 'mapped', signal)
  )
}

/** A connected socket takes datagrams of the router alone, and has the address that the router sees. */
async function withSocket<T>({ gateway, gatewayPort }: Place, run: (socket: Socket) => Promise<T>): Promise<T> {
  const socket = createSocket('udp4')
  try {
    const connected = once(socket, 'connect')
    socket.connect(gatewayPort, gateway)
    await connected
    return await run(socket)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error
    // Nothing listens on that port of the router.
    const why =
      error.code === 'ECONNREFUSED' ? 'the router does not speak it' : `the router can't be asked: ${error.message}`
    throw new NoPortMappingError(why, { cause: error })
  } finally {
    socket.close()
  }
}

async function asked<Is extends 'address' | 'mapped'>(
  socket: Socket,
  request: Uint8Array,
  is: Is,
  signal: AbortSignal
): Promise<Extract<NatPmpAnswer, { is: Is }>> {
  type Wanted = Extract<NatPmpAnswer, { is: Is }>
  const { promise, resolve, reject } = Promise.withResolvers<Wanted>()
  const isWanted = (answer: NatPmpAnswer): answer is Wanted => answer.is === is
  const onMessage = (bytes: Uint8Array): void => {
    const answer = decodeNatPmp(bytes)
    if (answer === undefined) return
    if (isWanted(answer)) resolve(answer)
    else if (answer.is === 'refused' && answer.to === is)
      reject(new NoPortMappingError(`the router refuses: ${answer.why}`))
  }
  // That nobody listens there is known at once.
  const onError = (error: Error): void => reject(error)
  socket.on('message', onMessage)
  socket.on('error', onError)
  const send = (): void => socket.send(request, (error) => (error === null ? undefined : reject(error)))
  const timers = REQUESTED_AT_MS.map((afterMs) => setTimeout(send, afterMs))
  const silent = new NoPortMappingError('the router does not answer')
  timers.push(setTimeout(() => reject(silent), ANSWER_TIMEOUT_MS))
  try {
    return await orAborted(promise, signal)
  } finally {
    // Nobody waits for a late failure.
    promise.catch(() => undefined)
    for (const timer of timers) clearTimeout(timer)
    socket.off('message', onMessage)
    socket.off('error', onError)
  }
}
