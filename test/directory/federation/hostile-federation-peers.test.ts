// A federation peer that does its worst within the rules of the wire: what it tells must
// not part honest directories, nor keep one of them from what another says.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { RecordEnvelope } from '@libp2p/peer-record'
import { multiaddr } from '@multiformats/multiaddr'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../eventually.ts'
import { ASK_RATE } from '../../../src/directory/federation/sync/sync-exchange.ts'
import { heartbeatKind, sealStatement } from '../../../src/directory/statement.ts'
import { STRIKE_RATE } from '../../../src/directory/federation/sync/peer-scoring.ts'
import type { WireDigest } from '../../../src/directory/federation-frames.ts'
import { Heartbeat as PbHeartbeat } from '../../../src/directory/pb/federation.ts'
import { resolveConflict } from '../../../src/directory/audit/conflict-resolution.ts'
import { encodePeerId } from '../../../src/presence/peer-id-bytes.ts'
import { identity, sealedBy } from '../../presence/records.ts'
import { federated, network, type Federated } from './federated.ts'
import { joinAsFederationPeer, hello } from './raw-federation-peer.ts'
import { MAX_STATEMENT_BYTES } from '../../../src/directory/federation-frames.ts'

const digestOf = async (key: PrivateKey, over: Partial<WireDigest> = {}): Promise<WireDigest> => ({
  directory: peerIdFromPrivateKey(key),
  epoch: 1n,
  counter: 1n,
  digest: new Uint8Array(32).fill(1),
  count: 1,
  heardAgoMs: 0,
  ...over
})

/** Two honest directories that are joined, and whom each has lost since. */
async function pair(): Promise<{ a: Federated; b: Federated; lost: string[] }> {
  const a = await federated()
  const b = await federated([a.address])
  await until(
    () => a.federation.federationPeers().length === 1 && b.federation.federationPeers().length === 1,
    'each other'
  )
  const lost: string[] = []
  for (const one of [a, b]) {
    one.federation.on('lost', ({ peer }) => {
      if (peer.equals(a.peer) || peer.equals(b.peer)) lost.push(peer.toString())
    })
  }
  return { a, b, lost }
}

/** By then honest directories have said to each other what a liar has told them. */
const someHellos = 2

test('a federation peer that tells of endless addresses does not part honest ones', async () => {
  const { a, b, lost } = await pair()
  const long = Array.from({ length: 16 }, (_, i) => multiaddr(`/dns4/${'x'.repeat(3_500)}${i}/tcp/1`))
  const liars = [await joinAsFederationPeer(a.address), await joinAsFederationPeer(a.address)]
  for (const liar of liars) {
    liar.send({ ...hello, federationPeers: [{ peer: liar.libp2p.peerId, addresses: long }] })
  }
  await until(() => a.federation.federationPeers().length === 3, 'the liars')
  await Promise.all(liars.map(async (liar) => liar.hellos(someHellos)))
  expect(lost).toEqual([])
  expect(a.federation.federationPeers().map(String)).toContain(b.id)
})

test('a federation peer that makes up directories with long heartbeats does not part honest ones', async () => {
  const { a, lost } = await pair()
  const { domain, codec } = heartbeatKind
  const made = Array.from({ length: 60 }, async () => {
    const key = await generateKeyPair('Ed25519')
    const directory = encodePeerId(peerIdFromPrivateKey(key))
    const said = PbHeartbeat.encode({
      directory,
      network,
      epoch: 1n,
      counter: 0n,
      beat: 1n,
      digest: new Uint8Array(32),
      count: 0
    })
    // A field that nobody knows, as long as may be.
    const fill = MAX_STATEMENT_BYTES - said.byteLength - 150
    const payload = new Uint8Array(
      Buffer.concat([said, Buffer.from([0x7a, (fill & 0x7f) | 0x80, fill >> 7]), Buffer.alloc(fill)])
    )
    const sealed = await RecordEnvelope.seal({ domain, codec, marshal: () => payload, equals: () => false }, key)
    return digestOf(key, { heartbeat: sealed.marshal() })
  })
  const digests = await Promise.all(made)
  const liar = await joinAsFederationPeer(a.address)
  liar.send({ ...hello, digests: digests.slice(0, 30) })
  liar.send({ ...hello, digests: digests.slice(30) })
  await until(() => a.federation.directories().length === 63, 'all of them to be known')
  await liar.hellos(someHellos)
  expect(lost).toEqual([])
})

test('a federation peer that is asked about another and drips its answer does not keep that one from being heard', async () => {
  const [a, x, ada] = [await federated(), await federated(), await identity(1)]
  x.attach(await sealedBy(ada))
  const dripping = await joinAsFederationPeer(a.address)
  const epoch = x.federation.epoch
  const said = { directory: x.peer, epoch, counter: 1n, digest: new Uint8Array(32).fill(1), count: 1, heardAgoMs: 0 }
  dripping.send({ ...hello, digests: [said] })
  await until(() => dripping.heard.some((frame) => frame.type === 'ask'), 'the question')
  const drip = (): boolean => dripping.send({ type: 'page', directory: x.peer, epoch, updates: [], last: false })
  const dripper = setInterval(drip, 100)
  try {
    const [, , c] = [a, x, await federated([a.address, x.address])]
    await until(
      () => a.federation.federationPeers().length === 3 && c.federation.federationPeers().length >= 2,
      'all to be joined'
    )
    await until(() => a.roster().has(ada.id), 'ada')
  } finally {
    clearInterval(dripper)
  }
})

test('an answer that waits behind a long one is taken when it comes', async () => {
  const [a, ada, one, other] = [
    await federated(),
    await identity(1),
    await generateKeyPair('Ed25519'),
    await generateKeyPair('Ed25519')
  ]
  const record = await sealedBy(ada)
  const federationPeer = await joinAsFederationPeer(a.address)
  federationPeer.send({ ...hello, digests: [await digestOf(one), await digestOf(other)] })
  await until(() => federationPeer.heard.filter((frame) => frame.type === 'ask').length === 2, 'both questions')
  const page = (key: PrivateKey) => ({ type: 'page', directory: peerIdFromPrivateKey(key), epoch: 1n }) as const
  for (let i = 0; i < 8; i++) {
    federationPeer.send({ ...page(one), updates: [], last: i === 7 })
    federationPeer.send(hello)
    // It takes its time for each page: longer in all than an answer may be waited for.
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  const of = { network, epoch: 1n, counter: 1n, peer: ada.peer, seq: record.record.seq, attached: true }
  const { envelope } = await sealStatement(of, other)
  federationPeer.send({
    ...page(other),
    updates: [{ statement: envelope, record: record.envelope, forMs: 0 }],
    last: true
  })
  await until(() => a.federation.statementsOf(ada.id).length === 1, 'the statement')
})

test('a directory proves that somebody is gone from it, though all have forgotten that, and the liar is named', async () => {
  const [a, ada, liar] = [await federated([], { limits: { detachedMs: 500 } }), await identity(1), await identity(2)]
  const record = await sealedBy(ada)
  a.attach(record)
  await until(() => a.federation.statementsOf(ada.id).length === 1, 'the word that she is attached')
  const [shown] = await a.federation.proofsOf(ada.peer)
  if (shown === undefined) throw new Error('nothing proves that she is attached')
  expect(shown.statement.attached).toBe(true)
  a.directory.merge((roster) => roster.detach(ada.id, a.id))
  // The word that she is not stands for half a second.
  await until(() => a.federation.statementsOf(ada.id).length === 0, 'all of it to be forgotten')

  const proofs = await a.federation.proofsOf(ada.peer)
  const answer = { peer: ada.id, newest: undefined, federationPeers: [], epoch: a.federation.epoch, refused: 0 }
  const told = { record, attachedAt: new Map([[a.id, 0]]) }
  const { isOnline, verdicts } = resolveConflict([
    {
      answer: { ...answer, directory: liar.id, epoch: 1n, showing: true, statements: [shown.statement] },
      told,
      hearsOf: new Set([a.id])
    },
    {
      answer: { ...answer, directory: a.id, showing: false, statements: proofs.map(({ statement }) => statement) },
      told: undefined,
      hearsOf: new Set()
    }
  ])
  expect(isOnline).toBe(false)
  expect(verdicts.get(a.id)).toEqual({ is: 'agrees' })
  expect(verdicts.get(liar.id)).toEqual({ is: 'stale', why: 'gone' })
})

test('a federation peer that tells of ever new directories does not make others dial wherever it wants', async () => {
  const a = await federated()
  let dialled = 0
  const target = createServer((socket) => {
    dialled++
    socket.destroy()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void target.close())
  await once(target, 'listening')
  const address = target.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const liar = await joinAsFederationPeer(a.address)
  for (let i = 0; i < 20; i++) {
    const fresh = Array.from({ length: 15 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')))
    const federationPeers = (await Promise.all(fresh)).map((peer) => ({
      peer,
      addresses: [multiaddr(`/ip4/127.0.0.1/tcp/${address.port}`)]
    }))
    liar.send({ ...hello, federationPeers })
    // Time passes between its Hellos, as it would between honest ones.
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  // Each is dialled again, and less and less often.
  await until(() => dialled > 0, 'the first to be dialled')
  await liar.hellos(1)
  expect(dialled).toBeLessThan(200)
})

test('a federation peer that asks without end is cut, and refused for a while', async () => {
  const a = await federated()
  const liar = await joinAsFederationPeer(a.address)
  liar.send(hello)
  await until(() => a.federation.federationPeers().length === 1, 'the liar')
  const banned = once(a.federation, 'banned')
  const directory = peerIdFromPrivateKey(await generateKeyPair('Ed25519'))
  for (let asked = 0; asked < ASK_RATE.burst + STRIKE_RATE.burst + 10; asked++) {
    liar.send({ type: 'ask', directory, afterCounter: 0n })
  }
  expect(await banned).toMatchObject([{ peer: liar.libp2p.peerId }])
  await liar.ended
  await until(() => a.federation.federationPeers().length === 0, 'nobody')
})

test('what a federation peer tells of the addresses of another does not hide those that this one tells itself', async () => {
  const { a, b } = await pair()
  await until(() => a.federation.addressesOf(b.id).length > 0, "b's own word")
  const liar = await joinAsFederationPeer(a.address)
  const junk = multiaddr('/ip4/192.0.2.1/tcp/9')
  const told = new Set<string | undefined>()
  for (let i = 0; i < 20; i++) {
    liar.send({ ...hello, federationPeers: [{ peer: b.peer, addresses: [junk] }] })
    // Looks at different moments: b says its own in between.
    await new Promise((resolve) => setTimeout(resolve, 20))
    told.add(a.federation.addressesOf(b.id)[0]?.toString())
  }
  expect(a.federation.federationPeers()).toHaveLength(2)
  expect([...told]).toEqual([b.address])
})
