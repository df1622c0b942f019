// One question to a router by UDP: sent again while there is no answer, and only the
// router is listened to. What the bytes mean is known elsewhere.
import { createSocket, type Socket } from 'node:dgram'
import { once } from 'node:events'
import { hasErrorCode } from '../lib/index.ts'
import { orAborted } from '../wire/index.ts'
import { NoPortMappingError } from './port-mapper.ts'

/** Where routers listen for NAT-PMP (RFC 6886, 1.1) and for PCP (RFC 6887, 19.1). */
export const ROUTER_PORT = 5351

/** When a request is sent, in milliseconds from the first: the beginning of what RFC 6886, 3.1 asks for. A router that answers does so at once. */
const REQUESTED_AT_MS = [0, 250, 750] as const

/** Until a router that has not answered counts as one that does not speak it. */
const ROUTER_ANSWER_TIMEOUT_MS = 1_750

export interface RouterPlace {
  /** The router: an IPv4 address. */
  readonly gateway: string
  readonly gatewayPort: number
}

/**
 * A connected socket takes datagrams of the router alone, and has the address that the router sees.
 *
 * @throws {NoPortMappingError}, and whatever `run` throws
 */
export async function withRouterSocket<T>(
  { gateway, gatewayPort }: RouterPlace,
  run: (socket: Socket) => Promise<T>
): Promise<T> {
  const socket = createSocket('udp4')
  try {
    const connected = once(socket, 'connect')
    socket.connect(gatewayPort, gateway)
    await connected
    return await run(socket)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && 'syscall' in error)) throw error
    // Nothing listens on that port of the router.
    const why = hasErrorCode(error, 'ECONNREFUSED')
      ? 'the router does not speak it'
      : `the router can't be asked: ${error.message}`
    throw new NoPortMappingError(why, { cause: error })
  } finally {
    socket.close()
  }
}

/**
 * @param read undefined for what is no answer to the request; it throws where the answer is a refusal
 * @throws {NoPortMappingError}, what `read` throws, the signal's reason
 */
export async function askRouter<T>(
  socket: Socket,
  request: Uint8Array,
  read: (bytes: Uint8Array) => T | undefined,
  signal: AbortSignal
): Promise<T> {
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const onMessage = (bytes: Uint8Array): void => {
    try {
      const answer = read(bytes)
      if (answer !== undefined) resolve(answer)
    } catch (error) {
      reject(error)
    }
  }
  // That nobody listens there is known at once.
  const onError = (error: Error): void => reject(error)
  socket.on('message', onMessage)
  socket.on('error', onError)
  const send = (): void => socket.send(request, (error) => (error === null ? undefined : reject(error)))
  const timers = REQUESTED_AT_MS.map((afterMs) => setTimeout(send, afterMs))
  const silent = new NoPortMappingError('the router does not answer')
  timers.push(setTimeout(() => reject(silent), ROUTER_ANSWER_TIMEOUT_MS))
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
