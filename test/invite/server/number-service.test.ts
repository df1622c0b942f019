import type { Connection, PeerId } from '@libp2p/interface'
import { expect, test } from 'vitest'
import { findNumber, NumberClaims, NumberRefusedError } from '../../../src/invite/numbers/number-client.ts'
import { CLAIM_RATE, FIND_RATE, numbers } from '../../../src/invite/server/number-service.ts'
import { node } from '../../directory/nodes.ts'
import { eventually } from '../../eventually.ts'
import { testMs } from '../../patience.ts'

const network = 'test'
const signal = AbortSignal.timeout(testMs)

async function directory(
  over: { readonly isAnnounced?: () => boolean; readonly joined?: () => readonly PeerId[] } = {}
) {
  const libp2p = await node({
    numbers: numbers({
      network,
      isAnnounced: over.isAnnounced ?? (() => true),
      federationPeers: over.joined ?? (() => []),
      now: () => 0
    })
  })
  return { libp2p, peer: libp2p.peerId, size: () => libp2p.services.numbers.size }
}

type Directory = Awaited<ReturnType<typeof directory>>

async function client() {
  const libp2p = await node({})
  return {
    peer: libp2p.peerId,
    connect: async (to: Directory): Promise<Connection> => libp2p.dial(to.libp2p.getMultiaddrs()),
    claims: async (to: Directory, onEnd: () => void = () => undefined): Promise<NumberClaims> =>
      NumberClaims.open(await libp2p.dial(to.libp2p.getMultiaddrs()), signal, onEnd)
  }
}

async function found(connection: Connection, number: number): Promise<string[]> {
  const holders = await findNumber(connection, { network, number, signal })
  return holders.map(({ peer, directory: at }) => `${peer.toString()} at ${at.toString()}`)
}

async function refusal(attempt: Promise<unknown>): Promise<string> {
  return attempt.then(
    () => 'done',
    (error: unknown) => (error instanceof NumberRefusedError ? error.reason : String(error))
  )
}

test('a number is known for as long as the stream of its maker is open', async () => {
  const [at, anna, bob] = [await directory(), await client(), await client()]
  const claims = await anna.claims(at)
  const connection = await bob.connect(at)
  expect(await found(connection, 7)).toEqual([])
  await claims.claim(network, 7)
  expect(await found(connection, 7)).toEqual([`${anna.peer.toString()} at ${at.peer.toString()}`])
  claims.close()
  await eventually(() => expect(at.size()).toBe(0))
  expect(await found(connection, 7)).toEqual([])
})

test('a number that its maker claims again stays known when the older stream ends', async () => {
  const [at, anna, bob] = [await directory(), await client(), await client()]
  const [older, newer] = [await anna.claims(at), await anna.claims(at)]
  await older.claim(network, 7)
  await older.claim(network, 8)
  await newer.claim(network, 7)
  older.close()
  const connection = await bob.connect(at)
  await eventually(() => expect(at.size()).toBe(1))
  expect(await found(connection, 7)).toEqual([`${anna.peer.toString()} at ${at.peer.toString()}`])
  newer.close()
  await eventually(() => expect(at.size()).toBe(0))
})

test('a number that is released is free for another', async () => {
  const [at, anna, bob] = [await directory(), await client(), await client()]
  const [annas, bobs] = [await anna.claims(at), await bob.claims(at)]
  await annas.claim(network, 7)
  expect(await refusal(bobs.claim(network, 7))).toBe('taken')
  await annas.release(7)
  await eventually(() => expect(at.size()).toBe(0))
  expect(await refusal(bobs.claim(network, 7))).toBe('done')
})

test('the end of the stream is reported to its maker', async () => {
  const [at, anna] = [await directory(), await client()]
  const ended = Promise.withResolvers<void>()
  const claims = await anna.claims(at, () => ended.resolve())
  await claims.claim(network, 7)
  await at.libp2p.stop()
  await ended.promise
  expect(claims.has(7)).toBe(false)
})

test('only registered peers of the network claim numbers', async () => {
  const [at, anna] = [await directory({ isAnnounced: () => false }), await client()]
  expect(await refusal((await anna.claims(at)).claim(network, 7))).toBe('not-registered')
  const other = await directory()
  expect(await refusal((await anna.claims(other)).claim('other', 7))).toBe('other-network')
})

test('joined directories find each other’s numbers, and give none out twice', async () => {
  const joined: PeerId[] = []
  const [one, other] = [await directory({ joined: () => joined }), await directory()]
  await one.libp2p.dial(other.libp2p.getMultiaddrs())
  joined.push(other.peer)
  const [anna, bob] = [await client(), await client()]
  await (await anna.claims(other)).claim(network, 7)
  expect(await found(await bob.connect(one), 7)).toEqual([`${anna.peer.toString()} at ${other.peer.toString()}`])
  expect(await refusal((await bob.claims(one)).claim(network, 7))).toBe('taken')
  expect(one.size()).toBe(0)
  // The same invitation may be known at several directories.
  expect(await refusal((await anna.claims(one)).claim(network, 7))).toBe('done')
})

test('a joined directory speaks for itself alone, and one that does not answer is not waited for', async () => {
  const joined: PeerId[] = []
  const at = await directory({ joined: () => joined })
  const silent = await node({})
  await silent.handle('/chat/numbers/1.0.0', () => undefined)
  await at.libp2p.dial(silent.getMultiaddrs())
  joined.push(silent.peerId)
  expect(await found(await (await client()).connect(at), 7)).toEqual([])
})

test('one address class asks and claims so often at a time', async () => {
  const [at, anna] = [await directory(), await client()]
  const connection = await anna.connect(at)
  for (let n = 0; n < FIND_RATE.burst; n++) await found(connection, 7)
  expect(await refusal(found(connection, 7))).toBe('too-fast')
  const claims = await anna.claims(at)
  for (let n = 0; n < CLAIM_RATE.burst; n++) await claims.claim(network, 7)
  expect(await refusal(claims.claim(network, 7))).toBe('too-fast')
})
