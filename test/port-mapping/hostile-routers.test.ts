/** A router that attacks, and other machines of the LAN that pass for one: what is opened, asked for and kept then. */
import { createSocket, type RemoteInfo, type Socket as UdpSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { natPmp, pcp, PCP_NONCE_BYTES, upnp } from '../../src/port-mapping/index.ts'
import { LEASE_S, MappedPort } from '../../src/port-mapping/mapped-port.ts'
import { NoPortMappingError, type PortMapper } from '../../src/port-mapping/port-mapper.ts'
import { gateway, natPmpRouter, pcpRouter, upnpRouter } from './routers.ts'

const { signal } = new AbortController()
const request = { port: 41_812, publicPort: 41_812, leaseS: 3_600, signal }
const nonce = new Uint8Array(PCP_NONCE_BYTES).fill(7)
/** As many as the buffer of a socket holds beside an answer. */
const floodDatagrams = 200
/** Another machine of the LAN. */
const neighbour = '127.0.0.2'

/** Floods once. @param from default the router's own socket */
function flooding(bytes: Uint8Array, from?: UdpSocket): (asking: RemoteInfo, router: UdpSocket) => void {
  let hasFlooded = false
  return ({ port }, router) => {
    if (hasFlooded) return
    hasFlooded = true
    const socket = from ?? router
    for (let sent = 0; sent < floodDatagrams; sent++) socket.send(bytes, port, gateway)
  }
}

async function socketOf(host: string): Promise<UdpSocket> {
  const socket = createSocket('udp4')
  onTestFinished(() => {
    socket.close()
  })
  const bound = once(socket, 'listening')
  socket.bind(0, host)
  await bound
  return socket
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}

/** A router that answers each connection with what never ends. @returns where its description is said to be */
async function endlessRouter(head: string, piece: string): Promise<string> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    const pour = (): void => {
      while (socket.writable && socket.write(piece));
    }
    socket.on('error', () => undefined)
    socket.on('drain', pour)
    socket.write(head)
    pour()
  })
  const listening = once(server, 'listening')
  server.listen(0, gateway)
  await listening
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return `http://${gateway}:${port}/desc.xml`
}

/** A web server at a place that nobody should ask. */
async function elsewhere() {
  const seen = { asked: 0 }
  const server = createServer((socket) => {
    seen.asked++
    socket.destroy()
  })
  const listening = once(server, 'listening')
  server.listen(0, neighbour)
  await listening
  onTestFinished(() => {
    server.close()
  })
  const address = server.address()
  return { url: `http://${neighbour}:${typeof address === 'object' && address !== null ? address.port : 0}/x`, seen }
}

describe('another machine of the LAN', () => {
  test('is not heard, whatever it says before the router does, by NAT-PMP and by PCP', async () => {
    const from = await socketOf(neighbour)
    const lie = Buffer.alloc(16)
    lie.writeUInt8(128, 1)
    lie.set([192, 0, 2, 66], 8)
    const older = await natPmpRouter({ onRequest: flooding(lie, from) })
    const opened = await natPmp({ gateway, gatewayPort: older.port }).open(request)
    expect(opened.publicAddress).toBe('203.0.113.5')
    const newer = await pcpRouter({ onRequest: flooding(lie, from) })
    const mapped = await pcp({ gateway, gatewayPort: newer.port, nonce }).open(request)
    expect(mapped.publicAddress).toBe('203.0.113.5')
  })

  test('is not heard when it answers a search, and nothing is asked of it', async () => {
    const { url, seen } = await elsewhere()
    const from = await socketOf(neighbour)
    const answer = Buffer.from(`HTTP/1.1 200 OK\r\nLocation: ${url}\r\n\r\n`)
    const router = await upnpRouter({ onSearch: flooding(answer, from) })
    expect(await upnp({ gateway, searchAt: router.searchAt }).open(request)).toMatchObject({ publicPort: 41_812 })
    expect(seen.asked).toBe(0)
  })
})

describe('a router', () => {
  test.each([
    ['nothing', Buffer.alloc(0)],
    ['a byte', Buffer.of(0)],
    ['an answer that is cut off', Buffer.of(2, 129, 0, 0)],
    ['an answer to another', Buffer.concat([Buffer.of(2, 129, 0, 0), Buffer.alloc(56)])],
    ['the longest datagram', Buffer.alloc(65_507, 0xff)]
  ])('that floods with %s before it answers opens the port', async (_what, garbage) => {
    const router = await pcpRouter({ onRequest: flooding(garbage) })
    const mapped = await pcp({ gateway, gatewayPort: router.port, nonce }).open(request)
    expect(mapped).toMatchObject({ protocol: 'PCP', publicPort: 41_812 })
  })

  test('that floods a search with garbage is found all the same', async () => {
    const garbage = Buffer.from('HTTP/1.1 200 OK\r\n'.repeat(50))
    const router = await upnpRouter({ onSearch: flooding(garbage) })
    expect(await upnp({ gateway, searchAt: router.searchAt }).open(request)).toMatchObject({ publicPort: 41_812 })
  })

  test.each([
    ['a body', 'HTTP/1.1 200 OK\r\n\r\n', '<service>'.repeat(100), /more than 65536 bytes/u],
    ['headers', 'HTTP/1.1 200 OK\r\n', `x: ${'y'.repeat(900)}\r\n`, /HPE_HEADER_OVERFLOW/u],
    ['one header', 'HTTP/1.1 200 OK\r\nx: ', 'y'.repeat(900), /HPE_HEADER_OVERFLOW/u],
    ['interim answers', '', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(40), /more than 4 interim answers/u],
    ['no HTTP', '', '\0'.repeat(900), /HPE_INVALID/u]
  ])('that sends %s without an end is left for that, and not when a time is up', async (_what, head, piece, why) => {
    const router = await upnpRouter({ location: await endlessRouter(head, piece) })
    const opening = upnp({ gateway, searchAt: router.searchAt }).open(request)
    const error = await opening.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(NoPortMappingError)
    expect(error instanceof Error ? `${error.message} ${codeOf(error.cause)}` : '').toMatch(why)
  })

  test('that redirects is not followed: nothing is asked elsewhere', async () => {
    const { url, seen } = await elsewhere()
    const router = await upnpRouter({ redirectsTo: url })
    const opening = upnp({ gateway, searchAt: router.searchAt }).open(request)
    await expect(opening).rejects.toThrow('does not say where it opens ports')
    expect(seen.asked).toBe(0)
  })
})

describe('the life of a mapping is no more than was asked for, and renewals have a pace', () => {
  afterEach(() => {
    vi.useRealTimers()
  })

  test('with NAT-PMP and PCP', async () => {
    const longest = 0xffff_ffff
    const older = await natPmpRouter({ grantsS: longest })
    expect((await natPmp({ gateway, gatewayPort: older.port }).open(request)).leaseS).toBe(request.leaseS)
    const newer = await pcpRouter({ grantsS: longest })
    expect((await pcp({ gateway, gatewayPort: newer.port, nonce }).open(request)).leaseS).toBe(request.leaseS)
  })

  test.each([
    ['of nothing', 0],
    ['of a second', 1],
    ['without an end', Infinity]
  ])('with a life %s', async (_what, leaseS) => {
    vi.useFakeTimers()
    let asked = 0
    const lying: PortMapper = {
      protocol: 'UPnP',
      open: async ({ port }) => {
        asked++
        const close = async (): Promise<void> => undefined
        return {
          protocol: 'UPnP',
          localAddress: '192.168.1.20',
          port,
          publicAddress: '203.0.113.5',
          publicPort: port,
          leaseS,
          close
        }
      }
    }
    const mappedPort = new MappedPort({ port: () => 41_812, mappers: () => [lying], onState: () => undefined })
    mappedPort.start()
    await vi.advanceTimersByTimeAsync(LEASE_S * 1_000)
    // At least twice in the time that was asked for, and no more often than twice a minute.
    expect(asked).toBeGreaterThanOrEqual(2)
    expect(asked).toBeLessThanOrEqual((LEASE_S / 60) * 2 + 1)
    await mappedPort.stop()
  })
})
