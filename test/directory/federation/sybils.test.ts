// Made-up directories that take all places, over real connections: an honest
// one with `--join` gets in at both sides, and each side knows why another did not.
import { expect, test } from 'vitest'
import { MAX_FELLOWS } from '../../../src/directory/federation/constants.ts'
import type { FellowRefusal } from '../../../src/directory/federation/fellow-errors.ts'
import { until } from '../nodes.ts'
import { identity, sealedBy } from '../records.ts'
import { federated, type Federated } from './federated.ts'
import { fellowOf, hello } from './raw-fellow.ts'

/** So many directories from one address, all joined. */
async function sybilsAt(target: Federated, count: number, from: string) {
  const sybils = await Promise.all(Array.from({ length: count }, () => fellowOf(target.address, { from })))
  for (const sybil of sybils) sybil.send(hello)
  await until(() => target.federation.fellows().length >= count, 'the sybils')
  return sybils
}

const fellowIds = (of: Federated): string[] => of.federation.fellows().map(String)

test('sixteen directories of one address do not keep out an honest one of another', async () => {
  const attacked = await federated()
  const evicted: string[] = []
  attacked.federation.on('evicted', ({ holder, to }) => evicted.push(`${holder} to ${to.toString()}`))
  const sybils = await sybilsAt(attacked, MAX_FELLOWS, '127.0.0.66')
  const honest = await federated([attacked.address])
  await until(() => fellowIds(attacked).includes(honest.id), 'the honest one')
  await until(() => fellowIds(honest).includes(attacked.id), 'the other side')
  expect(evicted).toEqual([`127.0.0.66 to ${honest.id}`])
  expect(attacked.federation.fellows()).toHaveLength(MAX_FELLOWS)
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
  const sybils = await sybilsAt(attacked, MAX_FELLOWS, '127.0.0.1')
  const honest = await federated([named.address])
  await until(() => fellowIds(honest).includes(named.id), 'the named one')
  expect(sybils).toHaveLength(MAX_FELLOWS)

  // Full of sybils itself, it still joins with the one that it names, and that one with it.
  const full = await federated([named.address])
  await sybilsAt(full, MAX_FELLOWS, '127.0.0.1')
  await until(() => fellowIds(full).includes(named.id) && fellowIds(named).includes(full.id), 'the named one')
})

test('a directory that was named by its ID gets in by dialling, even when all places are taken', async () => {
  const [, , key] = [0, 0, (await identity(77)).key]
  const attacked = await federated([`/ip4/127.0.0.1/tcp/9/p2p/${(await identity(77)).id}`])
  await sybilsAt(attacked, MAX_FELLOWS, '127.0.0.1')
  const honest = await federated([attacked.address], { privateKey: key })
  await until(() => fellowIds(attacked).includes(honest.id) && fellowIds(honest).includes(attacked.id), 'both')
  expect(attacked.federation.fellows()).toHaveLength(MAX_FELLOWS + 1)
})

test('a directory that finds no place learns why, and the operators of both sides too', async () => {
  const attacked = await federated()
  const away: string[] = []
  attacked.federation.on('turned-away', ({ peer, reason }) => away.push(`${peer.toString()} ${reason}`))
  await sybilsAt(attacked, MAX_FELLOWS, '127.0.0.1')
  const late = await federated([attacked.address])
  const reasons: FellowRefusal[] = []
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
  await Promise.all(Array.from({ length: 40 }, () => fellowOf(attacked.address, { from: '127.0.0.66' })))
  const honest = await federated([attacked.address])
  await until(() => fellowIds(attacked).includes(honest.id), 'the honest one', 2_500)
})

test('with named directories alone nobody else joins, is dialled, or has peers on the roster', async () => {
  const [ada, bob] = [await identity(1), await identity(2)]
  const named = await federated()
  named.attach(await sealedBy(ada))
  const strict = await federated([named.address], { admitsOthers: false })
  await until(() => fellowIds(strict).includes(named.id), 'the named one')
  await until(() => strict.roster().has(ada.id), 'its peers')

  const away: string[] = []
  strict.federation.on('turned-away', ({ reason }) => away.push(reason))
  const stranger = await federated([strict.address])
  const reasons: FellowRefusal[] = []
  stranger.federation.on('refused', ({ error }) => reasons.push(error.reason))
  await until(() => reasons.length > 0, 'the reason')
  expect(reasons).toEqual(['named-only'])
  expect(away).toEqual(['named-only'])

  // One that is joined with the named one: it is known and not dialled, and its peers are not taken in.
  const beyond = await federated([named.address])
  beyond.attach(await sealedBy(bob))
  await until(() => named.roster().has(bob.id), 'its peers at the named one')
  await new Promise((resolve) => setTimeout(resolve, 2_000))
  expect(fellowIds(strict)).toEqual([named.id])
  expect([...strict.roster().keys()]).toEqual([ada.id])
}, 15_000)

test('a directory that floods gets the reason before it is cut off', async () => {
  const a = await federated()
  const banned: string[] = []
  a.federation.on('banned', ({ peer }) => banned.push(peer.toString()))
  const flooder = await fellowOf(a.address)
  flooder.send(hello)
  await until(() => a.federation.fellows().length === 1, 'the fellow')
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
