/**
 * Sockets beyond the files that the system lets a process have open: it ended with an error of the system, as a look at
 * the interfaces of the machine needs a file too, and where it did not end, nobody else came in.
 */
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { JsonParley, randomNetwork } from './json-parley.ts'

const network = randomNetwork()
const fewFiles = ['bash', '-c', 'ulimit -n 64; exec "$@"', 'few-files']
const sockets = new Set<Socket>()
let isOver = false
let victim: JsonParley
let friend: JsonParley

beforeAll(async () => {
  ;[victim, friend] = await Promise.all([
    JsonParley.start({ network, wrapper: fewFiles, args: ['--name', 'victim'] }),
    JsonParley.start({ network, args: ['--name', 'friend'] })
  ])
})

afterAll(async () => {
  isOver = true
  for (const socket of sockets) socket.destroy()
  await Promise.all([victim.stop(), friend.stop()])
})

/** Opens one, and another one when it was closed. */
function keepOpen(port: number): void {
  if (isOver) return
  const socket = connect({ host: '127.0.0.1', port, localAddress: '127.0.0.9' })
  sockets.add(socket)
  socket.on('error', () => undefined)
  socket.on('close', () => {
    sockets.delete(socket)
    setTimeout(() => keepOpen(port), 50)
  })
}

test('twice as many sockets as files end no node, and keep no friend out', async () => {
  const address = await victim.address()
  const { maxOpen, maxPending } = (await victim.ready())['connections'] as Readonly<Record<string, number>>
  expect((maxOpen ?? 64) + (maxPending ?? 64)).toBeLessThan(64)
  for (let count = 0; count < 128; count++) keepOpen(Number(address.split('/')[4]))
  await victim.until('the notice', () => victim.events.find(({ code }) => code === 'too-many-connections'))
  await friend.do({ do: 'chat', peer: address })
  await friend.do({ do: 'send', peer: address, text: 'hello' })
  const request = await victim.until('the request', () => victim.events.find(({ event }) => event === 'request'))
  expect(request).toMatchObject({ peer: await friend.peerId(), text: 'hello' })
})
