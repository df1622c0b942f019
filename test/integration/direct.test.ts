// A conversation between two homes that begins on a relay gets a direct path through both
// routers: nothing is lost, doubled or out of order while it moves there, nor when the
// path is lost and found again. Real commands in network namespaces; where there can be
// none, it says so.
import { afterEach, expect, test } from 'vitest'
import { JsonParley, randomNetwork } from '../fault/json-parley.ts'
import { Internet, whyNoInternet, type InternetHost, type SiteInit } from '../netns/internet.ts'
import { Talk } from './talk.ts'

const whyNot = await whyNoInternet()
const directoryPort = 443
const many = 2_000
const few = 5

let internet: Internet | undefined
const running: JsonParley[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map(async (one) => one.stop()))
  await internet?.remove()
  internet = undefined
})

interface World {
  readonly internet: Internet
  readonly anna: JsonParley
  readonly berta: JsonParley
  readonly talk: Talk
}

/** A directory on the Internet, and two contacts in homes of their own who talk. */
async function twoHomes(
  sites: readonly [SiteInit, SiteInit] = [{ kind: 'plain' }, { kind: 'plain' }],
  options: readonly string[] = []
): Promise<World> {
  const made = await Internet.create([{ kind: 'public' }, ...sites])
  internet = made
  const network = randomNetwork()
  const spawn = async (host: InternetHost, args: readonly string[]): Promise<JsonParley> => {
    const parley = await JsonParley.spawn({ wrapper: host.wrapper, secluded: false, network, args })
    running.push(parley)
    return parley
  }
  const at = made.host(0)
  const directory = await spawn(at, ['directory', '--port', String(directoryPort), '--no-mdns', '--no-http'])
  await directory.until('"listening"', () => directory.events.find(({ event }) => event === 'listening'))
  const start = async (site: number, name: string): Promise<JsonParley> =>
    spawn(made.host(site), [
      '--name',
      name,
      '--accept',
      'all',
      '--directory',
      `${at.address}:${directoryPort}`,
      ...options
    ])
  const [anna, berta] = await Promise.all([start(1, 'anna'), start(2, 'berta')])
  const [annaId, bertaId] = await Promise.all([anna.peerId(), berta.peerId()])
  await anna.do({ do: 'chat', peer: bertaId })
  await berta.do({ do: 'chat', peer: annaId })
  await Promise.all([anna.untilConversation(bertaId, 'open'), berta.untilConversation(annaId, 'open')])
  return { internet: made, anna, berta, talk: new Talk({ anna, annaId, berta, bertaId }) }
}

test('it moves to a direct path with messages under way, and nobody is told that it ended', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  const { talk } = await twoHomes()
  const moved = { is: false }
  const moving = talk.untilPath('direct').finally(() => (moved.is = true))
  await talk.say(many)
  while (!moved.is) await talk.say(few)
  await moving
  await talk.say(few)
  expect(talk.arrived()).toEqual(talk.sent)
  const states = new Set(talk.told().flatMap((told) => told.slice(told.indexOf('open'))))
  expect([...states]).toEqual(['open'])
})

test('when UDP is cut it goes on over the relay, and is direct again after it', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  const { internet: net, talk } = await twoHomes()
  await talk.untilPath('direct')
  await talk.say(few)
  await net.site(1).setUdp('dropped')
  await talk.say(few)
  await talk.untilPath('relayed')
  await talk.say(few)
  await net.site(1).setUdp('passed')
  await talk.untilPath('direct')
  await talk.say(few)
  expect(talk.arrived()).toEqual(talk.sent)
})

test('with --direct never it stays on the relay', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  const { talk, anna, berta } = await twoHomes(undefined, ['--direct', 'never'])
  await talk.say(many)
  for (const one of [anna, berta]) expect(one.events.some(({ path }) => path === 'direct')).toBe(false)
})
