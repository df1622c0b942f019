import { noise } from '@chainsafe/libp2p-noise'
import { Socket } from 'node:net'
import { createLibp2p } from 'libp2p'
import { expect, it, onTestFinished, vi } from 'vitest'
import { gatheringTcp } from '../../src/node/gathering-tcp.ts'
import { boundedYamux } from '../../src/wire/index.ts'

const PROTOCOL = '/gathering-test/1.0.0'

async function node() {
  const libp2p = await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [gatheringTcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [boundedYamux()],
    connectionMonitor: { enabled: false }
  })
  onTestFinished(async () => libp2p.stop())
  return libp2p
}

it('writes what is sent in one turn in one call, and every byte of it', async () => {
  const [dialer, listener] = [await node(), await node()]
  const received: number[] = []
  await listener.handle(PROTOCOL, (stream) => {
    stream.addEventListener('message', ({ data }) => received.push(...data.subarray()))
  })
  const stream = await dialer.dialProtocol(listener.getMultiaddrs(), PROTOCOL)
  // A socket writes what was gathered by its _writev, which its type does not show.
  const sockets = Socket.prototype as unknown as { _writev(all: readonly unknown[], done: () => void): void }
  const writes = vi.spyOn(sockets, '_writev')
  onTestFinished(() => writes.mockRestore())
  const sent = Array.from({ length: 50 }, (_, i) => i)
  for (const byte of sent) stream.send(Uint8Array.of(byte))
  await vi.waitFor(() => expect(received).toEqual(sent))
  expect(Math.max(...writes.mock.calls.map(([all]) => all.length))).toBeGreaterThanOrEqual(sent.length)
})
