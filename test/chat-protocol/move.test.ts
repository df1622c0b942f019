/** A session that moves from one connection to another, as a better path is there: nothing is lost, doubled or told. */
import type { Connection, Stream } from '@libp2p/interface'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../eventually.ts'
import { turn } from '../wire/turns.ts'
import type { ChatMessage } from '../../src/chat-protocol/index.ts'
import { encodeFrame } from '../../src/chat-protocol/frames.ts'
import {
  Outbox,
  RawStream,
  connect,
  greet,
  lengthPrefixed,
  makePeerId,
  message,
  rawOpen,
  startService,
  stopAll,
  talking
} from './harness.ts'
import type { ServiceEnd } from './harness.ts'

afterEach(stopAll)

/** More than a window holds, and in so many parts that a move falls between them. */
const MANY = 2_000
const PART = 50

const cable = new Error('cable')

describe('a session', () => {
  test('goes on over another connection, and neither side hears of an end', async () => {
    const { a, b, session } = await talking()
    await session.send([message('on the first')])
    await until(() => a.app.receipted('stored').length === 1, 'the receipt')
    const better = connect(a, b)
    expect(await a.service.move(better.local)).toBe(true)
    await until(() => b.service.session(a.peerId)?.connection === better.remote, 'the move of the other side')
    await until(() => a.service.session(b.peerId)?.connection === better.local, 'the move')
    await a.service.session(b.peerId)?.send([message('on the second')])
    await until(() => a.app.receipted('stored').length === 2, 'the receipt on the second')
    expect(b.app.messages.map(({ text }) => text)).toEqual(['on the first', 'on the second'])
    expect([a.app.events, b.app.events]).toEqual([['open parley', 'resumed parley'], ['open parley']])
    expect([a.app.moves, b.app.moves]).toEqual([[better.local], [better.remote]])
  })

  test('is moved by the side that has opened its stream, and not twice', async () => {
    const { a, b, connections } = await talking()
    const better = connect(a, b)
    expect(await b.service.move(better.remote)).toBe(false)
    expect(await a.service.move(connections.local)).toBe(false)
    expect(await Promise.all([a.service.move(better.local), a.service.move(better.local)])).toEqual([true, true])
    expect(await a.service.move(better.local)).toBe(false)
    await until(() => a.service.session(b.peerId)?.connection === better.local, 'the move')
    expect(streamsOf(better.local)).toHaveLength(1)
  })

  test('loses and doubles nothing of thousands of messages each way, when both sides move at once', async () => {
    const { ends, outboxes, first } = await bothOpened()
    const [a, b] = ends
    const better = connect(a, b)
    const sent = await Promise.all([
      sayMany(outboxes[0], b),
      sayMany(outboxes[1], a),
      a.service.move(better.local),
      b.service.move(better.remote)
    ])
    await until(() => outboxes.every(({ waiting }) => waiting.size === 0), 'all receipts')
    expect(arrived(b)).toEqual(sent[0])
    expect(arrived(a)).toEqual(sent[1])
    expect(ends.map(({ app }) => app.closes)).toEqual([[], []])
    expect(ends.map((end, at) => end.service.session(ends[1 - at]?.peerId ?? a.peerId)?.connection)).toEqual([
      better.local,
      better.remote
    ])
    await until(() => streamsOf(first.local).every(({ status }) => status !== 'open'), 'the end of the old streams')
  })

  test.each([0, 1, 2, 3, 5, 8, 13, 21])(
    'is kept when the old connection dies %i turns after the move began, and what was under way arrives',
    async (turns) => {
      const { ends, outboxes, first } = await bothOpened()
      const [a, b] = ends
      const better = connect(a, b)
      const sending = Promise.all([sayMany(outboxes[0], b), sayMany(outboxes[1], a)])
      await Promise.all([a.service.move(better.local), b.service.move(better.remote)])
      for (let i = 0; i < turns; i++) await turn()
      for (const stream of [...streamsOf(first.local), ...streamsOf(first.remote)]) stream.abort(cable)
      const sent = await sending
      await until(() => outboxes.every(({ waiting }) => waiting.size === 0), 'all receipts')
      expect([arrived(b), arrived(a)]).toEqual(sent)
      expect(ends.map(({ app }) => app.closes)).toEqual([[], []])
    }
  )

  test('stays where it is when there is no stream to be had on the other connection', async () => {
    const { a, b, connections } = await talking()
    const dead = connect(a, b).local
    dead.newStream = async () => await Promise.reject(cable)
    await expect(a.service.move(dead)).rejects.toBe(cable)
    expect(a.service.session(b.peerId)?.connection).toBe(connections.local)
    expect(a.app.closes).toEqual([])
  })
})

describe('a peer of an earlier version', () => {
  test('that resets the old stream before it says Hello on the new one ends no session', async () => {
    const { service, streams, end } = await opened()
    const better = connect(service, end).local
    await service.service.move(better)
    await until(() => streams.length === 2, 'the second stream')
    nth(streams, 0).stream.abort(cable)
    await until(() => service.service.session(end.peerId)?.connection === undefined, 'the loss of the first')
    await greet(nth(streams, 1))
    await until(() => service.service.session(end.peerId)?.connection === better, 'the move')
    expect(service.app.events).toEqual(['open parley', 'resumed parley'])
  })

  test('that says Enter again, as it took the move for a new session, is not told twice to have entered', async () => {
    const { service, streams, end } = await opened()
    const enter = lengthPrefixed(encodeFrame({ kind: 'enter' }))
    nth(streams, 0).write(enter)
    await until(() => service.app.events.includes('enter'), 'Enter')
    await service.service.move(connect(service, end).local)
    await until(() => streams.length === 2, 'the second stream')
    await greet(nth(streams, 1))
    nth(streams, 1).write(Buffer.concat([enter, lengthPrefixed(encodeFrame({ kind: 'typing' }))]))
    await until(() => service.app.events.includes('typing'), 'what comes after Enter')
    nth(streams, 1).write(enter)
    await until(() => service.app.events.at(-1) === 'enter', 'an Enter of its own')
    expect(service.app.events).toEqual(['open parley', 'enter', 'resumed parley', 'typing', 'enter'])
  })
})

test('a peer that opens streams on many connections has one that counts, and takes no session from itself', async () => {
  const service = await startService()
  const attacker = { peerId: await makePeerId(), accept: () => {} }
  const connections = Array.from({ length: 20 }, () => connect(service, attacker).remote)
  const outbox = new Outbox(service)
  const greeted: RawStream[] = []
  for (const connection of [...connections, ...connections]) {
    // One says Hello, and one nothing at all.
    const raw = await rawOpen(connection)
    await rawOpen(connection)
    await greet(raw)
    greeted.push(raw)
    await until(() => service.app.hellos.length === greeted.length, 'the Hello')
    if (greeted.length === 1) await outbox.send(attacker, [message('who are you?')])
  }
  const last = greeted.at(-1)
  await until(() => greeted.filter(({ over }) => !over).length === 1, 'one stream')
  await until(() => last?.text.includes('who are you?') === true, 'what has no receipt, on the newest')
  expect(service.app.closes).toEqual([])
  for (const connection of connections) for (const stream of streamsOf(connection)) stream.abort(cable)
  await until(() => service.app.closes.length === 1, 'the end of the session')
  expect(service.service.session(attacker.peerId)).toBeUndefined()
})

/** Two services, each with a stream of its own on the first connection. */
async function bothOpened() {
  const ends: readonly [ServiceEnd, ServiceEnd] = [await startService(), await startService()]
  const [a, b] = ends
  const outboxes: readonly [Outbox, Outbox] = [new Outbox(a), new Outbox(b)]
  const first = connect(a, b)
  await Promise.all([a.service.open(first.local), b.service.open(first.remote)])
  await until(() => ends.every(({ app }) => app.hellos.length === 2), 'all Hellos')
  return { ends, outboxes, first }
}

/** A service that has opened a stream to a raw peer, and has sent on it. */
async function opened() {
  const service = await startService()
  const streams: RawStream[] = []
  const end = { peerId: await makePeerId(), accept: (stream: Stream) => void streams.push(new RawStream(stream)) }
  const opening = service.service.open(connect(service, end).local)
  await until(() => streams.length === 1, 'the stream')
  await greet(nth(streams, 0))
  const session = await opening
  await session.send([message('hello?')])
  return { service, streams, end }
}

/** In parts, between which the streams do their work. */
async function sayMany(outbox: Outbox, to: ServiceEnd): Promise<string[]> {
  const sent: string[] = []
  for (let part = 0; part < MANY / PART; part++) {
    const messages = Array.from({ length: PART }, (_, at): ChatMessage => message(`${part * PART + at}`))
    sent.push(...messages.map(({ text }) => text))
    // A session that ends meanwhile is given all of it again.
    await outbox.send(to, messages).catch(() => {})
    await turn()
  }
  return sent
}

/** In the order of their first arrival, each once, as a store keeps them. */
function arrived({ app }: ServiceEnd): string[] {
  return [...new Map(app.messages.map(({ id, text }) => [id, text])).values()]
}

function streamsOf({ streams }: Connection): readonly Stream[] {
  return streams
}

function nth(streams: readonly RawStream[], index: number): RawStream {
  const stream = streams[index]
  if (stream === undefined) throw new RangeError(`there are ${streams.length} streams`)
  return stream
}
