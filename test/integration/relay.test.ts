// Two peers that can't reach each other, and two directories that both reach: what
// they write goes through one of these, and through the other when that one dies. Real
// commands in network namespaces; where there can be none, it says so.
import { afterEach, expect, test } from 'vitest'
import { whyNoNamespaces } from '../netns/lan.ts'
import { acquaint, apart, leaveNothing, numbered, sayMany, twoPeers } from './apart.ts'
import { messagesAcrossPaths as manyMessages } from './talk.ts'

const whyNot = await whyNoNamespaces()

afterEach(leaveNothing)

test('a request, its acceptance and many messages go through a directory, and through the next when it dies', async ({
  skip
}) => {
  skip(whyNot !== undefined, whyNot)
  const world = await apart()
  const { directories } = world
  const [anna, berta] = await twoPeers(world)
  const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]

  expect(await acquaint(anna, berta)).toMatchObject({ messages: [{ text: 'may I?' }] })
  expect(await anna.do({ do: 'path', peer: bertaId })).toMatchObject({ path: 'relayed' })

  const [fromAnna, fromBerta] = [numbered('anna', manyMessages), numbered('berta', manyMessages)]
  sayMany(anna, bertaId, fromAnna)
  sayMany(berta, annaId, fromBerta)
  await Promise.all([berta.untilTexts(annaId, manyMessages), anna.untilTexts(bertaId, manyMessages)])

  const relay = String((await anna.do({ do: 'path', peer: bertaId }))['address'])
  const [used] = directories.filter(({ id }) => relay.includes(id))
  if (used === undefined) throw new Error(`${relay} names no directory of the test`)
  sayMany(anna, bertaId, fromAnna)
  sayMany(berta, annaId, fromBerta)
  process.kill(used.process.pid, 'SIGKILL')
  await Promise.all([berta.untilTexts(annaId, 2 * manyMessages), anna.untilTexts(bertaId, 2 * manyMessages)])
  const [other] = directories.filter((one) => one !== used)
  expect(await anna.do({ do: 'path', peer: bertaId })).toMatchObject({
    path: 'relayed',
    address: `/p2p/${other?.id}/p2p-circuit`
  })
  expect(berta.textsFrom(annaId)).toEqual([...fromAnna, ...fromAnna])
  expect(anna.textsFrom(bertaId)).toEqual([...fromBerta, ...fromBerta])
})

test('a directory that does not relay leaves the two apart, and says so to nobody', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  const [anna, berta] = await twoPeers(await apart({ options: ['--relay', 'off'] }))
  const bertaId = await berta.peerId()
  await anna.do({ do: 'chat', peer: bertaId })
  await anna.untilConversation(bertaId, 'waiting')
  expect(await anna.do({ do: 'path', peer: bertaId })).toMatchObject({ path: 'none' })
  expect([anna, berta].flatMap(({ events }) => events.filter(({ event }) => event === 'notice'))).toEqual([])
})

test('two behind routers who type a code talk through the directory, without having known of each other', async ({
  skip
}) => {
  skip(whyNot !== undefined, whyNot)
  const [anna, berta] = await twoPeers(await apart())
  const { invitation } = await anna.do({ do: 'invite' })
  const { code } = invitation as { readonly code: string }
  const opened = await berta.do({ do: 'chat', peer: code })
  expect(opened).toMatchObject({ peer: await anna.peerId(), name: 'anna', by: 'code' })
  const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
  sayMany(berta, annaId, ['here I am'])
  await anna.untilTexts(bertaId, 1)
  expect(await anna.do({ do: 'path', peer: bertaId })).toMatchObject({ path: 'relayed' })
  expect(await anna.do({ do: 'contacts' })).toMatchObject({
    contacts: [{ peer: bertaId, metByCodeSinceMs: expect.any(Number) }]
  })
})
