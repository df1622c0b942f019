// The UDP sockets of one attempt: one of each family for the candidates, and those that
// wait for guesses, opened when they first send. When the attempt is over, all are
// closed but the one that a path was found on, and that one with its path. It knows
// datagrams, and not what they mean.
import { isIPv4, isIPv6 } from 'node:net'
import type { Way } from './punch.ts'
import type { UdpPlace } from './stun/index.ts'
import type { Udx, UdxSocket } from './udx-library.ts'

export interface PunchSocketsInit {
  readonly udx: Pick<Udx, 'createSocket'>
  /** The address to bind to; undefined for all of IPv4 and IPv6. */
  readonly host: string | undefined
  readonly onDatagram: (bytes: Uint8Array, way: Way) => void
}

export class PunchSockets {
  readonly #init: PunchSocketsInit
  readonly #ipv4: UdxSocket | undefined
  readonly #ipv6: UdxSocket | undefined
  /** By their number in a way. */
  readonly #spread = new Map<number, UdxSocket>()
  #isOpen = true

  constructor(init: PunchSocketsInit) {
    this.#init = init
    const { host } = init
    this.#ipv4 = host === undefined || isIPv4(host) ? this.#bound(0, host ?? '0.0.0.0') : undefined
    this.#ipv6 = host === undefined || isIPv6(host) ? this.#bound(0, host ?? '::') : undefined
  }

  /** @param hosts addresses of this machine @returns where the sockets for the candidates are bound there */
  boundAt(hosts: readonly string[]): readonly UdpPlace[] {
    return hosts.flatMap((host) => {
      const port = (isIPv4(host) ? this.#ipv4 : this.#ipv6)?.address()?.port
      return port === undefined ? [] : [{ host, port }]
    })
  }

  /** Never fails: a datagram may be lost, wherever. */
  send(bytes: Uint8Array, { socket, to }: Way): void {
    this.of({ socket, to })?.trySend(bytes, to.port, to.host)
  }

  /** @returns undefined where this machine has none for it */
  of({ socket, to }: Way): UdxSocket | undefined {
    if (!this.#isOpen) return undefined
    if (socket === 0) return isIPv4(to.host) ? this.#ipv4 : this.#ipv6
    const open = this.#spread.get(socket)
    if (open !== undefined) return open
    const fresh = this.#bound(socket, this.#init.host ?? '0.0.0.0')
    if (fresh !== undefined) this.#spread.set(socket, fresh)
    return fresh
  }

  /** Closes all but this one. */
  keepOnly(kept: UdxSocket | undefined): void {
    for (const socket of this.#all()) if (socket !== kept) void socket.close()
  }

  /** Nothing is sent any more. A socket with a stream closes with its stream. */
  close(): void {
    this.keepOnly(undefined)
    this.#isOpen = false
  }

  #all(): readonly UdxSocket[] {
    return [this.#ipv4, this.#ipv6, ...this.#spread.values()].filter((socket) => socket !== undefined)
  }

  /** @returns undefined without such an address, or without files to open: the others may do */
  #bound(number: number, host: string): UdxSocket | undefined {
    const socket = this.#init.udx.createSocket({ ipv6Only: isIPv6(host) })
    try {
      socket.bind(0, host)
    } catch {
      void socket.close()
      return undefined
    }
    socket.on('message', (bytes, from) => {
      if (this.#isOpen) this.#init.onDatagram(bytes, { socket: number, to: { host: from.host, port: from.port } })
    })
    return socket
  }
}
