/** What happens when the other side keeps silent: on a clock that the test turns. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { encodeFrame } from '../../src/chat-protocol/frames.ts'
import { connect, hex, lengthPrefixed, message, rawOpen, rawPeer, startService, stopAll } from './harness.ts'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(async () => {
  vi.useRealTimers()
  await stopAll()
})

const hello = lengthPrefixed(encodeFrame({ kind: 'hello', log: hex(8) }))

test('a peer that never says Hello is cut, and whoever waits for the session hears which stage it was', async () => {
  const end = await startService()
  const raw = await rawPeer()
  const opening = end.service.open(connect(end, raw).local)
  const failure = expect(opening).rejects.toMatchObject({ name: 'DeadlineError', stage: 'hello', timeoutMs: 10_000 })
  await vi.advanceTimersByTimeAsync(9_900)
  expect(raw.streams[0]?.over).toBe(false)
  await vi.advanceTimersByTimeAsync(200)
  await failure
})

test('a peer that does not answer what it is gets nothing', async () => {
  const end = await startService()
  end.app.kind = new Promise(() => {})
  const raw = await rawPeer()
  const failure = expect(end.service.open(connect(end, raw).local)).rejects.toMatchObject({
    name: 'PeerUndecidedError'
  })
  await vi.advanceTimersByTimeAsync(10_100)
  await failure
  await vi.advanceTimersByTimeAsync(100)
  // Agreed on beside the question, and cut without a word.
  expect(raw.streams.map(({ bytes, over }) => [bytes.length, over])).toEqual([[0, true]])
})

test('a peer that takes messages and confirms none is cut, so that they can be sent again', async () => {
  const end = await startService()
  const raw = await rawPeer()
  const stream = await rawOpen(connect(end, raw).remote)
  stream.write(hello)
  await vi.advanceTimersByTimeAsync(50)
  const [first, second] = [message('first'), message('second')]
  await end.service.session(raw.peerId)?.send([first, second])
  await vi.advanceTimersByTimeAsync(59_000)
  stream.write(lengthPrefixed(encodeFrame({ kind: 'receipt', state: 'stored', ids: [first.id], ranges: [] })))
  await vi.advanceTimersByTimeAsync(59_000)
  expect(end.app.closes).toEqual([]) // each answer gives it the whole time again
  await vi.advanceTimersByTimeAsync(2_000)
  expect(end.app.closes).toMatchObject([{ name: 'DeadlineError', stage: 'receipt' }])
})

test('a session with nothing owed lasts', async () => {
  const end = await startService()
  const raw = await rawPeer()
  const stream = await rawOpen(connect(end, raw).remote)
  stream.write(hello)
  await vi.advanceTimersByTimeAsync(50)
  const sent = message('confirmed')
  await end.service.session(raw.peerId)?.send([sent])
  stream.write(lengthPrefixed(encodeFrame({ kind: 'receipt', state: 'held', ids: [sent.id], ranges: [] })))
  await vi.advanceTimersByTimeAsync(600_000)
  expect(end.app.closes).toEqual([])
})

test('a peer that does not close after quit is cut, and that is no failure', async () => {
  const end = await startService()
  const raw = await rawPeer()
  const stream = await rawOpen(connect(end, raw).remote)
  stream.write(hello)
  await vi.advanceTimersByTimeAsync(50)
  const done = end.service.session(raw.peerId)?.bye('quit')
  await vi.advanceTimersByTimeAsync(3_100)
  await done
  expect(end.app.closes).toEqual([undefined])
})
