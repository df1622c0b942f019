// Two peers that can't reach each other, and two directories that both reach: what
// they write goes through one of these, and through the other when that one dies. Real
// commands in network namespaces; where there can be none, it says so.
import { afterEach, expect, test } from 'vitest'
import { JsonParley, patienceMs, randomNetwork } from '../fault/json-parley.ts'
import { Lan, whyNoNamespaces, type NetHost } from '../netns/lan.ts'
import { untilListening } from '../netns/listening.ts'

const whyNot = await whyNoNamespaces()
const directoryPort = 8000
/** More than a window holds. */
const manyMessages = 1_000
let lan: Lan | undefined
const running: { stop(): unknown }[] = []

afterEach(async () => {
  await Promise.all(running.splice(0).map(async (one) => one.stop()))
  await lan?.remove()
  lan = undefined
})

test('a request, its acceptance and thousands of messages go through a directory, and through the next when it dies', async ({
  skip
}) => {
  skip(whyNot !== undefined, whyNot)
  const { network, hosts, directories } = await apart()
  const [anna, berta] = await Promise.all(
    hosts.map(async (host, at) => parley(host, ['anna', 'berta'][at] ?? '', network, directories))
  )
  if (anna === undefined || berta === undefined) throw new Error('there are two hosts')
  const [annaId, bertaId] = [await anna.peerId(), await berta.peerId()]

  await anna.do({ do: 'chat', peer: bertaId })
  await anna.do({ do: 'send', peer: bertaId, text: 'may I?' })
  await berta.until('the request', () => berta.events.find(({ event }) => event === 'request'))
  expect(await berta.do({ do: 'accept', peer: annaId })).toMatchObject({ messages: [{ text: 'may I?' }] })
  await anna.untilConversation(bertaId, 'open')
  expect(await anna.do({ do: 'path', peer: bertaId })).toMatchObject({ path: 'relayed' })

  sayMany(anna, bertaId, 'anna')
  sayMany(berta, annaId, 'berta')
  await Promise.all([berta.untilTexts(annaId, manyMessages), anna.untilTexts(bertaId, manyMessages)])

  const relay = String((await anna.do({ do: 'path', peer: bertaId }))['address'])
  const [used] = directories.filter(({ id }) => relay.includes(id))
  if (used === undefined) throw new Error(`${relay} names no directory of the test`)
  sayMany(anna, bertaId, 'anna')
  sayMany(berta, annaId, 'berta')
  process.kill(used.process.pid, 'SIGKILL')
  await Promise.all([berta.untilTexts(annaId, 2 * manyMessages), anna.untilTexts(bertaId, 2 * manyMessages)])
  const [other] = directories.filter((one) => one !== used)
  expect(await anna.do({ do: 'path', peer: bertaId })).toMatchObject({
    path: 'relayed',
    address: `/p2p/${other?.id}/p2p-circuit`
  })
  expect(berta.textsFrom(annaId)).toEqual([...numbered('anna'), ...numbered('anna')])
  expect(anna.textsFrom(bertaId)).toEqual([...numbered('berta'), ...numbered('berta')])
})

test('a directory that does not relay leaves the two apart, and says so to nobody', async ({ skip }) => {
  skip(whyNot !== undefined, whyNot)
  const { network, hosts, directories } = await apart(['--relay', 'off'])
  const [anna, berta] = await Promise.all(
    hosts.map(async (host, at) => parley(host, ['anna', 'berta'][at] ?? '', network, directories))
  )
  if (anna === undefined || berta === undefined) throw new Error('there are two hosts')
  const bertaId = await berta.peerId()
  await anna.do({ do: 'chat', peer: bertaId })
  await anna.untilConversation(bertaId, 'waiting')
  expect(await anna.do({ do: 'path', peer: bertaId })).toMatchObject({ path: 'none' })
  expect([anna, berta].flatMap(({ events }) => events.filter(({ event }) => event === 'notice'))).toEqual([])
})

interface Directory {
  readonly process: JsonParley
  readonly id: string
  readonly address: string
}

/** Two hosts that reach two directories, and not each other. */
async function apart(options: readonly string[] = []) {
  lan = await Lan.create({ hosts: 4 })
  const hosts = [lan.host(0), lan.host(1)]
  await Promise.all(hosts.map(async (host) => host.isolate()))
  const network = randomNetwork()
  const directories = await Promise.all(
    [lan.host(2), lan.host(3)].map(async (host) => startDirectory(host, network, options))
  )
  return { network, hosts, directories }
}

async function startDirectory(host: NetHost, network: string, options: readonly string[]): Promise<Directory> {
  const started = await JsonParley.spawn({
    wrapper: host.wrapper,
    secluded: false,
    network,
    args: ['directory', '--port', String(directoryPort), '--no-mdns', '--no-http', ...options]
  })
  running.push(started)
  await untilListening(started.pid, directoryPort, patienceMs)
  const { peer } = await started.until('"listening"', () => started.events.find(({ event }) => event === 'listening'))
  return { process: started, id: String(peer), address: `${host.address}:${directoryPort}` }
}

async function parley(
  host: NetHost,
  name: string,
  network: string,
  directories: readonly Directory[]
): Promise<JsonParley> {
  const named = directories.flatMap(({ address }) => ['--directory', address])
  const started = await JsonParley.spawn({
    wrapper: host.wrapper,
    secluded: false,
    network,
    args: ['--name', name, '--no-mdns', ...named]
  })
  running.push(started)
  await started.ready()
  return started
}

function sayMany(from: JsonParley, to: string, name: string): void {
  from.tell(numbered(name).map((text) => ({ do: 'send', peer: to, text })))
}

function numbered(name: string): readonly string[] {
  return Array.from({ length: manyMessages }, (_, at) => `${name} ${at + 1}`)
}
