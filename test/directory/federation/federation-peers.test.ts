// What federation peers do to each other on real connections: many peers at
// once, floods, forgeries, silence, and who may say anything at all.
import { generateKeyPair } from '@libp2p/crypto/keys'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { beforeAll, expect, test } from 'vitest'
import { until } from '../../eventually.ts'
import { ASK_RATE } from '../../../src/directory/federation/sync/sync-exchange.ts'
import { FEDERATION_PROTOCOL } from '../../../src/directory/federation/peers/federation-streams.ts'
import { SIGNATURE_RATE } from '../../../src/directory/federation/sync/signature-budget.ts'
import { STRIKE_RATE } from '../../../src/directory/federation/sync/peer-scoring.ts'
import { encodeGossip } from '../../../src/directory/federation-frames.ts'
import { sealHeartbeat, sealStatement } from '../../../src/directory/statement.ts'
import { sealRecord } from '../../../src/presence/index.ts'
import type { VerifiedRecord } from '../../../src/presence/index.ts'
import { node, portOf } from '../nodes.ts'
import { identity, presence, sealedBy } from '../../presence/records.ts'
import { freePorts } from '../../processes/ports.ts'
import { federated, network, type Federated } from './federated.ts'
import { joinAsFederationPeer, hello } from './raw-federation-peer.ts'

const many = 1_000
let records: readonly VerifiedRecord[]

beforeAll(async () => {
  records = await Promise.all(
    Array.from({ length: many }, async (_, i) =>
      sealRecord({ ...presence, nickname: `peer ${i}` }, await generateKeyPair('Ed25519'))
    )
  )
})

test('a directory that joins one with a thousand peers has them all, soon', async () => {
  const a = await federated()
  a.attach(...records)
  await until(() => a.federation.directories()[0]?.peers === many, 'all to be said')
  const startMs = performance.now()
  const b = await federated([a.address])
  await until(() => b.roster().size === many, 'all to be there')
  console.log(`${many} peers on the roster of a newcomer after ${Math.round(performance.now() - startMs)} ms`)
  expect(new Set([...b.roster().values()].flat())).toEqual(new Set([a.id]))
})

test('a directory that was not named and has more peers than are checked at once is waited for, and joined all the while', async () => {
  const count = SIGNATURE_RATE.all.burst / 2 + 1_000
  const more = await Promise.all(
    Array.from({ length: count - many }, async () => sealRecord(presence, await generateKeyPair('Ed25519')))
  )
  const [a, lost] = [await federated(), Array.of<string>()]
  for (const end of ['left', 'lost'] as const) a.federation.on(end, ({ peer }) => lost.push(peer.toString()))
  const b = await federated([a.address])
  b.attach(...records, ...more)
  await until(() => a.roster().size === count, 'all to be there')
  expect(lost).toEqual([])
})

test('a thousand peers that come at once are on the roster of a federation peer, soon', async () => {
  const a = await federated()
  const b = await federated([a.address])
  await until(() => a.federation.federationPeers().length === 1, 'b')
  const startMs = performance.now()
  a.attach(...records)
  await until(() => b.roster().size === many, 'all to be there')
  console.log(`${many} peers at once after ${Math.round(performance.now() - startMs)} ms`)
})

test('a peer that has left stays away when somebody brings its old statement again', async () => {
  const [a, ada] = [await federated(), await identity(1)]
  const record = await sealedBy(ada)
  a.attach(record)
  const b = await federated([a.address])
  await until(() => b.roster().has(ada.id), 'ada')
  const [proof] = b.federation.statementsOf(ada.id)
  const withdrawal = await sealedBy(ada, { seq: 1_001n, withdrawn: true })
  a.directory.merge((roster, nowMs) => {
    const withdrawn = roster.withdraw(withdrawal, nowMs)
    return withdrawn.outcome === 'full' ? [] : withdrawn.changes
  })
  await until(() => !b.roster().has(ada.id), 'ada to have left')
  // A third directory gets it by an answer, and the old statement from the federation peer that kept it.
  const c = await federated([b.address])
  await until(() => c.federation.federationPeers().length === 2, 'all to be joined')
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(proof?.statement.attached).toBe(true)
  expect([...a.roster(), ...b.roster(), ...c.roster()]).toEqual([])
})

test('statements of a directory are believed whoever brings them, and of nobody else', async () => {
  const [a, key, ada] = [await federated(), await generateKeyPair('Ed25519'), await identity(1)]
  const record = await sealedBy(ada)
  const liar = await joinAsFederationPeer(a.address)
  liar.send(hello)
  await until(() => a.federation.federationPeers().length === 1, 'the federation peer')
  const statement = await sealStatement(
    { network, epoch: 1n, counter: 1n, peer: ada.peer, seq: record.record.seq, attached: true },
    key
  )
  // Nobody asked, and the directory that it is of was never heard: it counts for nothing.
  const update = { statement: statement.envelope, record: record.envelope, forMs: 0 }
  liar.send({ type: 'page', directory: peerIdFromPrivateKey(key), epoch: 1n, updates: [update], last: true })
  await liar.hellos(2)
  expect([...a.roster()]).toEqual([])
  expect(a.federation.statementsOf(ada.id)).toEqual([])
})

test('a federation that is stopped and started again is joined again, and its roster is right', async () => {
  const [a, b, ada, bob] = [await federated(), await federated(), await identity(1), await identity(2)]
  const c = await federated([a.address, b.address])
  a.attach(await sealedBy(ada))
  b.attach(await sealedBy(bob))
  await until(() => a.roster().size === 2 && c.roster().size === 2, 'one roster')
  await a.federation.stop()
  await until(() => c.federation.federationPeers().length === 1, 'a to be gone')
  b.directory.merge((roster) => roster.detach(bob.id, b.id))
  await a.federation.start()
  await until(() => [a, b, c].every((one) => one.federation.federationPeers().length === 2), 'all to be joined again')
  await until(() => [a, b, c].every((one) => [...one.roster().keys()].join() === ada.id), 'ada alone')
})

test('two directories that dial each other at once are joined once, and stay so', async () => {
  const streams = (one: Federated): number =>
    one.libp2p.getConnections().flatMap(({ streams: all }) => all.filter(isOfFederation)).length
  const isOfFederation = ({ protocol }: { readonly protocol: string }): boolean => protocol === FEDERATION_PROTOCOL
  const crossed = Promise.withResolvers<void>()
  const [portA = 0, portB = 0] = await freePorts(2)
  const at = (port: number): string => `/ip4/127.0.0.1/tcp/${port}`
  const hold = crossed.promise
  const [a, b] = await Promise.all([
    federated([at(portB)], { port: portA, hold }),
    federated([at(portA)], { port: portB, hold })
  ])
  await until(() => a.libp2p.getConnections(b.peer).length === 2, 'two connections')
  crossed.resolve()
  const lost: string[] = []
  for (const { federation } of [a, b])
    for (const end of ['left', 'lost'] as const) federation.on(end, ({ peer }) => lost.push(peer.toString()))
  await until(
    () => a.federation.federationPeers().length === 1 && b.federation.federationPeers().length === 1,
    'each other'
  )
  await until(() => streams(a) === 1 && streams(b) === 1, 'one of the two streams to be ended')
  expect(lost).toEqual([])
})

test('a named address where nobody serves directories is told of once, and one that only starts is not', async () => {
  const [stranger, [late = 0]] = [await node({}), await freePorts(1)]
  const strange = `/ip4/127.0.0.1/tcp/${portOf(stranger)}`
  const a = await federated([strange, `/ip4/127.0.0.1/tcp/${late}`])
  const told: string[] = []
  a.federation.on('unreached', ({ address, error }) => told.push(`${address.toString()} ${error.name}`))
  await until(() => told.length > 0, 'the stranger to be told of')
  const b = await federated([], { port: late })
  await until(() => a.federation.federationPeers().length === 1, 'the other')
  expect(a.federation.federationPeers().map(String)).toEqual([b.id])
  expect(told).toEqual([`${strange} NotAFederationPeerError`])
})

test('who does not begin with Hello is no federation peer', async () => {
  const a = await federated()
  const rude = await joinAsFederationPeer(a.address)
  rude.send({ type: 'ask-withdrawals' })
  expect(await rude.ended).toBeInstanceOf(Error)
  expect(a.federation.federationPeers()).toEqual([])
})

test('a federation peer that goes on asking is not answered for ever', async () => {
  const a = await federated()
  a.attach(...records)
  const greedy = await joinAsFederationPeer(a.address)
  greedy.send(hello)
  await until(() => greedy.heard.length > 0, 'Hello')
  await until(() => a.federation.directories()[0]?.peers === many, 'all to be said')
  // As many as are held against it, and do not cost the connection.
  for (let i = 0; i < ASK_RATE.burst + STRIKE_RATE.burst / 2; i++)
    greedy.send({ type: 'ask', directory: a.peer, afterCounter: 0n })
  await greedy.hellos(2)
  const answers = greedy.heard.filter((frame) => frame.type === 'page' && frame.last).length
  expect(answers).toBeGreaterThan(0)
  expect(answers).toBeLessThanOrEqual(ASK_RATE.burst + 10)
})

test('a directory that floods with Hellos is cut off', async () => {
  const a = await federated()
  const flooder = await joinAsFederationPeer(a.address)
  const stranger = await identity(9)
  const digests = Array.from({ length: 64 }, () => ({
    directory: stranger.peer,
    epoch: 1n,
    counter: 1n,
    digest: new Uint8Array(32),
    count: 1,
    heardAgoMs: 0
  }))
  flooder.send({ ...hello, digests })
  await until(() => a.federation.federationPeers().length === 1, 'the federation peer')
  const flood = (): boolean => {
    for (let i = 0; i < 1_000; i++) flooder.send({ ...hello, digests })
    return flooder.connection.status !== 'open'
  }
  await until(flood, 'the connection to be cut')
})

test('a federation peer that is silent is lost, and its connection is cut', async () => {
  const a = await federated()
  const startMs = performance.now()
  const silent = await joinAsFederationPeer(a.address)
  silent.send(hello)
  await until(() => a.federation.federationPeers().length === 1, 'the federation peer')
  await until(() => a.federation.federationPeers().length === 0, 'it to be lost')
  expect(performance.now() - startMs).toBeGreaterThan(4_000)
  await until(() => silent.connection.status !== 'open', 'its connection to be cut')
})

test('a directory that passes on forgeries is cut off, and refused for a while', async () => {
  const [a, ada] = [await federated(), await identity(1)]
  const record = await sealedBy(ada)
  a.attach(record)
  const forger = await joinAsFederationPeer(a.address)
  forger.send(hello)
  await until(() => a.federation.federationPeers().length === 1, 'the federation peer')
  const forged = new Uint8Array(record.envelope)
  forged[forged.length - 1] = (forged[forged.length - 1] ?? 0) ^ 1
  forger.send({ type: 'page-withdrawals', withdrawals: Array.from({ length: 100 }, () => forged), last: true })
  await until(() => forger.connection.status !== 'open', 'the connection to be cut')
  expect(a.federation.federationPeers()).toEqual([])
  expect([...a.roster().keys()]).toEqual([ada.id])
  const again = await forger.libp2p.dial(multiaddr(a.address))
  const stream = await again.newStream(FEDERATION_PROTOCOL)
  await until(() => stream.status !== 'open', 'the stream to be refused')
})

test.each([
  ['what is no gossip', () => crypto.getRandomValues(new Uint8Array(200))],
  ['a forged statement', (record: VerifiedRecord) => gossipOf(crypto.getRandomValues(new Uint8Array(150)), record)]
])('a directory that floods with %s is cut off, and its federation peer with the others is not', async (_, made) => {
  const [a, ada] = [await federated(), await identity(1)]
  const b = await federated([a.address])
  const record = await sealedBy(ada)
  const flooder = await joinAsFederationPeer(a.address)
  flooder.send(hello)
  await until(() => a.federation.federationPeers().length === 2, 'both')
  await flooder.gossip()
  // What is published before both know what the other listens to reaches nobody.
  await until(() => {
    void flooder.mesh.publish(made(record))
    return flooder.connection.status !== 'open'
  }, 'the connection to be cut')
  a.attach(record)
  await until(() => b.roster().has(ada.id), 'ada at the other')
  expect(a.federation.federationPeers().map(String)).toEqual([b.id])
})

test('a directory tells its peers anew when its key has said more in an earlier life than it knows of', async () => {
  const [key, ada] = [await generateKeyPair('Ed25519'), await identity(1)]
  const a = await federated([], { privateKey: key })
  a.attach(await sealedBy(ada))
  const b = await federated([a.address])
  await until(() => b.roster().has(ada.id), 'ada')
  const before = a.federation.epoch
  const ahead = before + 1_000_000n
  const heartbeat = await sealHeartbeat(
    { network, epoch: ahead, counter: 0n, beat: 7n, digest: new Uint8Array(32), count: 0 },
    key
  )
  const witness = await joinAsFederationPeer(a.address)
  const digest = { directory: a.peer, epoch: ahead, counter: 0n, digest: new Uint8Array(32), count: 0 }
  witness.send({ ...hello, digests: [{ ...digest, heartbeat: heartbeat.envelope, heardAgoMs: 0 }] })
  await until(() => a.federation.epoch > ahead, 'a new epoch')
  await until(() => b.federation.directories().some(({ epoch }) => epoch === a.federation.epoch), 'b to know of it')
  await until(() => b.federation.statementsOf(ada.id).some(({ statement }) => statement.epoch > ahead), 'ada anew')
  expect(b.roster().get(ada.id)).toEqual([a.id])
})

test('a directory asks for what its key has said in an earlier life when a federation peer holds it later than its first Hello', async () => {
  const [key, ada] = [await generateKeyPair('Ed25519'), await identity(1)]
  const record = await sealedBy(ada)
  const a = await federated([], { privateKey: key })
  const ahead = a.federation.epoch + 1_000_000n
  const of = { network, epoch: ahead, counter: 1n, peer: ada.peer, seq: record.record.seq, attached: true }
  const { envelope } = await sealStatement(of, key)
  const witness = await joinAsFederationPeer(a.address)
  witness.send(hello)
  await witness.hellos(2)
  // A statement of that life was replayed to it, and no heartbeat: all that shows it to its author is a digest.
  const digest = { directory: a.peer, epoch: ahead, counter: 1n, digest: new Uint8Array(32), count: 1 }
  witness.send({ ...hello, digests: [{ ...digest, heardAgoMs: 0 }] })
  await until(
    () => witness.heard.some((frame) => frame.type === 'ask' && frame.directory.equals(a.peer)),
    'the question for its own statements'
  )
  // A claim proves nothing; its own signature does.
  expect(a.federation.epoch).toBeLessThan(ahead)
  const update = { statement: envelope, record: record.envelope, forMs: 0 }
  witness.send({ type: 'page', directory: a.peer, epoch: ahead, updates: [update], last: true })
  await until(() => a.federation.epoch > ahead, 'a new epoch')
})

test('a directory asks a federation peer for what that one alone holds of an earlier life of a third, and tells the third', async () => {
  const [key, ada] = [await generateKeyPair('Ed25519'), await identity(1)]
  const record = await sealedBy(ada)
  const author = await federated([], { privateKey: key })
  const a = await federated([author.address])
  await until(() => a.federation.directories().some(({ epoch }) => epoch === author.federation.epoch), 'the author')
  const ahead = author.federation.epoch + 1_000_000n
  const of = { network, epoch: ahead, counter: 1n, peer: ada.peer, seq: record.record.seq, attached: true }
  const { envelope } = await sealStatement(of, key)
  const witness = await joinAsFederationPeer(a.address)
  witness.send(hello)
  await witness.hellos(2)
  const digest = { directory: author.peer, epoch: ahead, counter: 1n, digest: new Uint8Array(32), count: 1 }
  witness.send({ ...hello, digests: [{ ...digest, heardAgoMs: 0 }] })
  await until(
    () => witness.heard.some((frame) => frame.type === 'ask' && frame.directory.equals(author.peer)),
    'the question for the statements of the third'
  )
  expect(author.federation.epoch).toBeLessThan(ahead)
  const update = { statement: envelope, record: record.envelope, forMs: 0 }
  witness.send({ type: 'page', directory: author.peer, epoch: ahead, updates: [update], last: true })
  await until(() => author.federation.epoch > ahead, 'a new epoch of the third')
})

function gossipOf(statement: Uint8Array, record: VerifiedRecord): Uint8Array {
  return encodeGossip({ updates: [{ statement, record: record.envelope, forMs: 0 }], withdrawals: [] })
}
