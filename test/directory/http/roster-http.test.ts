// What the HTTP side of a directory answers, and what it refuses.
import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { identity } from '../../presence/records.ts'
import { ask, rawConnection, shown } from './harness.ts'

const anna = await identity(1)
const bob = await identity(2)
const carol = await identity(3)

describe('every answer', () => {
  test.each(['/', '/api/roster', '/healthz', '/nothing', '/metrics'])('%s: keeps the page by itself', async (path) => {
    const { port } = await shown()
    const { headers } = await ask(port, path)
    expect(headers['content-security-policy']).toBe(
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; " +
        "base-uri 'none'; frame-ancestors 'none'; form-action 'none'"
    )
    expect(headers['x-content-type-options']).toBe('nosniff')
    expect(headers['referrer-policy']).toBe('no-referrer')
    expect(headers['cross-origin-resource-policy']).toBe('same-origin')
    expect(headers['access-control-allow-origin']).toBeUndefined()
  })
})

describe('a request', () => {
  test.each(['POST', 'PUT', 'DELETE', 'OPTIONS'])('by %s changes nothing, and is told so', async (method) => {
    const { port } = await shown()
    const answer = await ask(port, '/api/roster', { method, body: method === 'POST' ? 'x'.repeat(100_000) : '' })
    expect(answer.status).toBe(405)
    expect(answer.headers.allow).toBe('GET, HEAD')
  })

  test.each(['evil.example', 'evil.example:8080', '192.168.1.7', '127.0.0.1.evil.example', 'localhost.evil.example'])(
    'to %j, on a loopback address, is refused: a name was made to mean this machine',
    async (host) => {
      const { port } = await shown()
      for (const path of ['/', '/api/roster', '/api/events', '/metrics']) {
        expect((await ask(port, path, { headers: { host } })).status).toBe(421)
      }
    }
  )

  test.each(['localhost', 'localhost:9000', '127.0.0.1:8080', '[::1]:8080', '127.1.2.3'])(
    'to %s is answered',
    async (host) => {
      const { port } = await shown()
      expect((await ask(port, '/api/roster', { headers: { host } })).status).toBe(200)
    }
  )

  test.each([
    ['of another site', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }],
    ['of a site of the same domain', { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'cors' }],
    [
      'in a frame of another site',
      { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' }
    ],
    ['that says two things', { 'sec-fetch-site': 'same-origin, cross-site', 'sec-fetch-mode': 'cors' }],
    ['of an old browser for another site', { origin: 'http://evil.example' }],
    ['of an old browser for a hidden page', { origin: 'null' }]
  ])('%s is refused', async (_whose, headers) => {
    const { port } = await shown()
    for (const path of ['/api/events', '/api/roster', '/'])
      expect((await ask(port, path, { headers })).status).toBe(403)
  })

  test('of the page itself, of a link, of the address bar and of a program is answered', async () => {
    const { port } = await shown()
    const link = { 'sec-fetch-site': 'same-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' }
    for (const headers of [
      { 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
      { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
      { origin: `http://127.0.0.1:${port}` },
      link,
      {}
    ]) {
      expect((await ask(port, '/api/roster', { headers })).status).toBe(200)
    }
    // A link that opens an event stream would take a place for whoever set it.
    expect((await ask(port, '/api/events', { headers: link })).status).toBe(403)
  })

  test.each([
    ['127.0.0.1', 'directory.example', 421],
    ['0.0.0.0', 'directory.example', 421],
    ['0.0.0.0', 'directory.example.', 421],
    ['0.0.0.0', '203.0.113.7:8080', 200],
    ['0.0.0.0', '[2001:db8::1]:8080', 200],
    ['0.0.0.0', 'directory', 200],
    ['0.0.0.0', 'directory.local:8080', 200],
    ['0.0.0.0', 'named.example', 200],
    ['127.0.0.1', 'Named.Example:8080', 200]
  ])('on %s for the name %s is answered with %i', async (host, name, status) => {
    const { port } = await shown({ host, names: ['named.example'] })
    const answer = await ask(port, '/api/roster', { headers: { host: name } })
    expect(answer.status).toBe(status)
    if (status === 421) expect(JSON.parse(answer.body).error).toContain('--http-name')
  })

  test.each(['//evil.example/', '/%', '/../../etc/passwd', '/api/roster/', '/page.js', `/${'a'.repeat(4_000)}`])(
    'for %s meets no file',
    async (path) => {
      const { port } = await shown()
      expect((await ask(port, path)).status).toBe(404)
    }
  )

  test.each([
    ['GET / HTTP/1.0\r\n\r\n', '421'],
    ['GET / HTTP/1.1\r\n\r\n', '400'],
    [`GET / HTTP/1.1\r\nhost: localhost\r\nx: ${'a'.repeat(9_000)}\r\n\r\n`, '431'],
    ['GET / HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n', '400'],
    ['GET / HTTP/1.1\r\nhost: localhost\r\nHost: localhost\r\n\r\n', '400'],
    [`GET / HTTP/1.1\r\nhost: localhost\r\n${'x: y\r\n'.repeat(64)}\r\n`, '431'],
    ['GET / HTTP/1.1\r\nhost: localhost\r\ncontent-length: 5\r\n\r\nhello', '400'],
    ['GET / HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n', '400'],
    ['CONNECT localhost:1 HTTP/1.1\r\nhost: localhost\r\n\r\n', ''],
    ['GET http://evil.example/ HTTP/1.1\r\nhost: localhost\r\n\r\n', '400']
  ])('that is odd, like %j, is refused', async (bytes, status) => {
    const { port } = await shown()
    const socket = await rawConnection(port)
    let answer = ''
    socket.setEncoding('utf8').on('data', (chunk: string) => (answer += chunk))
    socket.end(bytes)
    await once(socket, 'close')
    expect(answer.split(' ')[1] ?? '').toBe(status)
  })

  test('of any bytes breaks nothing', async () => {
    const { port } = await shown()
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 400 }), fc.boolean(), async (bytes, asRequest) => {
        const socket = await rawConnection(port)
        if (asRequest) socket.write('GET ')
        socket.end(bytes)
        socket.resume()
        await once(socket, 'close')
      }),
      { numRuns: 60 }
    )
    expect((await ask(port, '/healthz')).status).toBe(200)
  })

  test('too many of one address are told when to come back', async () => {
    const { port } = await shown({ now: () => 1_000 })
    const statuses: number[] = []
    for (let i = 0; i < 70; i++) statuses.push((await ask(port, '/healthz')).status)
    expect(statuses.filter((status) => status === 200)).toHaveLength(60)
    const refused = await ask(port, '/healthz')
    expect(refused.status).toBe(429)
    expect(refused.headers['retry-after']).toBe('1')
  })
})

test('a hundred people behind one address load the page at once', async () => {
  const file = { type: 'text/css', etag: '"1"', plain: Buffer.from('a {}'), gzip: Buffer.from('') }
  const { port } = await shown({ now: () => 1_000, page: new Map([['/page.css', file]]) })
  const statuses: number[] = []
  for (let i = 0; i < 100; i++) statuses.push((await ask(port, '/page.css')).status)
  expect(statuses.filter((status) => status === 200)).toHaveLength(100)
})

describe('/api/roster', () => {
  test('says who is there, in the order of names', async () => {
    const addresses = (): readonly string[] => ['/ip4/192.0.2.1/tcp/8000']
    const beganAtMs = Date.now()
    const { roster, port } = await shown({ addresses })
    roster.join(bob, 'bob', { status: 'in the kitchen' })
    roster.join(anna, 'Anna', { source: 'directory-2' })
    await expect.poll(async () => JSON.parse((await ask(port, '/api/roster')).body).total).toBe(2)
    const { peers, directories, ...rest } = JSON.parse((await ask(port, '/api/roster')).body)
    expect(rest).toMatchObject({
      network: 'test',
      directory: 'directory-1',
      total: 2,
      matching: 2,
      addresses: addresses()
    })
    expect(peers).toMatchObject([
      {
        peer: anna.id,
        nickname: 'Anna',
        directories: ['directory-2'],
        path: 'lan',
        addresses: ['/ip4/192.0.2.7/tcp/4001']
      },
      { peer: bob.id, nickname: 'bob', status: 'in the kitchen', directories: ['directory-1'] }
    ])
    expect(peers[0].since).toBeGreaterThan(beganAtMs - 5_000)
    expect(peers[0].since).toBeLessThan(Date.now() + 5_000)
    expect(directories).toMatchObject([
      { directory: 'directory-1', state: 'here', peers: 1 },
      { directory: 'directory-2', state: 'alive', peers: 1 }
    ])
  })

  test('finds by a part of the name or the status, and by the beginning of the ID', async () => {
    const { roster, port } = await shown()
    roster.join(anna, 'Anna')
    roster.join(bob, 'bob', { status: 'with Anna' })
    roster.join(carol, 'carol')
    const found = async (query: string): Promise<unknown> => {
      const { peers, matching } = JSON.parse((await ask(port, `/api/roster?${query}`)).body)
      return [peers.map(({ nickname }: { nickname: string }) => nickname), matching]
    }
    await expect.poll(async () => found('q=')).toEqual([['Anna', 'bob', 'carol'], 3])
    expect(await found('q=ANN')).toEqual([['Anna', 'bob'], 2])
    expect(await found(`q=${carol.id.slice(0, 20)}`)).toEqual([['carol'], 1])
    expect(await found('q=ann&offset=1&limit=5')).toEqual([['bob'], 2])
    expect(await found('limit=1')).toEqual([['Anna'], 3])
    expect(await found('q=nobody')).toEqual([[], 0])
  })

  test.each(['limit=-1', 'limit=x', 'offset=1e3', 'limit=12345678901', `q=${'a'.repeat(65)}`])(
    'refuses %s',
    async (query) => {
      const { port } = await shown()
      const answer = await ask(port, `/api/roster?${query}`)
      expect(answer.status).toBe(400)
      expect(JSON.parse(answer.body).error).toMatch(/\d/u)
    }
  )

  test('is not sent twice to who has it', async () => {
    const { roster, port } = await shown()
    const first = await ask(port, '/api/roster')
    const headers = { 'if-none-match': String(first.headers.etag) }
    expect((await ask(port, '/api/roster', { headers })).status).toBe(304)
    roster.join(anna, 'anna')
    await expect.poll(async () => (await ask(port, '/api/roster', { headers })).status).toBe(200)
  })

  test('carries a name that is markup as it is, in JSON', async () => {
    const { roster, port } = await shown()
    roster.join(anna, '</script><script>alert(1)</script>')
    await expect.poll(async () => JSON.parse((await ask(port, '/api/roster')).body).total).toBe(1)
    const answer = await ask(port, '/api/roster')
    expect(answer.headers['content-type']).toBe('application/json; charset=utf-8')
    expect(JSON.parse(answer.body).peers[0].nickname).toBe('</script><script>alert(1)</script>')
  })
})

test('directories stand with their state; one that has been away for long is not shown', async () => {
  const { port } = await shown({
    federationPeers: () => [
      { directory: 'alive', alive: true, heardAgoMs: 400 },
      { directory: 'lost', alive: false, heardAgoMs: 60_000 },
      { directory: 'long gone', alive: false, heardAgoMs: 3_600_000 }
    ]
  })
  const { directories } = JSON.parse((await ask(port, '/api/roster')).body)
  expect(directories).toMatchObject([
    { directory: 'directory-1', state: 'here' },
    { directory: 'alive', state: 'alive', peers: 0 },
    { directory: 'lost', state: 'lost', peers: 0 }
  ])
})

test('/healthz says that all is well', async () => {
  const { port } = await shown()
  const answer = await ask(port, '/healthz')
  expect(answer.status).toBe(200)
  expect(JSON.parse(answer.body)).toMatchObject({ status: 'ok', network: 'test', peers: 0 })
})

test('a stop ends what is open, and a start after it begins anew', async () => {
  const { http, port } = await shown()
  const socket = await rawConnection(port)
  socket.write(`GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n`)
  await once(socket, 'data')
  const closed = once(socket.resume(), 'close')
  await http.stop()
  await closed
  expect(http.port).toBe(0)
  await http.start(0)
  expect((await ask(http.port, '/healthz')).status).toBe(200)
})
