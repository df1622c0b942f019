// What else may answer at an address, in this process: a web server, a server
// that accepts and says nothing, a libp2p program that speaks `/chat/1.0.0` in
// plain lines. And identities that are made to be alike.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPair, privateKeyToProtobuf } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import type { Libp2p, PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer as createWebServer } from 'node:http'
import { createServer, type Server, type Socket } from 'node:net'
import { networkInterfaces } from 'node:os'
import { chat } from '../../src/chat-protocol/index.ts'
import { RECORD_PROTOCOL } from '../../src/presence/index.ts'
import { boundedYamux } from '../../src/transport/index.ts'
import { keyFileIn, profileIn } from './homes.ts'

export interface Neighbour {
  readonly port: number
  stop(): Promise<void>
}

export async function startWebServer(): Promise<Neighbour> {
  const server = createWebServer((_, response) => response.end('a page'))
  return listen(server, async () => {
    server.closeAllConnections()
    server.close()
  })
}

/** Takes every connection, and says nothing on any. */
export async function startSilentServer(): Promise<Neighbour> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    socket.on('error', () => undefined) // the caller hangs up: that is expected
    sockets.add(socket)
  })
  return listen(server, async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
}

async function listen(server: Server, stop: () => Promise<void>): Promise<Neighbour> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has an address')
  return { port: address.port, stop }
}

export interface PlainListener extends Neighbour {
  readonly peer: string
  /** Everything that was written to it, in order. */
  heard(): string
}

/** A chat program as go-libp2p and py-libp2p publish it: identify, text in lines, no receipts. */
export async function startPlainListener(): Promise<PlainListener> {
  let heard = ''
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    // Programs that call themselves js-libp2p write lengths before their texts.
    nodeInfo: { name: 'chat', version: '1.0.0', userAgent: 'chat/1.0.0' },
    services: { identify: identify() }
  })
  await node.handle('/chat/1.0.0', (stream) => {
    stream.addEventListener('message', ({ data }) => (heard += Buffer.from(data.subarray()).toString()))
  })
  return { port: portOf(node), peer: node.peerId.toString(), heard: () => heard, stop: async () => node.stop() }
}

export interface SlowReceiver extends Neighbour {
  readonly peer: string
  /** The texts that have come, stored or not. */
  readonly arrived: readonly string[]
  /** From now on everything is stored at once, and so is what waits. */
  store(): void
}

/** A Parley whose disk takes as long as the test wants. */
export async function startSlowReceiver(): Promise<SlowReceiver> {
  const { promise: stored, resolve: store } = Promise.withResolvers<void>()
  const arrived: string[] = []
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [boundedYamux()],
    services: {
      identify: identify(),
      chat: chat({
        kindOf: async () => ({ kind: 'parley' }),
        helloFor: async () => ({ log: '00'.repeat(8) }),
        onHello: async () => undefined,
        onMessages: async (_, messages) => {
          arrived.push(...messages.map(({ text }) => text))
          await stored
          return messages.map(() => ({ kind: 'stored' }))
        },
        onPlainText: async () => true,
        onReceipts: async () => undefined,
        paceOf: () => 'contact'
      })
    }
  })
  // Serving this is how one Parley knows another.
  await node.handle(RECORD_PROTOCOL, () => undefined)
  return { port: portOf(node), peer: node.peerId.toString(), arrived, store, stop: async () => node.stop() }
}

function portOf(node: Libp2p): number {
  return Number(/\/tcp\/(\d+)/u.exec(String(node.getMultiaddrs()[0]))?.[1])
}

/** Gives a profile this identity, as if it had been made at the first start. */
export async function writeIdentity(home: string, key: PrivateKey, profile = 'default'): Promise<string> {
  await mkdir(profileIn(home, profile), { recursive: true, mode: 0o700 })
  await writeFile(keyFileIn(home, profile), privateKeyToProtobuf(key), { mode: 0o600 })
  return peerIdFromPrivateKey(key).toString()
}

/** Two identities whose peer IDs begin alike, beyond what all of their kind share. */
export async function alikeIdentities(): Promise<{ keys: readonly [PrivateKey, PrivateKey]; prefix: string }> {
  const common = '12D3KooW'.length
  const seen = new Map<string, PrivateKey>()
  for (;;) {
    const key = await generateKeyPair('Ed25519')
    const prefix = peerIdFromPrivateKey(key)
      .toString()
      .slice(0, common + 1)
    const twin = seen.get(prefix)
    if (twin !== undefined) return { keys: [twin, key], prefix }
    seen.set(prefix, key)
  }
}

/**
 * An address by which this machine reaches itself and that does not count as
 * loopback: one of its own on a network, or where it has none, 0.0.0.0.
 */
export function ownOutwardHost(): string {
  const all = Object.values(networkInterfaces()).flatMap((entries) => entries ?? [])
  return all.find(({ internal, family }) => !internal && family === 'IPv4')?.address ?? '0.0.0.0'
}

export function hasIpv6Loopback(): boolean {
  return Object.values(networkInterfaces()).some((entries) => entries?.some(({ address }) => address === '::1'))
}
