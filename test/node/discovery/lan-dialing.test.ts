import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { LAN_DIAL_PATIENCE_MS, MAX_LAN_DIALS, LanDialing } from '../../../src/node/discovery/lan-dialing.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

/** Dials that are never answered, and which of them are under way. */
function lan(self = 'm') {
  const underWay = new Set<string>()
  const dialled: string[] = []
  const dialing = new LanDialing(self, {
    isConnected: () => false,
    connect: async (peer, { signal }) => {
      underWay.add(peer)
      dialled.push(peer)
      await new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('given up')), { once: true })
      }).finally(() => underWay.delete(peer))
    }
  })
  return { dialing, underWay, dialled }
}

test('the smaller ID dials at once, the larger one after a moment', () => {
  const { dialing, dialled } = lan()
  dialing.sighted('z', '192.168.1.7')
  dialing.sighted('a', '192.168.1.7')
  vi.advanceTimersByTime(0)
  expect(dialled).toEqual(['z'])
  vi.advanceTimersByTime(LAN_DIAL_PATIENCE_MS)
  expect(dialled).toEqual(['z', 'a'])
})

test("one machine's made-up peers do not keep another machine's peers out", async () => {
  const { dialing, underWay } = lan()
  for (let i = 0; i < 2 * MAX_LAN_DIALS; i++) dialing.sighted(`z made up ${i}`, '192.168.1.66')
  vi.advanceTimersByTime(0)
  expect(underWay.size).toBe(MAX_LAN_DIALS)
  dialing.sighted('z anna', '192.168.1.7')
  dialing.sighted('z berta', '192.168.1.8')
  await vi.advanceTimersByTimeAsync(0)
  expect(underWay.size).toBe(MAX_LAN_DIALS)
  expect([...underWay]).toEqual(expect.arrayContaining(['z anna', 'z berta']))
})

test('among many machines that show one peer each, none gives way', () => {
  const { dialing, underWay } = lan()
  for (let i = 0; i <= MAX_LAN_DIALS; i++) dialing.sighted(`z ${i}`, `192.168.1.${i}`)
  vi.advanceTimersByTime(0)
  expect(underWay.size).toBe(MAX_LAN_DIALS)
  expect(underWay.has(`z ${MAX_LAN_DIALS}`)).toBe(false)
})

test('a stop ends what is under way, and nothing begins after it', async () => {
  const { dialing, underWay, dialled } = lan()
  dialing.sighted('z', '192.168.1.7')
  dialing.sighted('a', '192.168.1.7')
  vi.advanceTimersByTime(0)
  await dialing.stop()
  dialing.sighted('y', '192.168.1.7')
  vi.advanceTimersByTime(LAN_DIAL_PATIENCE_MS)
  expect(underWay.size).toBe(0)
  expect(dialled).toEqual(['z'])
})
