/**
 * TCP over link-local IPv6 addresses, whose zone names the link that they are on.
 * @libp2p/tcp alone loses the zone: it dials and listens at the bare address, which
 * the system refuses, and drops connections from an address with a zone, since it
 * can't make a multiaddr of it. It knows addresses, and nothing of what is sent.
 */

import type { Listener, Transport, Upgrader } from '@libp2p/interface'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { Server, Socket } from 'node:net'
import { beforeUpgrade } from './around-upgrade.ts'

/** For `createLibp2p({ transports: [zonedAddresses(tcp())] })`. */
export function zonedAddresses<Components>(
  transportOf: (components: Components) => Transport
): (components: Components) => Transport {
  return (components) => {
    const transport = transportOf(components)
    const dial = transport.dial.bind(transport)
    const createListener = transport.createListener.bind(transport)
    // Options beside the address go to net.connect() and Server.listen(), and override the address.
    transport.dial = async (address, init) => dial(address, { ...init, ...zonedHost(address) })
    transport.createListener = (init) => {
      const listener = createListener({ ...init, upgrader: withZone(init.upgrader) })
      const listen = listener.listen.bind(listener)
      listener.listen = async (address) => {
        const context: unknown = Reflect.get(listener, 'context')
        if (typeof context === 'object' && context !== null) Object.assign(context, zonedHost(address))
        return listen(address)
      }
      hideZones(listener)
      return listener
    }
    return transport
  }
}

/** The host as sockets take it, of an address with a zone. */
function zonedHost(address: Multiaddr): { readonly host?: string } {
  const components = address.getComponents()
  const zone = components.find(({ name }) => name === 'ip6zone')?.value
  const ip = components.find(({ name }) => name === 'ip6')?.value
  return zone === undefined || ip === undefined ? {} : { host: `${ip}%${zone}` }
}

/** The remote address of each socket, without its zone, is what the listener can make a multiaddr of. */
function hideZones(listener: Listener): void {
  const server: unknown = Reflect.get(listener, 'server')
  if (!(server instanceof Server)) return
  server.prependListener('connection', (socket: Socket) => {
    const { remoteAddress } = socket
    const [ip, zone] = remoteAddress?.split('%') ?? []
    if (ip === undefined || zone === undefined) return
    zones.set(socket, zone)
    Object.defineProperty(socket, 'remoteAddress', { value: ip, configurable: true })
  })
}

const zones = new WeakMap<Socket, string>()

/** The connection's remote address keeps its zone. */
function withZone(upgrader: Upgrader): Upgrader {
  return beforeUpgrade(upgrader, ['upgradeInbound'], (connection) => {
    // A field of @libp2p/tcp's connections, which their interface does not show.
    if (!('socket' in connection) || !(connection.socket instanceof Socket)) return
    const zone = zones.get(connection.socket)
    if (zone !== undefined) connection.remoteAddr = multiaddr(`/ip6zone/${zone}${connection.remoteAddr.toString()}`)
  })
}
