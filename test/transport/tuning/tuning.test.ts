/** Every change of libp2p can be off: alone, and all together, and Parley chats all the same. */
import { generateKeyPair } from '@libp2p/crypto/keys'
import type { MessageStream } from '@libp2p/interface'
import { createLibp2p } from 'libp2p'
import { describe, expect, onTestFinished, test } from 'vitest'
import { chat } from '../../../src/chat-protocol/index.ts'
import { commonServices, hostOptions } from '../../../src/transport/host.ts'
import { connectionList } from '../../../src/transport/tuning/connection-list.ts'
import { securedRemoteOf } from '../../../src/transport/tuning/noise-streams.ts'
import { allTuning, noTuning, readTuning } from '../../../src/transport/tuning/tuning.ts'
import type { Tuning } from '../../../src/transport/tuning/tuning.ts'
import { message, Recorder } from '../../chat-protocol/harness.ts'
import { until } from '../../eventually.ts'

async function startHost(tuning: Tuning) {
  const app = new Recorder()
  const options = hostOptions({
    key: await generateKeyPair('Ed25519'),
    host: '127.0.0.1',
    port: 0,
    discovery: [],
    gater: {},
    tuning
  })
  const [create] = options.streamMuxers ?? []
  if (create === undefined) throw new TypeError('a host has a muxer')
  const carriers: MessageStream[] = []
  const node = await createLibp2p({
    ...options,
    streamMuxers: [
      (components) => {
        const factory = create(components)
        const createStreamMuxer = factory.createStreamMuxer.bind(factory)
        return Object.assign(factory, {
          createStreamMuxer: (connection: MessageStream) => {
            carriers.push(connection)
            return createStreamMuxer(connection)
          }
        })
      }
    ],
    services: { ...commonServices, connections: connectionList(tuning), chat: chat(app) }
  })
  await node.start()
  onTestFinished(async () => node.stop())
  app.listen(node.services.chat)
  return { node, app, service: node.services.chat, carriers }
}

async function talk(here: Tuning, there: Tuning) {
  const [a, b] = [await startHost(here), await startHost(there)]
  const connection = await a.node.dial(b.node.getMultiaddrs())
  const session = await a.service.open(connection)
  // Past the first window of Yamux, and in messages of every size of Noise.
  const texts = ['hello', 'x'.repeat(200), ...Array.from({ length: 20 }, (_, index) => `${index}`.repeat(30_000))]
  await session.send(texts.map((text) => message(text)))
  await until(() => a.app.receipted('stored').length === texts.length, 'receipts')
  expect(b.app.messages.map(({ text }) => text)).toEqual(texts)
  await b.service.session(a.node.peerId)?.send([message('and back')])
  await until(() => b.app.receipted('stored').length === 1, 'the receipt of the answer')
  expect(a.app.messages.map(({ text }) => text)).toEqual(['and back'])
  return [a, b] as const
}

describe('two nodes chat', () => {
  test('with all of it off, on unchanged libp2p', async () => {
    for (const { carriers, node } of await talk(noTuning, noTuning)) {
      const [secured] = carriers
      if (secured === undefined) throw new TypeError('the muxer has a connection')
      const carrier = securedRemoteOf(secured)?.carrier
      expect(Object.hasOwn(carrier ?? {}, 'send')).toBe(false)
      expect(node.getConnections()).not.toBe(node.getConnections())
    }
  })

  test('when one has all of it off and the other has it on', async () => {
    await talk(noTuning, allTuning)
    await talk(allTuning, noTuning)
  })

  test.each(Object.keys(allTuning))('with %s off', async (name) => {
    await talk({ ...allTuning, [name]: false }, { ...allTuning, [name]: false })
  })
})

describe('PARLEY_TUNING', () => {
  test('changes nothing when it is empty, turns all off, or what it names', () => {
    expect(readTuning(undefined)).toEqual(allTuning)
    expect(readTuning('')).toEqual(allTuning)
    expect(readTuning('off')).toEqual(noTuning)
    expect(readTuning('libsodium, eagerNoise')).toEqual({ ...allTuning, libsodium: false, eagerNoise: false })
  })

  test('names what it may hold when it holds something else', () => {
    expect(() => readTuning('sodium')).toThrow(/"sodium".*libsodium/u)
  })
})
