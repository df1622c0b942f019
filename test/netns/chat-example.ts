// A program for a host of the test LAN, in the manner of js-libp2p's chat
// example: found, and finding others, by libp2p's own mDNS service. Argument:
// `listener` waits to be dialled; `dialer` dials whom it finds and says hello.
// Prints `peer ID`, and `> TEXT` for each text that it gets.
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Stream } from '@libp2p/interface'
import { mdns } from '@libp2p/mdns'
import { tcp } from '@libp2p/tcp'
import { lpStream } from '@libp2p/utils'
import { createLibp2p } from 'libp2p'

const chatProtocol = '/chat/1.0.0'
const [role] = process.argv.slice(2)

async function readAll(stream: Stream): Promise<void> {
  const texts = lpStream(stream)
  for (;;) process.stdout.write(`> ${Buffer.from((await texts.read()).subarray()).toString()}`)
}

const node = await createLibp2p({
  start: false,
  addresses: { listen: ['/ip4/0.0.0.0/tcp/0'] },
  transports: [tcp()],
  connectionEncrypters: [noise()],
  streamMuxers: [yamux()],
  peerDiscovery: [mdns()]
})
if (role === 'listener') await node.handle(chatProtocol, (stream) => void readAll(stream))
else {
  node.addEventListener('peer:discovery', ({ detail }) => {
    node
      .dialProtocol(detail.multiaddrs, chatProtocol)
      .then(async (stream) => {
        await lpStream(stream).write(Buffer.from('hello from the example\n'))
        await readAll(stream)
      })
      .catch((error: unknown) => process.stderr.write(`could not chat: ${String(error)}\n`))
  })
}
await node.start()
process.stdout.write(`peer ${node.peerId.toString()}\n`)
