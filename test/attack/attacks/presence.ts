// Attacks by what a peer says of itself: to a chat on the record stream, to a
// directory as its client.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { encodeClientFrame, type ClientFrame } from '../../../src/directory/directory-frames.ts'
import { sealRecord } from '../../../src/presence/index.ts'
import { recordFrameCodec } from '../../../src/presence/record-stream.ts'
import { directoryProtocol, framed, openStream, recordProtocol } from '../../fault/attacker.ts'
import type { Attack, AttackContext } from '../attack.ts'
import { connected, flood, onConnections, onStreams } from '../protocol-link.ts'
import { again } from '../raw-link.ts'

/** Addresses of others: documentation, multicast, metadata of clouds, the victim's own loopback. */
const addressesOfOthers = [
  '/ip4/192.0.2.1/tcp/22',
  '/ip4/198.51.100.9/tcp/443',
  '/ip4/224.0.0.1/tcp/80',
  '/ip4/169.254.169.254/tcp/80',
  '/ip4/127.0.0.1/tcp/6379',
  '/ip4/127.0.0.1/tcp/5432',
  '/ip4/0.0.0.0/tcp/25',
  '/ip4/255.255.255.255/tcp/9',
  '/ip6/::1/tcp/8080',
  '/ip6/ff02::1/tcp/80',
  '/ip6/fd00:ec2::254/tcp/80',
  '/dns4/localhost/tcp/3306'
].map((address) => multiaddr(address))
const framesAtOnce = 50
const watchers = 32

let seq = BigInt(Date.now())

/** A record that the key has sealed, newer than all before. */
export async function record(
  context: AttackContext,
  key: PrivateKey,
  over: { readonly nickname?: string; readonly withdrawn?: boolean } = {}
): Promise<Uint8Array> {
  seq += 1n
  const { envelope } = await sealRecord(
    {
      seq,
      issuedAtMs: Date.now(),
      nickname: 'attacker',
      status: '',
      addresses: addressesOfOthers,
      capabilities: ['chat/1'],
      network: context.target.network,
      ...over
    },
    key
  )
  return envelope
}

const protocolOf = (context: AttackContext): string =>
  context.target.kind === 'directory' ? directoryProtocol : recordProtocol

function announcing(context: AttackContext, envelope: Uint8Array): Uint8Array {
  return context.target.kind === 'directory'
    ? framed(encodeClientFrame({ type: 'announce', envelope }))
    : framed(recordFrameCodec.encode({ type: 'record', envelope }))
}

/** One connection after the other, each with a key of its own, that says one thing and stays for a moment. */
async function manyKeys(
  context: AttackContext,
  bytesOf: (key: PrivateKey) => Promise<Uint8Array>,
  stayMs: number
): Promise<void> {
  await again(context, async () => {
    const key = await generateKeyPair('Ed25519')
    const { attacker, connection } = await connected(context, { key })
    const stream = await openStream(connection, protocolOf(context))
    const bytes = await bytesOf(key)
    context.sent(bytes.byteLength)
    stream.send(bytes)
    await sleep(stayMs)
    if (stayMs > 0) await attacker.stop()
  })
}

async function clientFlood(
  context: AttackContext,
  next: () => ClientFrame,
  options: { readonly reads?: boolean } = {}
): Promise<void> {
  await flood(
    context,
    directoryProtocol,
    () => Buffer.concat(Array.from({ length: framesAtOnce }, () => framed(encodeClientFrame(next())))),
    options
  )
}

export const presenceAttacks: readonly Attack[] = [
  {
    name: 'records-without-pause',
    does: 'announces a newer record of its own as fast as the stream takes it',
    against: ['chat', 'directory'],
    run: async (context) => {
      const key = await generateKeyPair('Ed25519')
      const frames = await Promise.all(
        Array.from({ length: framesAtOnce }, async () => announcing(context, await record(context, key)))
      )
      await flood(context, protocolOf(context), () => Buffer.concat(frames), { key })
    }
  },
  {
    name: 'records-of-another-key',
    does: "announces records that another peer's key has sealed",
    against: ['chat', 'directory'],
    run: async (context) => {
      const other = await generateKeyPair('Ed25519')
      const bytes = announcing(context, await record(context, other))
      await flood(context, protocolOf(context), () => Buffer.concat(Array.from({ length: framesAtOnce }, () => bytes)))
    }
  },
  {
    name: 'records-of-many-keys',
    does: 'announces itself under one new key after another, and stays',
    against: ['chat', 'directory'],
    inSample: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => manyKeys(context, async (key) => announcing(context, await record(context, key)), 0)
  },
  {
    name: 'peers-that-come-and-go',
    does: 'announces itself under one new key after another, and leaves at once',
    against: ['chat', 'directory'],
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => manyKeys(context, async (key) => announcing(context, await record(context, key)), 20)
  },
  {
    name: 'namesakes-of-a-friend',
    does: "announces itself under one new key after another, with a friend's name",
    against: ['chat'],
    inSample: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) =>
      manyKeys(context, async (key) => announcing(context, await record(context, key, { nickname: 'fr\u0456end' })), 0)
  },
  {
    name: 'records-of-garbage',
    does: 'announces envelopes that are none',
    against: ['chat', 'directory'],
    run: async (context) => {
      const garbage = announcing(context, Buffer.alloc(4_000, 0xa5))
      await flood(context, protocolOf(context), () =>
        Buffer.concat(Array.from({ length: framesAtOnce }, () => garbage))
      )
    }
  },
  {
    name: 'watchers-that-do-not-read',
    does: 'watches the whole roster on many connections and reads nothing',
    against: ['directory'],
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => {
      const watch = framed(encodeClientFrame({ type: 'watch', query: '', offset: 0, limit: 0 }))
      await Promise.all(
        Array.from({ length: watchers }, async () =>
          onConnections(context, async (connection) => {
            const stream = await openStream(connection, directoryProtocol)
            stream.pause()
            context.sent(watch.byteLength)
            stream.send(watch)
            await sleep(1_000)
          })
        )
      )
    }
  },
  {
    name: 'watches-without-pause',
    does: 'watches one query after the other as fast as the stream takes it',
    against: ['directory'],
    // A query is a few bytes; the pace at which a client may change it bounds what it costs.
    bounds: { cpuMsPerMb: undefined },
    run: async (context) =>
      clientFlood(context, () => ({ type: 'watch', query: randomInt(36 ** 4).toString(36), offset: 0, limit: 0 }))
  },
  {
    name: 'lookups-unread',
    does: 'asks for one peer after the other and reads no answer',
    against: ['directory'],
    run: async (context) => {
      const peer = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
      await clientFlood(context, () => ({ type: 'lookup', peer }), { reads: false })
    }
  },
  {
    name: 'withdrawals-of-others',
    does: "withdraws with records that another peer's key has sealed",
    against: ['directory'],
    run: async (context) => {
      const envelope = await record(context, await generateKeyPair('Ed25519'), { withdrawn: true })
      await clientFlood(context, () => ({ type: 'withdraw', envelope }))
    }
  },
  {
    name: 'record-streams',
    does: 'opens streams of records, one after the other, and says nothing',
    against: ['chat', 'directory'],
    run: async (context) => onStreams(context, async (connection) => openStream(connection, protocolOf(context)))
  }
]
