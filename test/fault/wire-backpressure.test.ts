/**
 * Backpressure between processes over real TCP: a slow reader, a sender that
 * does not listen, and one that breaks Yamux's rules. What the reader holds is
 * measured in its own process.
 */

import type { ChildProcess } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'
import { MAX_HELD_BYTES } from '../../src/wire/index.ts'
import { fingerprintOf } from '../wire/test-bytes.ts'
import { messageOf, startProcess } from './wire-lab.ts'
import type { ReaderMessage, ReadReport, SenderInit, SendReport } from './wire-lab.ts'

const MB = 1_000_000

/** What a breach of Yamux may cost the reader's process: buffers of sockets and garbage not yet collected. */
const MAX_RSS_RISE_BYTES = 64 * MB

const started: ChildProcess[] = []

afterEach(() => {
  for (const child of started.splice(0)) {
    child.kill()
  }
})

interface Reader {
  readonly child: ChildProcess
  readonly address: string
}

async function startReader(bytesPerSecond: number): Promise<Reader> {
  const child = startProcess('wire-reader.ts', { bytesPerSecond })
  started.push(child)
  const message = await messageOf<ReaderMessage>(child)
  if (message.type !== 'listening') {
    throw new Error('The reader did not say where it listens')
  }
  return { child, address: message.address }
}

async function send(
  reader: Reader,
  kind: SenderInit['kind'],
  totalBytes: number
): Promise<{ read: ReadReport; sent: SendReport }> {
  const sender = startProcess('wire-sender.ts', { kind, address: reader.address, totalBytes })
  started.push(sender)
  const [message, sent] = await Promise.all([messageOf<ReaderMessage>(reader.child), messageOf<SendReport>(sender)])
  if (message.type !== 'read') {
    throw new Error('The reader did not say what it read')
  }
  return { read: message.report, sent }
}

describe('between processes', () => {
  test('a reader of 10 MB/s holds no more than its bound of 30 MB and gets every byte', async () => {
    const totalBytes = 30 * MB
    const { read, sent } = await send(await startReader(10 * MB), 'obedient', totalBytes)
    expect({ ...read, sent }).toMatchObject({
      readBytes: totalBytes,
      sha256: fingerprintOf(totalBytes),
      loss: null,
      sent: { sentBytes: totalBytes, status: 'closed' }
    })
    expect(read.seconds).toBeGreaterThan(totalBytes / (10 * MB) - 1)
    expect(read.maxHeldBytes).toBeLessThanOrEqual(MAX_HELD_BYTES)
  })

  test('a sender that ignores the false of send() is held back and loses nothing', async () => {
    const totalBytes = 40 * MB
    const { read, sent } = await send(await startReader(20 * MB), 'heedless', totalBytes)
    expect(sent.refusals).toBeGreaterThan(100)
    expect({ ...read, sent }).toMatchObject({
      readBytes: totalBytes,
      sha256: fingerprintOf(totalBytes),
      loss: null,
      sent: { sentBytes: totalBytes, status: 'closed' }
    })
    expect(read.seconds).toBeGreaterThan(totalBytes / (20 * MB) - 1)
    expect(read.maxHeldBytes).toBeLessThanOrEqual(MAX_HELD_BYTES)
  })

  test.each([
    ['frames past the window', 'overrun', 'ReceiveWindowExceededError'],
    ['one frame of 4 GiB', 'huge-frame', 'WindowOverrunError']
  ] as const)('a peer that sends %s is cut, and costs little memory', async (_what, kind, causeName) => {
    const reader = await startReader(MB)
    const attemptedBytes = 512 * MB
    const { read, sent } = await send(reader, kind, attemptedBytes)
    expect(read.loss).toEqual({ name: 'StreamLostError', loss: 'aborted', causeName })
    expect(sent.sentBytes).toBeLessThan(attemptedBytes / 4)
    expect(read.maxHeldBytes).toBeLessThanOrEqual(MAX_HELD_BYTES)
    expect(read.rssRiseBytes).toBeLessThan(MAX_RSS_RISE_BYTES)

    // The process is unharmed: the next peer is served as if nothing had been.
    const next = await send(reader, 'obedient', MB)
    expect(next.read).toMatchObject({ readBytes: MB, sha256: fingerprintOf(MB), loss: null })
  })
})
