/** A port of the router is kept open, renewed, told of once, and closed at the end, whatever the router does. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { DOOR_LEASE_S, Doors, FIRST_DOOR_AFTER_MS, type DoorState } from '../../src/doors/doors.ts'
import { NoDoorError, type Door, type DoorRequest, type PortMapper } from '../../src/doors/port-mapper.ts'

const port = 41_812

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

class Router implements PortMapper {
  readonly protocol
  readonly asked: DoorRequest[] = []
  closed = 0
  publicAddress = '203.0.113.5'
  leaseS = DOOR_LEASE_S
  answers: 'opens' | 'refuses' | 'hangs' = 'opens'

  constructor(protocol: PortMapper['protocol']) {
    this.protocol = protocol
  }

  async open(request: DoorRequest): Promise<Door> {
    this.asked.push(request)
    if (this.answers === 'refuses') throw new NoDoorError('the router refuses')
    if (this.answers === 'hangs') return hangs(request.signal)
    const { protocol, publicAddress, leaseS } = this
    return {
      protocol,
      localAddress: '192.168.1.20',
      port: request.port,
      publicAddress,
      publicPort: request.publicPort,
      leaseS,
      close: async ({ signal }) => {
        this.closed++
        if (this.answers === 'hangs') await hangs(signal)
      }
    }
  }
}

async function hangs(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('aborted')))
  })
}

function keeping(...routers: readonly Router[]) {
  const states: DoorState[] = []
  const doors = new Doors({ port: () => port, mappers: () => routers, onState: (state) => states.push(state) })
  doors.start()
  return { doors, states }
}

test('nothing is asked at once, and nothing at all of a node that ends before', async () => {
  const router = new Router('NAT-PMP')
  const { doors } = keeping(router)
  await vi.advanceTimersByTimeAsync(FIRST_DOOR_AFTER_MS - 1)
  await doors.stop()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(router.asked).toEqual([])
})

test('a lease is renewed at its half, with the public port that it has, and told of once', async () => {
  const router = new Router('UPnP')
  const { doors, states } = keeping(router)
  await vi.advanceTimersByTimeAsync(FIRST_DOOR_AFTER_MS)
  await vi.advanceTimersByTimeAsync(DOOR_LEASE_S * 500 * 3)
  expect(router.asked).toHaveLength(4)
  expect(states.map(({ is }) => is)).toEqual(['open'])
  await doors.stop()
  expect(router.closed).toBe(1)
})

test('where one protocol is not spoken the next one is asked, and first from then on', async () => {
  const [natPmp, upnp] = [new Router('NAT-PMP'), new Router('UPnP')]
  natPmp.answers = 'refuses'
  const { doors } = keeping(natPmp, upnp)
  await vi.advanceTimersByTimeAsync(FIRST_DOOR_AFTER_MS + DOOR_LEASE_S * 500)
  expect([natPmp.asked.length, upnp.asked.length]).toEqual([1, 2])
  await doors.stop()
})

test('a router that opens nothing is asked ever more rarely, and at once when the network changes', async () => {
  const router = new Router('UPnP')
  router.answers = 'refuses'
  const { doors, states } = keeping(router)
  await vi.advanceTimersByTimeAsync(FIRST_DOOR_AFTER_MS + 24 * 3_600_000)
  expect(router.asked.length).toBeLessThan(120)
  expect(states).toEqual([{ is: 'closed', why: 'by UPnP the router refuses' }])
  const before = router.asked.length
  router.answers = 'opens'
  doors.wake()
  await vi.advanceTimersByTimeAsync(0)
  expect(router.asked).toHaveLength(before + 1)
  expect(states.at(-1)?.is).toBe('open')
  await doors.stop()
})

test('another public address is told, and so is a renewal that fails', async () => {
  const router = new Router('UPnP')
  const { doors, states } = keeping(router)
  await vi.advanceTimersByTimeAsync(FIRST_DOOR_AFTER_MS)
  router.publicAddress = '203.0.113.6'
  await vi.advanceTimersByTimeAsync(DOOR_LEASE_S * 500)
  router.answers = 'refuses'
  await vi.advanceTimersByTimeAsync(DOOR_LEASE_S * 500)
  expect(states.map((state) => (state.is === 'open' ? state.door.publicAddress : state.is))).toEqual([
    '203.0.113.5',
    '203.0.113.6',
    'closed'
  ])
  await doors.stop()
})

test('a router that hangs holds up neither the start nor the end', async () => {
  const router = new Router('UPnP')
  router.answers = 'hangs'
  const opening = keeping(router)
  await vi.advanceTimersByTimeAsync(FIRST_DOOR_AFTER_MS)
  await opening.doors.stop()
  router.answers = 'opens'
  const open = keeping(router)
  await vi.advanceTimersByTimeAsync(FIRST_DOOR_AFTER_MS)
  router.answers = 'hangs'
  const stopped = vi.fn<() => void>()
  open.doors.stop().then(stopped, stopped)
  await vi.advanceTimersByTimeAsync(1_000)
  await vi.waitFor(() => expect(stopped).toHaveBeenCalled())
  expect(router.closed).toBe(1)
})
