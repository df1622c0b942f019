import { generateKeyPair } from '@libp2p/crypto/keys'
import type { Identify } from '@libp2p/identify'
import { createLibp2p, type Libp2p } from 'libp2p'
import { Socket } from 'node:net'
import { expect, onTestFinished, test, vi } from 'vitest'
import { commonServices, hostOptions } from '../../src/node/host.ts'

test('nobody is asked to identify himself without need, and whoever is asked answers', async () => {
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
  await vi.waitFor(() => expect(listener.getConnections()).toHaveLength(1))
  expect(timers.mock.calls.map(([ms]) => ms)).toEqual([0, 0])
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
