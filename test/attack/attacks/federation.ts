// Attacks by throw-away directories: peers and federation peers that they make up, and
// what they ask of an honest one.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { multiaddr } from '@multiformats/multiaddr'
import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { FEDERATION_PROTOCOL } from '../../../src/directory/federation/peers/federation-streams.ts'
import { encodeFederationFrame, type FederationFrame } from '../../../src/directory/federation-frames.ts'
import { sealRecord, type VerifiedRecord } from '../../../src/presence/index.ts'
import { peerIdFromString } from '@libp2p/peer-id'
import { framed } from '../../fault/attacker.ts'
import { JoinedLiar } from '../../fault/joined-liar.ts'
import type { Attack, AttackContext } from '../attack.ts'
import { flood } from '../protocol-link.ts'
import { addressOf } from '../raw-link.ts'

const inventedAtOnce = 50
const sybils = 16
const framesAtOnce = 20

async function liar(context: AttackContext): Promise<JoinedLiar> {
  const { network } = context.target
  const one = await JoinedLiar.start({ network, join: [addressOf(context.target).toString()] })
  context.identity(one.peerId.toString())
  context.signal.addEventListener('abort', () => void one.stop(), { once: true })
  return one
}

async function inventedPeer(network: string): Promise<VerifiedRecord> {
  return sealRecord(
    {
      seq: BigInt(Date.now()),
      issuedAtMs: Date.now(),
      nickname: `made up ${randomBytes(3).toString('hex')}`,
      status: 'x'.repeat(140),
      addresses: [multiaddr('/ip4/192.0.2.1/tcp/4001')],
      capabilities: ['chat/1'],
      network
    },
    await generateKeyPair('Ed25519')
  )
}

async function federationFlood(
  context: AttackContext,
  next: () => FederationFrame,
  options: { readonly reads?: boolean } = {}
): Promise<void> {
  const hello = framed(
    encodeFederationFrame({ type: 'hello', network: context.target.network, digests: [], federationPeers: [] })
  )
  let isFirst = true
  await flood(
    context,
    FEDERATION_PROTOCOL,
    () => {
      const frames = Array.from({ length: framesAtOnce }, () => framed(encodeFederationFrame(next())))
      const bytes = Buffer.concat(isFirst ? [hello, ...frames] : frames)
      isFirst = false
      return bytes
    },
    options
  )
}

export const federationAttacks: readonly Attack[] = [
  {
    name: 'made-up-peers',
    does: 'joins as two directories that make up peers as fast as they can sign them',
    against: ['directory'],
    inSample: true,
    named: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => {
      const liars = [await liar(context), await liar(context)]
      while (!context.signal.aborted) {
        for (const one of liars) {
          const records = await Promise.all(
            Array.from({ length: inventedAtOnce }, async () => inventedPeer(context.target.network))
          )
          context.sent(records.reduce((sum, { envelope }) => sum + envelope.byteLength, 0))
          one.attach(records)
        }
        await sleep(1)
      }
    }
  },
  {
    name: 'made-up-directories',
    does: 'joins as 16 directories from one address',
    against: ['directory'],
    inSample: true,
    named: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => {
      for (let count = 0; count < sybils && !context.signal.aborted; count++) await liar(context)
      await new Promise<void>((resolve) => context.signal.addEventListener('abort', () => resolve(), { once: true }))
    }
  },
  {
    name: 'hellos-between-directories',
    does: 'says Hello as a directory again and again, with federation peers and digests that it makes up',
    against: ['directory'],
    run: async (context) => {
      const made = (await inventedPeer(context.target.network)).record.peer
      const addresses = Array.from({ length: 16 }, (_, index) => multiaddr(`/ip4/192.0.2.${index + 1}/tcp/4001`))
      await federationFlood(context, () => ({
        type: 'hello',
        network: context.target.network,
        digests: [{ directory: made, epoch: 9n, counter: 9n, digest: randomBytes(32), count: 9, heardAgoMs: 0 }],
        federationPeers: [{ peer: made, addresses }]
      }))
    }
  },
  {
    name: 'questions-between-directories-unread',
    does: "asks for all of a directory's peers again and again, and reads no answer",
    against: ['directory'],
    run: async (context) => {
      const directory = peerIdFromString(context.target.peer)
      await federationFlood(context, () => ({ type: 'ask', directory, afterCounter: 0n }), { reads: false })
    }
  },
  {
    name: 'pages-unasked',
    does: 'sends pages of statements that nobody asked for',
    against: ['directory'],
    run: async (context) => {
      const directory = peerIdFromString(context.target.peer)
      const updates = Array.from({ length: 20 }, () => ({
        statement: new Uint8Array(randomBytes(250)),
        record: new Uint8Array(randomBytes(300)),
        forMs: 0
      }))
      await federationFlood(context, () => ({ type: 'page', directory, epoch: 9n, updates, last: false }))
    }
  },
  {
    name: 'gossip-of-garbage',
    does: 'publishes random bytes on the stream of gossip',
    against: ['directory'],
    run: async (context) => {
      // gossipsub's RPC: one message, of a topic that is right and of data that is none.
      const topic = Buffer.from(`/chat/presence/1.0.0/${context.target.network}`)
      const data = randomBytes(1_000)
      const message = Buffer.concat([Buffer.of(0x12, 0xe8, 0x07), data, Buffer.of(0x22, topic.byteLength), topic])
      const size = message.byteLength
      const rpc = framed(Buffer.concat([Buffer.of(0x12, (size & 0x7f) | 0x80, size >> 7), message]))
      await flood(context, '/meshsub/1.1.0', () => Buffer.concat(Array.from({ length: 50 }, () => rpc)))
    }
  }
]
