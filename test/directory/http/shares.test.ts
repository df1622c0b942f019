// The HTTP side under clients that want all of it: the one that holds the most gives
// way, and an honest reader is served all the while.
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { EVICTED_READER_RETRY_MS, MAX_EVENT_STREAMS } from '../../../src/directory/http/event-streams.ts'
import { HTTP_HELD_BACK_MS, HTTP_OFFENCE_RATE, ThrottledClients } from '../../../src/directory/http/request-guard.ts'
import { MAX_HTTP_PIPELINED } from '../../../src/directory/http/roster-http.ts'
import { MAX_HTTP_CONNECTIONS, HttpConnections, EvictionReports } from '../../../src/directory/http/http-connections.ts'
import type { EvictionReport, HttpMisbehaviour } from '../../../src/directory/http/index.ts'
import { identity } from '../../presence/records.ts'
import { ask, EventReader, rawConnection, shown } from './harness.ts'

const anna = await identity(1)
/** A clock by which no client asks too often. */
const fast = (): (() => number) => {
  let ms = 0
  return () => (ms += 1_000)
}

/** Also by a reset. */
async function closed(socket: Socket): Promise<void> {
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
}

test.each([['127.0.0.2'], ['127.0.0.2', '127.0.0.3', '127.0.0.4', '127.0.0.5']])(
  '540 half-open requests of %s make no request of another fail',
  async (...attackers) => {
    const told: EvictionReport[] = []
    const { http, port } = await shown({ now: fast(), onPressure: (pressure) => told.push(pressure) })
    const held: Socket[] = []
    for (let i = 0; i < 540; i++) {
      const socket = await rawConnection(port, attackers[i % attackers.length])
      socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\nx-slow: ')
      held.push(socket)
    }
    const statuses = await Promise.all(Array.from({ length: 20 }, async () => (await ask(port, '/healthz')).status))
    expect(statuses).toEqual(Array.from({ length: 20 }, () => 200))
    expect(http.connections.open).toBeLessThanOrEqual(MAX_HTTP_CONNECTIONS)
    expect(told[0]).toMatchObject({ what: 'connection', capacity: MAX_HTTP_CONNECTIONS, evicted: 1 })
    expect(attackers).toContain(told[0]?.holder)
  }
)

test('as many event streams as there are, held by four addresses, keep no reader of another out', async () => {
  const told: EvictionReport[] = []
  const { roster, port } = await shown({ now: fast(), onPressure: (pressure) => told.push(pressure) })
  const attackers = Array.from(
    { length: MAX_EVENT_STREAMS },
    (_, i) => new EventReader(port, '/api/events', {}, `127.0.0.${2 + (i % 4)}`)
  )
  await Promise.all(attackers.map(async (reader) => reader.next('snapshot')))
  const honest = new EventReader(port)
  await honest.next('snapshot')
  roster.join(anna, 'anna')
  expect((await honest.next('changes')).data).toMatchObject({ peers: [{ nickname: 'anna' }] })
  expect(honest.ended).toBe(false)
  expect(told[0]).toMatchObject({ what: 'event-stream', capacity: MAX_EVENT_STREAMS, evicted: 1 })
  expect(told.map(({ holder }) => holder)).not.toContain('127.0.0.1')
})

test('a stream that gives way says why, and when to come back', async () => {
  const { port } = await shown({ now: fast() })
  const crowd = Array.from({ length: MAX_EVENT_STREAMS }, () => new EventReader(port, '/api/events', {}, '127.0.0.2'))
  await Promise.all(crowd.map(async (reader) => reader.next('snapshot')))
  expect(crowd.filter(({ ended }) => ended)).toEqual([])
  await new EventReader(port).next('snapshot')
  await expect.poll(() => crowd.filter(({ retryMs }) => retryMs !== undefined)).toHaveLength(1)
  const gone = crowd.find(({ retryMs }) => retryMs !== undefined)
  expect(gone?.retryMs).toBe(EVICTED_READER_RETRY_MS)
  expect((await gone?.next('end'))?.data).toEqual({
    reason: 'too many pages are open from your address: this one gave way to others',
    retryAfterMs: EVICTED_READER_RETRY_MS
  })
})

test('everybody behind one address has the whole room, and nobody else is needed to make way', async () => {
  const { port } = await shown({ now: fast() })
  const crowd = Array.from({ length: MAX_EVENT_STREAMS }, () => new EventReader(port))
  await Promise.all(crowd.map(async (reader) => reader.next('snapshot')))
  expect((await ask(port, '/healthz')).status).toBe(200)
  expect(crowd.filter(({ ended }) => ended)).toEqual([])
})

test('a request that never ends is cut off in time, and a half-closed connection is not kept', async () => {
  const { http, port } = await shown()
  const garbage = await rawConnection(port)
  garbage.write('nonsense\r\n\r\n')
  garbage.resume()
  await closed(garbage)
  await expect.poll(() => http.connections.open).toBe(0)
  const slow = await rawConnection(port)
  slow.resume()
  const drip = setInterval(() => slow.write('x'), 200)
  slow.write('GET / HTTP/1.1\r\nhost: localhost\r\nx: ')
  await closed(slow)
  clearInterval(drip)
})

test('behind a trusted proxy each client has its own share; without trust its word counts for nothing', async () => {
  const told: EvictionReport[] = []
  const proxied = await shown({
    now: fast(),
    isTrustedProxy: (address) => address === '127.0.0.9',
    onPressure: (pressure) => told.push(pressure)
  })
  const through = (client: string): EventReader =>
    new EventReader(proxied.port, '/api/events', { 'x-forwarded-for': `6.6.6.6, ${client}` }, '127.0.0.9')
  const crowd = Array.from({ length: MAX_EVENT_STREAMS }, () => through('198.51.100.1'))
  await Promise.all(crowd.map(async (reader) => reader.next('snapshot')))
  const honest = through('198.51.100.2')
  await honest.next('snapshot')
  expect(told).toMatchObject([{ what: 'event-stream', holder: '198.51.100.1', held: MAX_EVENT_STREAMS }])

  const direct = await shown({ now: () => 1_000 })
  const statuses: number[] = []
  for (let i = 0; i < 70; i++) {
    const headers = { 'x-forwarded-for': `198.51.100.${i}` }
    statuses.push((await ask(direct.port, '/healthz', { headers })).status)
  }
  expect(statuses.filter((status) => status === 429)).toHaveLength(10)
})

test('queries whose answers nobody reads keep no query of another out', async () => {
  const { roster, port } = await shown({ now: fast() })
  // More than the buffers of a socket hold.
  for (let i = 0; i < 60; i++) {
    roster.join(await identity(100 + i), `peer ${i}`, { status: 's'.repeat(200_000) })
  }
  await expect.poll(async () => JSON.parse((await ask(port, '/healthz')).body).peers).toBe(60)
  const held: Socket[] = []
  for (let i = 0; i < 16; i++) {
    const socket = await rawConnection(port, '127.0.0.2')
    socket.write('GET /api/roster?q=p HTTP/1.1\r\nhost: localhost\r\n\r\n')
    await once(socket, 'readable')
    held.push(socket)
  }
  expect((await ask(port, '/api/roster?q=peer%2059&limit=1')).status).toBe(200)
})

test('connections that are being answered are the last to go', () => {
  const gone: string[] = []
  const room = new HttpConnections({
    isTrustedProxy: () => false,
    mayConnect: () => true,
    onEviction: () => undefined,
    capacity: 4
  })
  const socket = (name: string, remoteAddress: string): Socket => {
    // As much of a socket as the room looks at.
    return { remoteAddress, once: () => undefined, destroy: () => void gone.push(name) } as unknown as Socket
  }
  const live = ['live 1', 'live 2', 'live 3'].map((name) => socket(name, '192.0.2.1'))
  for (const one of live) {
    room.accept(one)
    room.answering(one, '192.0.2.1')
  }
  room.accept(socket('silent', '192.0.2.2'))
  expect(gone).toEqual(['live 1']) // the room is full, and only the newcomer waits
  room.accept(socket('newcomer', '192.0.2.3'))
  expect(gone).toEqual(['live 1', 'silent'])
})

test('the operator hears of the first at once, and then their number', () => {
  const reports = new EvictionReports()
  const eviction = { what: 'connection', holder: '192.0.2.1', held: 400, capacity: 512 } as const
  expect(reports.note(eviction, 0)).toEqual({ ...eviction, evicted: 1 })
  let count = 0
  let report: EvictionReport | undefined
  while (report === undefined && count < 1_000_000) report = reports.note(eviction, ++count)
  expect(count).toBeGreaterThan(1_000)
  expect(report).toEqual({ ...eviction, evicted: count })
})

test('a client that goes on with what is no HTTP is named and held back, and others are not', async () => {
  const told: HttpMisbehaviour[] = []
  const { port } = await shown({ onMisbehaviour: (misbehaviour) => told.push(misbehaviour) })
  for (let i = 0; i <= HTTP_OFFENCE_RATE.burst + 5; i++) {
    const socket = await rawConnection(port, '127.0.0.2')
    socket.end('nonsense\r\n\r\n')
    socket.resume()
    await closed(socket)
  }
  expect(told).toMatchObject([{ breach: 'http-no-http' }])
  expect(told[0]?.address).toMatch(/^127\.0\.0\.2:\d+$/u)
  const asked = await Promise.all(
    Array.from({ length: 20 }, async () =>
      ask(port, '/healthz', { from: '127.0.0.2' }).then(
        ({ status }) => status,
        () => 'hung up'
      )
    )
  )
  expect(asked.filter((one) => one === 'hung up').length).toBeGreaterThan(10)
  expect((await ask(port, '/healthz')).status).toBe(200)
})

test('what a browser sends that another site has asked for https holds nobody back', async () => {
  const told: HttpMisbehaviour[] = []
  const { port } = await shown({ onMisbehaviour: (misbehaviour) => told.push(misbehaviour) })
  // The head of a ClientHello.
  const tls = Buffer.from('16030100c8010000c40303', 'hex')
  for (let i = 0; i <= HTTP_OFFENCE_RATE.burst + 5; i++) {
    const socket = await rawConnection(port, '127.0.0.2')
    socket.end(tls)
    socket.resume()
    await closed(socket)
  }
  expect(told).toEqual([])
  const statuses = Array.from({ length: 10 }, async () => (await ask(port, '/healthz', { from: '127.0.0.2' })).status)
  expect(await Promise.all(statuses)).toEqual(Array(10).fill(200))
})

test('requests in a row on one connection, whose answers nobody reads, end it', async () => {
  const { port } = await shown()
  const socket = await rawConnection(port)
  socket.write('GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n'.repeat(2 * MAX_HTTP_PIPELINED + 1))
  let answer = ''
  socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk))
  await closed(socket)
  expect(answer.split('HTTP/1.1 200').length - 1).toBeLessThanOrEqual(MAX_HTTP_PIPELINED)
})

test('who is held back comes in again when it has stopped, and now and then before', () => {
  const offenders = new ThrottledClients()
  for (let i = 0; i < HTTP_OFFENCE_RATE.burst; i++) expect(offenders.note('192.0.2.1', 0)).toBe(false)
  expect(offenders.mayConnect('192.0.2.1', 0)).toBe(true)
  expect(offenders.note('192.0.2.1', 0)).toBe(true)
  expect(offenders.note('192.0.2.1', 0)).toBe(false)
  const taken = Array.from({ length: 1_000 }, (_, i) => offenders.mayConnect('192.0.2.1', i * 10)).filter(Boolean)
  expect(taken.length).toBeGreaterThan(15)
  expect(taken.length).toBeLessThan(30)
  expect(offenders.mayConnect('192.0.2.2', 0)).toBe(true)
  const after = Array.from({ length: 100 }, () => offenders.mayConnect('192.0.2.1', HTTP_HELD_BACK_MS))
  expect(after).not.toContain(false)
})
