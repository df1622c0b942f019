// A conversation between two homes that begins on a relay gets a direct path through both
// routers: nothing is lost, doubled or out of order while it moves there, nor when the
// path is lost and found again. Real commands in network namespaces; where there can be
// none, it says so.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { eventually } from '../eventually.ts'
import { JsonParley, randomNetwork } from '../fault/json-parley.ts'
import { HostProgram } from '../netns/host-program.ts'
import { Internet, whyNoInternet, type InternetHost, type SiteInit } from '../netns/internet.ts'
import { countUdp } from '../netns/udp-counter.ts'
import { messagesAcrossPaths, Talk } from './talk.ts'

const whyNot = await whyNoInternet()
const directoryPort = 443
/** Said while a path through the routers would be looked for. */
const some = 500
const few = 5

let internet: Internet | undefined
const running: JsonParley[] = []
const programs: HostProgram[] = []

afterEach(async () => {
  for (const program of programs.splice(0)) program.stop()
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

interface WorldInit {
  /** Of anna, of berta, and beyond. */
  readonly sites?: readonly SiteInit[]
  /** Of both peers. */
  readonly options?: readonly string[]
  /** Of Node, for both peers. */
  readonly nodeOptions?: string
  /** Before anything runs. */
  readonly prepare?: (internet: Internet) => Promise<unknown>
  /** When both see each other's directory, and have not met. */
  readonly beforeTalk?: (peers: readonly JsonParley[]) => void
}

/** A directory on the Internet, and two contacts in homes of their own who talk. */
async function twoHomes({
  sites = [{ kind: 'plain' }, { kind: 'plain' }],
  options = [],
  nodeOptions = '',
  prepare = async () => undefined,
  beforeTalk = () => undefined
}: WorldInit = {}): Promise<World> {
  const made = await Internet.create([{ kind: 'public' }, ...sites])
  internet = made
  await prepare(made)
  const network = randomNetwork()
  const spawn = async (host: InternetHost, args: readonly string[]): Promise<JsonParley> => {
    const parley = await JsonParley.spawn({ wrapper: host.wrapper, secluded: false, network, args, nodeOptions })
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
  beforeTalk([anna, berta])
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
  await talk.say(messagesAcrossPaths)
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
  const { talk, anna, berta } = await twoHomes({ options: ['--direct', 'never'] })
  await talk.say(some)
  for (const one of [anna, berta]) expect(one.events.some(({ path }) => path === 'direct')).toBe(false)
})

test('without udx-native it stays on the relay, with nothing lost and nobody told of a fault', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  const { talk, anna, berta } = await twoHomes({
    nodeOptions: `--import ${join(import.meta.dirname, 'without-udx.ts')}`
  })
  await talk.say(messagesAcrossPaths)
  expect(talk.arrived()).toEqual(talk.sent)
  for (const one of [anna, berta]) {
    expect(one.events.filter(({ path }) => path === 'direct')).toEqual([])
    expect(one.events.filter(({ event }) => event === 'notice' || event === 'error')).toEqual([])
    expect(isMapped(one)).toBe(false)
  }
})

test('the native library is loaded for the first relayed conversation with a contact, and not before', async ({
  skip
}) => {
  skip(whyNot !== undefined, whyNot)
  let before: readonly boolean[] = []
  const { talk, anna, berta } = await twoHomes({ beforeTalk: (peers) => (before = peers.map(isMapped)) })
  await talk.untilPath('direct')
  expect([before, [anna, berta].map(isMapped)]).toEqual([
    [false, false],
    [true, true]
  ])
})

/** Whether the library is in the memory of the process. */
function isMapped({ pid }: JsonParley): boolean {
  return readFileSync(`/proc/${pid}/maps`, 'utf8').includes('udx-native')
}

test('nothing is sent over UDP to an address that the peer names and was not seen at', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  const sites = [{ kind: 'plain' }, { kind: 'plain' }, { kind: 'public' }] as const
  let victim: InternetHost | undefined
  let datagrams: (() => Promise<number>) | undefined
  const { internet: net, talk } = await twoHomes({
    sites,
    prepare: async (made) => {
      victim = made.host(3)
      datagrams = await countUdp(victim, made.site(2).address)
      // Anna's machine has the address of another one on a card, and tells it.
      await made.host(1).addAddress(victim.address)
    }
  })
  await talk.untilPath('direct')
  await talk.say(few)
  expect(await datagrams?.()).toBe(0)

  const program = new HostProgram(net.host(2), 'udp-host.ts', ['4001'])
  programs.push(program)
  await eventually(() => expect(program.count('bound')).toBe(1))
  program.tell(`4001 ${victim?.address ?? ''} 4001 counted`)
  await eventually(async () => expect(await datagrams?.()).toBe(1))
})
