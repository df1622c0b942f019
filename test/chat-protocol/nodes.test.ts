/** The service in real libp2p nodes on loopback: TCP, Noise and Yamux with the wire's settings. */
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Libp2p } from '@libp2p/interface'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../eventually.ts'
import { chat, chatProtocolId } from '../../src/chat-protocol/index.ts'
import type { ChatService } from '../../src/chat-protocol/index.ts'
import { yamuxInit } from '../../src/transport/index.ts'
import { RawStream, Recorder, lengthPrefixed, message } from './harness.ts'
import { patientConnections } from '../patience.ts'

const nodes: Libp2p[] = []
afterEach(async () => {
  await Promise.all(nodes.splice(0).map(async (node) => await node.stop()))
})

const base = () => ({
  addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux(yamuxInit)],
  connectionManager: patientConnections
})

async function startChat(): Promise<{ node: Libp2p<{ chat: ChatService }>; app: Recorder; service: ChatService }> {
  const app = new Recorder()
  const node = await createLibp2p({ ...base(), services: { chat: chat(app) } })
  nodes.push(node)
  app.listen(node.services.chat)
  return { node, app, service: node.services.chat }
}

/** A foreign program: no Parley, only a handler for the protocol. */
async function startForeign(): Promise<{ node: Libp2p; streams: RawStream[] }> {
  const node = await createLibp2p(base())
  nodes.push(node)
  const streams: RawStream[] = []
  await node.handle(chatProtocolId, (stream) => void streams.push(new RawStream(stream)))
  return { node, streams }
}

describe('two nodes', () => {
  test('talk both ways, also when both open at once over two connections', async () => {
    const [a, b] = [await startChat(), await startChat()]
    const [fromA, fromB] = await Promise.all([a.node.dial(b.node.getMultiaddrs()), b.node.dial(a.node.getMultiaddrs())])
    await Promise.all([a.service.open(fromA), b.service.open(fromB)])
    const texts = Array.from({ length: 50 }, (_, index) => `line ${index}`)
    await Promise.all([
      a.service.session(b.node.peerId)?.send(texts.map((text) => message(text))),
      b.service.session(a.node.peerId)?.send(texts.map((text) => message(text)))
    ])
    await until(() => a.app.messages.length === 50 && b.app.messages.length === 50, 'all messages')
    await until(() => a.app.receipted('stored').length === 50 && b.app.receipted('stored').length === 50, 'receipts')
    expect(new Set(a.app.messages.map(({ text }) => text))).toEqual(new Set(texts))
  })

  test('a connection that is cut ends the session on both sides, and a new one resumes it', async () => {
    const [a, b] = [await startChat(), await startChat()]
    const connection = await a.node.dial(b.node.getMultiaddrs())
    await a.service.open(connection)
    await until(() => b.app.events.length === 1, 'the session over there')
    connection.abort(new Error('cable'))
    await until(() => a.app.closes.length === 1 && b.app.closes.length === 1, 'both ends')
    expect([a.app.closes[0], b.app.closes[0]].every((why) => why instanceof Error)).toBe(true)
    const again = await a.service.open(await a.node.dial(b.node.getMultiaddrs()))
    const sent = message('back')
    await again.send([sent])
    await until(() => a.app.receipts.length === 1, 'the receipt')
    expect(b.app.messages).toEqual([sent])
  })

  test('64 KiB messages by the dozen arrive whole', async () => {
    const [a, b] = [await startChat(), await startChat()]
    const session = await a.service.open(await a.node.dial(b.node.getMultiaddrs()))
    const sent = Array.from({ length: 48 }, (_, index) => message(String(index % 10).repeat(65_536)))
    await session.send(sent)
    await until(() => a.app.receipted('stored').length === 48, 'all receipts')
    expect(b.app.messages).toEqual(sent)
  })

  test('quit is clean on both sides', async () => {
    const [a, b] = [await startChat(), await startChat()]
    const session = await a.service.open(await a.node.dial(b.node.getMultiaddrs()))
    await until(() => b.app.events.length === 1, 'the session over there')
    await session.bye('quit')
    await until(() => b.app.closes.length === 1, 'the end')
    expect([...a.app.closes, ...b.app.closes]).toEqual([undefined, undefined])
  })

  test('a peer that serves no chat is named as such', async () => {
    const a = await startChat()
    const other = await createLibp2p(base())
    nodes.push(other)
    const opening = a.service.open(await a.node.dial(other.getMultiaddrs()))
    await expect(opening).rejects.toMatchObject({ name: 'ChatUnsupportedError' })
  })
})

describe('a foreign program', () => {
  test('that dials with its first line in the same packet is heard and answered on its stream', async () => {
    const [a, foreign] = [await startChat(), await startForeign()]
    a.app.kind = { kind: 'foreign', agent: 'example.com/chat' }
    const connection = await foreign.node.dial(a.node.getMultiaddrs())
    const stream = new RawStream(await connection.newStream(chatProtocolId))
    stream.write('hello\n\nsecond\n')
    await until(() => a.app.texts.length === 2, 'two lines')
    await a.service.session(foreign.node.peerId)?.send([message('hi')])
    await until(() => stream.text === 'hi\n', 'the answer')
    expect(a.app.plain).toEqual(['hello', 'second'])
  })

  test('that is dialled gets framed text when it runs no identify', async () => {
    const [a, foreign] = [await startChat(), await startForeign()]
    a.app.kind = { kind: 'foreign', agent: undefined }
    const session = await a.service.open(await a.node.dial(foreign.node.getMultiaddrs()))
    await session.send([message('guten Tag')])
    await until(() => foreign.streams[0]?.bytes.equals(lengthPrefixed('guten Tag\n')) === true, 'the text')
    foreign.streams[0]?.write(lengthPrefixed('servus\n'))
    await until(() => a.app.texts.length === 1, 'the answer')
    expect(a.app.texts).toEqual([{ text: 'servus', dialect: 'framed-text' }])
  })

  test('that opens many streams is held to a few', async () => {
    const [a, foreign] = [await startChat(), await startForeign()]
    a.app.kind = { kind: 'undecided' }
    const connection = await foreign.node.dial(a.node.getMultiaddrs())
    const streams: RawStream[] = []
    for (let count = 0; count < 12; count++) {
      const opened = await connection.newStream(chatProtocolId).catch(() => undefined)
      if (opened !== undefined) streams.push(new RawStream(opened))
    }
    await until(() => streams.filter(({ over }) => !over).length <= 8, 'the others to be cut')
    expect(streams.some(({ over }) => !over)).toBe(true)
  })
})
