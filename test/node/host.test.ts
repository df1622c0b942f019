import { generateKeyPair } from '@libp2p/crypto/keys'
import { Socket } from 'node:net'
import { createLibp2p } from 'libp2p'
import { expect, it, onTestFinished, vi } from 'vitest'
import { hostOptions } from '../../src/node/host.ts'

it('no socket has a timer of its own, on either side: who is silent is found by one for all', async () => {
  const node = async () => {
    const limits = { maxConnections: 10, maxPendingInboundConnections: 10, discovery: [], gater: {} }
    const libp2p = await createLibp2p(
      hostOptions({ key: await generateKeyPair('Ed25519'), host: '127.0.0.1', port: 0, ...limits })
    )
    onTestFinished(async () => libp2p.stop())
    await libp2p.start()
    return libp2p
  }
  const [dialler, listener] = [await node(), await node()]
  const timers = vi.spyOn(Socket.prototype, 'setTimeout')
  onTestFinished(() => timers.mockRestore())
  await dialler.dial(listener.getMultiaddrs())
  await vi.waitFor(() => expect(listener.getConnections()).toHaveLength(1))
  expect(timers.mock.calls.map(([ms]) => ms)).toEqual([0, 0])
})
