// Where directories see an IPv4 socket of this machine that is opened for the question
// and closed after it. What follows from the answer, its caller knows.
import { randomBytes } from 'node:crypto'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { SIGHTING_NONCE_BYTES } from './sighting.ts'
import { StunClient, type StunLook, type StunSeen } from './stun-client.ts'

export interface Ipv4Look extends Omit<StunLook, 'nonce'> {
  /** The system did not send a datagram; by default it counts as not answered. */
  readonly onUnsent?: (error: Error) => void
}

/** @throws the system's error when no socket can be had; the signal's reason */
export async function lookOverIpv4({ onUnsent, ...look }: Ipv4Look): Promise<StunSeen> {
  const socket = createSocket('udp4')
  const stun = new StunClient((bytes, { host, port }) => {
    socket.send(bytes, port, host, (error) => (error === null ? undefined : onUnsent?.(error)))
  })
  // The socket goes on: what failed was one datagram.
  socket.on('error', () => undefined)
  socket.on('message', (bytes, { address, port }) => stun.received(bytes, { host: address, port }))
  try {
    socket.bind(0)
    await once(socket, 'listening', { signal: look.signal })
    return await stun.look({ ...look, nonce: randomBytes(SIGHTING_NONCE_BYTES) })
  } finally {
    socket.close()
  }
}
