// Made-up directories that take all places, over real connections: an honest
// one with `--join` gets in at both sides, and each side knows why another did not.
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { until } from '../../eventually.ts'
import { MAX_FEDERATION_PEERS } from '../../../src/directory/federation-frames.ts'
import { HELLO_MS } from '../../../src/directory/federation/sync/federation-peer-links.ts'
import type { FederationRefusal } from '../../../src/directory/federation-frames.ts'
import { identity, sealedBy } from '../../presence/records.ts'
import { federated, type Federated } from './federated.ts'
import { joinAsFederationPeer, hello } from './raw-federation-peer.ts'

const federationPeersOf = (of: Federated): string[] => of.federation.federationPeers().map(String)

type Sybil = Awaited<ReturnType<typeof joinAsFederationPeer>>

/**
 * So many directories from one address, or as many as there are places for, all joined. Each goes on saying Hello, so that none is lost for its silence. They
 * come one after the other: a Hello has to be read in time, however slow the machine is.
 */
async function sybilsAt(target: Federated, count: number, from: string): Promise<readonly Sybil[]> {
  const sybils: Sybil[] = []
  while (sybils.length < count) {
    const sybil = await joinAsFederationPeer(target.address, { from }).catch(() => undefined)
    // Too many have come from this address within a second: it comes again.
    if (sybil === undefined) continue
    sybil.send(hello)
    let isCut = false
    void sybil.ended.then(() => (isCut = true))
    const id = sybil.libp2p.peerId.toString()
    await until(() => isCut || federationPeersOf(target).includes(id), 'a sybil to be joined, or cut off')
    if (sybil.heard.some((frame) => frame.type === 'refuse' && frame.reason === 'places-taken')) break
    if (isCut) continue
    const talking = setInterval(() => sybil.send(hello), HELLO_MS)
    onTestFinished(() => clearInterval(talking))
    sybils.push(sybil)
  }
  await until(() => target.federation.federationPeers().length >= count, 'the sybils')
  return sybils
}

test('sixteen directories of one address do not keep out an honest one of another', async () => {
  const attacked = await federated()
  const evicted: string[] = []
  attacked.federation.on('evicted', ({ holder, to }) => evicted.push(`${holder} to ${to.toString()}`))
  const sybils = await sybilsAt(attacked, MAX_FEDERATION_PEERS, '127.0.0.66')
  const honest = await federated([attacked.address])
  await until(() => federationPeersOf(attacked).includes(honest.id), 'the honest one')
  await until(() => federationPeersOf(honest).includes(attacked.id), 'the other side')
  expect(evicted).toEqual([`127.0.0.66 to ${honest.id}`])
  expect(attacked.federation.federationPeers()).toHaveLength(MAX_FEDERATION_PEERS)
  const told = (): unknown[] => sybils.flatMap(({ heard }) => heard.filter(({ type }) => type === 'refuse'))
  await until(() => told().length === 1, 'the one that lost its place to be told')
  expect(told()).toMatchObject([{ reason: 'place-given' }])

  const ada = await identity(1)
  honest.attach(await sealedBy(ada))
  await until(() => attacked.roster().has(ada.id), 'its peers')
})

test('a directory that was named has a place of its own, though sybils have all others of the same address', async () => {
  const named = await federated()
  const attacked = await federated([], {})
  const sybils = await sybilsAt(attacked, MAX_FEDERATION_PEERS, '127.0.0.1')
  const honest = await federated([named.address])
  await until(() => federationPeersOf(honest).includes(named.id), 'the named one')
  expect(sybils).toHaveLength(MAX_FEDERATION_PEERS)

  // Full of sybils itself, it still joins with the one that it names, and that one with it.
  const full = await federated([named.address])
  await sybilsAt(full, MAX_FEDERATION_PEERS, '127.0.0.1')
  await until(
    () => federationPeersOf(full).includes(named.id) && federationPeersOf(named).includes(full.id),
    'the named one'
  )
})

test('a directory that was named by its ID gets in by dialling, even when all places are taken', async () => {
  const [, , key] = [0, 0, (await identity(77)).key]
  const attacked = await federated([`/ip4/127.0.0.1/tcp/9/p2p/${(await identity(77)).id}`])
  await sybilsAt(attacked, MAX_FEDERATION_PEERS, '127.0.0.1')
  const honest = await federated([attacked.address], { privateKey: key })
  await until(
    () => federationPeersOf(attacked).includes(honest.id) && federationPeersOf(honest).includes(attacked.id),
    'both'
  )
  expect(attacked.federation.federationPeers()).toHaveLength(MAX_FEDERATION_PEERS + 1)
})

test('a directory that finds no place learns why, and the operators of both sides too', async () => {
  const attacked = await federated()
  const away: string[] = []
  attacked.federation.on('turned-away', ({ peer, reason }) => away.push(`${peer.toString()} ${reason}`))
  await sybilsAt(attacked, MAX_FEDERATION_PEERS, '127.0.0.1')
  const late = await federated([attacked.address])
  const reasons: FederationRefusal[] = []
  late.federation.on('refused', ({ error }) => reasons.push(error.reason))
  const joined: string[] = []
  late.federation.on('joined', ({ peer }) => joined.push(peer.toString()))
  await until(() => reasons.length > 0, 'the reason')
  expect(reasons).toEqual(['places-taken'])
  expect(away).toEqual([`${late.id} places-taken`])
  expect(joined).toEqual([])
})

test('silent streams of one address do not keep a directory of another from saying Hello', async () => {
  const attacked = await federated()
  // Each that is cut off is followed by another: whoever waits for them to be gone waits for ever.
  const over = new AbortController()
  const isOver = once(over.signal, 'abort')
  const silence = async (): Promise<void> => {
    while (!over.signal.aborted) {
      // One that is not let in, as too many have come within a second or the machine is slow, comes again.
      const silent = await joinAsFederationPeer(attacked.address, { from: '127.0.0.66' }).catch(() => undefined)
      await Promise.race([silent?.ended, isOver])
    }
  }
  const silences = Array.from({ length: 40 }, silence)
  try {
    await until(() => attacked.libp2p.getConnections().length >= 40, 'the silent ones')
    const honest = await federated([attacked.address])
    await until(() => federationPeersOf(attacked).includes(honest.id), 'the honest one')
  } finally {
    // One that begins later than this test ends is stopped by nobody.
    over.abort()
    await Promise.all(silences)
  }
})

test('with named directories alone nobody else joins, is dialled, or has peers on the roster', async () => {
  const [ada, bob, carol] = [await identity(1), await identity(2), await identity(3)]
  const named = await federated()
  named.attach(await sealedBy(ada))
  const strict = await federated([named.address], { admitsOthers: false })
  await until(() => federationPeersOf(strict).includes(named.id), 'the named one')
  await until(() => strict.roster().has(ada.id), 'its peers')

  const away: string[] = []
  strict.federation.on('turned-away', ({ reason }) => away.push(reason))
  const stranger = await federated([strict.address])
  const reasons: FederationRefusal[] = []
  stranger.federation.on('refused', ({ error }) => reasons.push(error.reason))
  await until(() => reasons.length > 0, 'the reason')
  expect(reasons).toEqual(['named-only'])
  expect(away).toEqual(['named-only'])

  // One that is joined with the named one: it is known and not dialled, and its peers are not taken in.
  const beyond = await federated([named.address])
  beyond.attach(await sealedBy(bob))
  await until(() => named.roster().has(bob.id), 'its peers at the named one')
  // What the named one attaches afterwards comes behind it.
  named.attach(await sealedBy(carol))
  await until(() => strict.roster().has(carol.id), 'a later peer of the named one')
  expect(federationPeersOf(strict)).toEqual([named.id])
  expect([...strict.roster().keys()].toSorted()).toEqual([ada.id, carol.id].toSorted())
})

test('a directory that floods gets the reason before it is cut off', async () => {
  const a = await federated()
  const banned: string[] = []
  a.federation.on('banned', ({ peer }) => banned.push(peer.toString()))
  const flooder = await joinAsFederationPeer(a.address)
  flooder.send(hello)
  await until(() => a.federation.federationPeers().length === 1, 'the federation peer')
  const forged = { statement: new Uint8Array(300), forMs: 0 }
  for (let i = 0; i < 3; i++) flooder.send({ ...hello, digests: [] })
  flooder.send({
    ...hello,
    digests: Array.from({ length: 30 }, () => ({
      directory: flooder.libp2p.peerId,
      epoch: 1n,
      counter: 1n,
      digest: new Uint8Array(32),
      count: 1,
      heartbeat: forged.statement,
      heardAgoMs: 0
    }))
  })
  await until(() => flooder.connection.status !== 'open', 'the cut')
  expect(banned).toEqual([flooder.libp2p.peerId.toString()])
  expect(flooder.heard.filter(({ type }) => type === 'refuse')).toMatchObject([{ reason: 'flooding' }])
})
