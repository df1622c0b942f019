// A fellow that does its worst within the rules of the wire: what it tells must
// not part honest directories, nor keep one of them from what another says.
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { PrivateKey } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr } from '@multiformats/multiaddr'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import {
  HEARTBEAT_CODEC,
  HEARTBEAT_DOMAIN,
  HELLO_MS,
  MAX_STATEMENT_BYTES
} from '../../../src/directory/federation/constants.ts'
import type { WireDigest } from '../../../src/directory/federation/federation-frames.ts'
import { Heartbeat as PbHeartbeat } from '../../../src/directory/federation/pb/federation.ts'
import { seal } from '../../../src/directory/federation/sealed.ts'
import { sealStatement } from '../../../src/directory/federation/statement.ts'
import { judge } from '../../../src/directory/judge.ts'
import { encodePeerId } from '../../../src/directory/peer-id-bytes.ts'
import { until } from '../nodes.ts'
import { identity, sealedBy } from '../records.ts'
import { federated, network, type Federated } from './federated.ts'
import { fellowOf, hello } from './raw-fellow.ts'

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
  await until(() => a.federation.fellows().length === 1 && b.federation.fellows().length === 1, 'each other')
  const lost: string[] = []
  for (const one of [a, b]) {
    one.federation.on('lost', ({ peer }) => {
      if (peer.equals(a.peer) || peer.equals(b.peer)) lost.push(peer.toString())
    })
  }
  return { a, b, lost }
}

const someHellos = async (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve, 2.5 * HELLO_MS))

test('a fellow that tells of endless addresses does not part honest ones', async () => {
  const { a, b, lost } = await pair()
  const long = Array.from({ length: 16 }, (_, i) => multiaddr(`/dns4/${'x'.repeat(3_500)}${i}/tcp/1`))
  for (const liar of [await fellowOf(a.address), await fellowOf(a.address)]) {
    liar.send({ ...hello, fellows: [{ peer: liar.libp2p.peerId, addresses: long }] })
  }
  await until(() => a.federation.fellows().length === 3, 'the liars')
  await someHellos()
  expect(lost).toEqual([])
  expect(a.federation.fellows().map(String)).toContain(b.id)
})

test('a fellow that makes up directories with long heartbeats does not part honest ones', async () => {
  const { a, lost } = await pair()
  const kind = { domain: HEARTBEAT_DOMAIN, codec: HEARTBEAT_CODEC, what: '', fail: () => new Error('too long') }
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
    const payload = Buffer.concat([said, Buffer.from([0x7a, (fill & 0x7f) | 0x80, fill >> 7]), Buffer.alloc(fill)])
    return digestOf(key, { heartbeat: await seal(kind, new Uint8Array(payload), key) })
  })
  const digests = await Promise.all(made)
  const liar = await fellowOf(a.address)
  liar.send({ ...hello, digests: digests.slice(0, 30) })
  liar.send({ ...hello, digests: digests.slice(30) })
  await until(() => a.federation.directories().length === 63, 'all of them to be known')
  await someHellos()
  expect(lost).toEqual([])
})

test('a fellow that is asked about another and drips its answer does not keep that one from being heard', async () => {
  const [a, x, ada] = [await federated(), await federated(), await identity(1)]
  x.attach(await sealedBy(ada))
  const dripping = await fellowOf(a.address)
  const epoch = x.federation.epoch
  const said = { directory: x.peer, epoch, counter: 1n, digest: new Uint8Array(32).fill(1), count: 1, heardAgoMs: 0 }
  dripping.send({ ...hello, digests: [said] })
  await until(() => dripping.heard.some((frame) => frame.type === 'ask'), 'the question')
  const drip = (): boolean => dripping.send({ type: 'page', directory: x.peer, epoch, updates: [], last: false })
  const dripper = setInterval(drip, 100)
  try {
    const [, , c] = [a, x, await federated([a.address, x.address])]
    await until(() => a.federation.fellows().length === 3 && c.federation.fellows().length >= 2, 'all to be joined')
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
  const fellow = await fellowOf(a.address)
  fellow.send({ ...hello, digests: [await digestOf(one), await digestOf(other)] })
  await until(() => fellow.heard.filter((frame) => frame.type === 'ask').length === 2, 'both questions')
  const page = (key: PrivateKey) => ({ type: 'page', directory: peerIdFromPrivateKey(key), epoch: 1n }) as const
  for (let i = 0; i < 8; i++) {
    fellow.send({ ...page(one), updates: [], last: i === 7 })
    fellow.send(hello)
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  const of = { network, epoch: 1n, counter: 1n, peer: ada.peer, seq: record.record.seq, attached: true }
  const { envelope } = await sealStatement(of, other)
  fellow.send({ ...page(other), updates: [{ statement: envelope, record: record.envelope, forMs: 0 }], last: true })
  await until(() => a.federation.statementsOf(ada.id).length === 1, 'the statement')
}, 15_000)

test('a directory proves that somebody is gone from it, though all have forgotten that, and the liar is named', async () => {
  const [a, ada, liar] = [await federated([], { limits: { detachedMs: 500 } }), await identity(1), await identity(2)]
  const record = await sealedBy(ada)
  a.attach(record)
  await until(() => a.federation.statementsOf(ada.id).length === 1, 'the word that she is attached')
  const [shown] = await a.federation.proofsOf(ada.peer)
  if (shown === undefined) throw new Error('nothing proves that she is attached')
  expect(shown.statement.attached).toBe(true)
  a.directory.merge((roster) => roster.detach(ada.id, a.id))
  await until(() => a.federation.statementsOf(ada.id)[0]?.statement.attached === false, 'the word that she is not')
  await until(() => a.federation.statementsOf(ada.id).length === 0, 'that to be forgotten')

  const proofs = await a.federation.proofsOf(ada.peer)
  const answer = { peer: ada.id, newest: undefined, fellows: [], epoch: a.federation.epoch, refused: 0 }
  const told = { record, attachedAt: new Map([[a.id, 0]]) }
  const { isOnline, verdicts } = judge([
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

test('a fellow that tells of ever new directories does not make others dial wherever it wants', async () => {
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
  const liar = await fellowOf(a.address)
  for (let i = 0; i < 20; i++) {
    const fresh = Array.from({ length: 15 }, async () => peerIdFromPrivateKey(await generateKeyPair('Ed25519')))
    const fellows = (await Promise.all(fresh)).map((peer) => ({
      peer,
      addresses: [multiaddr(`/ip4/127.0.0.1/tcp/${address.port}`)]
    }))
    liar.send({ ...hello, fellows })
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  // Each is dialled again, and less and less often.
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(dialled).toBeGreaterThan(0)
  expect(dialled).toBeLessThan(200)
})

test('what a fellow tells of the addresses of another does not hide those that this one tells itself', async () => {
  const { a, b } = await pair()
  await until(() => a.federation.addressesOf(b.id).length > 0, "b's own word")
  const liar = await fellowOf(a.address)
  const junk = multiaddr('/ip4/192.0.2.1/tcp/9')
  const told = new Set<string | undefined>()
  for (let i = 0; i < 20; i++) {
    liar.send({ ...hello, fellows: [{ peer: b.peer, addresses: [junk] }] })
    await new Promise((resolve) => setTimeout(resolve, 20))
    told.add(a.federation.addressesOf(b.id)[0]?.toString())
  }
  expect(a.federation.fellows()).toHaveLength(2)
  expect([...told]).toEqual([b.address])
})
