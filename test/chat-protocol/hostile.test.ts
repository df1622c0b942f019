/** A peer that wants to do harm: whatever it sends, its stream is cut and the others go on. */
import { randomBytes } from 'node:crypto'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { until } from '../eventually.ts'
import { untilStill } from '../wire/turns.ts'
import { encodeFrame } from '../../src/chat-protocol/frames.ts'
import type { PeerKind } from '../../src/chat-protocol/index.ts'
import { connect, hex, lengthPrefixed, message, rawOpen, rawPeer, startService, stopAll, talking } from './harness.ts'
import type { RawStream } from './harness.ts'

afterEach(stopAll)

const hello = lengthPrefixed(encodeFrame({ kind: 'hello', log: hex(8) }))
const wrongText = Buffer.from(encodeFrame({ kind: 'message', message: message('abc') }))
wrongText[wrongText.indexOf('abc')] = 0xff

describe('after a good Hello the stream is cut by', () => {
  test.each([
    ['an announced frame of 2 GB', Buffer.from('ffffffff07', 'hex'), 'FrameTooLargeError'],
    ['a text that is not UTF-8', lengthPrefixed(wrongText), 'InvalidFrameError'],
    ['a second Hello', hello, 'InvalidFrameError'],
    ['bytes that are no frame', lengthPrefixed(Buffer.from('08ffffffffffffffffffffffff', 'hex')), 'InvalidFrameError']
  ])('%s, which is named; a conversation with somebody else goes on', async (_name, bytes, error) => {
    const { a, b, session } = await talking()
    const raw = await rawPeer()
    const stream = await rawOpen(connect(b, raw).remote)
    stream.write(hello)
    await until(() => b.service.session(raw.peerId) !== undefined, 'the session')
    stream.write(bytes)
    await until(() => b.app.closes.length === 1, 'the end')
    expect(b.app.closes[0]?.name).toBe(error)
    await until(() => stream.over, 'the reset')
    await session.send([message('undisturbed')])
    await until(() => a.app.receipts.length === 1, 'the receipt of the other conversation')
  })

  test('half a frame and the end of the stream', async () => {
    const end = await startService()
    const stream = await rawOpen(connect(end, await rawPeer()).remote)
    stream.write(hello)
    stream.write(lengthPrefixed(encodeFrame({ kind: 'message', message: message('cut short') })).subarray(0, 30))
    await stream.stream.close()
    await until(() => end.app.closes.length === 1, 'the end')
    expect(end.app.closes[0]?.name).toBe('TruncatedFrameError')
    expect(end.app.messages).toEqual([])
  })
})

test('a text over the limit is refused by its id and the stream stays', async () => {
  const end = await startService()
  const raw = await rawPeer()
  const stream = await rawOpen(connect(end, raw).remote)
  stream.write(hello)
  const [long, short] = [message('x'.repeat(65_536)), message('short')]
  const bytes = Buffer.from(encodeFrame({ kind: 'message', message: long }))
  // One byte more of text: the lengths of the text (0x80 0x80 0x04) and of the message grow with it.
  const textAt = bytes.indexOf(Buffer.from('2a808004', 'hex'))
  const inner = Buffer.concat([bytes.subarray(4, textAt), Buffer.from('2a818004', 'hex'), Buffer.alloc(65_537, 0x78)])
  stream.write(lengthPrefixed(Buffer.concat([Buffer.from('1a', 'hex'), lengthPrefixed(inner)])))
  stream.write(lengthPrefixed(encodeFrame({ kind: 'message', message: short })))
  await until(() => end.app.messages.length === 1, 'the short message')
  expect(end.app.messages).toEqual([short])
  const refusal = lengthPrefixed(encodeFrame({ kind: 'refuse', reason: 'too-long', retryAfterMs: 0, ids: [long.id] }))
  await until(() => stream.bytes.includes(refusal), 'the refusal')
  expect(stream.over).toBe(false)
})

test('a receipt for messages that were never sent confirms nothing but the ids it names', async () => {
  const end = await startService()
  const raw = await rawPeer()
  const stream = await rawOpen(connect(end, raw).remote)
  stream.write(hello)
  const log = hex(8)
  const everything = { log, first: 0, last: Number.MAX_SAFE_INTEGER }
  stream.write(lengthPrefixed(encodeFrame({ kind: 'receipt', state: 'stored', ids: [], ranges: [everything] })))
  stream.write(lengthPrefixed(encodeFrame({ kind: 'typing' })))
  await until(() => end.app.events.includes('typing'), 'the frame after it')
  expect(end.app.receipts).toEqual([])
})

test('signals are told at most once per read, and a stranger cannot flood with them', async () => {
  const end = await startService()
  end.app.pace = 'stranger'
  const stream = await rawOpen(connect(end, await rawPeer()).remote)
  stream.write(hello)
  const flood = Buffer.concat(Array.from({ length: 20_000 }, () => lengthPrefixed(encodeFrame({ kind: 'typing' }))))
  stream.write(flood)
  const last = message('after the flood')
  end.app.pace = 'stranger'
  stream.write(lengthPrefixed(encodeFrame({ kind: 'message', message: last })))
  await until(() => end.app.messages.length === 1, 'the message after the flood')
  expect(end.app.events.filter((event) => event === 'typing').length).toBeLessThan(500)
})

test.each<PeerKind>([
  { kind: 'parley' },
  { kind: 'undecided' },
  { kind: 'foreign', agent: 'go' },
  { kind: 'foreign', agent: undefined }
])('random bytes as streams from a peer that is %j leave the node up and nothing behind', async (kind) => {
  const { a, session } = await talking()
  const end = await startService()
  end.app.kind = kind
  const raw = await rawPeer()
  const { remote } = connect(end, raw)
  for (let round = 0; round < 25; round++) {
    const streams: RawStream[] = await Promise.all(Array.from({ length: 100 }, async () => await rawOpen(remote)))
    await Promise.all(
      streams.map(async (stream, index) => {
        const start = index % 4 === 0 ? hello : Buffer.alloc(0)
        try {
          stream.write(Buffer.concat([start, randomBytes(1 + ((index * 37) % 400))]))
          await stream.stream.close()
        } catch {
          // cut already, which is one of the right answers
        }
      })
    )
  }
  await until(() => end.service.session(raw.peerId) === undefined, 'all streams to end')
  expect(end.app.messages).toEqual([])
  await session.send([message('still here')])
  await until(() => a.app.receipts.length === 1, 'the other conversation')
})

test('a stranger that opens streams without end is cut at the rate', async () => {
  const end = await startService()
  end.app.pace = 'stranger'
  const { remote } = connect(end, await rawPeer())
  let hellos = 0
  end.app.helloFor = async () => {
    hellos++
    return { log: end.app.log }
  }
  const streams: RawStream[] = []
  // No time passes, in which it would be allowed more.
  vi.spyOn(performance, 'now').mockReturnValue(performance.now())
  onTestFinished(() => void vi.restoreAllMocks())
  for (let count = 0; count < 700; count++) streams.push(await rawOpen(remote))
  await until(() => streams.slice(-50).some(({ over }) => over), 'the last ones to be cut')
  expect(hellos).toBeLessThan(640)
})

test('a refusal of messages that were never sent is told to nobody, however often it comes', async () => {
  const end = await startService()
  end.app.pace = 'stranger'
  const stream = await rawOpen(connect(end, await rawPeer()).remote)
  stream.write(hello)
  for (let count = 0; count < 100; count++) {
    const ids = count % 2 === 0 ? [] : [hex(16)]
    stream.write(lengthPrefixed(encodeFrame({ kind: 'refuse', reason: 'no-room', retryAfterMs: 1, ids })))
  }
  stream.write(lengthPrefixed(encodeFrame({ kind: 'typing' })))
  await until(() => end.app.events.includes('typing'), 'what came after them')
  expect(end.app.refusals).toEqual([])
})

test('to send on a stream that was reset while its last batch is being stored is a session that has ended', async () => {
  const end = await startService()
  const raw = await rawPeer()
  const stream = await rawOpen(connect(end, raw).remote)
  const { promise: stored, resolve: store } = Promise.withResolvers<void>()
  let isStoring = false
  end.app.store = async (messages) => {
    isStoring = true
    await stored
    return messages.map(() => ({ kind: 'stored' }))
  }
  stream.write(hello)
  stream.write(lengthPrefixed(encodeFrame({ kind: 'message', message: message('slow disk') })))
  await until(() => isStoring, 'the message')
  const session = end.service.session(raw.peerId)
  stream.stream.abort(new Error('gone'))
  await untilStill(() => stream.bytes.length)
  await expect(session?.send([message('too late')])).rejects.toMatchObject({ name: 'SessionClosedError' })
  store()
})
