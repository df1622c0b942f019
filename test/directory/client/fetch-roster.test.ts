import type { Connection, Stream } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { afterEach, expect, it, vi } from 'vitest'
import { eventually } from '../../eventually.ts'
import { fetchRoster } from '../../../src/directory/index.ts'
import { encodeDirectoryFrame, type DirectoryFrame } from '../../../src/directory/directory-frames.ts'
import { encodeFrames } from '../../../src/wire/index.ts'
import { identity } from '../../presence/records.ts'

afterEach(() => void vi.useRealTimers())

it('gives up a directory that welcomes and then never tells its roster', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const [ours, theirs] = await pair()
  const { peer } = await identity(1)
  // The smallest part of a connection that a look at a directory uses.
  const connection = { remotePeer: peer, newStream: async () => ours } as unknown as Connection
  const look = fetchRoster(connection, { onEntries: () => undefined })
  const over = vi.fn()
  look.catch(over)
  await send(theirs, [welcome])
  await vi.advanceTimersByTimeAsync(120_000)
  await eventually(() => expect(over).toHaveBeenCalled())
})

it('reports the snapshot alone without a watch, though a change follows it at once', async () => {
  const [ours, theirs] = await streamPair({ protocol: '/chat/directory/1.0.0', delay: 0 })
  const { peer } = await identity(1)
  const connection = { remotePeer: peer, newStream: async () => ours } as unknown as Connection
  const totals: (number | undefined)[] = []
  const look = fetchRoster(connection, { onEntries: ({ total }) => void totals.push(total) })
  const snapshot: DirectoryFrame = { type: 'snapshot', entries: [], total: 0, last: true }
  const change: DirectoryFrame = { type: 'changes', entries: [], removed: [], total: 1 }
  await send(theirs, [welcome, snapshot, change])
  await theirs.close()
  expect(await look).toEqual({ network: 'test', total: 0 })
  expect(totals).toEqual([0])
})

const welcome: DirectoryFrame = { type: 'welcome', network: 'test', leaseMs: 60_000, refreshAfterMs: 20_000 }

async function send(stream: Stream, frames: readonly DirectoryFrame[]): Promise<void> {
  const encoded = frames.map(encodeDirectoryFrame)
  for await (const bytes of encodeFrames({ maxFrameBytes: 1_024 })([encoded])) stream.send(bytes)
}

async function pair() {
  const made = streamPair({ protocol: '/chat/directory/1.0.0', delay: 0 })
  await vi.advanceTimersByTimeAsync(1_000)
  return made
}
