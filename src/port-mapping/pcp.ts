// Asks a router by PCP (RFC 6887), the successor of NAT-PMP: one datagram there, and one
// back that names the public address and the port.
import type { Socket } from 'node:dgram'
import { decodePcp, encodePcp, type PcpAnswer, type PcpRequest } from './pcp-messages.ts'
import {
  checkedPort,
  NoPortMappingError,
  type PortMapping,
  type PortMappingRequest,
  type PortMapper,
  type PortRequest,
  undoIfAborted
} from './port-mapper.ts'
import { askRouter, ROUTER_PORT, withRouterSocket } from './router-socket.ts'

interface PcpInit {
  /** The router: an IPv4 address. */
  readonly gateway: string
  /** 12 bytes, the same at each start: a router keeps a mapping for the one that has made it, until its lease ends. */
  readonly nonce: Uint8Array
  /** Default 5351. */
  readonly gatewayPort?: number
}

export function pcp({ gateway, nonce, gatewayPort = ROUTER_PORT }: PcpInit): PortMapper {
  const place = { gateway, gatewayPort }
  const unmap = async (port: number, signal: AbortSignal): Promise<void> => {
    await withRouterSocket(place, async (socket) => ask(socket, { nonce, port, publicPort: 0, leaseS: 0 }, signal))
  }
  return {
    protocol: 'PCP',
    open: async ({ port, publicPort, leaseS, signal }: PortMappingRequest): Promise<PortMapping> =>
      withRouterSocket(place, async (socket) => {
        const mapped = await undoIfAborted(signal, {
          order: async () => ask(socket, { nonce, port, publicPort, leaseS }, signal),
          undo: async (inTime) => unmap(port, inTime)
        })
        return {
          protocol: 'PCP',
          localAddress: socket.address().address,
          port,
          publicAddress: mapped.publicAddress,
          publicPort: checkedPort(mapped.publicPort),
          leaseS: Math.min(leaseS, mapped.leaseS),
          close: async (options) => unmap(port, options.signal)
        }
      })
  }
}

async function ask(
  socket: Socket,
  wished: PortRequest & { readonly nonce: Uint8Array },
  signal: AbortSignal
): Promise<Extract<PcpAnswer, { is: 'mapped' }>> {
  const request: PcpRequest = { ...wished, localAddress: socket.address().address }
  const read = (bytes: Uint8Array): Extract<PcpAnswer, { is: 'mapped' }> | undefined => {
    const answer = decodePcp(bytes, request)
    if (answer?.is === 'refused') throw new NoPortMappingError(`the router refuses: ${answer.why}`)
    return answer
  }
  return askRouter(socket, encodePcp(request), read, signal)
}
