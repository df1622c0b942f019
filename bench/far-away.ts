/**
 * A machine that is far away, on this one: what goes through it is held back for
 * a time each way, in its order. Only the handshake of TCP itself is not. Knows
 * bytes and no protocol.
 */

import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'

/**
 * @param address a multiaddr of TCP on this machine, or a port alone
 * @returns the same with another port, behind which the first one is so far away, and how to end it
 */
export async function farAway(
  address: string,
  oneWayMs: number
): Promise<{ readonly address: string; readonly stop: () => void }> {
  const port = /(?<=\/tcp\/)\d+|^\d+$/
  const nearPort = Number(port.exec(address)?.[0])
  const sockets = new Set<Socket>()
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port: nearPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    holdBack(near, far)
    holdBack(far, near)
  })
  const holdBack = (from: Socket, to: Socket): void => {
    sockets.add(from)
    const later = (then: () => void): void => void setTimeout(then, oneWayMs)
    from.on('data', (bytes) => later(() => to.writable && to.write(bytes)))
    from.on('end', () => later(() => to.end()))
    from.on('error', () => undefined)
    from.on('close', () => {
      sockets.delete(from)
      later(() => to.destroy())
    })
  }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const place = server.address()
  if (place === null || typeof place === 'string') throw new TypeError('a TCP server has an address')
  return {
    address: address.replace(port, String(place.port)),
    stop: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    }
  }
}
