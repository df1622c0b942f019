import type { Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { describe, expect, test } from 'vitest'
import { FrameQueue, QueueClosedError, runFrames, StreamLostError } from '../../src/wire/index.ts'
import type { FrameCodec, RunFramesInit } from '../../src/wire/index.ts'
import { turn, until, untilStill } from './turns.ts'
import { yamuxPair } from '../transport/tuning/yamux-pair.ts'

const MAX_FRAME_BYTES = 1000

/** Text frames; "?…" is of a kind that is not known, "!…" is malformed. */
const codec: FrameCodec<string, string> = {
  decode(frame) {
    const text = new TextDecoder().decode(frame)
    if (text.startsWith('!')) {
      throw new SyntaxError(`malformed: ${text}`)
    }
    return text.startsWith('?') ? undefined : text
  },
  encode: (text) => new TextEncoder().encode(text)
}

function textQueue(maxBytes = 10_000): FrameQueue<string> {
  return new FrameQueue<string>({ maxBytes, sizeOf: (text) => text.length })
}

interface Side {
  readonly outgoing: FrameQueue<string>
  readonly received: string[]
  readonly done: Promise<void>
}

/** One side that notes what it receives, unless told otherwise. */
function run(stream: Stream, init: Partial<RunFramesInit<string, string>> = {}): Side {
  const outgoing = init.outgoing ?? textQueue()
  const received: string[] = []
  const done = runFrames<string, string>({
    stream,
    codec,
    maxFrameBytes: MAX_FRAME_BYTES,
    onFrames: async (batch) => {
      received.push(...batch)
    },
    ...init,
    outgoing
  })
  done.catch(() => undefined)
  return { outgoing, received, done }
}

/** A frame by hand: a one-byte length, then the text. */
function frameOf(text: string): Uint8Array {
  return Uint8Array.of(text.length, ...new TextEncoder().encode(text))
}

describe('running frames', () => {
  test('carries frames both ways in order and leaves both streams closed', async () => {
    const [local, remote] = await streamPair()
    const here = run(local)
    const there = run(remote)
    const sent = Array.from({ length: 500 }, (_, index) => `frame ${index}`)
    for (const text of sent) {
      await here.outgoing.push(text)
      await there.outgoing.push(text.toUpperCase())
    }
    here.outgoing.end()
    there.outgoing.end()
    await Promise.all([here.done, there.done])
    expect(there.received).toEqual(sent)
    expect(here.received).toEqual(sent.map((text) => text.toUpperCase()))
    expect([local.status, remote.status]).toEqual(['closed', 'closed'])
  })

  test('waits for a batch to be handled before it hands on the next, and holds the remote back meanwhile', async () => {
    await using pair = await yamuxPair()
    const gates: (() => void)[] = []
    let running = 0
    const there = run(pair.remote, {
      onFrames: async () => {
        running++
        expect(running).toBe(1)
        await new Promise<void>((resolve) => gates.push(resolve))
        running--
      }
    })
    const here = run(pair.local, { outgoing: textQueue(100_000) })
    let pushed = 0
    const writer = (async () => {
      for (; pushed < 10_000; pushed++) {
        await here.outgoing.push('x'.repeat(MAX_FRAME_BYTES))
      }
    })()
    await until(() => gates.length === 1)
    await untilStill(() => pushed)
    expect(pushed).toBeLessThan(3000)
    expect(gates.length).toBe(1)

    const reopen = setInterval(() => gates.splice(0).forEach((open) => open()))
    await writer
    here.outgoing.end()
    await Promise.all([here.done, there.done])
    clearInterval(reopen)
  })

  test('skips frames of a kind that is not known', async () => {
    const [local, remote] = await streamPair()
    const there = run(remote)
    const here = run(local)
    for (const text of ['a', '?', '?new', 'b']) {
      await here.outgoing.push(text)
    }
    here.outgoing.end()
    await Promise.all([here.done, there.done])
    expect(there.received).toEqual(['a', 'b'])
  })
})

describe('ending', () => {
  test('when the remote has ended, what is queued still goes out and the stream is freed', async () => {
    const [local, remote] = await streamPair()
    const here = run(local)
    const there = run(remote, {
      onFrames: async (batch) => {
        for (const text of batch) {
          await there.outgoing.push(`re: ${text}`)
        }
      }
    })
    await here.outgoing.push('a')
    here.outgoing.end()
    await Promise.all([here.done, there.done])
    expect(here.received).toEqual(['re: a'])
    expect([local.status, remote.status]).toEqual(['closed', 'closed'])
  })

  test('a caller that wants to go on after the end of the remote hears of it and ends its own half', async () => {
    const [local, remote] = await streamPair()
    const here = run(local)
    const { promise: remoteEnd, resolve } = Promise.withResolvers<void>()
    const there = run(remote, { onRemoteEnd: resolve })
    here.outgoing.end()
    await remoteEnd
    await there.outgoing.push('still here')
    there.outgoing.end()
    await Promise.all([here.done, there.done])
    expect(here.received).toEqual(['still here'])
  })

  test('a remote that never ends its half is given up some time after our end', async () => {
    const [local, remote] = await streamPair()
    const here = run(local, { closeTimeoutMs: 30 })
    here.outgoing.end()
    await expect(here.done).rejects.toMatchObject({ name: 'DeadlineError', stage: 'close', timeoutMs: 30 })
    await until(() => remote.status === 'reset')
  })
})

describe('the silence of the remote', () => {
  test('is not counted while its frames are being handled here', async () => {
    const [local, remote] = await streamPair()
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    const there = run(remote, { closeTimeoutMs: 20, onFrames: () => gate })
    local.send(frameOf('a'))
    await until(() => remote.readStatus === 'paused')
    there.outgoing.end()
    await local.close()
    // Time passes: three times the deadline.
    await new Promise((resolve) => setTimeout(resolve, 60))
    open()
    await there.done
  })

  test('before its first frame is reported as that, though our half has ended', async () => {
    const [, remote] = await streamPair()
    const there = run(remote, { firstFrameTimeoutMs: 30, closeTimeoutMs: 10 })
    there.outgoing.end()
    await expect(there.done).rejects.toMatchObject({ name: 'DeadlineError', stage: 'hello' })
  })
})

describe('failing', () => {
  test('what a handler throws resets the stream, aborts the queue and comes out as it is', async () => {
    const [local, remote] = await streamPair()
    const failure = new RangeError('no such room')
    const here = run(local)
    const there = run(remote, { onFrames: () => Promise.reject(failure) })
    await here.outgoing.push('a')
    await expect(there.done).rejects.toBe(failure)
    await expect(there.outgoing.push('b')).rejects.toMatchObject({ name: 'QueueClosedError', cause: failure })
    await expect(here.done).rejects.toMatchObject({ name: 'StreamLostError', loss: 'reset' })
    await expect(here.outgoing.push('b')).rejects.toBeInstanceOf(QueueClosedError)
    expect([local.status, remote.status]).toEqual(['reset', 'aborted'])
  })

  test('waits for a handler that is under way when the stream is lost', async () => {
    const [local, remote] = await streamPair()
    const { promise: gate, resolve: open } = Promise.withResolvers<void>()
    let isHandled = false
    let isDone = false
    const there = run(remote, {
      onFrames: async () => {
        await gate
        isHandled = true
      }
    })
    there.done.catch(() => {
      isDone = true
    })
    local.send(frameOf('a'))
    await until(() => remote.readStatus === 'paused')
    local.abort(new Error('gone'))
    await until(() => remote.status === 'reset')
    await turn()
    expect(isDone).toBe(false)
    open()
    await expect(there.done).rejects.toBeInstanceOf(StreamLostError)
    expect(isHandled).toBe(true)
  })

  test('frames before a malformed one are handled, though they came in one read', async () => {
    const [local, remote] = await streamPair()
    const there = run(remote)
    local.send(Uint8Array.of(...frameOf('a'), ...frameOf('b'), ...frameOf('!'), ...frameOf('c')))
    await expect(there.done).rejects.toBeInstanceOf(SyntaxError)
    expect(there.received).toEqual(['a', 'b'])
  })

  test('a frame over the limit resets the stream', async () => {
    const [local, remote] = await streamPair()
    const there = run(remote)
    local.send(Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x08))
    await expect(there.done).rejects.toMatchObject({ name: 'FrameTooLargeError', limitBytes: MAX_FRAME_BYTES })
    await until(() => local.status === 'reset')
  })

  test('half a frame at the end resets the stream', async () => {
    const [local, remote] = await streamPair()
    const there = run(remote)
    local.send(Uint8Array.of(9, 1))
    await local.close()
    await expect(there.done).rejects.toMatchObject({ name: 'TruncatedFrameError', receivedBytes: 1, frameBytes: 9 })
    await until(() => local.status === 'reset')
  })

  test('an outgoing frame over the limit is refused before it is sent', async () => {
    const [local, remote] = await streamPair()
    const here = run(local)
    const there = run(remote)
    await here.outgoing.push('x'.repeat(MAX_FRAME_BYTES + 1))
    await expect(here.done).rejects.toMatchObject({ name: 'FrameTooLargeError', stage: 'write' })
    await expect(there.done).rejects.toBeInstanceOf(StreamLostError)
    expect(there.received).toEqual([])
  })

  test('a remote that says nothing known is given up at the deadline of the first frame', async () => {
    const [local, remote] = await streamPair()
    const there = run(remote, { firstFrameTimeoutMs: 30 })
    local.send(frameOf('?'))
    await expect(there.done).rejects.toMatchObject({ name: 'DeadlineError', stage: 'hello', timeoutMs: 30 })
    await until(() => local.status === 'reset')
  })

  test('the first frame ends its deadline', async () => {
    const [local, remote] = await streamPair()
    const there = run(remote, { firstFrameTimeoutMs: 300 })
    local.send(frameOf('a'))
    // Time passes: more than the deadline.
    await new Promise((resolve) => setTimeout(resolve, 350))
    local.send(frameOf('b'))
    await local.close()
    await there.done
    expect(there.received).toEqual(['a', 'b'])
  })

  test('the signal ends it with its reason as the cause', async () => {
    const [local, remote] = await streamPair()
    const controller = new AbortController()
    const here = run(local, { signal: controller.signal })
    const cause = new Error('stopping')
    controller.abort(cause)
    await expect(here.done).rejects.toMatchObject({ name: 'StreamLostError', loss: 'aborted', cause })
    await until(() => remote.status === 'reset')
  })

  test('random bytes as a stream end in an error or a clean end, never in a hang', async () => {
    for (let seed = 0; seed < 300; seed++) {
      const [local, remote] = await streamPair()
      const there = run(remote)
      local.send(Uint8Array.from({ length: 1 + (seed % 40) }, (_, index) => (seed * 7919 + index * index * 31) >> 3))
      local.close().catch(() => undefined)
      const [outcome] = await Promise.allSettled([there.done])
      if (outcome.status === 'rejected') {
        expect(outcome.reason).toBeInstanceOf(Error)
      }
      expect(remote.status).toMatch(/closed|aborted/)
    }
  })
})
