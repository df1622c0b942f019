import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Connection } from '@libp2p/interface'
import { peerIdFromPrivateKey } from '@libp2p/peer-id'
import { multiaddr, type Multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DIRECTORY_PRECEDENCE_MS } from '../../../src/node/directories/directory-places.ts'
import type { DirectoryDialer } from '../../../src/node/directories/directory-member.ts'
import { MAX_FOUND_DIRECTORIES, type Directories } from '../../../src/node/directories/directories.ts'
import { bareDirectories } from './bare-directories.ts'

const directory = '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2'
const other = '12D3KooWPjceQrSwdWXPyLLeABRXmuqt69Rg3sBYbU1Nft9HyQ6X'
let streams: string[]
let dialled: string[]
let directories: Directories

beforeEach(() => {
  vi.useFakeTimers()
  streams = []
  dialled = []
})

afterEach(async () => {
  const stopped = directories.stop()
  // Longer than any deadline of theirs. Not "all timers": those of a file before, in the same process, may never end.
  await vi.advanceTimersByTimeAsync(120_000)
  await stopped
  vi.useRealTimers()
})

interface Neighbours extends Partial<DirectoryDialer> {
  readonly remembered?: readonly string[]
  readonly useDefaults?: boolean
}

function make({ remembered = [], useDefaults = false, ...dialer }: Neighbours): Directories {
  return bareDirectories({
    network: 'test',
    useDefaults,
    remembered,
    dialer: {
      dial: async (address, { signal }) => never(address, signal),
      connect: async (_peer, { signal }) => never(undefined, signal),
      ...dialer
    }
  })
}

/** A dial that is never answered. */
async function never(address: Multiaddr | undefined, signal: AbortSignal): Promise<never> {
  if (address !== undefined) dialled.push(address.toString())
  return new Promise((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(new Error('no answer')), { once: true })
  })
}

/** A connection on which a stream is asked for and never comes. */
function connectionTo(peer: string, address: string): Connection {
  const connection = {
    remotePeer: { toString: () => peer },
    remoteAddr: multiaddr(address),
    newStream: async () => {
      streams.push(address)
      return new Promise(() => undefined)
    }
  }
  // The smallest part of a connection that a directory's client begins with.
  return connection as unknown as Connection
}

test('a directory with two addresses is used once, whichever of them answers first', async () => {
  directories = make({
    remembered: ['/ip4/10.0.0.1/tcp/8000', '/ip4/10.0.0.2/tcp/8000'],
    dial: async (address) => {
      if (address.toString().includes('10.0.0.1')) await new Promise((resolve) => setTimeout(resolve, 300))
      return connectionTo(directory, address.toString())
    }
  })
  directories.start()
  await vi.advanceTimersByTimeAsync(2_000)
  expect(streams).toEqual(['/ip4/10.0.0.2/tcp/8000'])
})

test('directories that no longer answer do not delay one that does', async () => {
  const remembered = Array.from({ length: 8 }, (_, i) => `/ip4/10.0.0.${i + 1}/tcp/8000`)
  directories = make({
    remembered,
    useDefaults: true,
    dial: async (address, { signal }) => {
      if (!address.toString().includes('127.0.0.1')) return never(address, signal)
      return connectionTo(address.toString(), address.toString())
    }
  })
  directories.start()
  await vi.advanceTimersByTimeAsync(3_500)
  expect(streams).toHaveLength(2)
})

test('a standby directory that does not answer a measurement is missing, no longer standby', async () => {
  const remembered = ['/ip4/10.0.0.1/tcp/8000', '/ip4/10.0.0.2/tcp/8000', '/ip4/10.0.0.3/tcp/8000']
  directories = make({
    remembered,
    dial: async (address) => {
      if (address.toString().includes('10.0.0.3')) throw new Error('connection refused')
      return connectionTo(address.toString(), address.toString())
    }
  })
  directories.start()
  const third = (): unknown => directories.views().find(({ address }) => address.startsWith('10.0.0.3'))
  await vi.advanceTimersByTimeAsync(4_000)
  expect(third()).toMatchObject({ state: 'standby' })
  await vi.advanceTimersByTimeAsync(4_000)
  expect(third()).toMatchObject({ state: 'waiting', why: 'connection refused' })
})

test('at most two of the directories that answer are used, those used before first', async () => {
  const remembered = ['/ip4/10.0.0.1/tcp/8000', '/ip4/10.0.0.2/tcp/8000', '/ip4/10.0.0.3/tcp/8000']
  directories = make({
    remembered,
    useDefaults: true,
    dial: async (address) => connectionTo(address.toString(), address.toString())
  })
  directories.start()
  await vi.advanceTimersByTimeAsync(4_000)
  expect(streams).toEqual(remembered.slice(0, 2))
})

test('a directory on the LAN is looked for at all its addresses, loopback among them', async () => {
  const found: string[] = []
  directories = make({
    useDefaults: true,
    connect: async (peer, { signal }) => {
      found.push(peer)
      return never(undefined, signal)
    }
  })
  directories.start()
  const seen = ['/ip4/127.0.0.1/tcp/8000', '/ip4/172.17.0.1/tcp/8000', '/ip4/192.168.1.5/tcp/8000']
  directories.sighted(directory, seen)
  await vi.advanceTimersByTimeAsync(DIRECTORY_PRECEDENCE_MS)
  expect(found).toContain(directory)
  expect(directories.addressesOf(directory)).toEqual(expect.arrayContaining(seen))
})

test('a directory that was used before and has moved is found where the LAN shows it', async () => {
  directories = make({ remembered: [`/ip4/192.168.1.5/tcp/8000/p2p/${directory}`] })
  directories.start()
  directories.sighted(directory, ['/ip4/192.168.1.9/tcp/8000'])
  await vi.advanceTimersByTimeAsync(1_000)
  expect(directories.addressesOf(directory)).toContain('/ip4/192.168.1.9/tcp/8000')
  expect(directories.views()).toHaveLength(1)
})

test('a full book of directories of other places leaves room for the one of this LAN', async () => {
  directories = make({ remembered: Array.from({ length: 8 }, (_, i) => `/ip4/10.0.0.${i + 1}/tcp/8000`) })
  directories.start()
  directories.sighted(other, ['/ip4/192.168.1.5/tcp/8000'])
  await vi.advanceTimersByTimeAsync(100)
  expect(directories.views().map(({ peer }) => peer)).toContain(other)
})

test('a default port where nothing listens is not listed', async () => {
  directories = make({
    useDefaults: true,
    dial: async (address) => {
      if (!address.toString().endsWith('/8001')) throw new Error('nothing listens there')
      return connectionTo(directory, address.toString())
    }
  })
  directories.start()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(directories.views().map(({ address }) => address)).toEqual(['127.0.0.1:8001'])
})

test('when a directory is lost, one that could not be reached before is tried at once', async () => {
  let isThere = false
  let lose: (() => void) | undefined
  directories = make({
    remembered: ['/ip4/10.0.0.1/tcp/8000', '/ip4/10.0.0.2/tcp/8000', '/ip4/10.0.0.3/tcp/8000'],
    dial: async (address) => {
      const text = address.toString()
      if (text.includes('10.0.0.3') && !isThere) throw new Error('nothing listens there')
      const connection = connectionTo(text, text)
      if (!text.includes('10.0.0.1')) return connection
      if (lose !== undefined) throw new Error('it is gone')
      const newStream = async () => new Promise((_resolve, reject) => (lose = () => reject(new Error('lost'))))
      // The smallest part of a connection that a directory's client begins with.
      return { ...connection, newStream } as unknown as Connection
    }
  })
  directories.start()
  await vi.advanceTimersByTimeAsync(8_000)
  expect(streams).toEqual(['/ip4/10.0.0.2/tcp/8000'])
  isThere = true
  lose?.()
  await vi.advanceTimersByTimeAsync(100)
  expect(streams).toEqual(['/ip4/10.0.0.2/tcp/8000', '/ip4/10.0.0.3/tcp/8000'])
})

test('a lost directory with two addresses is listed once, under the address at which it was used', async () => {
  const reported: string[] = []
  let isGone = false
  directories = make({
    remembered: ['/ip4/10.0.0.1/tcp/8000', '/ip4/10.0.0.2/tcp/8000'],
    dial: async (address) => {
      if (address.toString().includes('10.0.0.1')) await new Promise((resolve) => setTimeout(resolve, 300))
      // Also one that was being dialled when it went.
      if (isGone) throw new Error('nothing listens there')
      const connection = connectionTo(directory, address.toString())
      return Object.assign(connection, {
        newStream: async () => {
          await new Promise((resolve) => setTimeout(resolve, 1_000))
          isGone = true
          throw new Error('the connection was lost')
        }
      })
    }
  })
  directories.on('view', ({ address, state }) => {
    if (state === 'waiting') reported.push(address)
  })
  directories.start()
  await vi.advanceTimersByTimeAsync(20_000)
  expect(isGone).toBe(true)
  expect(directories.views().map(({ address }) => address)).toEqual(['10.0.0.2:8000'])
  expect(new Set(reported)).toEqual(new Set(['10.0.0.2:8000']))
})

test('a machine that shows many directories leaves room for another machine’s', async () => {
  const asked: string[] = []
  directories = make({
    connect: async (peer, { signal }) => {
      asked.push(peer)
      return never(undefined, signal)
    }
  })
  directories.start()
  const madeUp = await Promise.all(
    Array.from({ length: 2 * MAX_FOUND_DIRECTORIES }, async () =>
      peerIdFromPrivateKey(await generateKeyPair('Ed25519')).toString()
    )
  )
  madeUp.forEach((peer, i) => directories.sighted(peer, [`/ip4/192.168.1.66/tcp/${i + 1}`]))
  directories.sighted(directory, ['/ip4/192.168.1.7/tcp/8000'])
  await vi.advanceTimersByTimeAsync(2 * DIRECTORY_PRECEDENCE_MS)
  expect(asked).toContain(directory)
  // One more: the directory that gave way.
  expect(new Set(asked).size).toBeLessThanOrEqual(MAX_FOUND_DIRECTORIES + 1)
})
