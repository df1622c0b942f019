// The UDP sockets of a directory that answers STUN: of IPv4 and IPv6, on two ports each.
// It knows no packets.
import { createSocket, type Socket, type SocketType } from 'node:dgram'
import { once } from 'node:events'
import { isIPv6 } from 'node:net'
import { errorCode } from '../../lib/index.ts'
import { MAX_PORT } from '../../wire/index.ts'

/**
 * The second port is so much above the first: one that a firewall can be told of. Far enough that directories on
 * neighbouring ports, as in the case study, don't take each other's.
 */
export const STUN_OTHER_PORT_OFFSET = 1_000

/** Ports that are tried for the second one, after the usual: the system chooses, for one family at a time. */
const OTHER_PORT_TRIES = 8

/** The UDP ports on which a directory answers. */
export interface StunPorts {
  readonly port: number
  /** Towards another port, a router shows whether its mapping varies. */
  readonly otherPort: number
}

export interface StunSocket {
  readonly socket: Socket
  close(): Promise<void>
}

interface BindInit {
  readonly host: string | undefined
  readonly port: number
}

/** The system has no such family of addresses, or no such address in it. */
const missingFamily: ReadonlySet<unknown> = new Set(['EAFNOSUPPORT', 'EADDRNOTAVAIL', 'EINVAL'])

/** Another port may be free, and allowed. */
const otherPortHelps: ReadonlySet<unknown> = new Set(['EADDRINUSE', 'EACCES', 'EPERM'])

/**
 * Binds both ports in each family that the system has.
 *
 * @throws the system's error when the first port can't be had; nothing is left bound
 */
export async function bindStun({
  host,
  port
}: BindInit): Promise<{ readonly sockets: readonly StunSocket[]; readonly ports: StunPorts }> {
  const first = await bindFamilies(host, port)
  try {
    const other = await bindOther(host, port)
    return { sockets: [...first, ...other.sockets], ports: { port, otherPort: other.port } }
  } catch (error) {
    await closeAll(first)
    throw error
  }
}

async function bindOther(
  host: string | undefined,
  port: number
): Promise<{ readonly sockets: readonly StunSocket[]; readonly port: number }> {
  const isTooHigh = port + STUN_OTHER_PORT_OFFSET > MAX_PORT
  const usual = port + (isTooHigh ? -STUN_OTHER_PORT_OFFSET : STUN_OTHER_PORT_OFFSET)
  let why: unknown
  for (const tried of [usual, ...Array<number>(OTHER_PORT_TRIES).fill(0)]) {
    try {
      const sockets = await bindFamilies(host, tried)
      return { sockets, port: sockets[0]?.socket.address().port ?? tried }
    } catch (error) {
      if (!otherPortHelps.has(errorCode(error))) throw error
      why = error
    }
  }
  throw why
}

/** @param port 0 for any that is free in all families */
async function bindFamilies(host: string | undefined, port: number): Promise<readonly StunSocket[]> {
  const places: readonly (readonly [SocketType, string])[] =
    host === undefined
      ? [
          ['udp4', '0.0.0.0'],
          ['udp6', '::']
        ]
      : [[isIPv6(host.split('%')[0] ?? '') ? 'udp6' : 'udp4', host]]
  const bound: StunSocket[] = []
  let missing: unknown
  for (const [type, address] of places) {
    try {
      bound.push(await bind(type, address, bound[0]?.socket.address().port ?? port))
    } catch (error) {
      if (missingFamily.has(errorCode(error))) {
        missing = error
        continue
      }
      await closeAll(bound)
      throw error
    }
  }
  if (bound.length === 0) throw missing
  return bound
}

async function bind(type: SocketType, address: string, port: number): Promise<StunSocket> {
  const socket = createSocket({ type, ipv6Only: type === 'udp6' })
  const listening = once(socket, 'listening')
  socket.bind(port, address)
  try {
    await listening
  } catch (error) {
    socket.close()
    throw error
  }
  return {
    socket,
    close: async () => {
      const closed = once(socket, 'close')
      socket.close()
      await closed
    }
  }
}

async function closeAll(sockets: readonly StunSocket[]): Promise<void> {
  await Promise.all(sockets.map(async ({ close }) => close()))
}
