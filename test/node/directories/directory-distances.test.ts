// When the directories are measured again.
import type { Connection } from '@libp2p/interface'
import { multiaddr } from '@multiformats/multiaddr'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { DirectoryClient } from '../../../src/directory/index.ts'
import {
  DirectoryDistances,
  MEASURE_DIRECTORIES_MS,
  MEASURE_JITTER
} from '../../../src/node/directories/directory-distances.ts'
import { Member, Members, StandbyError } from '../../../src/node/directories/directory-member.ts'
import { DirectoryPlaces } from '../../../src/node/directories/directory-places.ts'

const peer = '12D3KooWBmAwcd4PJNJvfV89HwE48nwkRmAgo8Vy3uQEyNNHBox2'
const { soon, every } = MEASURE_DIRECTORIES_MS

let isReachable: boolean
let rounds: number
let distances: DirectoryDistances

beforeEach(() => {
  vi.useFakeTimers()
  vi.spyOn(Math, 'random').mockReturnValue(0)
  isReachable = true
  rounds = 0
  const members = new Members()
  // In use under one address and standing by under another: reached there, it has no distance of its own.
  members.add(memberAt('10.0.0.1', true))
  members.add(memberAt('10.0.0.2', false))
  distances = new DirectoryDistances({
    network: 'test',
    members,
    places: new DirectoryPlaces(members),
    dialer: { dial: async () => answer(), connect: async () => answer() }
  })
  distances.start()
})

afterEach(async () => {
  await distances.stop()
  vi.restoreAllMocks()
  vi.useRealTimers()
})

function memberAt(host: string, hasPlace: boolean): Member {
  // The one method that a measurement calls.
  const client = { wake: () => undefined } as DirectoryClient
  const address = multiaddr(`/ip4/${host}/tcp/8000/p2p/${peer}`)
  const member = new Member({ address, origin: 'remembered', sightedAt: [], client: () => client })
  member.hasPlace = hasPlace
  if (!hasPlace) member.state = { state: 'waiting', why: new StandbyError('enough are in use'), retryAtMs: 0 }
  return member
}

async function answer(): Promise<Connection> {
  rounds++
  if (!isReachable) throw new Error('no answer')
  const connection = { remotePeer: { toString: () => peer }, timeline: { open: 0 } }
  // The smallest part of a connection that a second way to a directory needs.
  return connection as unknown as Connection
}

test('a round in which a directory failed is repeated soon, and then less and less often', async () => {
  isReachable = false
  await vi.advanceTimersByTimeAsync(soon)
  for (const waitMs of [1, 2, 4, 8, 16, 32, Infinity].map((factor) => Math.min(every, soon * factor))) {
    const before = rounds
    await vi.advanceTimersByTimeAsync(waitMs - 1)
    expect(rounds).toBe(before)
    await vi.advanceTimersByTimeAsync(1)
    expect(rounds).toBe(before + 1)
  }
})

test('a round in which all have answered is repeated now and then, and makes the next failure the first', async () => {
  isReachable = false
  await vi.advanceTimersByTimeAsync(soon + soon)
  isReachable = true
  await vi.advanceTimersByTimeAsync(2 * soon)
  expect(rounds).toBe(3)
  await vi.advanceTimersByTimeAsync(every - 1)
  expect(rounds).toBe(3)
  isReachable = false
  await vi.advanceTimersByTimeAsync(1 + soon)
  expect(rounds).toBe(5)
})

test('the clients of a network do not measure together', async () => {
  vi.mocked(Math.random).mockReturnValue(1)
  await vi.advanceTimersByTimeAsync(soon)
  const late = rounds
  await vi.advanceTimersByTimeAsync(every)
  expect([late, rounds]).toEqual([1, 1])
  await vi.advanceTimersByTimeAsync(every * MEASURE_JITTER)
  expect(rounds).toBe(2)
})
