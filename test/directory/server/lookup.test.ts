// A client asks directories about single peers, and how far they are.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PeerId } from '@libp2p/interface'
import { onTestFinished, expect, it } from 'vitest'
import { until } from '../../eventually.ts'
import { LOOKUP_RATE } from '../../../src/directory/server/lookups.ts'
import { sealStatement } from '../../../src/directory/statement.ts'
import { FrameQueue, runFrames } from '../../../src/wire/index.ts'
import {
  decodeClientFrame,
  DIRECTORY_PROTOCOL,
  encodeDirectoryFrame,
  MAX_DIRECTORY_FRAME_BYTES,
  OtherNetworkError,
  type ClientFrame,
  type DirectoryFrame
} from '../../../src/directory/directory-frames.ts'
import { DirectoryClient, measureDirectory } from '../../../src/directory/index.ts'
import { directory } from '../../../src/directory/server/index.ts'
import type { DirectoryProofs } from '../../../src/directory/server/lookups.ts'
import { node } from '../nodes.ts'
import { identity, sealedBy } from '../../presence/records.ts'

const ada = await identity(1)
const stranger = await identity(2)

async function lab(proofs?: DirectoryProofs) {
  const home = await identity(200)
  const init = { network: 'test', ...(proofs === undefined ? {} : { proofs }) }
  const there = await node({ directory: directory(init) }, { privateKey: home.key })
  const here = await node({}, { privateKey: ada.key })
  const own = await sealedBy(ada)
  const client = new DirectoryClient({
    network: 'test',
    announce: true,
    connect: async ({ signal }) => here.dial(there.getMultiaddrs(), { signal }),
    ownEnvelope: async () => own.envelope,
    onStale: () => undefined
  })
  onTestFinished(() => client.stop())
  client.start()
  await until(() => client.state.state === 'connected' && client.state.registered, 'registered')
  return { client, home, here, there, own }
}

it('is told what a directory that stands alone knows, without proofs', async () => {
  const { client, home, own } = await lab()
  const known = await client.lookup(ada.peer)
  expect(known).toMatchObject({ directory: home.id, peer: ada.id, showing: true, statements: [], federationPeers: [] })
  expect(known.newest?.record).toEqual(own.record)
  expect(await client.lookup(stranger.peer)).toMatchObject({ showing: false, newest: undefined, refused: 0 })
})

it('takes statements that prove themselves, of this peer and this network, and counts the others', async () => {
  const key = await generateKeyPair('Ed25519')
  const say = async (peer: PeerId, network: string): Promise<Uint8Array> =>
    (await sealStatement({ network, epoch: 1n, counter: 2n, peer, seq: 3n, attached: true }, key)).envelope
  const { client } = await lab({
    statementsOf: async (peer) => {
      const broken = Buffer.from(await say(peer, 'test'))
      broken[broken.length - 1] = (broken.at(-1) ?? 0) ^ 1
      return [await say(peer, 'test'), await say(peer, 'other'), await say(ada.peer, 'test'), broken]
    },
    federationPeers: () => [ada.peer],
    epoch: () => 7n
  })
  const answer = await client.lookup(stranger.peer)
  expect(answer).toMatchObject({ refused: 3, epoch: 7n, federationPeers: [ada.id] })
  expect(answer.statements.map(({ counter }) => counter)).toEqual([2n])
})

it('is refused when it asks too fast, and stays registered', async () => {
  const { client } = await lab()
  const asked = await Promise.all(
    Array.from({ length: LOOKUP_RATE.burst + 1 }, async (_, i) => identity(50 + i)).map(async (one) =>
      client.lookup((await one).peer).then(
        () => 'answered',
        (error: unknown) => (error instanceof Error ? error.message : '')
      )
    )
  )
  expect(asked.filter((answer) => answer === 'answered').length).toBeGreaterThan(0)
  expect(asked.find((answer) => answer !== 'answered')).toContain('too-many-lookups')
  expect(client.state).toMatchObject({ state: 'connected', registered: true })
})

it('is told at once that the directory went away', async () => {
  const { client, there } = await lab({
    statementsOf: async () => new Promise(() => undefined),
    federationPeers: () => []
  })
  const asked = client.lookup(ada.peer).catch((error: unknown) => (error instanceof Error ? error.name : ''))
  for (const connection of there.getConnections()) connection.abort(new Error('killed'))
  expect(await asked).toBe('DirectoryLostError')
  await expect(client.lookup(ada.peer)).rejects.toThrow('went away')
})

it('measures how far a directory of its network is, and joins nothing', async () => {
  const { here, there } = await lab()
  const connection = await here.dial(there.getMultiaddrs())
  expect(await measureDirectory(connection, { network: 'test' })).toBeGreaterThan(0)
  await expect(measureDirectory(connection, { network: 'other' })).rejects.toBeInstanceOf(OtherNetworkError)
})

it('measures a directory that is too far away to close the stream in time', async () => {
  const there = await node({})
  await there.handle(DIRECTORY_PROTOCOL, async (stream) => {
    const outgoing = new FrameQueue<DirectoryFrame>({ maxBytes: 1_000, sizeOf: () => 100 })
    outgoing.offer({ type: 'welcome', network: 'test', leaseMs: 60_000, refreshAfterMs: 30_000 })
    await runFrames<ClientFrame, DirectoryFrame>({
      stream,
      codec: { decode: decodeClientFrame, encode: encodeDirectoryFrame },
      outgoing,
      maxFrameBytes: MAX_DIRECTORY_FRAME_BYTES,
      onFrames: async () => undefined,
      // Its own half stays open: what would close it is under way for too long.
      onRemoteEnd: () => undefined
    }).catch(() => undefined)
  })
  const here = await node({})
  const connection = await here.dial(there.getMultiaddrs())
  expect(await measureDirectory(connection, { network: 'test' })).toBeGreaterThan(0)
})
