import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { openTunnel, ProxyError } from '../../../src/transport/websocket/http-proxy.ts'

/** A proxy that gives this answer to each request. */
async function answering(answer: string): Promise<{ readonly port: number; readonly requests: string[] }> {
  const requests: string[] = []
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.once('data', (bytes) => {
      requests.push(bytes.toString('latin1'))
      socket.write(answer, 'latin1')
      if (answer === '') socket.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  return { port: (server.address() as AddressInfo).port, requests }
}

async function tunnel(port: number, credentials?: string): Promise<Socket> {
  const proxy = { host: '127.0.0.1', port, ...(credentials === undefined ? {} : { credentials }) }
  const socket = await openTunnel(
    { host: 'directory.example', port: 443 },
    { proxy, signal: AbortSignal.timeout(60_000), lookup: undefined }
  )
  onTestFinished(() => void socket.destroy())
  return socket
}

test('the name of the host and the password go to the proxy, which makes the tunnel', async () => {
  const { port, requests } = await answering('HTTP/1.1 200 Connection established\r\n\r\n')
  await tunnel(port, 'anna:secret')
  expect(requests[0]).toMatch(/^CONNECT directory\.example:443 HTTP\/1\.1\r\nHost: directory\.example:443\r\n/u)
  expect(requests[0]).toContain(`Proxy-Authorization: Basic ${Buffer.from('anna:secret').toString('base64')}\r\n`)
})

test.each([
  ['HTTP/1.1 407 Proxy Authentication Required\r\n\r\n', 'answered 407', 407],
  ['HTTP/1.0 403 Filtered\r\n\r\n', 'answered 403', 403],
  ['220 mail.example ESMTP\r\n\r\n', 'does not answer in HTTP', undefined],
  ['HTTP/1.1 200 OK\r\n\r\nmore', 'sent more than an answer', undefined],
  [`HTTP/1.1 200 OK\r\n${'a: b\r\n'.repeat(9_000)}`, 'does not answer in HTTP', undefined],
  ['', 'closed the connection', undefined]
])('an answer that is no tunnel says why: %#', async (answer, what, status) => {
  const { port } = await answering(answer)
  const error: unknown = await tunnel(port, 'anna:secret').catch((one: unknown) => one)
  expect(error).toBeInstanceOf(ProxyError)
  expect(error).toMatchObject({ message: expect.stringContaining(`the proxy 127.0.0.1:${port} ${what}`), status })
  expect(String(error)).not.toContain('secret')
})
