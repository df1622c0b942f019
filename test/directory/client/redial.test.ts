import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DirectoryClient } from '../../../src/directory/index.ts'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** @returns the times between the dials of a client within a minute, when each fails after so long */
async function gapsOfDials(failAfterMs: number): Promise<readonly number[]> {
  const dialledAtMs: number[] = []
  const client = new DirectoryClient({
    network: 'test',
    announce: false,
    connect: async () => {
      dialledAtMs.push(Date.now())
      await new Promise((resolve) => void setTimeout(resolve, failAfterMs))
      throw new Error('nobody answers')
    },
    ownEnvelope: async () => new Uint8Array(),
    onStale: () => undefined,
    random: () => 0
  })
  client.start()
  await vi.advanceTimersByTimeAsync(50_000)
  const stopped = client.stop()
  await vi.advanceTimersByTimeAsync(failAfterMs)
  await stopped
  return dialledAtMs.slice(1).map((atMs, at) => atMs - (dialledAtMs[at] ?? 0))
}

test('a directory that nobody answers at is dialled again as soon as a dial has waited long enough', async () => {
  const waitsMs = await gapsOfDials(5_000)
  expect(waitsMs.length).toBeGreaterThan(5)
  for (const waitMs of waitsMs) expect(Math.abs(waitMs - 5_000)).toBeLessThan(10)
})

test('a directory that refuses at once is dialled with ever longer waits', async () => {
  const [first = 0, second = 0, third = 0] = await gapsOfDials(0)
  expect(first).toBeGreaterThan(100)
  expect(second).toBeGreaterThan(1.9 * first)
  expect(third).toBeGreaterThan(1.9 * second)
})
