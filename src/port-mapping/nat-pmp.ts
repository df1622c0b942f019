// Asks a router by NAT-PMP (RFC 6886): one datagram for its public address, and one for
// the port.
import type { Socket } from 'node:dgram'
import { decodeNatPmp, encodeAddressRequest, encodeMapRequest, type NatPmpAnswer } from './nat-pmp-messages.ts'
import {
  checkedPort,
  NoPortMappingError,
  type PortMapping,
  type PortMappingRequest,
  type PortMapper,
  undoIfAborted
} from './port-mapper.ts'
import { askRouter, ROUTER_PORT, type RouterPlace, withRouterSocket } from './router-socket.ts'

interface NatPmpInit {
  /** The router: an IPv4 address. */
  readonly gateway: string
  /** Default 5351. */
  readonly gatewayPort?: number
}

export function natPmp({ gateway, gatewayPort = ROUTER_PORT }: NatPmpInit): PortMapper {
  const place = { gateway, gatewayPort }
  return {
    protocol: 'NAT-PMP',
    open: async ({ port, publicPort, leaseS, signal }: PortMappingRequest): Promise<PortMapping> =>
      withRouterSocket(place, async (socket) => {
        const { address } = await ask(socket, encodeAddressRequest(), 'address', signal)
        const mapped = await undoIfAborted(signal, {
          order: async () => ask(socket, encodeMapRequest({ port, publicPort, leaseS }), 'mapped', signal),
          undo: async (inTime) => unmap(place, port, inTime)
        })
        if (mapped.port !== port)
          throw new NoPortMappingError(`the router opened port ${mapped.port} instead of ${port}`)
        return {
          protocol: 'NAT-PMP',
          localAddress: socket.address().address,
          port,
          publicAddress: address,
          publicPort: checkedPort(mapped.publicPort),
          leaseS: Math.min(leaseS, mapped.leaseS),
          close: async (options) => unmap(place, port, options.signal)
        }
      })
  }
}

async function unmap(place: RouterPlace, port: number, signal: AbortSignal): Promise<void> {
  await withRouterSocket(place, async (socket) =>
    ask(socket, encodeMapRequest({ port, publicPort: 0, leaseS: 0 }), 'mapped', signal)
  )
}

async function ask<Is extends 'address' | 'mapped'>(
  socket: Socket,
  request: Uint8Array,
  is: Is,
  signal: AbortSignal
): Promise<Extract<NatPmpAnswer, { is: Is }>> {
  type Wanted = Extract<NatPmpAnswer, { is: Is }>
  const isWanted = (answer: NatPmpAnswer): answer is Wanted => answer.is === is
  const read = (bytes: Uint8Array): Wanted | undefined => {
    const answer = decodeNatPmp(bytes)
    if (answer?.is === 'refused' && answer.to === is) throw new NoPortMappingError(`the router refuses: ${answer.why}`)
    return answer !== undefined && isWanted(answer) ? answer : undefined
  }
  return askRouter(socket, request, read, signal)
}
