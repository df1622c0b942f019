/** A port of the router is kept open, renewed, reported once, and closed at the end, whatever the router does. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import {
  LEASE_S,
  MappedPort,
  FIRST_REQUEST_AFTER_MS,
  type PortMappingState
} from '../../src/port-mapping/mapped-port.ts'
import {
  NoPortMappingError,
  type PortMapping,
  type PortMappingRequest,
  type PortMapper
} from '../../src/port-mapping/port-mapper.ts'

const port = 41_812

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

class Router implements PortMapper {
  readonly protocol
  readonly asked: PortMappingRequest[] = []
  closed = 0
  publicAddress = '203.0.113.5'
  leaseS = LEASE_S
  answers: 'opens' | 'refuses' | 'hangs' = 'opens'

  constructor(protocol: PortMapper['protocol']) {
    this.protocol = protocol
  }

  async open(request: PortMappingRequest): Promise<PortMapping> {
    this.asked.push(request)
    if (this.answers === 'refuses') throw new NoPortMappingError('the router refuses')
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
  const states: PortMappingState[] = []
  const mappedPort = new MappedPort({
    port: () => port,
    mappers: () => routers,
    onState: (state) => states.push(state)
  })
  mappedPort.start()
  return { mappedPort, states }
}

test('the router is asked after a moment, and not at all when the node ends first', async () => {
  const router = new Router('NAT-PMP')
  const { mappedPort } = keeping(router)
  await vi.advanceTimersByTimeAsync(FIRST_REQUEST_AFTER_MS - 1)
  await mappedPort.stop()
  await vi.advanceTimersByTimeAsync(60_000)
  expect(router.asked).toEqual([])
})

test('a lease is renewed at its half, with the public port that it has, and reported once', async () => {
  const router = new Router('UPnP')
  const { mappedPort, states } = keeping(router)
  await vi.advanceTimersByTimeAsync(FIRST_REQUEST_AFTER_MS)
  await vi.advanceTimersByTimeAsync(LEASE_S * 500 * 3)
  expect(router.asked).toHaveLength(4)
  expect(states.map(({ is }) => is)).toEqual(['open'])
  await mappedPort.stop()
  expect(router.closed).toBe(1)
})

test('where one protocol is not spoken the next one is asked, and first from then on', async () => {
  const [natPmp, upnp] = [new Router('NAT-PMP'), new Router('UPnP')]
  natPmp.answers = 'refuses'
  const { mappedPort } = keeping(natPmp, upnp)
  await vi.advanceTimersByTimeAsync(FIRST_REQUEST_AFTER_MS + LEASE_S * 500)
  expect([natPmp.asked.length, upnp.asked.length]).toEqual([1, 2])
  await mappedPort.stop()
})

test('a router that opens nothing is asked ever more rarely, and at once when the network changes', async () => {
  const router = new Router('UPnP')
  router.answers = 'refuses'
  const { mappedPort, states } = keeping(router)
  await vi.advanceTimersByTimeAsync(FIRST_REQUEST_AFTER_MS + 24 * 3_600_000)
  expect(router.asked.length).toBeLessThan(120)
  expect(states).toEqual([{ is: 'closed', why: 'by UPnP the router refuses' }])
  const before = router.asked.length
  router.answers = 'opens'
  mappedPort.wake()
  await vi.advanceTimersByTimeAsync(0)
  expect(router.asked).toHaveLength(before + 1)
  expect(states.at(-1)?.is).toBe('open')
  await mappedPort.stop()
})

test('another public address is reported, and so is a renewal that fails', async () => {
  const router = new Router('UPnP')
  const { mappedPort, states } = keeping(router)
  await vi.advanceTimersByTimeAsync(FIRST_REQUEST_AFTER_MS)
  router.publicAddress = '203.0.113.6'
  await vi.advanceTimersByTimeAsync(LEASE_S * 500)
  router.answers = 'refuses'
  await vi.advanceTimersByTimeAsync(LEASE_S * 500)
  expect(states.map((state) => (state.is === 'open' ? state.mapping.publicAddress : state.is))).toEqual([
    '203.0.113.5',
    '203.0.113.6',
    'closed'
  ])
  await mappedPort.stop()
})

test('a router that hangs holds up neither the start nor the end', async () => {
  const router = new Router('UPnP')
  router.answers = 'hangs'
  const opening = keeping(router)
  await vi.advanceTimersByTimeAsync(FIRST_REQUEST_AFTER_MS)
  await opening.mappedPort.stop()
  router.answers = 'opens'
  const open = keeping(router)
  await vi.advanceTimersByTimeAsync(FIRST_REQUEST_AFTER_MS)
  router.answers = 'hangs'
  const stopped = vi.fn<() => void>()
  open.mappedPort.stop().then(stopped, stopped)
  await vi.advanceTimersByTimeAsync(1_000)
  await vi.waitFor(() => expect(stopped).toHaveBeenCalled())
  expect(router.closed).toBe(1)
})
