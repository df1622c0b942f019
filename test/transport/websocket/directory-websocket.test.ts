/** A directory that listens for WebSockets: clients reach it, and are told apart by their proxy. */
import { createServer, connect, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../../eventually.ts'
import { names, Network } from '../../node/network.ts'
import { freePort } from '../../processes/ports.ts'
import type { SettingName } from '../../../src/node/index.ts'

async function behindWebSocket(flags: Partial<Record<SettingName, string | readonly string[]>> = {}) {
  const net = await Network.create()
  onTestFinished(async () => net[Symbol.asyncDispose]())
  const wsPort = await freePort()
  const directory = await net.directory(0, { wsPort: String(wsPort), ...flags })
  const guests: { nickname: string; from?: string | undefined }[] = []
  const reports: string[] = []
  directory.addEventListener('ready', ({ detail: { nickname, from } }) => guests.push({ nickname, from }))
  directory.addEventListener('misbehaviour', ({ detail: { text } }) => reports.push(text))
  return { net, directory, wsPort, guests, reports }
}

/** A web server that forwards one request on each connection, with this header in it, from this address. */
async function webServer(options: { readonly from: string; readonly to: number; readonly header: string }) {
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port: options.to, localAddress: options.from })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
    upstream.pipe(client)
    client.once('data', (request: Buffer) => {
      const end = request.indexOf('\r\n\r\n')
      upstream.write(Buffer.concat([request.subarray(0, end), Buffer.from(options.header), request.subarray(end)]))
      client.pipe(upstream)
    })
  })
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return (server.address() as AddressInfo).port
}

/** All that answers to these bytes. */
async function answerTo(port: number, bytes: string, from = '127.0.0.1'): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, localAddress: from })
  onTestFinished(() => void socket.destroy())
  const received: Buffer[] = []
  socket.on('data', (chunk) => received.push(chunk))
  socket.on('error', () => undefined)
  socket.write(bytes, 'latin1')
  await once(socket, 'close')
  return Buffer.concat(received).toString('latin1')
}

const upgrade = [
  'GET / HTTP/1.1',
  'Host: directory.example',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
].join('\r\n')

test('two peers that reach the directory by WebSocket are on its roster', async () => {
  const { net, wsPort } = await behindWebSocket()
  const anna = await net.peer('anna', { directory: [`ws://127.0.0.1:${wsPort}`] })
  const bob = await net.peer('bob', { directory: [`ws://127.0.0.1:${wsPort}/any/path`], accept: 'all' })
  await eventually(() => {
    expect(names(anna)).toEqual(['bob'])
    expect(names(bob)).toEqual(['anna'])
  })
  expect(anna.directories.views()).toMatchObject([{ address: `ws://127.0.0.1:${wsPort}/`, state: 'connected' }])
})

test('a client has the address that a trusted proxy appends, and none that it has written itself', async () => {
  const { net, wsPort, guests } = await behindWebSocket({ trustedProxy: ['127.0.0.9'] })
  const header = '\r\nX-Forwarded-For: 198.51.100.1, 203.0.113.7'
  const port = await webServer({ from: '127.0.0.9', to: wsPort, header })
  await net.peer('anna', { directory: [`ws://127.0.0.1:${port}`] })
  await eventually(() => expect(guests).toEqual([{ nickname: 'anna', from: '203.0.113.7' }]))
  // From elsewhere the header means nothing.
  const untrusted = await webServer({ from: '127.0.0.8', to: wsPort, header })
  await net.peer('bob', { directory: [`ws://127.0.0.1:${untrusted}`] })
  await eventually(() => expect(guests[1]).toEqual({ nickname: 'bob', from: undefined }))
})

test('a trusted proxy that names nobody is refused, and reported', async () => {
  const { wsPort, reports } = await behindWebSocket({ trustedProxy: ['127.0.0.9'] })
  expect(await answerTo(wsPort, `${upgrade}\r\n\r\n`, '127.0.0.9')).toMatch(/^HTTP\/1\.1 400 /u)
  await eventually(() => expect(reports).toEqual([expect.stringContaining('without the header X-Forwarded-For')]))
})

test('pages in browsers, and requests for a page, are answered in words and let go', async () => {
  const { wsPort } = await behindWebSocket()
  expect(await answerTo(wsPort, `${upgrade}\r\nOrigin: https://evil.example\r\n\r\n`)).toMatch(/^HTTP\/1\.1 403 /u)
  const page = await answerTo(wsPort, 'GET / HTTP/1.1\r\nHost: directory.example\r\n\r\n')
  expect(page).toMatch(/^HTTP\/1\.1 426 /u)
  expect(page).toContain('This is a directory of Parley')
})

test('a request without an end, and one that takes too long, are ended', async () => {
  const { wsPort } = await behindWebSocket()
  expect(await answerTo(wsPort, `GET / HTTP/1.1\r\nX: ${'a'.repeat(10_000)}`)).toMatch(/^HTTP\/1\.1 400 /u)
  expect(await answerTo(wsPort, 'GET / HTTP/1.1\r\nHost: ')).toBe('')
})

test('frames that break the rules are reported, and end their connection alone', async () => {
  const { net, wsPort, reports } = await behindWebSocket()
  const anna = await net.peer('anna', { directory: [`ws://127.0.0.1:${wsPort}`] })
  // Not masked.
  expect(await answerTo(wsPort, `${upgrade}\r\n\r\n\u0082\u0001a`)).toMatch(/^HTTP\/1\.1 101 /u)
  await eventually(() => expect(reports).toEqual([expect.stringContaining('that is not masked')]))
  expect(anna.directories.views()).toMatchObject([{ state: 'connected' }])
})
