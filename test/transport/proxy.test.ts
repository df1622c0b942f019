/** A directory behind a TCP proxy: the PROXY protocol tells its clients apart, and no other sender's header counts. */
import { connect, createServer, type AddressInfo } from 'node:net'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { eventually } from '../eventually.ts'
import type { DirectoryGuest } from '../../src/node/index.ts'
import { Network } from '../node/network.ts'

const version1 = Buffer.from('PROXY TCP4 203.0.113.7 192.0.2.1 51000 8000\r\n', 'latin1')
const version2 = Buffer.from('0d0a0d0a000d0a515549540a2111000ccb007107c0000201c7381f40', 'hex')

/** Forwards each connection behind the header, from this address; in two pieces, as a network may cut it. */
async function proxy(options: {
  readonly from: string
  readonly to: number
  readonly header: Buffer
}): Promise<number> {
  const server = createServer((client) => {
    const upstream = connect({ host: '127.0.0.1', port: options.to, localAddress: options.from, noDelay: true })
    for (const [one, other] of [
      [client, upstream],
      [upstream, client]
    ] as const) {
      one.on('error', () => other.destroy())
      one.on('close', () => other.destroy())
    }
    upstream.write(options.header.subarray(0, 20))
    setImmediate(() => {
      upstream.write(options.header.subarray(20))
      client.pipe(upstream)
      upstream.pipe(client)
    })
  })
  server.listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  const { port } = server.address() as AddressInfo
  return port
}

test.each([
  ['1', version1],
  ['2', version2]
])(
  'a client that a trusted proxy forwards with version %s is registered with its own address',
  async (_version, header) => {
    const net = await Network.create()
    onTestFinished(async () => net[Symbol.asyncDispose]())
    const directory = await net.directory(0, { trustedProxy: ['127.0.0.9'] })
    const guests: DirectoryGuest[] = []
    directory.addEventListener('ready', ({ detail }) => guests.push(detail))
    const port = await proxy({ from: '127.0.0.9', to: directory.port, header })
    const anna = await net.peer('anna', { directory: [`127.0.0.1:${port}`] })
    await eventually(() => expect(guests).toHaveLength(1))
    expect(guests[0]).toMatchObject({ nickname: 'anna', peer: anna.self.peerId, from: '203.0.113.7' })
    // Without a proxy in between the address is that of the socket, as ever.
    await net.peer('bob', { directory: [`127.0.0.1:${directory.port}`] })
    await eventually(() => expect(guests).toHaveLength(2))
    expect(guests[1]).toMatchObject({ nickname: 'bob', from: undefined })
  }
)

test('a header from an address that is not trusted ends the connection; so does a missing one from one that is; both are reported', async () => {
  const net = await Network.create()
  onTestFinished(async () => net[Symbol.asyncDispose]())
  const directory = await net.directory(0, { trustedProxy: ['127.0.0.9'] })
  const reports: string[] = []
  directory.addEventListener('misbehaviour', ({ detail }) => reports.push(detail.text))
  const sends = async (from: string, bytes: Buffer): Promise<Buffer> => {
    const socket = connect({ host: '127.0.0.1', port: directory.port, localAddress: from })
    onTestFinished(() => void socket.destroy())
    const received: Buffer[] = []
    socket.on('data', (chunk) => received.push(chunk))
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    socket.on('error', () => undefined)
    socket.on('close', () => resolve())
    socket.write(bytes)
    await closed
    return Buffer.concat(received)
  }
  const proposal = Buffer.from('\u0013/multistream/1.0.0\n\u0007/noise\n')
  expect((await sends('127.0.0.8', Buffer.concat([version1, proposal, proposal]))).byteLength).toBe(0)
  expect((await sends('127.0.0.9', proposal)).byteLength).toBe(0)
  await eventually(() =>
    expect(reports.filter((text) => text.includes('127.0.0.9'))).toEqual([
      expect.stringContaining('began without the PROXY header that --trusted-proxy asks of its address')
    ])
  )
})
