import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Identify } from '@libp2p/identify'
import { createLibp2p, type Libp2p } from 'libp2p'
import { byteStream } from '@libp2p/utils'
import { randomBytes } from 'node:crypto'
import { Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { eventually } from '../eventually.ts'
import { PING_ANSWER_RATE, PING_BYTES, PING_PROTOCOL } from '../../src/transport/ping-answers.ts'
import { commonServices, hostOptions } from '../../src/transport/host.ts'

test('no peer is asked to identify itself without need, and one that is asked answers', async () => {
  const [a, b] = [await host(), await host()]
  const identified: string[] = []
  a.addEventListener('peer:identify', () => identified.push('a of b'))
  b.addEventListener('peer:identify', () => identified.push('b of a'))
  const connection = await a.dial(b.getMultiaddrs())
  // One after the other: what was asked when the connection opened is answered before the second.
  for (let i = 0; i < 2; i++) {
    const { agentVersion, protocols } = await a.services.identify.identify(connection)
    expect([agentVersion?.split('/')[0], protocols.includes('/ipfs/id/1.0.0')]).toEqual(['parley', true])
  }
  expect(identified).toEqual(['a of b', 'a of b'])
})

test('no socket has a timer of its own, on either side: who is silent is found by one for all', async () => {
  const [dialler, listener] = [await host(), await host()]
  const timers = vi.spyOn(Socket.prototype, 'setTimeout')
  onTestFinished(() => timers.mockRestore())
  await dialler.dial(listener.getMultiaddrs())
  await eventually(() => expect(listener.getConnections()).toHaveLength(1))
  expect(timers.mock.calls.map(([ms]) => ms)).toEqual([0, 0])
})

test('pings of other programs are answered, and one after the other for as long as they come', async () => {
  const [asker, asked] = [await host(), await host()]
  const connection = await asker.dial(asked.getMultiaddrs())
  const pings = byteStream(await connection.newStream(PING_PROTOCOL))
  for (let count = 0; count < 3; count++) {
    const ping = randomBytes(PING_BYTES)
    await pings.write(ping)
    expect(Buffer.from((await pings.read({ bytes: PING_BYTES })).subarray())).toEqual(ping)
  }
})

test('who floods with pings loses the stream, and who asks without a pause is slowed', async () => {
  const [asker, asked] = [await host(), await host()]
  const connection = await asker.dial(asked.getMultiaddrs())
  const flood = await connection.newStream(PING_PROTOCOL)
  const ended = new Promise<void>((resolve) => flood.addEventListener('close', () => resolve()))
  flood.send(randomBytes(PING_BYTES * (PING_ANSWER_RATE.burst + 1)))
  await ended
  expect(flood.status).toBe('reset')

  const slow = byteStream(await connection.newStream(PING_PROTOCOL))
  const startedAtMs = performance.now()
  for (let count = 0; count < PING_ANSWER_RATE.burst + PING_ANSWER_RATE.perSecond / 4; count++) {
    await slow.write(randomBytes(PING_BYTES))
    await slow.read({ bytes: PING_BYTES })
  }
  expect(performance.now() - startedAtMs).toBeGreaterThan(200)
})

async function host(): Promise<Libp2p<{ identify: Identify }>> {
  const libp2p = await createLibp2p<{ identify: Identify }>({
    ...hostOptions({
      key: await generateKeyPair('Ed25519'),
      host: '127.0.0.1',
      port: 0,
      discovery: [],
      gater: {}
    }),
    services: commonServices
  })
  await libp2p.start()
  onTestFinished(() => libp2p.stop())
  return libp2p
}
