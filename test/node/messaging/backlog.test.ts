import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { eventually } from '../../eventually.ts'
import { eventualMs } from '../../patience.ts'
import { freePort } from '../../processes/ports.ts'
import { ChatNode, loadConfig, type SettingName } from '../../../src/node/index.ts'

let folder: string
let nodes: Set<ChatNode>

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'parley-backlog-'))
  nodes = new Set()
})

afterEach(async () => {
  await Promise.all([...nodes].map(async (node) => node.stop()))
  await rm(folder, { recursive: true })
})

/** A started peer whose files are in a folder of that name. */
async function peer(home: string, flags: Partial<Record<SettingName, string>> = {}): Promise<ChatNode> {
  const env = { XDG_DATA_HOME: join(folder, home), XDG_CONFIG_HOME: join(folder, home, 'config') }
  const fixed = { network: 'backlog', mdns: false, defaultDirectories: false, host: '127.0.0.1', accept: 'all' }
  const config = await loadConfig({ flags: { ...fixed, name: home, ...flags }, env })
  const node = await ChatNode.create({ config, interactive: false })
  nodes.add(node)
  await node.start()
  return node
}

async function stop(node: ChatNode): Promise<void> {
  nodes.delete(node)
  await node.stop()
}

async function received(node: ChatNode, from: string): Promise<string[]> {
  const messages = await node.messaging.history.recent(from, 100_000)
  return messages.filter(({ direction }) => direction === 'in').map(({ text }) => text)
}

test('a backlog of 10,000 messages to a contact that was away goes out whole, in order, and none is refused', async () => {
  const anna = await peer('anna')
  const bert = await peer('bert')
  await anna.peers.resolve([`127.0.0.1:${bert.self.port}`])
  await anna.messaging.send(bert.self.peerId, 'first')
  await eventually(async () => expect(await received(bert, anna.self.peerId)).toEqual(['first']))
  await stop(bert)
  const refusals: string[] = []
  anna.events.addEventListener('refused', ({ detail }) => refusals.push(detail.reason))
  const texts = Array.from({ length: 10_000 }, (_, i) => `message ${i}`)
  await Promise.all(texts.map(async (text) => anna.messaging.send(bert.self.peerId, text)))
  const again = await peer('bert')
  // Ten thousand messages that are read over and over would hold up their delivery.
  const last = async (): Promise<string | undefined> =>
    (await again.messaging.history.recent(anna.self.peerId, 1)).at(-1)?.text
  await eventually(async () => expect(await last()).toBe(texts.at(-1)))
  expect(await received(again, anna.self.peerId)).toEqual(['first', ...texts])
  expect(refusals).toEqual([])
})

test('an identity that runs on two machines corrupts nobody’s history: all it wrote on both arrives, once', async () => {
  const anna = await peer('anna')
  const bert = await peer('bert')
  await anna.peers.resolve([`127.0.0.1:${bert.self.port}`])
  for (const text of ['one', 'two']) await anna.messaging.send(bert.self.peerId, text)
  await eventually(async () => expect(await received(bert, anna.self.peerId)).toEqual(['one', 'two']))
  await stop(anna)
  await cp(join(folder, 'anna'), join(folder, 'copy'), { recursive: true })
  // The copy, with its own port, goes on from the same history at the same time.
  const [first, second] = await Promise.all([peer('anna'), peer('copy', { port: String(await freePort()) })])
  const written: string[] = ['one', 'two']
  for (let round = 0; round < 5; round++) {
    for (const [name, node] of [
      ['first', first],
      ['second', second]
    ] as const) {
      const text = `${name} ${round}`
      written.push(text)
      const message = await node.messaging.send(bert.self.peerId, text)
      const settled = await node.messaging.settled(message, { signal: AbortSignal.timeout(eventualMs) })
      expect(settled.state, text).toBe('delivered')
    }
  }
  const arrived = await received(bert, anna.self.peerId)
  expect(arrived.toSorted()).toEqual(written.toSorted())
  const ofFirst = arrived.filter((text) => text.startsWith('first'))
  expect(ofFirst).toEqual(ofFirst.toSorted())
})
