import type { Connection } from '@libp2p/interface'
import { streamPair } from '@libp2p/utils'
import { afterEach, expect, it, vi } from 'vitest'
import { eventually } from '../../eventually.ts'
import { fetchRoster } from '../../../src/directory/index.ts'
import { encodeDirectoryFrame } from '../../../src/directory/directory-frames.ts'
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
  const welcome = encodeDirectoryFrame({ type: 'welcome', network: 'test', leaseMs: 60_000, refreshAfterMs: 20_000 })
  for await (const bytes of encodeFrames({ maxFrameBytes: 1_024 })([[welcome]])) theirs.send(bytes)
  await vi.advanceTimersByTimeAsync(120_000)
  await eventually(() => expect(over).toHaveBeenCalled())
})

async function pair() {
  const made = streamPair({ protocol: '/chat/directory/1.0.0', delay: 0 })
  await vi.advanceTimersByTimeAsync(1_000)
  return made
}
