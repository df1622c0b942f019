// Attacks on what relays: on a directory that passes circuits on, by peers that are
// announced there; and on a chat that takes circuits, by a stranger that offers some.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, PeerId, Stream } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { lpStream } from '@libp2p/utils'
import { randomBytes } from 'node:crypto'
import { encodeClientFrame } from '../../../src/directory/directory-frames.ts'
import { hopFrames, stopFrames, HOP_PROTOCOL, STOP_PROTOCOL, type HopFrame } from '../../../src/relay/relay-frames.ts'
import { directoryProtocol, framed, openStream } from '../../fault/attacker.ts'
import type { Attack, AttackContext } from '../attack.ts'
import { connected, flood, onStreams, pourInto } from '../protocol-link.ts'
import { again } from '../raw-link.ts'
import { record } from './presence.ts'

/** Pieces as a file has them, and as a line of a conversation. */
const pieceBytes = Buffer.alloc(16 * 1024, 'x')
const lineBytes = Buffer.alloc(200, 'x')
/** Pairs of peers, each of which relays to the other. */
const pairs = 4
/** Circuits of one sender whose receiver stops. */
const stuckCircuits = 8
/** No relay has streams for as many questions of one connection. */
const openQuestions = 64
const accepting = framed(stopFrames.encode({ type: 'status', status: 'ok' }))

/** A peer of the attacker's that is announced at the directory, and takes what is offered to it. */
interface Announced {
  readonly id: PeerId
  readonly connection: Connection
}

type Take = (stream: Stream) => void

const reads: Take = (stream) => stream.addEventListener('message', () => undefined)

async function announced(context: AttackContext, take: Take = reads): Promise<Announced> {
  const key = await generateKeyPair('Ed25519')
  const { attacker, connection } = await connected(context, { key })
  await attacker.serve(STOP_PROTOCOL, (stream) => {
    stream.send(accepting)
    take(stream)
  })
  const stream = await openStream(connection, directoryProtocol)
  reads(stream)
  stream.send(framed(encodeClientFrame({ type: 'announce', envelope: await record(context, key) })))
  // Registered a moment later: until then the relay refuses.
  await again(context, async () => ask(context, connection, { type: 'reserve' }), {
    while: () => !reserved.has(connection)
  })
  return { id: peerIdFromPrivateKey(key), connection }
}

const reserved = new WeakSet<Connection>()

/** @returns the stream, on which a circuit follows where one was asked for and granted */
async function ask(context: AttackContext, connection: Connection, request: HopFrame): Promise<Stream> {
  const stream = await openStream(connection, HOP_PROTOCOL)
  const frames = lpStream(stream)
  const bytes = hopFrames.encode(request)
  context.sent(bytes.byteLength)
  await frames.write(bytes, { signal: context.signal })
  const answer = hopFrames.decode((await frames.read({ signal: context.signal })).subarray())
  if (answer.type === 'reserved') reserved.add(connection)
  else if (answer.type !== 'status' || answer.status !== 'ok') throw new Error('the relay refused')
  return frames.unwrap()
}

/** A circuit from one peer of the attacker's to another, into which it pours. */
async function pourTo(context: AttackContext, from: Announced, to: Announced, bytes: Uint8Array): Promise<void> {
  await again(context, async () => {
    const stream = await ask(context, from.connection, { type: 'connect', peer: to.id })
    reads(stream)
    await pourInto(context, stream, () => bytes)
  })
}

async function betweenOwnPeers(context: AttackContext, bytes: Uint8Array): Promise<void> {
  const all: Announced[] = []
  // One after the other, whatever the victim refuses.
  await again(context, async () => void all.push(await announced(context)), { while: () => all.length < 2 * pairs })
  await Promise.all(
    all.map(async (from, index) => {
      const to = all[index ^ 1]
      if (to !== undefined) await pourTo(context, from, to, bytes)
    })
  )
}

export const relayAttacks: readonly Attack[] = [
  {
    name: 'circuits-of-a-stranger',
    does: 'offers circuits to a chat that has no reservation with it',
    against: ['chat'],
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => {
      const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
      const offer = framed(stopFrames.encode({ type: 'connect', peer }))
      await onStreams(context, async (connection) => {
        const stream = await openStream(connection, STOP_PROTOCOL)
        context.sent(offer.byteLength)
        stream.send(offer)
      })
    }
  },
  {
    name: 'reservations-without-pause',
    does: 'is announced, and reserves the relay again and again',
    against: ['directory'],
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => {
      await again(context, async () => {
        const { connection } = await announced(context)
        await again(context, async () => ask(context, connection, { type: 'reserve' }), {
          while: () => connection.status === 'open'
        })
      })
    }
  },
  {
    name: 'circuits-to-one-peer',
    does: 'is announced under one new key after another, and opens as many circuits to one peer as it gets',
    against: ['directory'],
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => {
      const target = await announced(context)
      await again(context, async () => {
        const { connection } = await announced(context)
        for (;;) reads(await ask(context, connection, { type: 'connect', peer: target.id }))
      })
    }
  },
  {
    name: 'files-between-own-peers',
    does: 'relays to itself between eight of its own peers at full rate, in large pieces',
    against: ['directory'],
    inSample: true,
    run: async (context) => betweenOwnPeers(context, pieceBytes)
  },
  {
    name: 'lines-between-own-peers',
    does: 'relays to itself between eight of its own peers at full rate, in pieces as small as a line',
    against: ['directory'],
    run: async (context) => betweenOwnPeers(context, lineBytes)
  },
  {
    name: 'circuits-whose-receiver-stops',
    does: 'pours into circuits whose other end it does not read',
    against: ['directory'],
    inSample: true,
    run: async (context) => {
      const to = await announced(context, (stream) => stream.pause())
      const from = await announced(context)
      await Promise.all(Array.from({ length: stuckCircuits }, async () => pourTo(context, from, to, pieceBytes)))
    }
  },
  {
    name: 'hop-messages-of-garbage',
    does: 'sends bytes that are no message to the relay, on one stream after the other',
    against: ['directory'],
    run: async (context) => flood(context, HOP_PROTOCOL, () => framed(randomBytes(64)))
  },
  {
    name: 'hop-messages-cut-in-half',
    does: 'begins a message to the relay on as many streams as it gets, and does not end it',
    against: ['directory'],
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => {
      const half = framed(hopFrames.encode({ type: 'reserve' })).subarray(0, 2)
      await onStreams(context, async (connection) => {
        await Promise.allSettled(
          Array.from({ length: openQuestions }, async () => {
            const stream = await openStream(connection, HOP_PROTOCOL)
            context.sent(half.byteLength)
            stream.send(half)
          })
        )
      })
    }
  }
]
