// Attacks by the number of connections: places that are taken, and taken again.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection, PrivateKey } from '@libp2p/interface'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Attack, AttackContext } from '../attack.ts'
import { openStream } from '../../fault/attacker.ts'
import { connected } from '../protocol-link.ts'
import { addressOf, again, RawLink, rawSocket, onLinks } from '../raw-link.ts'

/** More than a chat has places for, and as many as fill a directory's handshakes many times. */
const idleConnections = 450
const parallelDials = 4
const silentAtOnce = 64
const connectionsWithStreams = 40
/** See STREAM_OPENING_RATE. */
const streamsEachSecond = 30
const identifyProtocol = '/ipfs/id/1.0.0'

async function silent(context: AttackContext, sources: readonly string[]): Promise<void> {
  for (const source of sources) context.identity(source)
  await Promise.all(
    sources.flatMap((source) =>
      Array.from({ length: silentAtOnce }, async () =>
        again(context, async () => {
          await rawSocket(context, { source })
          await sleep(1)
        })
      )
    )
  )
}

/** Another address of the attacker's, beside its own. */
function neighbourOf(source: string): string {
  return source.replace(/\d+$/u, (last) => String(Number(last) + 1))
}

async function idle(context: AttackContext, keyOf: () => Promise<PrivateKey>): Promise<void> {
  let left = idleConnections
  await Promise.all(
    Array.from({ length: parallelDials }, async () =>
      again(context, async () => {
        if (left <= 0) await sleep(200)
        else {
          const link = await RawLink.dial(context, { key: await keyOf() })
          if (link.isOpen) left -= 1
        }
      })
    )
  )
}

/** Opens streams for as long as the connection lasts, a little below the rate of openings. */
async function streamsWithin(context: AttackContext, connection: Connection): Promise<void> {
  await again(
    context,
    async () => {
      const stream = await openStream(connection, identifyProtocol)
      context.sent(identifyProtocol.length)
      stream.abort(new Error('enough'))
      await sleep(1_000 / streamsEachSecond)
    },
    { while: () => connection.status === 'open' }
  )
}

export const connectionAttacks: readonly Attack[] = [
  {
    name: 'idle-connections-of-one-key',
    does: 'opens 450 connections with one key and leaves them idle',
    against: ['chat', 'directory'],
    inSample: true,
    // At the rate at which handshakes begin it takes no place from others in this time, so that nobody is named.
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => {
      const key = generateKeyPair('Ed25519')
      await idle(context, async () => key)
    }
  },
  {
    name: 'idle-connections-of-many-keys',
    does: 'opens 450 connections, each with a key of its own, and leaves them idle',
    against: ['chat', 'directory'],
    // At the rate at which handshakes begin it takes no place from others in this time, so that nobody is named.
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => idle(context, async () => generateKeyPair('Ed25519'))
  },
  {
    name: 'streams-within-the-budget',
    does: 'opens streams on 40 connections at a time, on each no faster than it may',
    against: ['chat', 'directory'],
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => {
      const { attacker } = await connected(context)
      const address = addressOf(context.target).toString()
      await Promise.all(
        Array.from({ length: connectionsWithStreams }, async () =>
          again(context, async () => streamsWithin(context, await attacker.connect(address)))
        )
      )
    }
  },
  {
    name: 'silent-sockets',
    does: 'opens sockets from one address as fast as it can and says nothing',
    against: ['chat', 'directory'],
    inSample: true,
    named: true,
    needsFreshVictim: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => silent(context, [context.source])
  },
  {
    name: 'silent-sockets-from-two-addresses',
    does: 'opens sockets from two addresses as fast as it can and says nothing',
    against: ['chat', 'directory'],
    inSample: true,
    named: true,
    needsFreshVictim: true,
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => silent(context, [context.source, neighbourOf(context.source)])
  },
  {
    name: 'sockets-that-are-reset',
    does: 'opens sockets and resets them at once',
    against: ['chat', 'directory'],
    bounds: { cpuMsPerMb: undefined },
    run: async (context) =>
      again(context, async () => {
        const socket = await rawSocket(context)
        socket?.resetAndDestroy()
      })
  },
  {
    name: 'handshakes',
    does: 'completes one handshake after the other and hangs up',
    against: ['chat', 'directory'],
    bounds: { cpuMsPerMb: undefined },
    run: async (context) => onLinks(context, () => undefined)
  }
]
