/**
 * A process full of peers for bench/relay.ts, which starts it: each has a host with
 * Parley's options and a chat that stores nothing, is registered at a directory, and has
 * a reservation there. They talk with the peers of another such process, directly or
 * through the directory, and say how long that took.
 */

import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, Ed25519PrivateKey, Libp2p, Stream } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { createLibp2p } from 'libp2p'
import { chat, type ChatService, type ChatSession } from '../src/chat-protocol/index.ts'
import { DIRECTORY_PROTOCOL } from '../src/directory/index.ts'
import { decodeDirectoryFrame, encodeClientFrame, type ClientFrame } from '../src/directory/directory-frames.ts'
import { addressDialer, type AddressDialer } from '../src/node/dialing/dialer.ts'
import { nextSeq, sealRecord } from '../src/presence/index.ts'
import { circuitAddress, Circuits } from '../src/relay/index.ts'
import { hopFrames, stopFrames, HOP_PROTOCOL, STOP_PROTOCOL } from '../src/relay/relay-frames.ts'
import { commonServices, hostOptions } from '../src/transport/host.ts'
import { FrameQueue, FrameStream, runFrames, streamDuplex } from '../src/wire/index.ts'

export interface PeersInit {
  readonly network: string
  /** A multiaddr. */
  readonly directory: string
  readonly count: number
}

export interface PeerPlace {
  readonly id: string
  readonly address: string
}

export type PeersOrder =
  | { readonly do: 'places' }
  /** The first peer here talks with the first of these, and so on. */
  | { readonly do: 'connect'; readonly peers: readonly PeerPlace[]; readonly over: 'direct' | 'relay' }
  /** Each pair so many messages, no more than `underWay` of them without a receipt. */
  | { readonly do: 'send'; readonly count: number; readonly sizeBytes: number; readonly underWay: number }
  /** Each pair but the first so many messages of one line, one every so often. */
  | { readonly do: 'lines'; readonly count: number; readonly everyMs: number }
  | { readonly do: 'disconnect' }
  /** The first peer here sends bytes without end to the first peer there, which takes them. */
  | { readonly do: 'greedy'; readonly is: 'on' | 'off' }
  /** The same to one that has stopped reading, past all protocols of the two: what is sent is held by the relay alone. */
  | { readonly do: 'flood'; readonly peer: PeerPlace }
  | { readonly do: 'stop-reading' }
  /** How many of the greedy one's bytes have come here so far. */
  | { readonly do: 'received' }
  | { readonly do: 'cpu' }

export interface PeersAnswer {
  readonly ms: readonly number[]
  readonly places?: readonly PeerPlace[]
  readonly bytes?: number
}

interface Peer {
  readonly libp2p: Libp2p<{ chat: ChatService; dialer: AddressDialer }>
  readonly circuits: Circuits
  readonly toDirectory: Connection
  /** What waits for the receipt of a message. */
  readonly receipts: Map<string, () => void>
  talk: { readonly connection: Connection; readonly session: ChatSession } | undefined
  sent: number
}

const GREEDY_PROTOCOL = '/relay-bench/1.0.0'
const PIECE = new Uint8Array(64 * 1024)
const LINE = 'a line of a conversation, as people write them'
const timeoutMs = 30_000
const log = '00'.repeat(8)
const peers: Peer[] = []
let greedy: AbortController | undefined
let receivedBytes = 0

if (process.send !== undefined) {
  // The parent is bench/bench-process.ts, which writes this argument.
  const init = JSON.parse(process.argv[2] ?? '') as PeersInit
  for (let n = 0; n < init.count; n++) peers.push(await startPeer(init))
  process.on('message', (order: PeersOrder) => void obey(order).then((answer) => process.send?.(answer)))
  process.on('disconnect', () => process.exit())
  process.send({ ready: true })
}

async function startPeer({ network, directory }: PeersInit): Promise<Peer> {
  const key = await generateKeyPair('Ed25519')
  const circuits = new Circuits({ isUsed: () => true })
  const receipts = new Map<string, () => void>()
  const libp2p = await createLibp2p({
    ...hostOptions({ key, host: '127.0.0.1', port: 0, circuits, discovery: [], gater: {} }),
    services: {
      ...commonServices,
      dialer: addressDialer(),
      chat: chat({
        kindOf: async () => ({ kind: 'parley' }),
        helloFor: async () => ({ log }),
        onHello: async () => undefined,
        onMessages: async (_peer, messages) => messages.map(() => ({ kind: 'stored' as const })),
        onPlainText: async () => true,
        onReceipts: async (_peer, ids) => {
          for (const id of ids) receipts.get(id)?.()
        },
        paceOf: () => 'contact'
      })
    }
  })
  await libp2p.start()
  await libp2p.handle(GREEDY_PROTOCOL, (stream) => {
    stream.addEventListener('message', ({ data }) => (receivedBytes += data.byteLength))
  })
  const toDirectory = await libp2p.dial(multiaddr(directory), { signal: AbortSignal.timeout(timeoutMs) })
  await register(toDirectory, key, network)
  await circuits.reserve(toDirectory, { signal: AbortSignal.timeout(timeoutMs) })
  return { libp2p, circuits, toDirectory, receipts, talk: undefined, sent: 0 }
}

/** Announces the peer, and nothing more: it asks for no roster. */
async function register(connection: Connection, key: Ed25519PrivateKey, network: string): Promise<void> {
  const stream = await connection.newStream(DIRECTORY_PROTOCOL)
  const seq = nextSeq(0n, Date.now())
  const record = { seq, issuedAtMs: Date.now(), nickname: 'bench', status: '', addresses: [], capabilities: ['chat/1'] }
  const { envelope } = await sealRecord({ ...record, network }, key)
  const outgoing = new FrameQueue<ClientFrame>({ maxBytes: 1 << 20, sizeOf: () => 1_024 })
  const registered = Promise.withResolvers<void>()
  const announce: ClientFrame = { type: 'announce', envelope: new Uint8Array(envelope) }
  runFrames<Uint8Array, ClientFrame>({
    stream,
    codec: { decode: (bytes) => bytes, encode: encodeClientFrame },
    outgoing,
    maxFrameBytes: 128 * 1024,
    onFrames: async (frames) => {
      for (const bytes of frames) {
        const frame = decodeDirectoryFrame(bytes)
        if (frame?.type !== 'welcome' || frame.acceptedSeq === undefined) continue
        registered.resolve()
        setTimeout(() => outgoing.offer(announce), frame.refreshAfterMs).unref()
      }
    }
  }).then(() => registered.reject(new Error('the directory has closed the stream')), registered.reject)
  outgoing.offer(announce)
  await registered.promise
}

async function obey(order: PeersOrder): Promise<PeersAnswer> {
  switch (order.do) {
    case 'places':
      return { ms: [], places: peers.map(({ libp2p }) => placeOf(libp2p)) }
    case 'connect': {
      const ms: number[] = []
      // One after the other, as a directory takes so many a second.
      for (const [at, peer] of order.peers.entries()) ms.push(await connect(at, peer, order.over))
      return { ms }
    }
    case 'send': {
      const startedAtMs = performance.now()
      await Promise.all(peers.map(async (peer) => sendMany(peer, order)))
      return { ms: [performance.now() - startedAtMs] }
    }
    case 'lines':
      return { ms: (await Promise.all(peers.slice(1).map(async (peer) => sendLines(peer, order)))).flat() }
    case 'disconnect':
      await Promise.all(peers.map(disconnect))
      return { ms: [] }
    case 'greedy':
      greedy?.abort(new Error('measured'))
      greedy = order.is === 'on' ? new AbortController() : undefined
      if (greedy !== undefined) await beGreedy(greedy.signal)
      return { ms: [] }
    case 'flood':
      await flood(order.peer)
      return { ms: [] }
    case 'stop-reading':
      await stopReading()
      return { ms: [] }
    case 'received':
      return { ms: [], bytes: receivedBytes }
    case 'cpu': {
      const { user, system } = process.cpuUsage()
      return { ms: [(user + system) / 1_000] }
    }
  }
}

function placeOf(libp2p: Libp2p): PeerPlace {
  const address = libp2p
    .getMultiaddrs()
    .map(String)
    .find((one) => one.includes('/tcp/'))
  return { id: libp2p.peerId.toString(), address: address ?? '' }
}

/** @returns how long it took, in ms, to the end of the Hellos */
async function connect(at: number, to: PeerPlace, over: 'direct' | 'relay'): Promise<number> {
  const peer = peerAt(at)
  const relay = peer.toDirectory.remotePeer.toString()
  const address = over === 'direct' ? multiaddr(to.address) : circuitAddress(relay, to.id)
  const startedAtMs = performance.now()
  const connection = await peer.libp2p.services.dialer.dial(address, { signal: AbortSignal.timeout(timeoutMs) })
  const session = await peer.libp2p.services.chat.open(connection)
  peer.talk = { connection, session }
  return performance.now() - startedAtMs
}

async function disconnect(peer: Peer): Promise<void> {
  const { talk } = peer
  peer.talk = undefined
  await talk?.session.close()
  await talk?.connection.close()
}

async function sendMany(
  peer: Peer,
  { count, sizeBytes, underWay }: { readonly count: number; readonly sizeBytes: number; readonly underWay: number }
): Promise<void> {
  const text = 'x'.repeat(sizeBytes)
  const waiting = new Set<Promise<unknown>>()
  for (let n = 0; n < count; n++) {
    if (waiting.size >= underWay) await Promise.race(waiting)
    const receipt = say(peer, text).finally(() => waiting.delete(receipt))
    waiting.add(receipt)
  }
  await Promise.all(waiting)
}

async function sendLines(
  peer: Peer,
  { count, everyMs }: { readonly count: number; readonly everyMs: number }
): Promise<readonly number[]> {
  // Each at a moment of its own.
  await sleep(Math.random() * everyMs)
  const ms: number[] = []
  for (let n = 0; n < count; n++) {
    const startedAtMs = performance.now()
    await say(peer, LINE)
    const tookMs = performance.now() - startedAtMs
    ms.push(tookMs)
    await sleep(Math.max(0, everyMs - tookMs))
  }
  return ms
}

/** Resolves with the receipt. */
async function say(peer: Peer, text: string): Promise<void> {
  const { receipts, talk } = peer
  if (talk === undefined) throw new Error('it talks with nobody')
  const id = randomBytes(16).toString('hex')
  const received = Promise.withResolvers<void>()
  receipts.set(id, received.resolve)
  await talk.session.send([{ id, log, seq: ++peer.sent, sentAtMs: Date.now(), text }])
  await received.promise
  receipts.delete(id)
}

async function beGreedy(signal: AbortSignal): Promise<void> {
  const { talk } = peerAt(0)
  const stream = await talk?.connection.newStream(GREEDY_PROTOCOL)
  if (stream !== undefined) pour(stream, signal)
}

async function flood(to: PeerPlace): Promise<void> {
  const hop = new FrameStream(
    await peerAt(0).toDirectory.newStream(HOP_PROTOCOL),
    hopFrames,
    new AbortController().signal
  )
  await hop.write({ type: 'connect', peer: peerIdFromString(to.id) })
  const answer = await hop.read()
  if (answer.type !== 'status' || answer.status !== 'ok') throw new Error('the relay does not connect')
  pour(hop.release(), new AbortController().signal)
}

async function stopReading(): Promise<void> {
  const { libp2p } = peerAt(0)
  await libp2p.unhandle(STOP_PROTOCOL)
  await libp2p.handle(STOP_PROTOCOL, async (stream) => {
    const offered = new FrameStream(stream, stopFrames, new AbortController().signal)
    await offered.read()
    await offered.write({ type: 'status', status: 'ok' })
    offered.release().pause()
  })
}

/** As fast as the other side, or the relay, lets it. */
function pour(stream: Stream, signal: AbortSignal): void {
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    for (;;) yield PIECE
  }
  streamDuplex(stream, { signal })
    .sink(endless())
    .catch((error: unknown) => stream.abort(error instanceof Error ? error : new Error(String(error))))
}

function peerAt(index: number): Peer {
  const peer = peers[index]
  if (peer === undefined) throw new RangeError(`there are ${peers.length} peers here`)
  return peer
}
