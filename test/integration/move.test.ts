// A conversation that begins on a relay moves to the LAN when the two meet there, and
// back when it is gone: nothing is lost, doubled or out of order, and the users notice
// nothing but another path. Real commands in network namespaces; where there can be
// none, it says so.
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import type { JsonParley } from '../fault/json-parley.ts'
import { whyNoNamespaces } from '../netns/lan.ts'
import { acquaint, apart, figure, leaveNothing, numbered, sayMany, twoPeers } from './apart.ts'

const whyNot = await whyNoNamespaces()
const many = 1_000
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
  await talk.say(many)
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

interface Talkers {
  readonly anna: JsonParley
  readonly annaId: string
  readonly berta: JsonParley
  readonly bertaId: string
}

/** What two say to each other. */
class Talk {
  readonly sent = { anna: [] as string[], berta: [] as string[] }
  readonly #talkers: Talkers

  constructor(talkers: Talkers) {
    this.#talkers = talkers
  }

  /** Both say so many, and all of it arrives. */
  async say(count: number): Promise<void> {
    const { anna, annaId, berta, bertaId } = this.#talkers
    const fromAnna = numbered(`anna, after ${this.sent.anna.length}:`, count)
    const fromBerta = numbered(`berta, after ${this.sent.berta.length}:`, count)
    this.sent.anna.push(...fromAnna)
    this.sent.berta.push(...fromBerta)
    sayMany(anna, bertaId, fromAnna)
    sayMany(berta, annaId, fromBerta)
    await Promise.all([
      berta.untilTexts(annaId, this.sent.anna.length),
      anna.untilTexts(bertaId, this.sent.berta.length)
    ])
  }

  /** The states of the conversation that each of the two was told. */
  told(): readonly (readonly string[])[] {
    const { anna, annaId, berta, bertaId } = this.#talkers
    return [anna.conversationStates(bertaId), berta.conversationStates(annaId)]
  }

  /** Both are told that the conversation is open by such a path. */
  async untilPath(path: string): Promise<void> {
    const { anna, berta } = this.#talkers
    await Promise.all(
      [anna, berta].map(async (one) => {
        let seen = 0
        let last: unknown
        await one.until(`a path that is ${path}`, () => {
          // Of thousands of events each is looked at once.
          for (; seen < one.events.length; seen++) {
            if (one.events[seen]?.event === 'conversation') last = one.events[seen]?.['path']
          }
          return last === path ? true : undefined
        })
      })
    )
  }

  arrived(): { readonly anna: readonly string[]; readonly berta: readonly string[] } {
    const { anna, annaId, berta, bertaId } = this.#talkers
    return { anna: berta.textsFrom(annaId), berta: anna.textsFrom(bertaId) }
  }
}
