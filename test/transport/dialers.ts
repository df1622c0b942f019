// What connects: libp2p nodes that dial from an address of their choice and do
// nothing more, and sockets that never finish a handshake.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Connection } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { createLibp2p, type Libp2p } from 'libp2p'
import { connect, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { eventualMs, patientConnections } from '../patience.ts'

/** A node with a key of its own that dials from this address. */
export async function dialerFrom(localAddress: string): Promise<Libp2p> {
  // An option of node:net that @libp2p/tcp hands on.
  const dialOpts = { noDelay: true, localAddress }
  const node = await createLibp2p({
    addresses: { listen: [] },
    transports: [tcp({ dialOpts })],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    connectionMonitor: { enabled: false },
    connectionManager: { maxConnections: 10_000, ...patientConnections }
  })
  onTestFinished(async () => node.stop())
  return node
}

/** Connects, though there may be a connection already; again while it is refused, as clients do. */
export async function connectFrom(node: Libp2p, address: Multiaddr): Promise<Connection> {
  const signal = AbortSignal.timeout(eventualMs)
  for (;;) {
    try {
      return await node.dial(address, { force: true, signal })
    } catch (error) {
      if (signal.aborted) throw error
    }
  }
}

/** Sockets that say nothing, or this and no more; those that are closed are opened again until the test ends. */
export function sockets(
  count: number,
  options: { readonly port: number; readonly from: string; readonly says?: Uint8Array }
): { readonly opened: () => number } {
  const open = new Set<Socket>()
  let opened = 0
  let isOver = false
  const openOne = (): void => {
    if (isOver) return
    const socket = connect({ host: '127.0.0.1', port: options.port, localAddress: options.from })
    open.add(socket)
    if (options.says !== undefined) socket.write(options.says)
    socket.on('connect', () => opened++)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      open.delete(socket)
      setImmediate(openOne)
    })
  }
  for (let i = 0; i < count; i++) openOne()
  onTestFinished(() => {
    isOver = true
    for (const socket of open) socket.destroy()
  })
  return { opened: () => opened }
}

/** The loopback address of a node, with its peer ID. */
export function loopbackOf(node: { addresses(): readonly string[] }): Multiaddr {
  const address = node.addresses().find((text) => text.startsWith('/ip4/127.0.0.1/'))
  if (address === undefined) throw new Error('the node does not listen on 127.0.0.1')
  return multiaddr(address)
}
