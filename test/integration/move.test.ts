// A conversation that begins on a relay moves to the LAN when the two meet there, and
// back when it is gone: nothing is lost, doubled or out of order, and the users notice
// nothing but another path. Real commands in network namespaces; where there can be
// none, it says so.
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { whyNoNamespaces } from '../netns/lan.ts'
import { acquaint, apart, figure, leaveNothing, twoPeers } from './apart.ts'
import { messagesAcrossPaths, Talk } from './talk.ts'

const whyNot = await whyNoNamespaces()
const some = 200
/** So that there is always something under way, and never much. */
const few = 5

afterEach(leaveNothing)

test('a relayed conversation moves to the LAN and back, with messages under way, and nobody is told that it ended', async ({
  skip
}) => {
  skip(whyNot !== undefined, whyNot)
  const world = await apart({ directories: 1 })
  const [directory] = world.directories
  if (directory === undefined) throw new Error('there is a directory')
  const [anna, berta] = await twoPeers(world, [])
  const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]
  await acquaint(anna, berta)
  await berta.do({ do: 'chat', peer: annaId })
  const talk = new Talk({ anna, annaId, berta, bertaId })
  await talk.untilPath('relayed')
  await talk.say(few)
  const before = talk.told()

  for (const host of world.hosts) await host.rejoin()
  const moved = { is: false }
  const moving = talk.untilPath('lan').then(() => (moved.is = true))
  await talk.say(messagesAcrossPaths)
  while (!moved.is) await talk.say(few)
  await moving
  expect(talk.told().map((states, at) => new Set(states.slice(before[at]?.length)))).toEqual([
    new Set(['open']),
    new Set(['open'])
  ])
  await eventually(async () => expect(await figure(directory, 'parley_relay_circuits')).toBe(0))
  const passedBytes = await figure(directory, 'parley_relay_bytes_total')
  await talk.say(some)
  expect(await figure(directory, 'parley_relay_bytes_total')).toBe(passedBytes)

  for (const host of world.hosts) await host.isolate()
  await talk.say(some)
  await talk.untilPath('relayed')
  await talk.say(few)
  expect(talk.arrived()).toEqual(talk.sent)
})
