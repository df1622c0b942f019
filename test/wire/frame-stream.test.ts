import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { afterEach, expect, test, vi } from 'vitest'
import { DeadlineError, FrameStream, joinFrames, streamDuplex, type FrameProtocol } from '../../src/wire/index.ts'

const MAX_FRAME_BYTES = 1_000
const TIMEOUT_MS = 5_000

/** Text; what begins with "!" is malformed. */
const texts: FrameProtocol<string> = {
  id: '/test/1.0.0',
  maxFrameBytes: MAX_FRAME_BYTES,
  timeoutMs: TIMEOUT_MS,
  encode: (text) => new TextEncoder().encode(text),
  decode(bytes) {
    const text = new TextDecoder().decode(bytes)
    if (text.startsWith('!')) throw new SyntaxError(`malformed: ${text}`)
    return text
  }
}

const never = new AbortController().signal

async function pair(signal = never): Promise<{ here: FrameStream<string>; local: Stream; remote: Stream }> {
  const [local, remote] = await streamPair()
  return { here: new FrameStream(local, texts, signal), local, remote }
}

function sent(...frames: readonly string[]): Uint8Array {
  return joinFrames(frames.map(texts.encode), Infinity)
}

afterEach(() => void vi.useRealTimers())

test('two sides take turns, and the last frame arrives although its sender reads no more', async () => {
  const { here, local, remote } = await pair()
  const there = new FrameStream(remote, texts, never)
  await here.write('who is there?')
  expect(await there.read()).toBe('who is there?')
  await there.write('anna')
  expect(await here.read()).toBe('anna')
  const ended = here.end('thank you')
  expect(await there.read()).toBe('thank you')
  await Promise.all([ended, there.close()])
  await vi.waitFor(() => expect([local.status, remote.status]).toEqual(['closed', 'closed']))
})

test('a frame that is too large is not waited for, and a malformed one is the protocol’s to refuse', async () => {
  const { here, remote } = await pair()
  remote.send(sent('!'))
  await expect(here.read()).rejects.toThrow(SyntaxError)
  remote.send(sent('a'.repeat(MAX_FRAME_BYTES + 1)).subarray(0, 10))
  await expect(here.read()).rejects.toThrow('too long')
})

test('a remote that sends more than was asked for loses its stream', async () => {
  const { here, local, remote } = await pair()
  const most = 'a'.repeat(MAX_FRAME_BYTES)
  remote.send(sent(most, most, most))
  await vi.waitFor(() => expect(local.status).toBe('aborted'))
  await expect(here.read()).rejects.toThrow()
})

test('a silent remote is given up after the time of the protocol, unless it may be silent', async () => {
  const { here } = await pair()
  const { here: patient, remote } = await pair()
  vi.useFakeTimers()
  const read = expect(here.read()).rejects.toThrow(DeadlineError)
  const late = patient.read(Infinity)
  await vi.advanceTimersByTimeAsync(10 * TIMEOUT_MS)
  await read
  vi.useRealTimers()
  remote.send(sent('at last'))
  expect(await late).toBe('at last')
})

test('the signal ends a wait', async () => {
  const life = new AbortController()
  const { here } = await pair(life.signal)
  const read = here.read(Infinity)
  life.abort(new Error('the node was stopped'))
  await expect(read).rejects.toThrow()
})

test('a remote that does not end its half in time is reset; one that does is not', async () => {
  const [slow, quick] = [await pair(), await pair()]
  await quick.remote.close()
  await vi.waitFor(() => expect(quick.local.remoteWriteStatus).toBe('closed'))
  vi.useFakeTimers()
  await Promise.all([slow.here.close(), quick.here.close()])
  vi.advanceTimersByTime(TIMEOUT_MS - 1)
  expect([slow.local.status, quick.local.status]).toEqual(['open', 'closed'])
  vi.advanceTimersByTime(1)
  expect([slow.local.status, quick.local.status]).toEqual(['aborted', 'closed'])
})

test('a stream that is released carries what came behind the last frame', async () => {
  const { here, remote } = await pair()
  remote.send(Buffer.concat([sent('ok'), Buffer.from('raw')]))
  expect(await here.read()).toBe('ok')
  const { source } = streamDuplex(here.release())
  await remote.close()
  const rest: Uint8Array[] = []
  for await (const bytes of source) rest.push(bytes.subarray())
  expect(Buffer.concat(rest).toString()).toBe('raw')
})
