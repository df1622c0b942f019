// udx-native: byte streams with congestion control over UDP sockets that also carry
// other datagrams. Native code, and optional: it is loaded when it is first needed, and
// a peer without it stays relayed. The package has no types; these are the parts that
// are used of it.
import { createRequire } from 'node:module'

export interface Udx {
  createSocket(options?: { readonly ipv6Only?: boolean }): UdxSocket
  /** @param id of this side, 32 bits; packets of the other side name it */
  createStream(id: number): UdxStream
}

export interface UdxSocket {
  on(
    event: 'message',
    listener: (bytes: Uint8Array, from: { readonly host: string; readonly port: number }) => void
  ): void
  on(event: 'close', listener: () => void): void
  /** @throws when there is no such address on this machine, or no file is left to open */
  bind(port: number, host: string): void
  /** @returns null before it is bound */
  address(): { readonly host: string; readonly port: number } | null
  /** Keeps no order and tells of no failure. Does nothing once the socket closes. */
  trySend(bytes: Uint8Array, port: number, host: string): void
  /** Ends it as soon as no stream is on it. */
  close(): Promise<void>
}

export interface UdxStream {
  on(event: 'data', listener: (bytes: Uint8Array) => void): void
  /** `end`: the other side writes no more. `close`: once, however it ended. */
  on(event: 'drain' | 'end' | 'close', listener: () => void): void
  on(event: 'error', listener: (error: Error) => void): void
  connect(socket: UdxSocket, remoteId: number, port: number, host: string): void
  /** @returns false when the next write should wait for `drain` */
  write(bytes: Uint8Array): boolean
  /** Writes no more. */
  end(): void
  /** Ends both directions at once, and tells the other side. */
  destroy(): void
}

/** @returns undefined where there is none for this machine, or it was left out when Parley was installed */
export function loadUdx(): Udx | undefined {
  try {
    const Library = createRequire(import.meta.url)('udx-native') as new () => Udx
    return new Library()
  } catch {
    // It is optional: the conversation stays relayed, and its path says so.
    return undefined
  }
}
